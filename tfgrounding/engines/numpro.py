"""The engine that asks a vision LLM: show frames with their times, ask, and map the reply's numbers back to seconds."""

from __future__ import annotations

from typing import Any

from ..errors import TFGroundingError
from ..localizers import Localizer, get_localizer
from ..media import AnySource, open_source
from ..media.frames import checked_rate
from ..media.sampling import capped_rate_hz
from ..types import Progress, VideoFeatures, VideoInfo
from ..vision.own import checked_model
from ..vision.views import ClipYesNo, TimeView, chosen_view
from ..vision.vlm import HOW_TO_NAME_ONE, VisionModel, load_vlm
from .base import checked_count
from .estimate import fitting_pictures
from .looking import SampledVideo, spread_windows
from .watched import LAST_ROUND_FRAMES, Highlights, WatchedFrames

__all__ = ["Highlights", "NumProEngine", "WatchedFrames", "named_vlm"]

RATE_HZ = 1.0
MOST_FRAMES = 128
OVERLAP = 0.25  # of a window, shared with the next one


class NumProEngine:
    """Asks a vision LLM when something happens (Number it, CVPR 2025; training-free form).

    Args:
        vlm: the vision LLM, or its name (see `load_vlm`). There is no default: frames leave this machine only where a
            server is named.
        view: a way to show time, by name or as an object; "auto": the one that the model knows (see `view_for`).
        rate_hz: frames a second that are shown, in as many requests as that takes; None means 1, or fewer where that
            would be more than `most_frames`.
        most_frames: frames of a video that are shown at most; 128 where neither it nor a rate is given.
        overlap: share of a window that the next one shows again, where a video takes several requests.
        max_tokens: longest reply.
        tries: how often the same frames are shown while no reply can be used, 1 or 2.
        localizer: turns the curve of "clip-yes-no" into moments; a name or a Localizer.
        device: where a local vision LLM runs.
        budget_frames: instead of most_frames, by the name that every engine with a vision LLM takes.

    Raises:
        TFGroundingError: no vision LLM, a view that is not known, or a setting that is out of range.
    """

    name = "numpro"
    watches_features = False

    def __init__(
        self,
        vlm: str | VisionModel | None = None,
        *,
        view: str | TimeView = "auto",
        rate_hz: float | None = None,
        most_frames: int | None = None,
        overlap: float = OVERLAP,
        max_tokens: int = 256,
        tries: int = 2,
        localizer: str | Localizer = "default",
        device: str = "auto",
        budget_frames: int | None = None,
    ) -> None:
        if budget_frames is not None:
            most_frames = checked_count("budget_frames", budget_frames)
        elif most_frames is not None:
            checked_count("most_frames", most_frames)
        self.obeys_rate = rate_hz is not None
        if most_frames is None and not self.obeys_rate:
            most_frames = MOST_FRAMES
        self.rate_hz = checked_rate(RATE_HZ if rate_hz is None else rate_hz)
        capped_rate_hz(1.0, rate_hz=self.rate_hz, most_frames=1 if most_frames is None else most_frames)
        if not 0 <= overlap < 1:
            raise TFGroundingError(f"overlap must be at least 0 and below 1, not {overlap}")
        self.localizer = get_localizer(localizer)
        self.most_frames = most_frames
        self.overlap = overlap
        self.max_tokens = max_tokens
        self.tries = tries
        self.vlm = named_vlm(vlm, engine=self.name, device=device)
        self.view = chosen_view(view, self.vlm)

    def provenance(self) -> dict[str, Any]:
        """The vision LLM, the way to show time, and the rate."""
        return {"engine": self.name, "vlm": self.vlm.name, "view": self.view.name, "rate_hz": self.rate_hz}

    def asks_at_most(self, info: VideoInfo) -> tuple[int, int]:
        """(requests, pictures) of one query about such a video, where each reply can be used. Raises ModelError."""
        frames = max(1, round(info.duration_seconds * self.rate_hz))
        frames = frames if self.most_frames is None else min(self.most_frames, frames)
        if isinstance(self.view, ClipYesNo):
            windows = self.view.clips(frames)
        else:
            most = fitting_pictures(self.vlm, self.view, info) * self.view.frames_per_picture
            windows = spread_windows(frames, most, self.overlap)
        if len(windows) > 1 and not isinstance(self.view, ClipYesNo):
            windows.append((0, min(LAST_ROUND_FRAMES, windows[0][1])))
        return len(windows), sum(-(-(last - first) // self.view.frames_per_picture) for first, last in windows)

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> WatchedFrames:
        """Sample the video's frames once, for any number of queries.

        Raises:
            VideoError: the video cannot be read.
            TFGroundingError: the rate that was asked for gives more frames than may be shown.
        """
        if isinstance(source, VideoFeatures):
            if source.source is None:
                raise TFGroundingError(f"the {self.name} engine looks at pictures: give it the video, not its features")
            source = source.source
        opened = open_source(source)
        video = SampledVideo(opened, rate_hz=self.rate_hz, side=self.view.frame_side, most_frames=self.most_frames)
        seconds = video.info.duration_seconds
        if self.obeys_rate and video.rate_hz < self.rate_hz * 0.999:
            raise TFGroundingError(
                f"{video.info.path}: {self.rate_hz:g} frames a second are {seconds * self.rate_hz:.0f} frames, but "
                f"{self.most_frames} may be shown: lower the rate to {video.rate_hz:.3g}, or allow more frames"
            )
        if progress is not None:
            progress(seconds, seconds)
        return WatchedFrames(self, video)


def named_vlm(vlm: str | VisionModel | None, *, engine: str, device: str) -> VisionModel:
    """The vision LLM that was named. Raises TFGroundingError where none was."""
    if vlm is None:
        raise TFGroundingError(f"engine {engine!r} needs a vision model and none is named: use {HOW_TO_NAME_ONE}")
    if isinstance(vlm, str):
        return load_vlm(vlm, device=device)
    return checked_model(vlm)
