"""Views, the ways to show a vision LLM the time: one file each."""

from ..frames import NumberedFrames, Part
from .base import ReadReply, TimeView, get_view
from .frame_numbers import FrameNumbers, numbered_question
from .grid import Grid
from .percent import Percent
from .timestamps import TimestampsText
from .yes_no import ClipYesNo

__all__ = [
    "ClipYesNo",
    "FrameNumbers",
    "Grid",
    "NumberedFrames",
    "Part",
    "Percent",
    "ReadReply",
    "TimeView",
    "TimestampsText",
    "get_view",
    "numbered_question",
]
