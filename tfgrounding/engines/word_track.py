"""One track of texts (said, written, described), ready for queries: its curve, its moments, and the words that speak
for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any

import numpy as np

from ..encoders import load_sentences
from ..errors import one_line
from ..tracks.text_track import TextTrack
from ..tracks.word_tokens import quoted
from ..types import Evidence, Moment, Plan, TrackKind
from .base import TOP_K
from .curves import WatchedCurves
from .texts import TextsEngine

LONGEST_EVIDENCE = 120  # characters
EXACT_SLOPE, EXACT_EVEN = 12.0, 0.7  # log odds of presence for the share of the asked words that stands in a moment
MOST_EVIDENCE = 2  # texts that speak for a moment


@dataclass(frozen=True, slots=True, eq=False)
class TrackFinding:
    """What a track of texts answers to a query.

    Attributes:
        kind: "said", "written", "described" or "heard".
        edges_seconds: (T + 1,) value t of the curve is of the time from edges[t] to edges[t + 1].
        curve: (T,) how well each stretch fits the query: its cosine, and more where it has the query's own words.
        moments: best first; scores as of the default localizer, evidence says which words speak for each.
        present: the probability that the track says what the query asks for at all.
        exact: the share of the asked words, weighted by how rare they are, that the first moment has.
        warnings: of the query and of the track.
    """

    kind: TrackKind
    edges_seconds: np.ndarray
    curve: np.ndarray
    moments: tuple[Moment, ...]
    present: float
    exact: float
    warnings: tuple[str, ...] = ()


class WordTrack:
    """A track of texts made ready once for any number of queries; safe to share between threads.

    Args:
        track: with at least one text that lies within the video.
        duration_seconds: of the video.
        engine: a TextsEngine, which keeps its models and its cache; or the encoder for one, as `load_sentences` takes
            it.

    Raises:
        TFGroundingError: no text lies within the video, or no such encoder.
    """

    def __init__(self, track: TextTrack, duration_seconds: float, engine: TextsEngine | Any = "embedded") -> None:
        self.track = track
        self.kind: TrackKind = track.kind
        self.source, self.revision = track.source, track.revision
        self.engine = engine if isinstance(engine, TextsEngine) else texts_engine(engine)
        self.features = self.engine.features(
            track.rows,
            duration_seconds=duration_seconds,
            name=f"{track.kind}: {track.source}",
            timed=track.texts,
            language=track.language,
        )
        self._watched = WatchedCurves(self.engine, self.features)

    def find(self, plan: Plan, *, top_k: int = TOP_K) -> TrackFinding:
        """When does the track say it?

        Args:
            plan: of the query. Where it `asks` this kind of track for words, these are looked for, else the query and
                its paraphrases, and the events that it consists of.
            top_k: moments at most.
        """
        asked, is_by_words = self._asked(plan)
        answer = self._watched.ask(asked, top_k=top_k)
        moments = tuple(self._with_evidence(moment, asked) for moment in answer.spans)
        exact = self._exact(asked, moments[0]) if moments else 0.0
        present = answer.present or 0.0
        if is_by_words:  # words that are asked for and stand there are there, however common they are
            present = max(present, 1 / (1 + exp(-EXACT_SLOPE * (exact - EXACT_EVEN))))
        assert self.features.edges_seconds is not None
        return TrackFinding(
            kind=self.track.kind,
            edges_seconds=self.features.edges_seconds,
            curve=answer.curves[asked.query],
            moments=moments,
            present=present,
            exact=exact,
            warnings=answer.warnings,
        )

    def _asked(self, plan: Plan) -> tuple[Plan, bool]:
        """The plan as it is put to this track, and whether it asks for words."""
        if plan.asks == self.track.kind and plan.words.strip():
            return replace(plan, query=plan.words, paraphrases=(), sub_events=(), relation="single-query"), True
        if part := quoted(plan.query):
            return replace(plan, query=part, words=part, paraphrases=(), sub_events=(), relation="single-query"), True
        return replace(plan, asks="", words=""), False  # the words are those of another track

    def _exact(self, asked: Plan, moment: Moment) -> float:
        """The largest share of the asked words that stands within a moment."""
        made = self.engine.text_curves(self.features)
        shares = [0.0]
        for phrase in made.words.phrases(asked.query):
            start, end = made.bounds(phrase)
            if min(end, moment.end_seconds) - max(start, moment.start_seconds) > 0.5 * (end - start):
                shares.append(phrase.share)
        return max(shares)

    def _with_evidence(self, moment: Moment, asked: Plan) -> Moment:
        """The moment with the texts in it that fit best, in order of time."""
        made = self.engine.text_curves(self.features)
        texts = made.texts
        inside = np.minimum(texts.end_seconds, moment.end_seconds) - np.maximum(
            texts.start_seconds, moment.start_seconds
        )
        among = np.flatnonzero(inside > 0.5 * np.minimum(texts.end_seconds - texts.start_seconds, _length(moment)))
        if not len(among):
            among = np.flatnonzero(inside > 0)
        wordings = self._wordings(asked)
        fits = made.fits(wordings, self.engine.text_vectors(wordings))[among]
        best = _different(among[np.argsort(-fits, kind="stable")], texts.number)
        evidence = tuple(
            Evidence(
                self.track.kind,
                float(texts.start_seconds[n]),
                float(texts.end_seconds[n]),
                one_line(texts.texts[texts.number[n]], most=LONGEST_EVIDENCE),
            )
            for n in sorted(best)
        )
        return replace(moment, evidence=evidence)

    @staticmethod
    def _wordings(asked: Plan) -> tuple[str, ...]:
        if asked.relation == "single-query" or not asked.sub_events:
            return (asked.query, *asked.paraphrases)
        return asked.texts


def texts_engine(encoder: Any = "embedded", *, device: str = "auto", cache: Any = True) -> TextsEngine:
    """The engine that reads tracks of texts.

    Args:
        encoder: as `load_sentences` takes it.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        cache: where vectors are kept for the next time, as for `CurvesEngine`.
    """
    return TextsEngine(encoder=load_sentences(encoder, device=device), device=device, cache=cache)


def _length(moment: Moment) -> float:
    return moment.end_seconds - moment.start_seconds


def _different(order: np.ndarray, number: np.ndarray) -> Sequence[int]:
    """The first MOST_EVIDENCE of these texts that are not the same."""
    found: dict[int, int] = {}
    for n in order.tolist():
        found.setdefault(int(number[n]), n)
        if len(found) == MOST_EVIDENCE:
            break
    return list(found.values())
