"""One track of texts (said, written, described), ready for queries: its curve, its moments, and the words that speak
for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import one_line
from ..localizers.presence_of_words import presence_in_words
from ..tracks.asked_for import another_number, has_content, names
from ..tracks.detected_language import language_of
from ..tracks.exact_words import Phrase
from ..tracks.long_texts import in_sentences
from ..tracks.text_curves import ALIKE, PARTLY_MET, TextCurves
from ..tracks.text_track import TextTrack
from ..tracks.word_tokens import quoted, tokens
from ..types import Evidence, Moment, Plan, TrackKind
from .base import TOP_K
from .texts import TextsEngine
from .watched_curves import WatchedCurves

LONGEST_EVIDENCE = 120  # characters
MOST_EVIDENCE = 2  # texts that speak for a moment
FITTING = 0.5  # of the best text's fit that another has to have
ONE_LINE: tuple[TrackKind, ...] = ("said", "written")  # a line tells several events at once, and has a "not" in it
_Placed = tuple[float, float, Phrase]


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
        track: with at least one text that lies within the video. Long texts are cut into sentences.
        duration_seconds: of the video.
        engine: which encodes and compares texts; one engine may serve any number of tracks.

    Raises:
        TFGroundingError: no text lies within the video.
    """

    def __init__(self, track: TextTrack, duration_seconds: float, engine: TextsEngine) -> None:
        if not track.language:
            track = replace(track, language=language_of([text.text for text in track.texts]))
        self.track = track = in_sentences(track)
        self.kind: TrackKind = track.kind
        self.source, self.revision = track.source, track.revision
        self.engine = engine
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
        answer = self._watched.ask_whole(asked, top_k=top_k)
        phrases = self._phrases(asked)
        shares, fits = self._made.words.shares(asked.query), self._fits(asked)
        moments = tuple(self._with_evidence(moment, phrases, shares, fits) for moment in answer.spans)
        exact = max((phrase.share for phrase in _within(phrases, moments[0])), default=0.0) if moments else 0.0
        notes: list[str] = []
        nearness: float | None = None
        language = self.track.language
        if fits is not None:
            nearness = self._made.nearness(self.engine.text_vectors(self._wordings(asked)))
        is_content = bool(tokens(asked.query)) if is_by_words else has_content(asked.query, language)
        present = presence_in_words(
            answer.present or 0.0,
            nearness,
            exact,
            asks_for_words=is_by_words,
            is_literal=is_by_words and self._is_literal(plan, asked.query),
            has_another_number=bool(moments) and another_number(asked.query, self._texts_in(moments[0]), language),
            has_content=is_content,
        )
        if not is_content:
            moments = tuple(replace(moment, evidence=()) for moment in moments)
            notes.append(f"the query has no words that can be looked for in what is {self.kind}")
        assert self.features.edges_seconds is not None
        return TrackFinding(
            kind=self.track.kind,
            edges_seconds=self.features.edges_seconds,
            curve=answer.curves[asked.query],
            moments=moments,
            present=present,
            exact=exact,
            warnings=(*answer.warnings, *notes),
        )

    @property
    def _made(self) -> TextCurves:
        return self.engine.text_curves(self.features)

    def _asked(self, plan: Plan) -> tuple[Plan, bool]:
        """The plan as it is put to this track, and whether it asks for words."""
        if plan.asks == self.track.kind and plan.words.strip():
            return replace(plan, query=plan.words, paraphrases=(), sub_events=(), relation="single-query"), True
        if part := quoted(plan.query):
            return replace(plan, query=part, words=part, paraphrases=(), sub_events=(), relation="single-query"), True
        asked = replace(plan, asks="", words="")  # the words are those of another track
        if self.kind in ONE_LINE and (plan.sub_events or plan.negated):
            whole = plan.original or plan.query
            asked = replace(asked, query=whole, sub_events=(), relation="single-query", negated=False)
        return asked, False

    def _is_literal(self, plan: Plan, words: str) -> bool:
        """Whether other words than the asked ones are not meant: they are quoted, or have a name that is not there."""
        if quoted(plan.query) or quoted(plan.original):
            return True
        return not all(self._made.words.has(name) for name in names(plan.original or plan.query, words))

    def _phrases(self, asked: Plan) -> list[_Placed]:
        """(start, end, phrase) of the stretches with words of the query, the largest share first."""
        made = self._made
        return [(*made.bounds(phrase), phrase) for phrase in made.words.phrases(asked.query)]

    def _inside(self, moment: Moment) -> np.ndarray:
        """The numbers of the texts that lie in a moment, or that it lies in."""
        texts = self._made.texts
        inside = np.minimum(texts.end_seconds, moment.end_seconds) - np.maximum(
            texts.start_seconds, moment.start_seconds
        )
        among = np.flatnonzero(inside > 0.5 * np.minimum(texts.end_seconds - texts.start_seconds, _length(moment)))
        return among if len(among) else np.flatnonzero(inside > 0)

    def _texts_in(self, moment: Moment) -> list[str]:
        texts = self._made.texts
        return [texts.texts[texts.number[n]] for n in self._inside(moment)]

    def _fits(self, asked: Plan) -> np.ndarray | None:
        """(N,) how well each text fits the query; None where the encoder does not read it or the texts."""
        if not self.engine.reads(self.features, asked.query):
            return None
        wordings = self._wordings(asked)
        return self._made.fits(wordings, self.engine.text_vectors(wordings)) - self._made.common

    def _with_evidence(
        self, moment: Moment, phrases: Sequence[_Placed], shares: np.ndarray, fits: np.ndarray | None
    ) -> Moment:
        """The moment with the texts in it that have the asked words, best first; else those that fit, by time.

        Args:
            moment: of this track.
            phrases: where words of the query stand.
            shares: (N,) the share of the query's words that each text has.
            fits: (N,) as of `_fits`.
        """
        texts, among = self._made.texts, self._inside(moment)
        met = [phrase for phrase in _within(phrases, moment) if phrase.share >= PARTLY_MET]
        if met:
            those = {
                n
                for phrase in met
                if phrase.share >= met[0].share - ALIKE
                for n in range(phrase.first_text, phrase.last_text + 1)
            }
            among = np.array([n for n in sorted(those) if shares[n] > 0] or sorted(those))
            order = among[np.argsort(-shares[among], kind="stable")]
            best = _different(order, texts.number)
        elif fits is None:
            best = []
        else:
            own = fits[among]
            order = np.argsort(-own, kind="stable")
            fitting = [n for n in order.tolist() if own[n] >= FITTING * own[order[0]]] or order[:1].tolist()
            best = sorted(_different(among[fitting], texts.number))
        evidence = tuple(
            Evidence(
                self.track.kind,
                float(texts.start_seconds[n]),
                float(texts.end_seconds[n]),
                one_line(texts.texts[texts.number[n]], most=LONGEST_EVIDENCE),
            )
            for n in best
        )
        return replace(moment, evidence=evidence)

    @staticmethod
    def _wordings(asked: Plan) -> tuple[str, ...]:
        if asked.relation == "single-query" or not asked.sub_events:
            return (asked.query, *asked.paraphrases)
        return asked.texts


def _within(phrases: Sequence[_Placed], moment: Moment) -> list[Phrase]:
    """The phrases of which at least half lies within a moment."""
    return [
        phrase
        for start, end, phrase in phrases
        if min(end, moment.end_seconds) - max(start, moment.start_seconds) > 0.5 * (end - start)
    ]


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
