"""Views, the ways to show a vision LLM the time: one file each."""

from ..frames import NumberedFrames, Part
from .base import ReadReply, TimeView, get_view, question_and_schema
from .choose import chosen_view, view_for
from .frame_labels import FrameLabels
from .frame_numbers import FrameNumbers, numbered_question
from .grid import Grid
from .percent import Percent
from .qwen3 import Qwen3Seconds
from .timestamps import TimestampsText
from .video import GeminiVideo, Qwen25Video, Video
from .yes_no import ClipYesNo

__all__ = [
    "ClipYesNo",
    "FrameLabels",
    "FrameNumbers",
    "GeminiVideo",
    "Grid",
    "NumberedFrames",
    "Part",
    "Percent",
    "Qwen3Seconds",
    "Qwen25Video",
    "ReadReply",
    "TimeView",
    "TimestampsText",
    "Video",
    "chosen_view",
    "get_view",
    "numbered_question",
    "question_and_schema",
    "view_for",
]
