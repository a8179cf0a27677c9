"""TFVTG as its paper describes it: dynamic and static score with the best transition, summed combinations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..base import Candidates, QueryCurves
from .combine import combined_by_sum
from .grid import FLOOR, STRIDE_FRAMES, WindowGrid
from .ranking import distinct
from .windows import paper_candidates

PROPOSALS = 10  # for the query
PICKS, COMBINED = 5, 10  # proposals of each sub-event that are combined; combinations in the answer


@dataclass(frozen=True, slots=True, kw_only=True)
class TFVTGLocalizer(WindowGrid):
    """Proposals scored by the rise that leads into them and the contrast of what follows.

    The score of [i, j) is the largest sum, over the transition k, of the rise from i to k and the contrast of [k, j).
    A query or sub-event with several wordings is scored on the mean of their curves. Where the sub-events' proposals
    can be combined the combinations are the answer, otherwise the query's own proposals are. The floor is 0.2, the
    published one, unless another is given; a curve that lies below it altogether is taken without a floor.

    Source: TFVTG (Zheng et al., ECCV 2024), sections 3.2 and 3.3.
    """

    name = "tfvtg"

    def locate(self, curves: QueryCurves) -> Candidates:
        if curves.sub_events:
            events = [self._proposals(curves, rows, PICKS) for rows in curves.sub_events]
            combined = combined_by_sum(events, curves.relation, picks=PICKS, results=COMBINED)
            if combined.shape[1] > 0:
                return Candidates(*distinct(*combined))
        return Candidates(*self._proposals(curves, curves.query, PROPOSALS))

    def _proposals(self, curves: QueryCurves, rows: np.ndarray, most: int) -> np.ndarray:
        frames = rows.shape[1]
        stride = max(1, min(self.stride_frames or STRIDE_FRAMES, frames // 2))
        return paper_candidates(
            rows,
            curves.edges_seconds,
            FLOOR if curves.floor is None else float(curves.floor),
            stride,
            max(stride, self.longest_frames or frames // 2),
            most,
        )
