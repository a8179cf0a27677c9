"""Vision LLMs: how frames and their times are shown, how to ask, how to read the reply."""

from .answers import ReplyIntervals, read_intervals
from .overlay import Overlay, write_numbered_video
from .saliency import read_saliency
from .views import NumberedFrames, ReadReply, TimeView, get_view
from .vlm import ServedVLM, VisionModel, load_vlm

__all__ = [
    "NumberedFrames",
    "Overlay",
    "ReadReply",
    "ReplyIntervals",
    "ServedVLM",
    "TimeView",
    "VisionModel",
    "get_view",
    "load_vlm",
    "read_intervals",
    "read_saliency",
    "write_numbered_video",
]
