"""Texts -> tokens as the authors of a model prepare them: case, length, padding; and a note where a text was cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EncoderError

LONGEST_TEXT = 10_000  # characters; many times what any encoder reads, and few enough to be tokenized at once
SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class TextRules:
    """How texts were prepared in training.

    `longest`: tokens at most, those that begin and end a text counted; None: as many as the model has positions.
    `fills`: shorter texts are padded to that length, and the model sees the padding. `lower_case`: texts are given in
    lower case, which not every tokenizer sees to. `tokenizer`: its class, where the folder names none that exists.
    """

    longest: int | None = None
    fills: bool = False
    lower_case: bool = False
    tokenizer: str = "AutoTokenizer"


RULES = {  # by model_type; other families read as many tokens as they have positions
    "align": TextRules(64),  # AlignProcessor
    "altclip": TextRules(77),  # FlagAI's examples
    "blip-2": TextRules(35),  # LAVIS where it measures retrieval, and TFVTG
    "chinese_clip": TextRules(52),  # the authors' `tokenize`
    "LanguageBindVideo": TextRules(77, tokenizer="CLIPTokenizerFast"),  # its own class is CLIP's under another name
    "siglip": TextRules(fills=True, lower_case=True),  # big_vision: no mask; the vector is read off the last position
    "tipsv2": TextRules(lower_case=True),
}


# How many tokens BERT, BLIP-2, MPNet, CLIP, RoBERTa and ModernBERT know; their vocabularies are made of English texts.
ENGLISH_VOCABULARIES = frozenset({28996, 30522, 30523, 30524, 30527, 49408, 50265, 50368})
ENGLISH_VOCABULARIES_OF = {"open_clip": 32000, "siglip": 32000, "tipsv2": 32000}  # those of other families are not


def language_of_model(family: str, vocabulary: int) -> str:
    """The only language that a model reads, by the size of its vocabulary; "" for several, or where that is not known.

    Args:
        family: its `model_type`.
        vocabulary: how many tokens its part for texts has.
    """
    if family == "chinese_clip":
        return "zh"
    is_english = vocabulary in ENGLISH_VOCABULARIES or vocabulary == ENGLISH_VOCABULARIES_OF.get(family)
    return "en" if is_english else ""


class TextReader:
    """The tokenizer of a checkpoint, used as its authors use it.

    Args:
        folder: the checkpoint.
        family: its `model_type`.
        config: the configuration of the part that reads texts.
        most: tokens that are read at most, where the model allows more.

    Attributes:
        longest: the longest text in tokens; what is longer is cut off.
        language: the only one that the model reads, see `language_of_model`.

    Raises:
        EncoderError: the tokenizer is not that of this model.
    """

    def __init__(self, folder: Path, family: str, config: Any, most: int | None = None) -> None:
        import transformers

        self._rules = RULES.get(family, TextRules())
        try:
            tokenizer = getattr(transformers, self._rules.tokenizer)
            self._tokenizer = tokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            self._tokenizer.padding_side = "right"
        except Exception as error:  # the parsers of vocabularies raise errors of many kinds
            reason = " ".join(str(error).split())[:200]
            raise EncoderError(
                f"{folder}: its tokenizer cannot be loaded: vocabulary files are missing or damaged "
                f"({type(error).__name__}: {reason})"
            ) from error
        self._words = config.vocab_size
        self.language = language_of_model(family, self._words)
        if len(self._tokenizer) < self._words / 2:
            raise EncoderError(
                f"{folder}: its tokenizer knows {len(self._tokenizer)} tokens, but its model {self._words}: "
                "vocabulary files are missing, or they are those of another model"
            )
        self.longest = int(min(self._rules.longest or _positions(config), self._tokenizer.model_max_length))
        self.longest = self.longest if most is None else min(self.longest, most)
        if self.longest < 3:
            raise EncoderError(f"{folder}: its tokenizer file allows texts of {self.longest} tokens only")

    def tokens(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """N texts -> the model's inputs by name, (N, L) each: cut off at `longest`, padded to one length.

        Raises:
            EncoderError: a text holds a token that the model does not have.
        """
        padding = "max_length" if self._rules.fills else True
        rows = self._tokenizer(
            [self._prepared(text) for text in texts], padding=padding, max_length=self.longest, truncation=True
        )
        if (highest := max(map(max, rows["input_ids"]))) >= self._words:
            token = self._tokenizer.convert_ids_to_tokens(highest)
            raise EncoderError(f"the model does not know the token {token!r}; leave it out of the text")
        mask = {} if self._rules.fills else {"attention_mask": rows["attention_mask"]}
        return {"input_ids": rows["input_ids"], **mask}

    def notes(self, texts: Sequence[str]) -> list[str]:
        """A sentence about each text that is cut off."""
        counts = [
            len(self._tokenizer(self._prepared(text), truncation=False, verbose=False)["input_ids"]) for text in texts
        ]
        return notes_of_cuts(texts, counts, self.longest)

    def _prepared(self, text: str) -> str:
        text = bounded(text)
        return text.lower() if self._rules.lower_case else text


def bounded(text: str) -> str:
    """The text's beginning, at most LONGEST_TEXT characters, as valid Unicode."""
    return text[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def notes_of_cuts(texts: Sequence[str], counts: Sequence[int], longest: int) -> list[str]:
    """A sentence about each text that an encoder does not read to its end.

    Args:
        texts: as they were given.
        counts: how many tokens each has within LONGEST_TEXT characters.
        longest: how many the encoder reads.
    """
    notes = []
    for text, count in zip(texts, counts, strict=True):
        shown = repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}...")
        more = "more than " if len(text) > LONGEST_TEXT else ""
        if count > longest:
            notes.append(f"the encoder read only the first {longest} of {more}{count} tokens of {shown}")
        elif more:
            notes.append(f"the encoder read only the first {LONGEST_TEXT} of {len(text)} characters of {shown}")
    return notes


def _positions(config: Any) -> int:
    """How many tokens the model has positions for. RoBERTa numbers them from behind its padding token's id."""
    count: int = config.max_position_embeddings
    if "roberta" in config.model_type or config.model_type in ("altclip_text_model", "camembert"):
        count -= config.pad_token_id + 1
    return count
