"""TFVTG as its authors' public program computes it, conventions of number and tie included."""

from __future__ import annotations

import numpy as np

from ..errors import UndefinedAnswerError
from .base import Candidates, Combination, EventCurves
from .kernels import published_candidates
from .ranking import defined_ranking, ranked_by_vote

FLOOR = 0.2  # the program's own, made for BLIP-2's cosines
STRIDE_FRAMES = 20  # Charades-STA's; 40 with longest T for ActivityNet, 50 with T / 2 for QVHighlights
RESPONSES_ALONE = 10  # of a query that has no plan
RESPONSES_A_CURVE = 3
RESPONSES_OF_QUERY = 7
PICKS_AND_RESULTS = Combination(rule="product-vote", picks=3, results=2)


class ReferenceLocalizer:
    """Reproduces the public program wherever it has an answer; the floor is 0.2 unless another is given.

    Raises UndefinedAnswerError where that program answers [0, 0], NaN or infinity, or crashes (a single frame);
    entries like these further down the list are left out.

    Source: TFVTG (Zheng et al., ECCV 2024) and its public program; sorts are made stable.
    """

    name = "tfvtg-reference"
    combination = PICKS_AND_RESULTS

    def query_candidates(self, query: EventCurves) -> Candidates:
        alone = _is_alone(query)
        kept = RESPONSES_ALONE if alone else RESPONSES_A_CURVE
        return Candidates(*_responses(query, kept, RESPONSES_ALONE if alone else RESPONSES_OF_QUERY))

    def event_candidates(self, event: EventCurves) -> Candidates:
        start, end, score = _responses(event, RESPONSES_A_CURVE, RESPONSES_A_CURVE * len(event.curves))
        return Candidates(*ranked_by_vote(start, end, score, PICKS_AND_RESULTS.picks))

    def rank(self, query: EventCurves, own: Candidates, combined: Candidates) -> Candidates:
        ranked = defined_ranking(
            own.start_seconds,
            own.end_seconds,
            own.score,
            combined.start_seconds,
            combined.end_seconds,
            combined.score,
            not _is_alone(query),
            query.edges_seconds[-1],
        )
        if ranked.shape[1] == 0:
            raise UndefinedAnswerError(
                "TFVTG's public program has no answer for these curves (no window has a contrast that is a number); "
                'use another localizer, such as "tfvtg"'
            )
        return Candidates(*ranked)


def _is_alone(query: EventCurves) -> bool:
    """Whether there is no plan: no paraphrase and no sub-event."""
    return len(query.curves) == 1 and query.relation == "single-query"


def _responses(event: EventCurves, kept: int, most: int) -> np.ndarray:
    frames = event.curves.shape[1]
    if frames == 1:
        raise UndefinedAnswerError("TFVTG's public program cannot take a video of one frame; use another localizer")
    return published_candidates(
        event.curves,
        event.edges_seconds,
        event.uniform,
        FLOOR if event.floor is None else float(event.floor),
        min(event.stride_frames or STRIDE_FRAMES, frames // 2),
        event.longest_frames or frames // 2,
        kept,
        most,
    )
