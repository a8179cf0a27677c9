"""Queries in a language that an encoder does not read: found, and said in the answer."""

from __future__ import annotations

from ..encoders.base import Encoder, only_language
from ..tracks.asked_for import is_latin
from ..tracks.detected_language import other_language
from ..tracks.languages import language_name

MANY_LANGUAGES = "siglip:google/siglip2-base-patch16-224"  # an encoder that reads a hundred of them


def unread_language(encoder: Encoder, query: str) -> str:
    """The ISO 639-1 code of the language of a query that the encoder surely does not read; "" where it may read it."""
    reads = only_language(encoder)
    if not reads:
        return ""
    found = other_language(query)
    if not found and reads == "zh" and is_latin((query,)):
        found = "en"
    return "" if found == reads else found


def note_of_unread(encoder: Encoder, query: str) -> str:
    """What an answer by pictures says about such a query, and what to do; "" where there is nothing to say."""
    found = unread_language(encoder, query)
    if not found:
        return ""
    return (
        f"{seems_to_be(found)}, but the encoder {encoder.name} reads {language_name(only_language(encoder))} only, so "
        "these moments mean little: translate the query, let a language model do so (--planner llm), or use an "
        f"encoder of many languages, such as {MANY_LANGUAGES}"
    )


def seems_to_be(code: str) -> str:
    """ "the query seems to be in German"."""
    return f"the query seems to be in {language_name(code)}"
