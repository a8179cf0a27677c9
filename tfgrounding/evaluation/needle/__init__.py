"""A needle in a video haystack: one clip put into long videos of other clips, at every depth, and looked for.

The protocol of NIAVH: a short needle at evenly spaced depths of haystacks of several lengths.
"""

from .clips import Clip, Haystack, find_clips, only_needle, plan_haystacks
from .heat import HeatMap, draw, heat_map
from .videos import build

__all__ = ["Clip", "Haystack", "HeatMap", "build", "draw", "find_clips", "heat_map", "only_needle", "plan_haystacks"]
