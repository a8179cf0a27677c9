"""The values that travel from one package to the next: frozen, checked when built, plain to print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

import numpy as np

from .errors import PlanError

if TYPE_CHECKING:
    import av.video.frame

Relation = Literal["single-query", "sequentially", "simultaneously"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
Wants = Literal["moments", "number", "length", "time until"]
WANTS: tuple[Wants, ...] = get_args(Wants)
TrackKind = Literal["shown", "said", "written", "described", "heard"]
TRACK_KINDS: tuple[TrackKind, ...] = get_args(TrackKind)
Progress = Callable[[float, float], None]  # called with (how much is done, how much there is in all)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a container says about its video stream.

    `duration_seconds` counts from the first frame to the end of the last one; 0 < duration. `frame_rate_hz` is the
    stream's average rate, None where the container does not state it. Width and height are those on screen (rotated).
    `start_offset_seconds`: how much later than the file's start, from which players count, the first frame is shown.
    `start_timecode`: the file's own name for its start, as HH:MM:SS:FF, or HH:MM:SS;FF where frames are dropped.
    """

    path: str
    duration_seconds: float
    width: int
    height: int
    frame_rate_hz: float | None = None
    rotation_degrees: int = 0
    codec: str = ""
    warnings: tuple[str, ...] = ()
    start_offset_seconds: float = 0.0
    start_timecode: str | None = None


class Turn(NamedTuple):
    """What puts a stored picture upright: it is mirrored left to right, then turned counter-clockwise."""

    quarters: int = 0
    is_mirrored: bool = False


class Shot(NamedTuple):
    """A picture as it was decoded, and when it is on screen, in seconds from the video's first frame, half-open."""

    start_seconds: float
    end_seconds: float
    frame: av.video.frame.VideoFrame
    turn: Turn = Turn()


