"""The values that travel between the rooms: frozen, checked when built, plain to print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import numpy as np

from .errors import PlanError
from .registry import find

if TYPE_CHECKING:
    import av.video.frame
    from matplotlib.figure import Figure

Relation = Literal["single-query", "sequentially", "simultaneously"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
Progress = Callable[[float, float], None]  # called with (how much is done, how much there is)


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
        read: a generator function; it is given a list, to which it adds what could not be read, in words.
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


@runtime_checkable
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


@dataclass(frozen=True, slots=True)
class VideoFeatures:
    """A video after encoding; what `Grounder.encode_video` returns and `Grounder.ground` takes in place of a path.

    `vectors`: (T, Q, D) float32 unit vectors, Q per frame. `frame_vectors`: (T, D), their mean over Q.
    `pts_seconds`, `sample_seconds`: (T,) as in `Frames`.
    """

    vectors: np.ndarray
    pts_seconds: np.ndarray
    sample_seconds: np.ndarray
    info: VideoInfo
    encoder: str
    revision: str
    rate_hz: float
    frame_vectors: np.ndarray = field(init=False, repr=False, compare=False)

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
    """One simple event of a query, said in one or more ways; the first description is the main one."""

    descriptions: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "descriptions", tuple(self.descriptions))
        if not self.descriptions or not all(isinstance(d, str) and d.strip() for d in self.descriptions):
            raise PlanError("a sub-event needs at least one description, and none may be empty")


@dataclass(frozen=True, slots=True)
class Plan:
    """A query, its other wordings, its simple events in order, and how these relate in time (TFVTG, section 3.1).

    `original`: what the user wrote, where that is another language than `query`, which the encoder is to read.
    """

    query: str
    paraphrases: tuple[str, ...] = ()
    sub_events: tuple[SubEvent, ...] = ()
    relation: Relation = "single-query"
    source: str = ""
    warnings: tuple[str, ...] = ()
    original: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "paraphrases", tuple(self.paraphrases))
        object.__setattr__(self, "sub_events", tuple(self.sub_events))
        object.__setattr__(self, "warnings", tuple(self.warnings))
        if not isinstance(self.query, str) or not self.query.strip():
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


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of the video, half-open, in seconds from the stream's first frame; 0 <= start < end <= duration."""

    start_seconds: float
    end_seconds: float
    score: float


@dataclass(frozen=True, slots=True)
class Grounding:
    """The answer to one query: its moments, best first, and everything needed to judge and repeat it.

    `curve`: (T,) similarity of the query with each sample, `pts_seconds`: (T,) the samples' times; `curves`: the same
    for every text of the plan. `present`: the probability that the event is in the video at all, None where it was
    not estimated. `warnings` says in words whatever was degraded on the way. A notebook shows it as a chart.
    """

    moments: tuple[Moment, ...]
    query: str
    plan: Plan
    video: VideoInfo
    engine: str
    encoder: str
    localizer: str
    curve: np.ndarray
    pts_seconds: np.ndarray
    present: float | None = None
    warnings: tuple[str, ...] = ()
    raw_answer: str | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    curves: Mapping[str, np.ndarray] = field(default_factory=dict)

    def plot(self) -> Figure:
        """The curves and moments as a matplotlib figure, for a paper or a notebook."""
        return find("shows", "plot")[0](self)

    def save_clips(self, folder: str | Path) -> list[Path]:
        """Cut the moments out of the video, one file each; see `clips.cut_moments`."""
        return find("shows", "clips")[0](self, folder)

    def _repr_html_(self) -> str:
        return find("shows", "notebook")[0](self)

    def to_dict(self) -> dict[str, Any]:
        """The whole result as plain JSON types."""
        plan = self.plan
        return {
            "query": self.query,
            "video": {
                "path": self.video.path,
                "duration_seconds": self.video.duration_seconds,
                "width": self.video.width,
                "height": self.video.height,
                "frame_rate_hz": self.video.frame_rate_hz,
                "rotation_degrees": self.video.rotation_degrees,
                "codec": self.video.codec,
            },
            "moments": [
                {"start_seconds": m.start_seconds, "end_seconds": m.end_seconds, "score": m.score} for m in self.moments
            ],
            "present": self.present,
            "engine": self.engine,
            "encoder": self.encoder,
            "localizer": self.localizer,
            "plan": {
                "query": plan.query,
                "paraphrases": list(plan.paraphrases),
                "sub_events": [list(e.descriptions) for e in plan.sub_events],
                "relation": plan.relation,
                "source": plan.source,
            },
            "curve": [round(float(v), 6) for v in self.curve],
            "pts_seconds": [round(float(v), 6) for v in self.pts_seconds],
            "warnings": list(self.warnings),
            "raw_answer": self.raw_answer,
            "provenance": self.provenance,
        }
