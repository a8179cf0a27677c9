"""A video described by a vision LLM, scene by scene: resumable, its cost known first, one failure no end."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from ..errors import ModelError, VideoError, one_line
from ..media import AnySource, open_source
from ..tracks.kept_texts import KeptTexts, Parts
from ..tracks.scenes import REVISION, Interval, find_scenes
from ..tracks.text_track import TextTrack, TimedText
from ..types import Progress, Source, VideoInfo
from ..vision.captions import NoCaptionError, caption_prompt, caption_request, read_caption
from ..vision.model import TooMuchError, UselessReplyError
from ..vision.profiles import Profile
from ..vision.views import chosen_view
from ..vision.vlm import VisionModel
from .asking import Asking, counted
from .estimate import QUESTION_TOKENS, Estimate, picture_tokens
from .looking import sampled
from .numpro import named_vlm

FRAMES = 3  # of a scene; one more or less where the instants of sampling fall so
CAPTION_TOKENS = 60  # of a reply, for the estimate
MOST_TOKENS = 160  # of a reply
MOST_FAILURES_NAMED = 3
SAME_SHARE, LEAST_SCENES = 0.5, 4  # of scenes with the same caption, from which it is said


class Captioner:
    """Describes every scene of a video in one or two sentences; safe to share between threads.

    Args:
        vlm: the vision LLM, or its name (see `load_vlm`). Frames leave this machine only where a server is named.
        frames: pictures of a scene that are shown, about.
        device: where a local vision LLM runs.

    Raises:
        TFGroundingError: no vision LLM, or one that cannot be loaded.
    """

    def __init__(self, vlm: str | VisionModel, *, frames: int = FRAMES, device: str = "auto") -> None:
        if not 1 <= frames <= 16:
            raise ModelError(f"a scene is shown by 1 to 16 frames, not {frames}")
        self.vlm = named_vlm(vlm, engine="captions", device=device)
        self.frames = frames
        self._view = chosen_view("auto", self.vlm)

    @property
    def made_by(self) -> dict[str, Any]:
        """What decides the captions beside the video."""
        return {
            "by": "captions",
            "model": self.vlm.name,
            "prompt": caption_prompt().digest,
            "frames": self.frames,
            "side": self._view.frame_side,
            "scenes": REVISION,
        }

    def estimate(self, info: VideoInfo, scenes: int) -> Estimate:
        """What describing so many scenes of a video costs, about.

        Args:
            info: of the video.
            scenes: how many of them are still to be described.
        """
        profile = getattr(self.vlm, "profile", None) or Profile()
        pictures = scenes * self.frames
        tokens = profile.picture_tokens or picture_tokens(self._view, info) / self._view.frames_per_picture
        seconds = None
        if profile.request_seconds or profile.picture_seconds:
            seconds = scenes * profile.request_seconds + pictures * profile.picture_seconds
        return Estimate(
            queries=1,
            requests=scenes,
            pictures=pictures,
            prompt_tokens=round(pictures * tokens + scenes * QUESTION_TOKENS),
            completion_tokens=scenes * CAPTION_TOKENS,
            seconds=seconds,
            by_profile=bool(profile.picture_tokens),
        )

    def open_scenes(self, source: AnySource, scenes: Sequence[Interval], *, kept: KeptTexts) -> int:
        """How many scenes are not described yet."""
        done = self._done(open_source(source), scenes, kept)[0]
        return len(scenes) - len(done)

    def track(
        self,
        source: AnySource,
        *,
        kept: KeptTexts,
        scenes: Sequence[Interval] | None = None,
        progress: Progress | None = None,
    ) -> TextTrack:
        """Describe the scenes that are not described yet.

        A scene that fails is left out, with a warning; the next call asks about it again. What is finished stays when
        the program is stopped.

        Args:
            source: the video.
            kept: where captions are looked for and kept.
            scenes: as of `find_scenes`; None finds them.
            progress: called with (seconds of video described, seconds in all).

        Returns:
            The track of kind "described": one text a scene, with the scene's times.

        Raises:
            VideoError: the video cannot be read.
            RefusedError: the server refuses the key or has no such model.
            ModelError: not a single scene could be described.
        """
        opened = open_source(source)
        scenes = find_scenes(opened) if scenes is None else scenes
        done, parts, before = self._done(opened, scenes, kept)
        if before is not None and len(done) == len(scenes):
            return before
        asking = Asking(self.vlm, max_tokens=MOST_TOKENS)
        lock = threading.Lock()
        described = sum(scenes[number][1] - scenes[number][0] for number in done)

        def describe(number: int) -> TimedText:
            nonlocal described
            start, end = scenes[number]
            text = TimedText(start, end, self._caption(asking, opened, start, end))
            with lock:
                parts.add(number, [text])
                described += end - start
                if progress is not None:
                    progress(described, scenes[-1][1])
            return text

        left = [number for number in range(len(scenes)) if number not in done]
        failures: list[ModelError] = []
        for number, result in zip(left, asking.each([partial(describe, number) for number in left]), strict=True):
            if isinstance(result, ModelError):
                failures.append(result)
            else:
                done[number] = result
        if not done:
            raise failures[0]
        texts = tuple(done[number] for number in sorted(done))
        warnings = counted([*asking.warnings, *_failed(failures, len(scenes)), *_same(texts)])
        track = TextTrack("described", texts, f"captions by {self.vlm.name}", self._revision, "en", tuple(warnings))
        problem = kept.keep(opened, track, self.made_by)
        if problem is not None:
            track = TextTrack(track.kind, texts, track.source, track.revision, "en", (*warnings, problem))
        return track

    @property
    def _revision(self) -> str:
        return ".".join(str(value) for name, value in self.made_by.items() if name != "by")

    def _done(
        self, source: Source, scenes: Sequence[Interval], kept: KeptTexts
    ) -> tuple[dict[int, TimedText], Parts, TextTrack | None]:
        """The scenes that are described, where others are kept, and the track of an earlier call."""
        before = kept.find(source, "described", self.made_by)
        by_times = {(text.start_seconds, text.end_seconds): text for text in (before.texts if before else ())}
        parts = kept.parts(source, "described", self.made_by)
        done = {}
        for number, scene in enumerate(scenes):
            part = parts.get(number)
            if scene in by_times:
                done[number] = by_times[scene]
            elif part is not None and len(part[0]) == 1:
                done[number] = part[0][0]
        return done, parts, before

    def _caption(self, asking: Asking, source: Source, start: float, end: float) -> str:
        """The caption of one scene; asked for once more where the reply holds none. Raises ModelError."""
        rate_hz = min(self.frames / (end - start), source.info.frame_rate_hz or 30.0)
        try:
            pixels, _ = sampled(source, [(start, end, rate_hz)], side=self._view.frame_side)
            if not len(pixels):  # a scene shorter than the time between two samples
                pixels, _ = sampled(source, [(start, end, 2 / (end - start))], side=self._view.frame_side)
        except VideoError as error:
            raise ModelError(str(error)) from error
        if not len(pixels):
            raise ModelError(f"nothing can be decoded from {start:.1f} to {end:.1f} s")
        pictures = list(pixels)
        for is_last in (False, True):
            pictures = pictures[: max(1, self.vlm.capacity(pictures))]
            try:
                return read_caption(asking.text(caption_request(pictures, end - start)))
            except (TooMuchError, UselessReplyError, NoCaptionError):
                if is_last:
                    raise
        raise AssertionError("the second try returns or raises")


def _failed(failures: Sequence[ModelError], scenes: int) -> list[str]:
    """A warning about scenes that are missing."""
    if not failures:
        return []
    reasons = [reason for reason, _ in Counter(one_line(str(error)) for error in failures).most_common()]
    return [
        f"{len(failures)} of {scenes} scenes could not be described and are missing; ask again to try them once more: "
        + "; ".join(reasons[:MOST_FAILURES_NAMED])
    ]


def _same(texts: Sequence[TimedText]) -> list[str]:
    """A warning where the model says the same of most scenes."""
    text, count = Counter(one.text for one in texts).most_common(1)[0]
    if len(texts) < LEAST_SCENES or count <= SAME_SHARE * len(texts):
        return []
    return [f"the model says the same of {count} of {len(texts)} scenes: {one_line(text, most=60)!r}"]