class Shots:
    """The pictures of a source in order of time: an iterator of Shot.

    Args:
        read: a generator function; it is given a list, to which it adds what could not be read, in words: something
            as soon as anything is missing, all of it at the end.
    """

    def __init__(self, read: Callable[[list[str]], Iterator[Shot]]) -> None:
        self._warnings: list[str] = []
        self._shots = read(self._warnings)

    def __iter__(self) -> Iterator[Shot]:
        return self

    def __next__(self) -> Shot:
        return next(self._shots)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be read; complete after the last picture."""
        return tuple(self._warnings)


class Source(Protocol):
    """A video: a file, a folder or list of pictures, or an array. It can be read any number of times, by any thread."""

    @property
    def name(self) -> str:
        """Its path as it was given, or a label."""

    @property
    def info(self) -> VideoInfo:
        """What it states about itself; read once and remembered. Raises VideoError."""

    @property
    def identity(self) -> tuple[Any, ...]:
        """What stays the same for as long as the content does, quick to get: `FileStamp`s of the files that are read,
        and what decides how they are read. Raises VideoError."""

    def shots(
        self, *, rate_hz: float | None = None, start_seconds: float = 0.0, end_seconds: float | None = None
    ) -> Shots:
        """Its pictures in order of time.

        Args:
            rate_hz: pictures may be left out that are on screen at none of the instants (k + 1/2) / rate_hz; None
                leaves none out.
            start_seconds, end_seconds: only pictures on screen in [start, end); None reads to the end.

        Raises:
            VideoError: it cannot be read.
        """

    def digest(self) -> str:
        """SHA-256 of the content and of what decides its times. Raises VideoError."""

    def to_dict(self) -> dict[str, Any]:
        """How to open it again with `media.open_source`, as plain JSON types."""


@dataclass(frozen=True, slots=True)
class Frames:
    """A run of sampled frames.

    `pixels`: (T, H, W, 3) uint8 RGB. `pts_seconds`: (T,) float64, when each picture came on screen, counted from the
    stream's first frame and read from its time stamps. `sample_seconds`: (T,) float64, the instants at which the
    video was looked at, (k + 1/2) / rate_hz: a picture that stays on screen is seen at several of them.
    """

    pixels: np.ndarray
    pts_seconds: np.ndarray
    sample_seconds: np.ndarray

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[-1] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be (T, H, W, 3) uint8, not {self.pixels.shape} {self.pixels.dtype}")
        if not len(self.pixels) == len(self.pts_seconds) == len(self.sample_seconds):
            raise ValueError(
                f"{len(self.pixels)} frames with {len(self.pts_seconds)} time stamps and "
                f"{len(self.sample_seconds)} sampling instants"
            )

    def __len__(self) -> int:
        return len(self.pixels)

    def __repr__(self) -> str:
        span = f"{self.pts_seconds[0]:.3f}-{self.pts_seconds[-1]:.3f} s" if len(self) else "empty"
        return f"Frames(pixels={self.pixels.shape}, {span})"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class VideoFeatures:
    """A video after encoding; what `Grounder.encode_video` returns and `Grounder.ground` takes in place of a path.

    `vectors`: (T, Q, D) float32 unit vectors, Q per frame. `frame_vectors`: (T, D), their mean over Q.
    `pts_seconds`, `sample_seconds`: (T,) as in `Frames`. `source`: the video itself, None where only the features are
    given. `edges_seconds`: (T + 1,), vector t is of the time from edges[t] to edges[t + 1]; None: the borders lie half
    way between the samples.
    """

    vectors: np.ndarray
    pts_seconds: np.ndarray
    sample_seconds: np.ndarray
    info: VideoInfo
    encoder: str
    revision: str
    rate_hz: float
    source: Source | None = field(default=None, repr=False)
    edges_seconds: np.ndarray | None = field(default=None, repr=False)
    frame_vectors: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 3 or len(self.vectors) != len(self.pts_seconds):
            raise ValueError(f"vectors must be (T, Q, D) for {len(self.pts_seconds)} frames, not {self.vectors.shape}")
        mean = self.vectors[:, 0] if self.vectors.shape[1] == 1 else self.vectors.mean(axis=1)
        object.__setattr__(self, "frame_vectors", mean)

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"VideoFeatures({self.vectors.shape}, {self.encoder}, {self.info.duration_seconds:.2f} s)"


@dataclass(frozen=True, slots=True)
class SubEvent:
    """One simple event of a query, said in one or more ways; the first description is the main one.

    `asks`: the track that is asked first ("said", "written"), "" where the event may be in any. `words`: what is said
    or written in it, without "she says", "the sign that reads" or quotation marks. `negated`: looked for is a time at
    which it does not happen; the descriptions say what does not.
    """

    descriptions: tuple[str, ...]
    asks: TrackKind | Literal[""] = ""
    words: str = ""
    negated: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "descriptions", tuple(self.descriptions))
        _check_asked(self.asks, self.words)
        _check_negated(self.negated)
        if not self.descriptions or not all(isinstance(d, str) and d.strip() for d in self.descriptions):
            raise PlanError("a sub-event needs at least one description, and none may be empty")


@dataclass(frozen=True, slots=True)
class Plan:
    """A query, its other wordings, its simple events in order, and how these relate in time (TFVTG, section 3.1).

    `original`: what the user wrote, where `query`, which the encoder is to read, is something else: a translation, a
    question as a statement, what a negated query says is not there. `asks`, `words` and `negated`: as in `SubEvent`,
    for the whole query. `wants`: what a question asks for: when it happens, how often, for how long, or how long until
    then.
    """

    query: str
    paraphrases: tuple[str, ...] = ()
    sub_events: tuple[SubEvent, ...] = ()
    relation: Relation = "single-query"
    source: str = ""
    warnings: tuple[str, ...] = ()
    original: str = ""
    asks: TrackKind | Literal[""] = ""
    words: str = ""
    negated: bool = False
    wants: Wants = "moments"

    def __post_init__(self) -> None:
        _check_asked(self.asks, self.words)
        _check_negated(self.negated)
        if self.wants not in WANTS:
            raise PlanError(f"a plan may want {', '.join(WANTS)}, not {self.wants!r:.40}")
        object.__setattr__(self, "paraphrases", tuple(self.paraphrases))
        object.__setattr__(self, "sub_events", tuple(self.sub_events))
        object.__setattr__(self, "warnings", tuple(self.warnings))
        if not isinstance(self.query, str):
            raise PlanError(f"the query must be a text, not {type(self.query).__name__}")
        if not self.query.strip():
            raise PlanError("the query is empty: write a sentence that says what to look for")
        if self.relation not in RELATIONS:
            raise PlanError(f"relation {self.relation!r} is not known; allowed are {', '.join(RELATIONS)}")

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of the plan once, in order: the query, its paraphrases, each sub-event's descriptions."""
        every = [self.query, *self.paraphrases]
        for event in self.sub_events:
            every.extend(event.descriptions)
        return tuple(dict.fromkeys(every))

    @property
    def denies(self) -> bool:
        """Whether the query, or one of its events, is negated."""
        return self.negated or any(event.negated for event in self.sub_events)

    @property
    def own_words(self) -> str:
        """The query for a reader who understands "no" and "not", as a vision LLM does."""
        if not self.denies:
            return self.query
        return self.original or (f"not this: {self.query}" if self.negated else self.query)

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain JSON types."""
        return {
            "query": self.query,
            "relation": self.relation,
            "sub_events": [_event_to_dict(event) for event in self.sub_events],
            "paraphrases": list(self.paraphrases),
            "source": self.source,
            "warnings": list(self.warnings),
            **({"original": self.original} if self.original else {}),
            **_asked_to_dict(self),
            **({"wants": self.wants} if self.wants != "moments" else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """The plan of `to_dict`. Raises PlanError where fields are missing or of the wrong type."""
        try:
            events = data.get("sub_events", ())
            if isinstance(events, (str, Mapping)):
                raise TypeError("not a list")
            return cls(
                query=data["query"],
                paraphrases=_texts(data.get("paraphrases", ())),
                sub_events=tuple(map(_event_from_dict, events)),
                relation=data.get("relation", "single-query"),
                source=str(data.get("source", "stored")),
                warnings=_texts(data.get("warnings", ())),
                original=_text(data.get("original", "")),
                asks=data.get("asks", ""),
                words=_text(data.get("words", "")),
                negated=data.get("negated", False),
                wants=data.get("wants", "moments"),
            )
        except KeyError as error:
            raise PlanError(f"the plan has no {error.args[0]}") from None
        except (TypeError, AttributeError):
            raise PlanError("query must be a text, paraphrases and each of sub_events a list of texts") from None


def _check_asked(asks: Any, words: Any) -> None:
    if asks not in ("", *TRACK_KINDS):
        raise PlanError(f"a plan may ask the tracks {', '.join(TRACK_KINDS)}, not {asks!r:.40}")
    if not isinstance(words, str):
        raise PlanError(f"the words of a plan must be a text, not {type(words).__name__}")


def _check_negated(negated: Any) -> None:
    if not isinstance(negated, bool):
        raise PlanError(f"negated must be true or false, not {negated!r:.40}")


def _asked_to_dict(asked: Plan | SubEvent) -> dict[str, Any]:
    every = (("asks", asked.asks), ("words", asked.words), ("negated", asked.negated))
    return {name: value for name, value in every if value}


def _event_to_dict(event: SubEvent) -> Any:
    """A list of descriptions, or an object where there is more to say."""
    asked = _asked_to_dict(event)
    return {"descriptions": list(event.descriptions), **asked} if asked else list(event.descriptions)


def _event_from_dict(event: Any) -> SubEvent:
    if not isinstance(event, Mapping):
        return SubEvent(_texts(event))
    return SubEvent(
        _texts(event["descriptions"]),
        asks=event.get("asks", ""),
        words=_text(event.get("words", "")),
        negated=event.get("negated", False),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    values = (values,) if isinstance(values, str) else tuple(values)
    if not all(isinstance(value, str) for value in values):
        raise TypeError("not a text")
    return tuple(value for value in values if value.strip())


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a span: a track, the words in it where it has words, and when they are said or shown."""

    track: TrackKind
    start_seconds: float
    end_seconds: float
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TrackCurve:
    """How a track of words fits a query, over time.

    `source`, `revision`: where the track comes from and what made it. `present`: the probability that the track has
    what the query describes. `voted`: whether it counted; a track that says nothing about the query does not.
    `edges_seconds`: (T + 1,) float64, value t of the (T,) `curve` is of the time from edges[t] to edges[t + 1].
    """

    kind: TrackKind
    source: str
    revision: str
    present: float
    voted: bool
    edges_seconds: np.ndarray = field(repr=False)
    curve: np.ndarray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the video, half-open, in seconds from the stream's first frame; 0 <= start < end <= duration.

    `text` and `evidence` are empty where nothing is known to say about the span. The spans of an answer are sorted best
    first. With the localizer "tfvtg-reference" they are in the order of its vote, as in the public program: there each
    span keeps its own score, and a later span may have a higher one.
    """

    start_seconds: float
    end_seconds: float
    score: float
    text: str = ""
    evidence: tuple[Evidence, ...] = ()


Moment = Span


@dataclass(frozen=True, slots=True)
class EventMoment:
    """When one event of a query of several events happens.

    `text`: the event as the plan describes it. `present`: the probability that this event is in the video at all, None
    where it was not estimated.
    """

    text: str
    moment: Moment
    present: float | None = None
