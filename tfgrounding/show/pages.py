"""What every page that we write shares: escaped text, the pieces of style and script, what a browser may load."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files

from ..types import Evidence, Moment
from .evidence import quotable
from .exports.common import short_clock

NAME_COLUMNS = 60  # of a query in the name of a button


def safe(text: str) -> str:
    """Text for HTML content and quoted attributes; lone surrogates of undecodable file names become question marks."""
    return escape(text.encode("utf-8", "replace").decode(), quote=True)


def page_piece(name: str) -> str:
    """A file of the folder report_page."""
    return (files(__package__) / "report_page" / name).read_text(encoding="utf-8")


def data_url(kind: str, content: bytes) -> str:
    """A file as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def content_policy(script: str) -> str:
    """What a browser may do with a page: run this one script and load nothing, even if a text had found its way past
    the escaping.

    Args:
        script: all between <script> and </script> but for the line breaks around it.
    """
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "media-src data: file: 'self'; base-uri 'none'; form-action 'none'"
    )


def stretch(part: Moment | Evidence) -> str:
    """From when to when, on the clock."""
    return f"{short_clock(part.start_seconds)} to {short_clock(part.end_seconds)}"


def play_button(part: Moment | Evidence, kind: str, content: str, name: str, *, style: str = "") -> str:
    """A button that plays a part of the video.

    Args:
        part: what is played.
        kind: the button's classes.
        content: what is in the button, as HTML.
        name: what is played, for screen readers and the line below the player; its times are added.
        style: where the button stands.
    """
    label = safe(f"{name}, {stretch(part)}")
    place = f" style='{style}'" if style else ""
    return (
        f"<button type='button' class='{kind}' data-start='{part.start_seconds:.6f}' "
        f"data-end='{part.end_seconds:.6f}' data-label='{label}' title='{label}' "
        f"aria-label='Play {label}' aria-pressed='false'{place}>{content}</button>"
    )


def moment_name(rank: int, query: str) -> str:
    """What to call a moment where several queries stand on one page."""
    return f"moment {rank} of “{quotable(query, columns=NAME_COLUMNS)}”"
