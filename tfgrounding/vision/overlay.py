"""Draw numbers on frames: glyphs are rendered once, then blended into a corner of each frame."""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ..errors import TFGroundingError
from ..files import draft
from ..media import AnySource, iter_frames, open_source
from ..media.frames import checked_rate_of
from ..types import Progress

if TYPE_CHECKING:
    from PIL import ImageFont

log = logging.getLogger(__name__)

Corner = Literal["bottom-right", "bottom-left", "top-right", "top-left", "centre"]
CORNERS: tuple[Corner, ...] = get_args(Corner)
COLORS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}
REFERENCE_PIXELS = 336  # the frame side for which the published font sizes are given
MARGIN = 0.25  # of the font size, between the number and the frame's edge
OUTLINE = 0.06  # of the font size
SMALLEST_FONT_PIXELS = 5
ENDINGS = (".mp4", ".mkv", ".mov")  # of numbered videos
FONT = ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf")  # the package that carries it, and where


@dataclass(frozen=True, slots=True)
class Overlay:
    """How numbers are drawn; the defaults are the best of the published ablation (Number it, CVPR 2025, section 4).

    `size`: font size in pixels for a frame whose shorter side is 336 pixels; it is scaled with the frame, so that a
    number covers the same share of it at every resolution. `color`: a name of COLORS or three values 0-255. `corner`:
    one of CORNERS. `outline`: whether there is a thin contour, black or white, whichever has more contrast. `share`:
    the share of frames that get a number, evenly spread from the first on.
    """

    size: float = 40.0
    color: str | tuple[int, int, int] = "red"
    corner: Corner = "bottom-right"
    outline: bool = False
    share: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.size) and self.size > 0):
            raise TFGroundingError(f"size must be positive, not {self.size}")
        if self.corner not in CORNERS:
            raise TFGroundingError(f"corner {self.corner!r} is not known; choose one of {', '.join(CORNERS)}")
        if not 0 < self.share <= 1:
            raise TFGroundingError(f"share must be above 0 and at most 1, not {self.share}")
        if isinstance(self.color, str) and self.color not in COLORS:
            raise TFGroundingError(f"color {self.color!r} is not known; choose one of {', '.join(COLORS)} or (r, g, b)")
        if len(self.rgb) != 3 or not all(0 <= value <= 255 for value in self.rgb):
            raise TFGroundingError(f"color must have three values from 0 to 255, not {self.color}")

    @property
    def rgb(self) -> tuple[int, int, int]:
        return COLORS[self.color] if isinstance(self.color, str) else self.color

    @property
    def color_word(self) -> str:
        """The colour as a word for a prompt."""
        return self.color if isinstance(self.color, str) else "coloured"

    def is_numbered(self, numbers: np.ndarray) -> np.ndarray:
        """(T,) bool: which of these frames, counted from 1, get their number."""
        ranks = np.asarray(numbers, dtype=np.int64) - 1
        # The small shift keeps the count exact where rank * share falls on a whole number up to rounding.
        return np.floor(ranks * self.share + 1e-9) > np.floor((ranks - 1) * self.share + 1e-9)

    def draw(self, pixels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Draw each frame's number on it.

        Args:
            pixels: (T, H, W, 3) uint8 RGB frames.
            numbers: (T,) integers >= 0; frames for which `is_numbered` is False are not changed.

        Returns:
            A new (T, H, W, 3) uint8 array; `pixels` is not changed.

        Raises:
            TFGroundingError: Pillow or the font is not installed.
        """
        drawn = pixels.copy()
        for frame, number, wanted in zip(drawn, numbers, self.is_numbered(numbers), strict=True):
            if wanted:
                self._draw_number(frame, int(number))
        return drawn

    def _draw_number(self, frame: np.ndarray, number: int) -> None:
        """Blend one number into one (H, W, 3) frame, in place."""
        height, width = frame.shape[:2]
        font_pixels, gap = self._fit(height, width, len(str(number)))
        fill, body = _number_mask(str(number), font_pixels, self.outline)  # (h, w) each, 0-255
        h, w = fill.shape
        vertical, _, horizontal = self.corner.partition("-")
        top = {"top": gap, "bottom": height - gap - h}.get(vertical, (height - h) // 2)
        left = {"left": gap, "right": width - gap - w}.get(horizontal, (width - w) // 2)
        top, left = max(0, min(top, height - h)), max(0, min(left, width - w))
        region = frame[top : top + h, left : left + w]
        fill, body = fill[: region.shape[0], : region.shape[1]], body[: region.shape[0], : region.shape[1]]
        mixed = region.astype(np.uint16)
        if self.outline:
            brightness = np.dot(self.rgb, (0.299, 0.587, 0.114))  # ITU-R BT.601 luma
            mixed = _blend(mixed, np.full(3, 255 if brightness < 128 else 0, dtype=np.uint16), body)
        region[...] = _blend(mixed, np.array(self.rgb, dtype=np.uint16), fill)

    def _fit(self, height: int, width: int, digits: int) -> tuple[int, int]:
        """(font size, margin) in pixels for a number of that many digits: scaled with the frame, so that it fits."""
        wanted = self.size * min(height, width) / REFERENCE_PIXELS
        per_digit = _number_mask("0", 64, False)[0].shape[1] / 64 * 1.05
        wanted = min(wanted, width / (digits * per_digit + 2 * MARGIN), height / (1 + 2 * MARGIN))
        font_pixels = max(SMALLEST_FONT_PIXELS, round(wanted))
        return font_pixels, round(MARGIN * font_pixels)


def write_numbered_video(
    source: AnySource,
    target: str | os.PathLike[str],
    *,
    rate_hz: float = 1.0,
    overlay: Overlay | None = None,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    progress: Progress | None = None,
) -> int:
    """Write a copy of a video with a number on every picture: that of the numpro engine's sample at this time.

    The copy is H.264 at the source's average frame rate, without sound. What is wrong with the source is logged.

    Args:
        source: path of a video file, Pictures, or any other Source.
        target: the numbered video, ending in .mp4, .mkv or .mov; it appears when it is complete.
        rate_hz: how many numbers there are for one second, as many as the engine samples.
        overlay: how to draw them.
        start_seconds, end_seconds: only this part of the video; its numbers are those of the whole video.
        progress: called with (seconds done, seconds in all).

    Returns:
        The last number drawn.

    Raises:
        VideoError: the source cannot be read, or sampled at this rate.
        TFGroundingError: a setting out of range, or a target that cannot be.
    """
    import av

    overlay = overlay or Overlay()
    place, opened = Path(target), open_source(source)
    if place.suffix.lower() not in ENDINGS:
        raise TFGroundingError(f"{place}: a numbered video must end in {', '.join(ENDINGS)}")
    rate_hz = checked_rate_of(opened, rate_hz)  # as for the engine, whose samples the numbers count
    own = Path(opened.to_dict().get("path", ""))
    if place.exists() and own.is_file() and place.samefile(own):
        raise TFGroundingError(f"{place} is the source itself: name another file")
    _font(SMALLEST_FONT_PIXELS)
    info = opened.info
    width, height = info.width // 2 * 2, info.height // 2 * 2  # H.264 needs even sides
    if not width or not height:
        raise TFGroundingError(f"{opened.name}: pictures of {info.width} x {info.height} are too small for H.264")
    pictures_hz = Fraction(min(info.frame_rate_hz or 25.0, 120.0)).limit_denominator(100_000)
    pictures_hz = max(pictures_hz, Fraction(1, 100_000))
    end = min(info.duration_seconds, end_seconds or math.inf)
    last = 0
    try:
        with (
            draft(place) as temporary,
            av.open(str(temporary), "w") as container,
            iter_frames(
                opened,
                rate_hz=float(pictures_hz),
                chunk_frames=16,
                start_seconds=start_seconds,
                end_seconds=end_seconds,
            ) as stream,
        ):
            track = container.add_stream("libx264", rate=pictures_hz, options={"crf": "18", "preset": "veryfast"})
            track.width, track.height, track.pix_fmt = width, height, "yuv420p"
            for frames in stream:
                numbers = np.floor(frames.sample_seconds * rate_hz).astype(np.int64) + 1
                last = int(numbers[-1])
                for picture in overlay.draw(frames.pixels, numbers):
                    even = np.ascontiguousarray(picture[:height, :width])
                    container.mux(track.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
                if progress is not None:
                    done = float(frames.sample_seconds[-1])
                    progress(min(done, end) - start_seconds, end - start_seconds)
            if not last:
                raise TFGroundingError(
                    f"{opened.name} has no picture after {start_seconds} s; it is {info.duration_seconds:.1f} s long"
                )
            container.mux(track.encode(None))
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise TFGroundingError(f"{place} cannot be written: {error}") from error
    for warning in dict.fromkeys(stream.info.warnings):
        log.warning("%s: %s", opened.name, warning)
    return last


def _blend(below: np.ndarray, color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    weight = alpha[:, :, None].astype(np.uint16)  # (h, w, 1)
    return (below * (255 - weight) + color * weight + 127) // 255


@lru_cache(maxsize=256)
def _number_mask(text: str, font_pixels: int, outline: bool) -> tuple[np.ndarray, np.ndarray]:
    """(fill, fill with contour) of a text, each (h, w) uint8 coverage, from its glyphs side by side."""
    glyphs = [_glyph(letter, font_pixels, outline) for letter in text]
    return np.hstack([glyph[0] for glyph in glyphs]), np.hstack([glyph[1] for glyph in glyphs])


@lru_cache(maxsize=256)
def _glyph(letter: str, font_pixels: int, outline: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same of one letter: as high as a digit and as wide as its advance."""
    from PIL import Image, ImageDraw

    font = _font(font_pixels)
    stroke = max(1, round(OUTLINE * font_pixels)) if outline else 0
    top, bottom = font.getbbox("0123456789", stroke_width=stroke)[1::2]
    size = (round(font.getlength(letter)) + stroke, round(bottom - top))
    masks = []
    for width in (0, stroke):
        image = Image.new("L", size)
        ImageDraw.Draw(image).text((stroke / 2, -top), letter, fill=255, font=font, stroke_width=width)
        masks.append(np.asarray(image))
    return masks[0], masks[1]


@lru_cache(maxsize=32)
def _font(font_pixels: int) -> ImageFont.FreeTypeFont:
    package, path = FONT
    try:
        from PIL import ImageFont

        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise TFGroundingError(
            "drawing numbers needs Pillow and the font of matplotlib: pip install 'tfgrounding[numpro]'"
        )
    return ImageFont.truetype(str(Path(spec.origin).parent / path), font_pixels)
