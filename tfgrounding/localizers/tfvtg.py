"""TFVTG as its paper describes it: dynamic and static score with the best transition, summed combinations."""

from __future__ import annotations

from .base import Candidates, Combination, EventCurves
from .kernels import paper_candidates
from .ranking import distinct
from .reference import FLOOR, STRIDE_FRAMES

PROPOSALS = 10  # handed on for the query


class TFVTGLocalizer:
    """Proposals scored by the rise that leads into them and the contrast of what follows.

    The score of [i, j) is the largest sum, over the transition k, of the rise from i to k and the contrast of [k, j).
    A query or sub-event said in several ways is judged by the mean of their curves. Where the sub-events' proposals
    can be combined the combinations are the answer, otherwise the query's own proposals are. The floor is 0.2, the
    published one, unless another is given; a curve that lies below it altogether is taken without a floor.

    Source: TFVTG (Zheng et al., ECCV 2024), sections 3.2 and 3.3.
    """

    name = "tfvtg"
    combination = Combination(rule="sum", picks=5, results=10)

    def query_candidates(self, query: EventCurves) -> Candidates:
        return _proposals(query, PROPOSALS)

    def event_candidates(self, event: EventCurves) -> Candidates:
        return _proposals(event, self.combination.picks)

    def rank(self, query: EventCurves, own: Candidates, combined: Candidates) -> Candidates:
        return Candidates(*distinct(combined.start_seconds, combined.end_seconds, combined.score)) if combined else own


def _proposals(event: EventCurves, most: int) -> Candidates:
    frames = event.curves.shape[1]
    stride = max(1, min(event.stride_frames or STRIDE_FRAMES, frames // 2))
    found = paper_candidates(
        event.curves,
        event.edges_seconds,
        FLOOR if event.floor is None else float(event.floor),
        stride,
        max(stride, event.longest_frames or frames // 2),
        most,
    )
    return Candidates(*found)
