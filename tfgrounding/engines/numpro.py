"""The second engine: sample, show the time, ask a vision LLM, read its reply, and lead its numbers back to seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ModelError, TFGroundingError
from ..llm.prompting import prompts
from ..media import AnySource, iter_frames, probe
from ..media.sampling import capped_rate_hz, evenly
from ..types import Moment, VideoInfo
from ..vision.saliency import read_saliency
from ..vision.views import ClipYesNo, FrameNumbers, NumberedFrames, ReadReply, TimeView, get_view, numbered_question
from ..vision.vlm import VisionModel

RATE_HZ = 1.0
MOST_FRAMES = 128
OVERLAP = 0.25  # of a window, shared with the next one
HIGHLIGHT_TOKENS_PER_FRAME = 12


@dataclass(frozen=True, slots=True)
class Watched:
    """What a vision LLM said about a video.

    `moments`: best first. `curve`: (T,) for each sampled frame the share of the requests showing it that named it, or
    P(yes). `sample_seconds`: (T,) when the video was looked at. `localize`: the curve is the answer and a localizer
    has to turn it into moments. `frames_shown`: frames sent, those sent twice counted twice.
    """

    moments: tuple[Moment, ...]
    curve: np.ndarray
    sample_seconds: np.ndarray
    info: VideoInfo
    raw_answer: str
    warnings: tuple[str, ...]
    frames_shown: int
    localize: bool = False


@dataclass(frozen=True, slots=True)
class Highlights:
    """How well each sampled frame shows the query: `saliency` (T,) from 1 to 5, 0 where the model rated nothing."""

    saliency: np.ndarray
    sample_seconds: np.ndarray
    info: VideoInfo
    raw_answer: str
    warnings: tuple[str, ...]


class NumProEngine:
    """Asks a vision LLM when something happens (Number it, CVPR 2025; training-free form).

    Args:
        vlm: the vision LLM.
        view: a way to show time, by name or as an object.
        rate_hz: frames a second that are shown.
        most_frames: frames of a video that are shown at most; a longer video is sampled more slowly.
        overlap: share of a window that the next one shows again, where a video takes several requests.
        max_tokens: longest reply.
        tries: how often the same frames are shown while no reply can be used, 1 or 2.

    Raises:
        TFGroundingError: a view that is not known, or a setting that cannot be.
    """

    name = "numpro"

    def __init__(
        self,
        vlm: VisionModel,
        *,
        view: str | TimeView = "frame-numbers",
        rate_hz: float = RATE_HZ,
        most_frames: int = MOST_FRAMES,
        overlap: float = OVERLAP,
        max_tokens: int = 256,
        tries: int = 2,
    ) -> None:
        capped_rate_hz(1.0, rate_hz=rate_hz, most_frames=most_frames)
        if not 0 <= overlap < 1:
            raise TFGroundingError(f"overlap must be at least 0 and below 1, not {overlap}")
        self.vlm = vlm
        self.view = get_view(view) if isinstance(view, str) else view
        self.rate_hz = rate_hz
        self.most_frames = most_frames
        self.overlap = overlap
        self.max_tokens = max_tokens
        self.tries = tries

    def ground(self, video: AnySource, query: str) -> Watched:
        """When does it happen?

        Args:
            video: path of a video file, or Pictures.
            query: a sentence.

        Returns:
            Watched: no moments where the model says that it does not happen, or never says anything usable.

        Raises:
            VideoError: the video cannot be read. ModelError: the model could not be asked at all.
        """
        shown, info = self._look(video)
        if isinstance(self.view, ClipYesNo):
            return self._ask_clips(self.view, shown, info, query)
        windows = self._windows(self.view, shown)
        replies, readings, warnings, seen = [], [], list(info.warnings), []
        frames_shown = 0
        failure: ModelError | None = None
        for first, last in windows:
            window = shown.part(first, last)
            try:
                asked = ask_about(self.vlm, self.view, window, query, max_tokens=self.max_tokens, tries=self.tries)
            except ModelError as error:
                failure = error
                warnings.append(
                    f"{window.edges_seconds[0]:.1f}-{window.edges_seconds[-1]:.1f} s could not be asked about: {error}"
                )
                continue
            seen.append((first, last))
            frame_range = f"[frames {window.numbers[0]}-{window.numbers[-1]}] "
            replies.append(asked.reply if len(windows) == 1 else frame_range + asked.reply)
            readings.append(asked.reading)
            warnings.extend(asked.reading.warnings)
            frames_shown += asked.frames_shown
        if failure is not None and not seen:
            raise failure
        curve = _votes(shown, seen, readings)
        if len(windows) == 1:
            moments = [Moment(start, end, 1.0) for start, end in readings[0].intervals_seconds]
        else:
            moments = _voted(curve, shown.edges_seconds)
        return Watched(
            moments=tuple(moments),
            curve=curve,
            sample_seconds=shown.sample_seconds,
            info=info,
            raw_answer="\n".join(replies),
            warnings=tuple(dict.fromkeys(warnings)),
            frames_shown=frames_shown,
        )

    def highlights(self, video: AnySource, query: str) -> Highlights:
        """How well does each frame show it? Always asked with numbers on the frames.

        Args, Raises: as `ground`.
        """
        shown, info = self._look(video)
        view = self.view if isinstance(self.view, FrameNumbers) else FrameNumbers()
        total, rated = np.zeros(len(shown)), np.zeros(len(shown))
        replies, warnings = [], list(info.warnings)
        for first, last in self._windows(view, shown):
            window = shown.part(first, last)
            question = numbered_question("numpro.highlights", view.overlay, window, query)
            parts = view.parts(window)
            tokens = max(self.max_tokens, HIGHLIGHT_TOKENS_PER_FRAME * len(window))
            reply = self.vlm.ask([*parts, question], max_tokens=tokens)
            found = read_saliency(reply)
            if not found:
                reply = self.vlm.ask([*parts, f"{question}\n\n{prompts('numpro.again').text}"], max_tokens=tokens)
                found = read_saliency(reply)
                warnings.append("a reply could not be used and was asked for once more")
            replies.append(reply)
            for number, value in found.items():
                position = number - int(shown.numbers[0])
                if first <= position < last:
                    total[position] += value
                    rated[position] += 1
                else:
                    warnings.append(f"the reply rates frame {number}, which was not shown: left out")
        if not rated.all():
            warnings.append(f"{int((rated == 0).sum())} of {len(shown)} frames got no saliency")
        saliency = np.divide(total, rated, out=np.zeros(len(shown)), where=rated > 0)
        return Highlights(saliency, shown.sample_seconds, info, "\n".join(replies), tuple(dict.fromkeys(warnings)))

    def _look(self, video: AnySource) -> tuple[NumberedFrames, VideoInfo]:
        stated = probe(video).duration_seconds
        rate_hz = capped_rate_hz(stated, rate_hz=self.rate_hz, most_frames=self.most_frames)
        return look(video, rate_hz=rate_hz, side=self.view.frame_side, most_frames=self.most_frames)

    def _windows(self, view: TimeView, shown: NumberedFrames) -> list[tuple[int, int]]:
        """[first, last) positions of equally long windows that fit one request each, overlap, and cover everything."""
        pictures = [part for part in view.parts(shown) if not isinstance(part, str)]
        return spread_windows(len(shown), self.vlm.capacity(pictures) * view.frames_per_picture, self.overlap)

    def _ask_clips(self, view: ClipYesNo, shown: NumberedFrames, info: VideoInfo, query: str) -> Watched:
        clips = view.clips(len(shown))
        total, seen = np.zeros(len(shown)), np.zeros(len(shown))
        said = []
        for first, last in clips:
            clip = shown.part(first, last)
            probability = self.vlm.yes_probability([*view.parts(clip), view.question(clip, query)])
            total[first:last] += probability
            seen[first:last] += 1
            said.append(f"{clip.edges_seconds[0]:.1f}-{clip.edges_seconds[-1]:.1f} s: P(yes) = {probability:.4f}")
        return Watched(
            moments=(),
            curve=total / seen,
            sample_seconds=shown.sample_seconds,
            info=info,
            raw_answer="\n".join(said),
            warnings=info.warnings,
            frames_shown=sum(last - first for first, last in clips),
            localize=True,
        )


def look(
    video: AnySource,
    *,
    rate_hz: float,
    side: int,
    most_frames: int,
    wanted: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[NumberedFrames, VideoInfo]:
    """Sample a video and number its frames from 1 on.

    Args:
        video: path of a video file, or Pictures.
        rate_hz: samples a second.
        side: shorter side of the frames in pixels.
        most_frames: frames to keep at most; were there more than the container's duration promised, they are thinned
            out evenly, so that the end is never lost.
        wanted: (T,) sampling instants -> (T,) bool, the frames to keep; None keeps all.

    Returns:
        The frames with their table, and what was learnt about the video.

    Raises:
        VideoError: the video cannot be read.
    """
    pixels: list[np.ndarray] = []
    instants: list[np.ndarray] = []
    stream = iter_frames(video, rate_hz=rate_hz, size=side, chunk_frames=16)
    for frames in stream:
        keep = slice(None) if wanted is None else wanted(frames.sample_seconds)
        pixels.append(frames.pixels[keep])
        instants.append(frames.sample_seconds[keep])
    seconds = np.concatenate(instants)
    chosen = evenly(len(seconds), most_frames)
    seconds = seconds[chosen]
    shown = NumberedFrames(
        pixels=np.concatenate(pixels)[chosen],
        numbers=np.arange(1, len(seconds) + 1),
        sample_seconds=seconds,
        edges_seconds=edges_between(seconds, 0.0, stream.info.duration_seconds),
    )
    return shown, stream.info


def edges_between(sample_seconds: np.ndarray, start_seconds: float, end_seconds: float) -> np.ndarray:
    """(T + 1,) borders of what each sample stands for: half way between neighbours, the given ones at both ends.

    The instants are times on screen, whatever the frame rate does, so that the borders are right for a variable rate.
    """
    inner = (sample_seconds[1:] + sample_seconds[:-1]) / 2
    return np.concatenate([[start_seconds], inner, [end_seconds]])


def spread_windows(count: int, most: int, overlap: float) -> list[tuple[int, int]]:
    """[first, last) of as few equally long windows of at most `most` as cover `count` things and overlap so much."""
    if count <= most:
        return [(0, count)]
    shared = min(round(most * overlap), most - 1)
    number = -(-(count - shared) // (most - shared))
    return [(int(start), int(start) + most) for start in np.round(np.linspace(0, count - most, number))]


@dataclass(frozen=True, slots=True)
class Asked:
    """The last reply as it came, what it says, and how many frames were sent for it."""

    reply: str
    reading: ReadReply
    frames_shown: int


def ask_about(
    vlm: VisionModel, view: TimeView, shown: NumberedFrames, query: str, *, max_tokens: int = 256, tries: int = 2
) -> Asked:
    """Ask about these frames, and once more where the reply is of no use.

    Returns:
        Asked; its reading is not usable where no reply says anything.

    Raises:
        ModelError: the model could not be asked.
    """
    parts, question = view.parts(shown), view.question(shown, query)
    reply = vlm.ask([*parts, question], max_tokens=max_tokens)
    reading = view.read(reply, shown)
    sent = len(shown)
    if reading.usable:
        return Asked(reply, reading, sent)
    warning = "a reply could not be used"
    if tries > 1:
        reply = vlm.ask([*parts, f"{question}\n\n{prompts('numpro.again').text}"], max_tokens=max_tokens)
        reading = view.read(reply, shown)
        sent += len(shown)
        warning = "a reply could not be used and was asked for once more"
    if not reading.usable:
        warning = "the replies could not be used; no moment is made up from them"
    return Asked(reply, replace(reading, warnings=(warning, *reading.warnings)), sent)


def _votes(shown: NumberedFrames, asked: list[tuple[int, int]], readings: list[ReadReply]) -> np.ndarray:
    """(T,) share of the usable replies about a frame that name it; 0 where there is none."""
    named, looks = np.zeros(len(shown)), np.zeros(len(shown))
    for (first, last), reading in zip(asked, readings, strict=True):
        looks[first:last] += reading.usable
        instants = shown.sample_seconds[first:last]
        inside = np.zeros(last - first, dtype=bool)
        for start, end in reading.intervals_seconds:
            inside |= (instants >= start) & (instants < end)
        named[first:last] += inside
    return np.divide(named, looks, out=np.zeros(len(shown)), where=looks > 0)


def _voted(curve: np.ndarray, edges_seconds: np.ndarray) -> list[Moment]:
    """Stretches of frames that at least half of the windows showing them name; scored by their mean share."""
    inside = np.concatenate([[0], (curve >= 0.5).astype(np.int8), [0]])
    starts, ends = np.flatnonzero(np.diff(inside) == 1), np.flatnonzero(np.diff(inside) == -1)
    found = [
        Moment(float(edges_seconds[start]), float(edges_seconds[end]), float(curve[start:end].mean()))
        for start, end in zip(starts, ends, strict=True)
    ]
    return sorted(found, key=lambda moment: -moment.score)
