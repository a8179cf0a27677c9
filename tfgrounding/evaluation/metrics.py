"""How good the answers are: recall and IoU, QVHighlights' figures, how sure we can be, and which of two runs is better.

Everywhere: intervals are (start, end) in seconds; a query counts whether it was answered or not (unanswered: IoU 0);
"IoU >= m" includes equality; a query with several true moments is compared with the one that fits best.
"""

from .bootstrap import Paired, bootstrap_interval, paired_difference
from .official import qvhighlights
from .overlap import best_constant, overlaps, per_query, recall_and_miou

__all__ = [
    "Paired",
    "best_constant",
    "bootstrap_interval",
    "overlaps",
    "paired_difference",
    "per_query",
    "qvhighlights",
    "recall_and_miou",
]
