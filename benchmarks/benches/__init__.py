"""The sets of queries on which localizers are compared, and what is computed on them."""

from .bench import LISTS, SHORT_SECONDS, Bench, figures, points, scores
from .load import GROUPS, load_benches

__all__ = ["GROUPS", "LISTS", "SHORT_SECONDS", "Bench", "figures", "load_benches", "points", "scores"]
