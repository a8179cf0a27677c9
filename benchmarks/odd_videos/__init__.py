"""Made-up videos for `decoding.py`: codecs, containers, orders of streams, edit lists, reordered pictures and rates."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECONDS = 6
H264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "40", "-sc_threshold", "0"]
HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params"]
CODECS: dict[str, tuple[list[str], str]] = {  # name: (FFmpeg's options, endings of the containers)
    "h264": ([*H264, "-bf", "0"], "mp4 mov mkv ts avi flv"),
    "h264 B": ([*H264, "-bf", "3", "-x264-params", "b-pyramid=none:b-adapt=0"], "mp4 mov mkv ts avi flv"),
    "h264 B-pyramid": ([*H264, "-bf", "5", "-x264-params", "b-pyramid=normal:b-adapt=0"], "mp4 mov mkv ts avi flv"),
    "h264 open groups": ([*H264, "-bf", "3", "-x264-params", "open-gop=1:b-pyramid=strict"], "mp4 mov mkv ts flv"),
    "h264 intra refresh": ([*H264, "-bf", "2", "-x264-params", "intra-refresh=1"], "mp4 mkv ts"),
    "hevc": ([*HEVC, "keyint=40:bframes=0:log-level=none"], "mp4 mov mkv ts"),
    "hevc B-pyramid": ([*HEVC, "keyint=40:bframes=4:b-pyramid=1:open-gop=1:log-level=none"], "mp4 mov mkv ts"),
    "mpeg4": (["-c:v", "mpeg4", "-g", "40", "-q:v", "4"], "mp4 mkv avi"),
    "mpeg4 B": (["-c:v", "mpeg4", "-g", "40", "-q:v", "4", "-bf", "2"], "mp4 mkv"),
    "mpeg2 B": (["-c:v", "mpeg2video", "-g", "15", "-q:v", "4", "-bf", "2"], "ts mpg mkv mxf vob"),
    "mpeg1": (["-c:v", "mpeg1video", "-g", "15", "-q:v", "4"], "mpg"),
    "vp8": (["-c:v", "libvpx", "-g", "40", "-deadline", "realtime", "-auto-alt-ref", "1"], "webm mkv"),
    "vp9": (["-c:v", "libvpx-vp9", "-g", "40", "-deadline", "realtime", "-lag-in-frames", "16"], "webm mkv mp4"),
    "av1": (["-c:v", "libsvtav1", "-g", "40", "-preset", "12"], "mp4 mkv webm"),
    "mjpeg": (["-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p"], "mov avi mkv"),
    "ffv1": (["-c:v", "ffv1", "-g", "40"], "mkv avi"),
    "prores": (["-c:v", "prores_ks"], "mov"),
    "theora": (["-c:v", "libtheora", "-g", "40", "-q:v", "6"], "ogv"),
    "wmv2": (["-c:v", "wmv2", "-g", "40", "-q:v", "4"], "wmv"),
    "flv1": (["-c:v", "flv", "-g", "40", "-q:v", "4"], "flv"),
}
SOUND = {"avi": "pcm_s16le", "mxf": "pcm_s16le", "webm": "libopus", "ogv": "libvorbis", "wmv": "wmav2", "mpg": "mp2"}
SOUND |= {"vob": "mp2", "mov": "aac", "mkv": "libopus"}
ORDERS = ("pictures only", "pictures first", "sound first")
EDITS = ("whole", "cut without encoding", "pictures later than sound")
RATES = ("10", "24000/1001", "25", "30000/1001", "60")


@dataclass(frozen=True)
class Recipe:
    """One made-up video."""

    codec: str
    ending: str
    order: str
    edit: str
    rate: str

    @property
    def name(self) -> str:
        return f"{self.codec}, {self.ending}, {self.order}, {self.edit}, {self.rate} Hz"


def recipes() -> Iterator[Recipe]:
    """Every codec in each of its containers, each order and each edit; the rates in turn."""
    rates = itertools.cycle(RATES)
    for codec, (_, endings) in CODECS.items():
        for ending, order, edit in itertools.product(endings.split(), ORDERS, EDITS):
            if order == "pictures only" and edit == "pictures later than sound":
                continue
            rate = next(rates)
            if codec.startswith("mpeg") and rate == "10" and not codec.startswith("mpeg4"):
                rate = "25"  # MPEG-1 and 2 have a list of rates
            if ending == "mxf" and rate not in ("25", "30000/1001"):
                rate = "25"
            yield Recipe(codec, ending, order, edit, rate)


def make(recipe: Recipe, folder: Path) -> Path:
    """Encode it and put it into its container. Raises CalledProcessError where FFmpeg cannot."""
    options, _ = CODECS[recipe.codec]
    pixels = [] if recipe.codec in ("mjpeg", "prores") else ["-pix_fmt", "yuv420p"]
    film, whole, path = folder / "film.nut", folder / f"whole.{recipe.ending}", folder / f"video.{recipe.ending}"
    pictures = f"testsrc2=size=96x64:rate={recipe.rate}:duration={SECONDS}"
    _ffmpeg("-f", "lavfi", "-i", pictures, *options, *pixels, film)
    late = ["-itsoffset", "1.5"] if recipe.edit == "pictures later than sound" else []
    tone, maps = [], ["-map", "0:v"]
    if recipe.order != "pictures only":
        tone = ["-f", "lavfi", "-i", f"sine=duration={SECONDS + 2}:sample_rate=48000"]
        maps = ["-map", "0:v", "-map", "1:a"] if recipe.order == "pictures first" else ["-map", "1:a", "-map", "0:v"]
    sound = ["-c:a", SOUND.get(recipe.ending, "aac")] if tone else []
    is_cut = recipe.edit == "cut without encoding"
    _ffmpeg(*late, "-i", film, *tone, *maps, "-c:v", "copy", *sound, whole if is_cut else path)
    if is_cut:
        _ffmpeg("-ss", "1.7", "-i", whole, "-map", "0", "-c", "copy", path)
    return path


def _ffmpeg(*arguments: object) -> None:
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)
