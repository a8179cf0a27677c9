"""What was found for one query: spans, curves, and everything needed to judge, draw and repeat it; as JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .errors import AnswerError, PlanError, TFGroundingError, VideoError, one_line
from .registry import find
from .types import TRACK_KINDS, EventMoment, Evidence, Moment, Plan, Source, Span, TrackCurve, TrackKind, VideoInfo

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT, VERSION = "tfgrounding-answer", 1


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The answer to one query about one video; the task "moments" is also called a Grounding.

    `spans`: what was found; moments are sorted best first (see `Span`). `curve`: (T,) float32 similarity of the query
    with each sample, `pts_seconds`: (T,) the samples' times; `curves`: the same for every text of the plan. `present`:
    the probability that the event is in the video at all, None where it was not estimated. `warnings` says in words
    whatever was degraded on the way. `source`: the video itself, None where only its features were given. `tracks`: the
    tracks of words that were asked too, and how each fits the query. `events`: of a query of several events, when each
    of them happens, in the order of `plan.sub_events`; empty for one event, or where the engine does not know. A
    notebook shows an answer as a chart.
    """

    spans: tuple[Span, ...]
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
    source: Source | None = field(default=None, repr=False)
    task: str = "moments"
    tracks: tuple[TrackCurve, ...] = ()
    events: tuple[EventMoment, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        object.__setattr__(self, "warnings", tuple(self.warnings))
        object.__setattr__(self, "tracks", tuple(self.tracks))
        object.__setattr__(self, "events", tuple(self.events))
        object.__setattr__(self, "curve", np.asarray(self.curve, dtype=np.float32))
        object.__setattr__(self, "pts_seconds", np.asarray(self.pts_seconds, dtype=np.float64))
        curves = {text: np.asarray(curve, dtype=np.float32) for text, curve in self.curves.items()}
        object.__setattr__(self, "curves", curves or {self.plan.query: self.curve})

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The spans of an answer to "when does it happen?", best first."""
        return self.spans

    def plot(self) -> Figure:
        """The curves and moments as a matplotlib figure, for a paper or a notebook."""
        return find("shows", "plot")[0](self)

    def save_clips(self, folder: str | Path) -> list[Path]:
        """Cut the moments out of the video, one file each; see `show.clips.cut_moments`."""
        return find("shows", "clips")[0](self, folder)

    def _repr_html_(self) -> str:
        return find("shows", "notebook")[0](self)

    def to_dict(self, *, curves: bool = True) -> dict[str, Any]:
        """The answer as plain JSON types; `from_dict` reads it back.

        Args:
            curves: False leaves the curves out, which are most of it: an answer about an hour takes some megabytes.
        """
        drawn = {}
        if curves:
            drawn = {
                "curve": _numbers(self.curve),
                "curves": {text: _numbers(c) for text, c in self.curves.items() if text != self.plan.query},
                "pts_seconds": self.pts_seconds.tolist(),
            }
        return {
            "format": FORMAT,
            "version": VERSION,
            "task": self.task,
            "query": self.query,
            "video": {
                **asdict(self.video),
                "warnings": list(self.video.warnings),
                "source": None if self.source is None else self.source.to_dict(),
            },
            self._spans_key: [_span_to_dict(span) for span in self.spans],
            **({"events": [_event_to_dict(event) for event in self.events]} if self.events else {}),
            "present": self.present,
            "engine": self.engine,
            "encoder": self.encoder,
            "localizer": self.localizer,
            "plan": self.plan.to_dict(),
            "warnings": list(self.warnings),
            "raw_answer": self.raw_answer,
            "provenance": self.provenance,
            **({"tracks": [_track_to_dict(track, curves) for track in self.tracks]} if self.tracks else {}),
            **drawn,
        }

    @property
    def _spans_key(self) -> str:
        return "moments" if self.task == "moments" else "spans"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Answer:
        """The answer that `to_dict` wrote. The video itself is opened when it is needed, not here.

        Raises:
            AnswerError: it is not such an answer, or one of a version that is not known.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise AnswerError(f'not a saved answer: it is no JSON object with "format": "{FORMAT}"')
        if data.get("version") != VERSION:
            raise AnswerError(f"the answer has version {data.get('version')!r}; this program reads version {VERSION}")
        try:
            return cls._read(data)
        except KeyError as error:
            raise AnswerError(f"the saved answer has no {error.args[0]!r}") from error
        except (TypeError, ValueError, AttributeError, OverflowError, PlanError, VideoError) as error:
            raise AnswerError(f"the saved answer is damaged: {error}") from error

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> Answer:
        video = dict(data["video"])
        source = video.pop("source", None)
        known = {f.name for f in fields(VideoInfo)}
        info = VideoInfo(**{name: value for name, value in video.items() if name in known})
        if not _finite(info.duration_seconds) > 0:
            raise ValueError("the duration must be above 0")
        plan = Plan.from_dict(data["plan"])
        task = str(data["task"])
        spans = data["moments" if task == "moments" else "spans"]
        pts = _array(data.get("pts_seconds", ()), "pts_seconds")
        curve = _array(data.get("curve", ()), "curve")
        curves = {plan.query: curve, **{text: _array(c, text) for text, c in dict(data.get("curves", {})).items()}}
        if any(len(values) != len(pts) for values in curves.values()):
            raise ValueError("the curves and pts_seconds differ in length")
        events = tuple(
            _event_from_dict(event, info.duration_seconds) for event in _list(data.get("events", ()), "events")
        )
        if events and len(events) != len(plan.sub_events):
            raise ValueError(f"there are {len(events)} events, but the plan has {len(plan.sub_events)}")
        return cls(
            spans=tuple(_span_from_dict(span, info.duration_seconds) for span in spans),
            query=_text(data["query"], "query"),
            plan=plan,
            video=_with_tuples(info),
            engine=_text(data["engine"], "engine"),
            encoder=_text(data["encoder"], "encoder"),
            localizer=_text(data["localizer"], "localizer"),
            curve=curve,
            pts_seconds=pts,
            present=_optional(data.get("present")),
            warnings=tuple(map(str, data.get("warnings", ()))),
            raw_answer=None if data.get("raw_answer") is None else str(data["raw_answer"]),
            provenance=dict(data.get("provenance", {})),
            curves=curves,
            source=None if source is None else find("sources", "open")[0](source),
            task=task,
            tracks=tuple(map(_track_from_dict, _list(data.get("tracks", ()), "tracks"))),
            events=events,
        )

    @property
    def best(self) -> Moment:
        """The first moment. Raises TFGroundingError where nothing was found."""
        if not self.spans:
            raise TFGroundingError(f"nothing was found for {one_line(self.query)!r} in {self.video.path}")
        return self.spans[0]

    def __str__(self) -> str:
        return find("shows", "text")[0](self)

    def __repr__(self) -> str:
        return find("shows", "short-text")[0](self)


Grounding = Answer


def _numbers(values: np.ndarray) -> list[float]:
    """The shortest decimal numbers that are read back as the same float32."""
    return [float(str(value)) for value in values]


def _track_to_dict(track: TrackCurve, curves: bool) -> dict[str, Any]:
    drawn = {
        "edges_seconds": track.edges_seconds.tolist(),
        "curve": _numbers(np.asarray(track.curve, dtype=np.float32)),
    }
    names = ("kind", "source", "revision", "present", "voted")
    return {**{name: getattr(track, name) for name in names}, **(drawn if curves else {})}


def _track_from_dict(data: Mapping[str, Any]) -> TrackCurve:
    if not isinstance(data, Mapping):
        raise TypeError("each of 'tracks' must be an object")
    edges = _array(data.get("edges_seconds", ()), "edges_seconds")
    curve = _array(data.get("curve", ()), "curve")
    if not (np.diff(edges) > 0).all():
        raise ValueError("a track's edges must rise")
    if len(edges) != (len(curve) + 1 if len(curve) else 0):
        raise ValueError("a track's edges must be one more than its curve has values")
    source, revision = (_text(data.get(name, ""), name) for name in ("source", "revision"))
    present, voted = _finite(data["present"]), data["voted"]
    if not 0 <= present <= 1:
        raise ValueError(f"a track's 'present' must be from 0 to 1, not {present}")
    if not isinstance(voted, bool):
        raise TypeError("a track's 'voted' must be true or false")
    return TrackCurve(_kind(data["kind"]), source, revision, present, voted, edges, curve.astype(np.float32))


def _kind(value: Any) -> TrackKind:
    if value not in TRACK_KINDS:
        raise ValueError(f"{str(value)[:40]!r} is no kind of track; there are {', '.join(TRACK_KINDS)}")
    return cast(TrackKind, value)


def _span_to_dict(span: Span) -> dict[str, Any]:
    said: dict[str, Any] = {"text": span.text} if span.text else {}
    if span.evidence:
        said["evidence"] = [asdict(evidence) for evidence in span.evidence]
    return {"start_seconds": span.start_seconds, "end_seconds": span.end_seconds, "score": span.score, **said}


def _span_from_dict(data: Mapping[str, Any], duration_seconds: float) -> Span:
    start, end = _finite(data["start_seconds"]), _finite(data["end_seconds"])
    if not 0 <= start < end <= duration_seconds:
        raise ValueError(f"the span {start} to {end} s does not lie in the video of {duration_seconds} s")
    evidence = tuple(map(_evidence_from_dict, _list(data.get("evidence", ()), "evidence")))
    return Span(start, end, _finite(data["score"]), str(data.get("text", "")), evidence)


def _event_to_dict(event: EventMoment) -> dict[str, Any]:
    return {**_span_to_dict(event.moment), "text": event.text, "present": event.present}


def _event_from_dict(data: Any, duration_seconds: float) -> EventMoment:
    if not isinstance(data, Mapping):
        raise TypeError("each of 'events' must be an object")
    present = _optional(data.get("present"))
    if not 0 <= (present or 0.0) <= 1:
        raise ValueError(f"an event's 'present' must be from 0 to 1, not {present}")
    text = _text(data["text"], "text")
    return EventMoment(text, replace(_span_from_dict(data, duration_seconds), text=""), present)


def _evidence_from_dict(data: Any) -> Evidence:
    if not isinstance(data, Mapping):
        raise TypeError("each of 'evidence' must be an object")
    start, end = _finite(data["start_seconds"]), _finite(data["end_seconds"])
    if not start <= end:
        raise ValueError(f"evidence ends at {end} s, before it starts at {start} s")
    return Evidence(_kind(data["track"]), start, end, _text(data.get("text", ""), "text"))


def _list(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{what!r} must be a list")
    return value


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _optional(value: Any) -> float | None:
    return None if value is None else _finite(value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what!r} must be a text")
    return value


def _array(values: Sequence[float], what: str) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"{what!r} must be a list of finite numbers")
    return array


def _with_tuples(info: VideoInfo) -> VideoInfo:
    """Checked: what JSON could have held instead."""
    texts_and_numbers = isinstance(info.path, str) and isinstance(info.codec, str)
    if not texts_and_numbers or not all(isinstance(side, int) for side in (info.width, info.height)):
        raise TypeError("the video's path, codec, width or height is of the wrong type")
    if not (info.start_timecode is None or isinstance(info.start_timecode, str)):
        raise TypeError("the video's start timecode is of the wrong type")
    for value in (info.start_offset_seconds, info.rotation_degrees, info.frame_rate_hz or 0.0):
        _finite(value)
    values = {f.name: getattr(info, f.name) for f in fields(VideoInfo)}
    return VideoInfo(**{**values, "warnings": tuple(map(str, info.warnings))})
