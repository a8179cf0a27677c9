"""Single looks at a video, far apart and in any order: at key pictures, which cost least, where they are near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from ..errors import VideoError
from ..types import Source
from .container import MAX_PIXELS, opened
from .decode import SLOWEST_RATE_HZ, VideoFile
from .frames import Size, target_size
from .packets import can_begin_with
from .pictures import Pictures
from .reading import INDEXED
from .render import Renderer

if TYPE_CHECKING:
    import av.container


class Glance(NamedTuple):
    """A picture (H, W, 3), when it came on screen, and when the video was looked at."""

    pixels: np.ndarray
    pts_seconds: float
    sample_seconds: float


class Glances:
    """Looks at single pictures of a video; a context manager that closes its file.

    Args:
        source: the video.
        size: of the pictures, as for `iter_frames`.

    Raises:
        VideoError: the video cannot be read.
    """

    def __init__(self, source: Source, *, size: Size = None) -> None:
        self._source = source
        self._renderer = Renderer(*target_size(source.info, size))
        self._opened: Any = None
        self._container: av.container.InputContainer | None = None
        self._key_ticks = np.empty(0, dtype=np.int64)
        self.can_jump = isinstance(source, Pictures)  # whether a look costs the same wherever it falls
        if isinstance(source, VideoFile):
            self._opened = opened(source.path)
            self._container = self._opened.__enter__()
            self.can_jump = self._container.format.name in INDEXED
            if self.can_jump:
                stream: Any = self._container.streams[source.track.index]
                stream.codec_context.options = MAX_PIXELS
                stream.codec_context.thread_count = 1
                keys = [entry.timestamp for entry in stream.index_entries if entry.is_keyframe]
                self._key_ticks = np.array(sorted(keys), dtype=np.int64)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.__exit__(None, None, None)

    def at(self, seconds: float, *, tolerance_seconds: float = 0.0) -> Glance:
        """The key picture nearest to a time within the tolerance, or else the picture on screen at that time.

        Raises:
            VideoError: no picture can be decoded there.
        """
        found = self._key_picture(seconds, tolerance_seconds) if len(self._key_ticks) else None
        if found is not None:
            return found
        # At so low a rate only the picture that is on screen at the start is decoded for its own sake.
        for shot in self._source.shots(rate_hz=SLOWEST_RATE_HZ, start_seconds=seconds, end_seconds=seconds + 1e-3):
            return Glance(self._renderer.pixels(shot.frame, shot.turn), shot.start_seconds, seconds)
        raise VideoError(f"{self._source.name}: no picture could be decoded at {seconds:.3f} s")

    def _key_picture(self, seconds: float, tolerance_seconds: float) -> Glance | None:
        import av

        assert isinstance(self._source, VideoFile) and self._container is not None
        track = self._source.track
        ticks = track.zero_ticks + round(seconds / float(track.time_base))
        after = int(np.searchsorted(self._key_ticks, ticks))
        nearest = min(self._key_ticks[max(0, after - 1) : after + 1], key=lambda key: abs(int(key) - ticks))
        if abs(track.seconds(int(nearest)) - seconds) > tolerance_seconds:
            return None
        stream: Any = self._container.streams[track.index]
        try:
            self._container.seek(int(nearest), stream=stream)
            packet = next(self._container.demux(stream))
            if packet.pts is None or not can_begin_with(packet, stream.codec_context):
                return None
            starts = track.seconds(packet.pts)
            for frame in [*stream.decode(packet), *stream.decode(None)]:
                if starts >= 0 and abs(starts - seconds) <= tolerance_seconds and not frame.is_corrupt:
                    return Glance(self._renderer.pixels(frame, track.turn), starts, starts)
        except (av.FFmpegError, StopIteration):
            return None
        return None
