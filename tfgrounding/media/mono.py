"""The sound of a video file as one row of samples, on the time line of its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .decode import VideoFile
from .sound import SoundDamage, read_sound

if TYPE_CHECKING:
    import av.audio.frame

GAP_SECONDS = 0.05  # time stamps that differ by less are rounded, or drift: the sound is taken as going on


def read_mono(
    file: VideoFile,
    *,
    rate_hz: int,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
    block_seconds: float = 10.0,
    damage: SoundDamage | None = None,
) -> Iterator[np.ndarray]:
    """The sound from the start on, mixed to one channel, block after block without a hole.

    Args:
        file: a file that has sound.
        rate_hz: samples a second.
        start_seconds, end_seconds: from the first picture; None reads up to the end of the pictures. Where there is
            no sound there is silence, but nothing after the last sound.
        block_seconds: at most so much at a time.
        damage: counts what could not be decoded.

    Yields:
        (N,) float32 from -1 to 1; sample k of them all is what is heard at start_seconds + k / rate_hz.

    Raises:
        VideoError: the file cannot be read.
    """
    end_seconds = file.info.duration_seconds if end_seconds is None else end_seconds
    wanted = max(0, round((end_seconds - start_seconds) * rate_hz))
    most = max(1, round(block_seconds * rate_hz))
    waiting: list[np.ndarray] = []
    length = done = 0
    for samples in _placed(file, rate_hz, start_seconds, most, damage or SoundDamage()):
        samples = samples[: wanted - done - length]
        waiting.append(samples)
        length += len(samples)
        while length >= most:
            joined = np.concatenate(waiting)
            yield joined[:most]
            done += most
            waiting, length = [joined[most:]], length - most
        if done + length >= wanted:
            break
    if length:
        yield np.concatenate(waiting)


def _placed(
    file: VideoFile, rate_hz: int, start_seconds: float, most: int, damage: SoundDamage
) -> Iterator[np.ndarray]:
    """Samples that follow one another from the start on, silence where the file has none, at most `most` at a time."""
    at = 0  # where the next sample belongs
    skip = 0  # so many of the coming samples lie before `at`
    resampler = _Resampler(rate_hz)
    expected: float | None = None  # when the next frame begins if nothing is missing
    for seconds, frame in read_sound(file, start_seconds=start_seconds, damage=damage):
        if not resampler.fits(frame) or expected is None or abs(seconds - expected) > GAP_SECONDS:
            rest = resampler.rest()[skip:]
            at += len(rest)
            yield rest
            begins = round((seconds - start_seconds) * rate_hz)
            skip = max(0, at - begins)
            while at < begins:
                silence = np.zeros(min(most, begins - at), dtype=np.float32)
                at += len(silence)
                yield silence
            resampler = _Resampler(rate_hz)
            expected = seconds
        expected += frame.samples / frame.sample_rate
        samples = resampler(frame, damage)
        new = samples[skip:]
        skip = max(0, skip - len(samples))
        at += len(new)
        yield new
    yield resampler.rest()[skip:]


class _Resampler:
    """One stretch of sound of one form, mixed to one channel of another rate."""

    def __init__(self, rate_hz: int) -> None:
        import av

        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=rate_hz)
        self._form: tuple[str, str, int] | None = None

    def fits(self, frame: av.audio.frame.AudioFrame) -> bool:
        return self._form in (None, _form(frame))

    def __call__(self, frame: av.audio.frame.AudioFrame, damage: SoundDamage) -> np.ndarray:
        """(N,) float32; what was given and is not there yet comes with the next frame or the rest."""
        import av

        self._form = _form(frame)
        frame.pts = None  # placed already
        try:
            return _samples(self._resampler.resample(frame))
        except (av.FFmpegError, ValueError):  # channels that nobody has a rule for
            damage.packets += 1
            return np.zeros(0, dtype=np.float32)

    def rest(self) -> np.ndarray:
        """(N,) float32: what comes after the last frame."""
        return np.zeros(0, dtype=np.float32) if self._form is None else _samples(self._resampler.resample(None))


def _form(frame: av.audio.frame.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _samples(frames: list[av.audio.frame.AudioFrame]) -> np.ndarray:
    found = [np.nan_to_num(frame.to_ndarray()[0], posinf=0.0, neginf=0.0) for frame in frames]
    return np.clip(np.concatenate(found), -1, 1) if found else np.zeros(0, dtype=np.float32)
