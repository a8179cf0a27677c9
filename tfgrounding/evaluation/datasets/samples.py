"""What an annotation file holds: samples, and the rows that are none with the reason why."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...errors import PlanError
from ...tracks.saliency import CLIP_SECONDS, clip_count
from ...types import Plan

LONGEST_SECONDS = 10_000_000.0  # nearly four months; longer videos are a slip of units
LONGEST_QUERY = 10_000  # characters
MOST_TRUTHS = 100  # moments of one query
MOST_REPHRASINGS = 100  # of one query
LONGEST_NAME = 4096  # characters of a qid or a video's name
REASONS_SHOWN = 3

_short = reprlib.Repr()
_short.maxstring = _short.maxlong = _short.maxother = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """One query about one video, and when its event really happens.

    `qid`: unique within the data set, a number or a text as its file writes it. `video`: the video's name there, with
    or without the file's ending. `truths`: (start, end) in seconds as annotated, so an end may lie after the video's;
    () in a test split, which is answered but cannot be scored. `duration_seconds`: as annotated, None where the file
    does not say. `relation`: annotated, "" where it is not. `plan`: a ready plan where the file has one.
    `rephrasings`: other wordings of the query.
    `relevant_clips`, `saliency`: QVHighlights' numbers of the 2-second clips that matter, and for each the ratings 0-4
    of its raters. `where`: file and line.
    """

    qid: int | str
    video: str
    query: str
    truths: tuple[tuple[float, float], ...]
    duration_seconds: float | None = None
    relation: str = ""
    plan: Plan | None = None
    relevant_clips: tuple[int, ...] = ()
    saliency: tuple[tuple[float, ...], ...] = ()
    where: str = ""
    rephrasings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of an annotation file that is no sample: where it is and what is wrong with it."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What an annotation file holds, every row accounted for: `samples`, and in `bad` those that are none.

    `stride_frames` and `longest_share` are the window grid of TFVTG's authors for this data set (at 3 Hz; the longest
    window as a share of the video), None where they give none. `notes`: how the file was read, where that is not
    plain from its layout.
    """

    name: str
    files: tuple[str, ...]
    samples: tuple[Sample, ...]
    bad: tuple[BadRow, ...]
    stride_frames: int | None = None
    longest_share: float | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        videos = len({sample.video for sample in self.samples})
        return f"Dataset({self.name}, {len(self.samples)} queries, {videos} videos, {len(self.bad)} bad rows)"

    def why_empty(self) -> str:
        """One sentence that says why there is no sample, with the first reasons."""
        files = ", ".join(self.files)
        if not self.bad:
            return f"{files}: holds no row"
        reasons = "; ".join(f"{row.where}: {row.reason}" for row in self.bad[:REASONS_SHOWN])
        more = f"; and {len(self.bad) - REASONS_SHOWN:,} more" if len(self.bad) > REASONS_SHOWN else ""
        return f"{files}: none of {len(self.bad):,} rows read as {self.name} can be used: {reasons}{more}"


@dataclass(slots=True)
class Rows:
    """Gathers the rows of one data set; a row that is no sample is kept as a BadRow, never dropped."""

    samples: list[Sample] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _seen: dict[int | str, str] = field(default_factory=dict)

    def add(
        self,
        where: str,
        *,
        qid: Any,
        video: Any,
        query: Any,
        truths: Any = None,
        duration_seconds: Any = None,
        relation: Any = "",
        plan: Any = None,
        relevant_clips: Any = None,
        saliency: Any = None,
        rephrasings: Any = None,
    ) -> None:
        """Check one row, as read from the file, and keep it as a Sample or, with the reason, as a BadRow.

        `truths` None means that the file does not say when the event happens.
        """
        try:
            qid = _qid(qid)
            if qid in self._seen:
                raise ValueError(f"qid {shown(qid)} is taken already, by {self._seen[qid]}")
            query = _utf8(query, "the query")
            duration = _duration(duration_seconds)
            clips, ratings = _saliency(relevant_clips, saliency, duration)
            sample = Sample(
                qid=qid,
                video=_text(video, "the video's name", LONGEST_NAME),
                query=query,
                truths=() if truths is None else _truths(truths),
                duration_seconds=duration,
                relation=relation if isinstance(relation, str) else "",
                plan=None if plan is None else _plan(query, plan),
                relevant_clips=clips,
                saliency=ratings,
                where=where,
                rephrasings=_rephrasings(query, rephrasings),
            )
        except (ValueError, PlanError) as error:
            self.reject(where, str(error))
        else:
            self._seen[sample.qid] = where
            self.samples.append(sample)

    def reject(self, where: str, reason: str) -> None:
        """Keep a row that could not even be read."""
        self.bad.append(BadRow(where, reason))


