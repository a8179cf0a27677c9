"""Vision LLMs: how frames and their times are shown, how to ask, how to read the reply."""

from .answers import ReplyIntervals, ReplyTimes, answer_schema, read_intervals, read_reply
from .frames import Clip, Jpeg, NumberedFrames, Part
from .model import CutOffError, NoProbabilityError, TooMuchError, VisionModel
from .overlay import Overlay, write_numbered_video
from .saliency import read_saliency
from .served import ServedVLM
from .views import ReadReply, TimeView, get_view, view_for
from .vlm import load_vlm

__all__ = [
    "Clip",
    "CutOffError",
    "Jpeg",
    "NoProbabilityError",
    "NumberedFrames",
    "Overlay",
    "Part",
    "ReadReply",
    "ReplyIntervals",
    "ReplyTimes",
    "ServedVLM",
    "TimeView",
    "TooMuchError",
    "VisionModel",
    "answer_schema",
    "get_view",
    "load_vlm",
    "read_intervals",
    "read_reply",
    "read_saliency",
    "view_for",
    "write_numbered_video",
]
