"""A source of pictures becomes frames with times: files, pictures, sampling, cutting."""

from .container import LARGEST_PICTURE_PIXELS, MAX_PIXELS, VIDEO_SUFFIXES, FileStamp, is_video_name
from .cut import Clip, clip_name, cut_clip
from .decode import VideoFile
from .frames import FrameStream, checked_rate, iter_frames, probe
from .jpeg import to_jpeg
from .pictures import PICTURE_SUFFIXES, Pictures
from .sampling import capped_rate_hz, evenly
from .sources import AnySource, open_source

__all__ = [
    "LARGEST_PICTURE_PIXELS",
    "MAX_PIXELS",
    "PICTURE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "AnySource",
    "Clip",
    "FileStamp",
    "FrameStream",
    "Pictures",
    "VideoFile",
    "capped_rate_hz",
    "checked_rate",
    "clip_name",
    "cut_clip",
    "evenly",
    "is_video_name",
    "iter_frames",
    "open_source",
    "probe",
    "to_jpeg",
]