def in_order(dataset: Dataset, *, offset: int = 0, limit: int | None = None, seed: int | None = None) -> Dataset:
    """`limit` samples of a data set from `offset` on, in the file's order or, with a seed, in a shuffled one."""
    import numpy as np

    samples = list(dataset.samples)
    if seed is not None:
        samples = [samples[i] for i in np.random.default_rng(seed).permutation(len(samples))]
    end = None if limit is None else offset + limit
    return replace(dataset, samples=tuple(samples[offset:end]))


def shown(value: Any) -> str:
    """A value of an annotation file in a message: its repr, cut where it is long or nested."""
    return _short.repr(value)


def is_number(value: Any) -> bool:
    """A finite number, no bool; integers too large for a float are none."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _qid(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise ValueError(f"the qid must be a number or a text, not {shown(value)}")
    if isinstance(value, str) and len(value) > LONGEST_NAME:
        raise ValueError(f"the qid has {len(value):,} characters; at most {LONGEST_NAME:,} are allowed")
    return value


def _text(value: Any, what: str, longest: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what} must be a text that is not empty, not {shown(value)}")
    if len(value) > longest:
        raise ValueError(f"{what} has {len(value):,} characters; at most {longest:,} are allowed")
    return value.strip()


def _utf8(value: Any, what: str) -> str:
    text = _text(value, what, LONGEST_QUERY)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} is not UTF-8") from error
    return text


def _number(value: Any, what: str) -> float:
    if not is_number(value):
        raise ValueError(f"{what} must be a finite number, not {shown(value)}")
    return value


def _seconds(value: Any, what: str) -> float:
    if _number(value, what) > LONGEST_SECONDS:
        raise ValueError(f"{what} must be in seconds, at most {LONGEST_SECONDS:,.0f}, not {shown(value)}")
    return float(value)


def _truths(value: Any) -> tuple[tuple[float, float], ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("there is no [start, end] to compare an answer with; leave it out where it is not known")
    if len(value) > MOST_TRUTHS:
        raise ValueError(f"a query may have at most {MOST_TRUTHS} moments, not {len(value):,}")
    truths = []
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"a moment must be [start, end] in seconds, not {shown(pair)}")
        start, end = (_seconds(second, "a moment's time") for second in pair)
        if start < 0 or end <= start:
            raise ValueError(f"a moment must have 0 <= start < end, not [{start:g}, {end:g}]")
        truths.append((start, end))
    return tuple(truths)


def _duration(value: Any) -> float | None:
    if value is None:
        return None
    if _seconds(value, "the duration") <= 0:
        raise ValueError(f"the duration must be above 0 seconds, not {shown(value)}")
    return float(value)


def _saliency(
    clips: Any, ratings: Any, duration_seconds: float | None
) -> tuple[tuple[int, ...], tuple[tuple[float, ...], ...]]:
    """QVHighlights' clip numbers and ratings, checked against the length of the video."""
    clips, ratings = _list(clips, "relevant_clip_ids"), _list(ratings, "saliency_scores")
    if len(ratings) != len(clips):
        raise ValueError(f"{len(clips)} relevant clips with {len(ratings)} saliency scores")
    last = None if duration_seconds is None else clip_count(duration_seconds) - 1
    for clip in clips:
        if isinstance(clip, bool) or not isinstance(clip, int) or clip < 0:
            raise ValueError(f"a relevant clip id must be a whole number from 0 on, not {shown(clip)}")
        if clip > LONGEST_SECONDS / CLIP_SECONDS or (last is not None and clip > last):
            raise ValueError(
                f"the relevant clip {shown(clip)} begins after the video's end"
                + ("" if last is None else f" ({duration_seconds:g} s: the last clip is {last})")
            )
    for raters in ratings:
        if not isinstance(raters, list | tuple) or not raters:
            raise ValueError(
                f"saliency_scores must have a list of ratings for each clip, [[3, 2, 4], ...], not {shown(raters)}"
            )
        if len(raters) != len(ratings[0]):
            raise ValueError(f"clips with {len(ratings[0])} and with {len(raters)} ratings in one row")
        for rating in raters:
            _number(rating, "a saliency score")
    return tuple(clips), tuple(map(tuple, ratings))


def _list(value: Any, what: str) -> Sequence[Any]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError(f"{what} must be a list, not {shown(value)}")
    return value


def _rephrasings(query: str, value: Any) -> tuple[str, ...]:
    """Each other wording once."""
    given = _list(value, "rephrased_query")
    if len(given) > MOST_REPHRASINGS:
        raise ValueError(f"a query may have at most {MOST_REPHRASINGS} rephrasings, not {len(given):,}")
    texts = (_utf8(text, "a rephrasing") for text in given)
    return tuple(text for text in dict.fromkeys(texts) if text != query)


def _plan(query: str, value: Any) -> Plan:
    if not isinstance(value, dict):
        raise ValueError(f"the plan must be an object, not {shown(value)}")
    return Plan.from_dict({**value, "query": query, "source": "annotations"})
