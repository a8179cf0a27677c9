"""What is said, written or described in a video: texts with times, who made them, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal, get_args

from ..errors import TrackError, in_one_line

TextKind = Literal["said", "written", "described"]
TEXT_KINDS: tuple[TextKind, ...] = get_args(TextKind)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that is said, and when, in seconds from the video's first frame, half-open."""

    start_seconds: float
    end_seconds: float
    text: str

    def __post_init__(self) -> None:
        if not (isfinite(self.start_seconds) and isfinite(self.end_seconds) and self.start_seconds <= self.end_seconds):
            raise TrackError(f"a word needs two finite times in order, not {self.start_seconds} and {self.end_seconds}")


@dataclass(frozen=True, slots=True)
class TimedText:
    """A text and when it is said or shown, in seconds from the video's first frame, half-open.

    `confidence`: how probable it is that the text was read or heard rightly, from 0 to 1; None where nothing says so.
    `words`: the words of a text that was heard, each with its own times.
    """

    start_seconds: float
    end_seconds: float
    text: str
    confidence: float | None = None
    words: tuple[Word, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))
        if not (isfinite(self.start_seconds) and isfinite(self.end_seconds)):
            raise TrackError(f"a text needs two finite times, not {self.start_seconds} and {self.end_seconds}")
        if not self.start_seconds < self.end_seconds:
            raise TrackError(
                f"a text must end after it starts, not at {self.end_seconds} s after {self.start_seconds} s"
            )
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise TrackError(f"the confidence of a text must be from 0 to 1, not {self.confidence}")


@dataclass(frozen=True, slots=True)
class TextTrack:
    """The texts of one kind of one video, in order of time.

    `source`: where they come from, as a person reads it ("subtitles talk.en.srt", "speech", "screen"). `revision`: what
    decides them beside the video: models, versions, settings. `language`: as ISO 639-1 says it, "" where it is not
    known. `warnings`: what was left out, or is doubtful.
    """

    kind: TextKind
    texts: tuple[TimedText, ...]
    source: str
    revision: str
    language: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in TEXT_KINDS:
            raise TrackError(f"the kind of a text track must be one of {', '.join(TEXT_KINDS)}, not {self.kind!r}")
        object.__setattr__(self, "texts", tuple(sorted(self.texts, key=lambda t: (t.start_seconds, t.end_seconds))))
        object.__setattr__(self, "warnings", tuple(self.warnings))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def rows(self) -> list[tuple[float, float, str]]:
        """(start_seconds, end_seconds, text) each, as `ground_texts` takes them."""
        return [(text.start_seconds, text.end_seconds, text.text) for text in self.texts]

    def to_dict(self) -> dict[str, Any]:
        """The track as plain JSON types; `from_dict` reads it back."""
        return {
            "kind": self.kind,
            "source": self.source,
            "revision": self.revision,
            "language": self.language,
            "warnings": list(self.warnings),
            "texts": texts_to_json(self.texts),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TextTrack:
        """The track that `to_dict` wrote. Raises TrackError where it is no such track."""
        try:
            return cls(
                kind=data["kind"],
                texts=texts_from_json(data["texts"]),
                source=_text(data["source"]),
                revision=_text(data["revision"]),
                language=_text(data.get("language", "")),
                warnings=tuple(map(_text, data.get("warnings", ()))),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise TrackError(f"this is no text track ({in_one_line(error)})") from error


def texts_to_json(texts: Sequence[TimedText]) -> list[dict[str, Any]]:
    """Texts as plain JSON types, without what is not known of them."""
    return [{name: value for name, value in asdict(text).items() if value not in (None, ())} for text in texts]


def texts_from_json(data: Any) -> tuple[TimedText, ...]:
    """The texts of `texts_to_json`. Raises KeyError, TypeError, ValueError or TrackError where they are none."""
    return tuple(
        TimedText(
            float(row["start_seconds"]),
            float(row["end_seconds"]),
            _text(row["text"]),
            None if row.get("confidence") is None else float(row["confidence"]),
            tuple(
                Word(float(word["start_seconds"]), float(word["end_seconds"]), _text(word["text"]))
                for word in row.get("words", ())
            ),
        )
        for row in data
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not a text")
    return value
