"""TFVTG as its authors' public program computes it, conventions of number and tie included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import UndefinedAnswerError
from ..base import Candidates, QueryCurves
from .combine import NOTHING, combined_by_vote
from .grid import FLOOR, STRIDE_FRAMES, WindowGrid
from .ranking import defined_ranking, ranked_by_vote
from .windows import published_candidates

RESPONSES_ALONE = 10  # of a query that has no plan
RESPONSES_A_CURVE = 3
RESPONSES_OF_QUERY = 7
PICKS, COMBINED = 3, 2  # candidates of each sub-event that are combined; combinations that join the list


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceLocalizer(WindowGrid):
    """Reproduces the public program wherever it has an answer; the floor is 0.2 unless another is given.

    The order of the answers is that of the program's vote, in which every interval gets the scores of those that
    overlap it. It is not the order of their own scores, so the scores may rise again further down: take the first
    answers, not those with the highest scores.

    Raises UndefinedAnswerError where that program answers [0, 0], NaN or infinity, or crashes (a single frame);
    entries like these further down the list are left out.

    Source: TFVTG (Zheng et al., ECCV 2024) and its public program; sorts are made stable.
    """

    name = "tfvtg-reference"

    def locate(self, curves: QueryCurves) -> Candidates:
        alone = len(curves.query) == 1 and not curves.sub_events  # no plan
        if alone:
            own = self._responses(curves, curves.query, RESPONSES_ALONE, RESPONSES_ALONE)
        else:
            own = self._responses(curves, curves.query, RESPONSES_A_CURVE, RESPONSES_OF_QUERY)
        combined = NOTHING
        if curves.sub_events:
            events = [
                ranked_by_vote(*self._responses(curves, rows, RESPONSES_A_CURVE, RESPONSES_A_CURVE * len(rows)), PICKS)
                for rows in curves.sub_events
            ]
            combined = combined_by_vote(events, curves.relation, picks=PICKS, results=COMBINED)
        ranked = defined_ranking(*own, *combined, not alone, curves.edges_seconds[-1])
        if ranked.shape[1] == 0:
            raise UndefinedAnswerError(
                "TFVTG's public program has no answer for these curves (no window has a contrast that is a number); "
                'use another localizer, such as "tfvtg"'
            )
        return Candidates(*ranked)

    def _responses(self, curves: QueryCurves, rows: np.ndarray, kept: int, most: int) -> np.ndarray:
        frames = rows.shape[1]
        if frames == 1:
            raise UndefinedAnswerError("TFVTG's public program cannot take a video of one frame; use another localizer")
        return published_candidates(
            rows,
            curves.edges_seconds,
            curves.uniform,
            FLOOR if curves.floor is None else float(curves.floor),
            min(self.stride_frames or STRIDE_FRAMES, frames // 2),
            self.longest_frames or frames // 2,
            kept,
            most,
        )
