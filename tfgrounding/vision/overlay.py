"""Numbers drawn on frames: glyphs are rasterised once, then blended into a corner of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ..errors import TFGroundingError
from ..media.frames import iter_frames, probe

if TYPE_CHECKING:
    from PIL import ImageFont

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
FONT = ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf")  # the package that carries it, and where


@dataclass(frozen=True, slots=True)
class Overlay:
    """How numbers are drawn; the defaults are the best of the published ablation (Number it, CVPR 2025, section 4).

    `size`: font size in pixels on a frame whose shorter side is 336 pixels; it grows and shrinks with the frame, so
    that a number covers the same share of it at every resolution. `color`: a name of COLORS or three values 0-255.
    `corner`: one of CORNERS. `outline`: a thin contour, black or white, whichever stands out more from the colour.
    `share`: the share of frames that get a number, evenly spread and beginning with the first.
    """

    size: float = 40.0
    color: str | tuple[int, int, int] = "red"
    corner: Corner = "bottom-right"
    outline: bool = False
    share: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.size) and self.size > 0):
            raise TFGroundingError(f"the numbers' size must be a positive number of pixels, not {self.size}")
        if self.corner not in CORNERS:
            raise TFGroundingError(f"corner {self.corner!r} is not known; choose one of {', '.join(CORNERS)}")
        if not 0 < self.share <= 1:
            raise TFGroundingError(f"share must lie above 0 and be at most 1, not {self.share}")
        if isinstance(self.color, str) and self.color not in COLORS:
            raise TFGroundingError(f"color {self.color!r} is not known; choose one of {', '.join(COLORS)} or (r, g, b)")
        if len(self.rgb) != 3 or not all(0 <= value <= 255 for value in self.rgb):
            raise TFGroundingError(f"a colour has three values from 0 to 255, not {self.color}")

    @property
    def rgb(self) -> tuple[int, int, int]:
        return COLORS[self.color] if isinstance(self.color, str) else self.color

    @property
    def spoken_color(self) -> str:
        """The colour as a prompt can say it."""
        return self.color if isinstance(self.color, str) else "coloured"

    def is_numbered(self, numbers: np.ndarray) -> np.ndarray:
        """(T,) bool: which of these frames, counted from 1, get their number drawn."""
        ranks = np.asarray(numbers, dtype=np.int64) - 1
        # The small shift keeps the count exact where rank * share falls on a whole number up to rounding.
        return np.floor(ranks * self.share + 1e-9) > np.floor((ranks - 1) * self.share + 1e-9)

    def draw(self, pixels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Draw each frame's number on it.

        Args:
            pixels: (T, H, W, 3) uint8 RGB frames.
            numbers: (T,) integers >= 0; a frame that `is_numbered` leaves out stays as it is.

        Returns:
            A new (T, H, W, 3) uint8 array; `pixels` is not touched.

        Raises:
            TFGroundingError: the font is not installed.
        """
        drawn = pixels.copy()
        for frame, number, wanted in zip(drawn, numbers, self.is_numbered(numbers), strict=True):
            if wanted:
                self._stamp(frame, int(number))
        return drawn

    def _stamp(self, frame: np.ndarray, number: int) -> None:
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
        """(font size, margin) in pixels for a number of that many digits: scaled, and shrunk where it would not fit."""
        wanted = self.size * min(height, width) / REFERENCE_PIXELS
        per_digit = _number_mask("0", 64, False)[0].shape[1] / 64 * 1.05
        wanted = min(wanted, width / (digits * per_digit + 2 * MARGIN), height / (1 + 2 * MARGIN))
        font_pixels = max(SMALLEST_FONT_PIXELS, round(wanted))
        return font_pixels, round(MARGIN * font_pixels)


def write_numbered_video(
    source: str | Path,
    target: str | Path,
    *,
    rate_hz: float = 1.0,
    overlay: Overlay | None = None,
) -> int:
    """Write a copy of a video on which every picture bears the number that the engine would give its moment.

    The copy is H.264 at the source's average frame rate, without sound; its numbers count the engine's samples.

    Args:
        source: a video file.
        target: where the numbered video goes; the container follows from its name (.mp4, .mkv, .mov).
        rate_hz: numbers a second, as many as the engine samples.
        overlay: how to draw.

    Returns:
        The last number drawn.

    Raises:
        VideoError: the source cannot be read. TFGroundingError: the target cannot be written.
    """
    import av

    overlay = overlay or Overlay()
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise TFGroundingError(f"the rate must be a positive number of numbers a second, not {rate_hz}")
    if Path(source).resolve() == Path(target).resolve():
        raise TFGroundingError(f"{target}: is the video itself; name another file")
    info = probe(source)
    pictures_hz = Fraction(min(info.frame_rate_hz or 25.0, 120.0)).limit_denominator(1001)
    last = 0
    try:
        with av.open(str(target), "w") as container:
            stream = container.add_stream("libx264", rate=pictures_hz, options={"crf": "18", "preset": "veryfast"})
            stream.width, stream.height = info.width // 2 * 2, info.height // 2 * 2
            stream.pix_fmt = "yuv420p"
            for frames in iter_frames(source, rate_hz=float(pictures_hz), chunk_frames=16):
                numbers = np.floor(frames.sample_seconds * rate_hz).astype(np.int64) + 1
                last = int(numbers[-1])
                for picture in overlay.draw(frames.pixels, numbers):
                    even = np.ascontiguousarray(picture[: stream.height, : stream.width])
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
            container.mux(stream.encode(None))
    except (OSError, ValueError) as error:
        raise TFGroundingError(f"{target}: cannot be written ({error})") from error
    return last


def _blend(below: np.ndarray, color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    weight = alpha[:, :, None].astype(np.uint16)  # (h, w, 1)
    return (below * (255 - weight) + color * weight + 127) // 255


@lru_cache(maxsize=256)
def _number_mask(text: str, font_pixels: int, outline: bool) -> tuple[np.ndarray, np.ndarray]:
    """(fill, fill with contour), (h, w) uint8 coverage each, of a text, put together from its glyphs."""
    glyphs = [_glyph(letter, font_pixels, outline) for letter in text]
    return np.hstack([glyph[0] for glyph in glyphs]), np.hstack([glyph[1] for glyph in glyphs])


@lru_cache(maxsize=256)
def _glyph(letter: str, font_pixels: int, outline: bool) -> tuple[np.ndarray, np.ndarray]:
    """Coverage of one letter, cut to a digit's height; as wide as its advance, so that glyphs stand side by side."""
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
    spec = find_spec(package)
    if spec is None or spec.origin is None or find_spec("PIL") is None:
        raise TFGroundingError(
            "drawing numbers needs Pillow and matplotlib's DejaVu font: pip install 'tfgrounding[numpro]'"
        )
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(spec.origin).parent / path), font_pixels)
