"""Videos in which known lines are spoken at known times, over footage or a still picture."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import wave
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np

LINES = Path(__file__).parents[1] / "spoken_lines.tsv"
RATE_HZ = 16_000
VOICES = ("en-gb", "en-us", "en-gb-x-rp", "en-us+f3", "en-gb+f2", "en-gb-scotland", "en-us+m3", "en-gb-x-rp+f4")
WORDS_A_MINUTE = (140, 155, 170, 185)
PAUSES_SECONDS = (0.9, 3.0)  # between two lines; shorter pauses lie within some lines
SPEECH_LEVEL = 0.1  # root mean square
BACKGROUND_LEVEL = 0.01  # of the footage's own sound: 20 dB below the speech
SILENT = 1e-3  # below this part of full scale the synthesiser is silent
STILL_SIZE = (320, 240)


class Line(NamedTuple):
    """A line that is spoken, and a query that asks for it in other words."""

    kind: str
    text: str
    asked: str


Spoken = tuple[float, float, str]  # start and end in seconds, text


def read_lines() -> list[Line]:
    """The 120 lines of talks, tutorials, meetings, news and games."""
    with LINES.open(encoding="utf-8", newline="") as file:
        return [Line(*row) for row in list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]]


def build(
    folder: Path,
    lines: Sequence[str],
    *,
    footage: Sequence[Path] = (),
    lines_a_video: int = 20,
    seed: int = 0,
    voices: Sequence[str] = VOICES,
) -> list[tuple[Path, list[Spoken]]]:
    """Write videos in which the lines are spoken one after the other, with pauses.

    Args:
        folder: where the videos are written, spoken-0.mkv and so on; it is made where it is missing.
        lines: what is spoken, in this order.
        footage: video files whose pictures are shown, in turn and repeated, with their own sound quietly; none for a
            still picture and silence.
        lines_a_video: how many lines are spoken in one video.
        seed: decides voices, speeds and pauses.
        voices: of espeak-ng.

    Returns:
        For each video its path, and when each of its lines begins and ends, to about 0.01 s.

    Raises:
        SystemExit: espeak-ng is not installed.
    """
    if shutil.which("espeak-ng") is None:
        raise SystemExit("espeak-ng is not installed, and nothing else speaks the lines: install it (apt, dnf or brew)")
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    videos, shown = [], cycle(footage)
    for number, first in enumerate(range(0, len(lines), lines_a_video)):
        sound, spoken = _speak(lines[first : first + lines_a_video], voices, random)
        path = folder / f"spoken-{number}.mkv"
        _write(path, sound, next(shown, None))
        videos.append((path, spoken))
    return videos


def synthesised(text: str, voice: str, words_a_minute: int) -> np.ndarray:
    """(N,) float32 mono at RATE_HZ: the text as spoken by espeak-ng, without the silence around it."""
    command = ["espeak-ng", "-v", voice, "-s", str(words_a_minute), "--stdout", "--", text]
    data = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    with wave.open(io.BytesIO(data)) as file:
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(len(data)), dtype="<i2")
    frame = av.AudioFrame.from_ndarray(samples[None].copy(), format="s16", layout="mono")
    frame.sample_rate = rate_hz
    samples = _as_mono([frame])
    loud = np.flatnonzero(np.abs(samples) > SILENT)
    samples = samples[loud[0] : loud[-1] + 1]
    return samples * (SPEECH_LEVEL / np.sqrt(np.mean(samples**2)))


def _speak(texts: Sequence[str], voices: Sequence[str], random: np.random.Generator) -> tuple[np.ndarray, list[Spoken]]:
    parts, spoken, length = [], [], 0
    for text in texts:
        pause = np.zeros(round(random.uniform(*PAUSES_SECONDS) * RATE_HZ), dtype=np.float32)
        line = synthesised(text, voices[random.integers(len(voices))], int(random.choice(WORDS_A_MINUTE)))
        parts += [pause, line]
        start = length + len(pause)
        length = start + len(line)
        spoken.append((start / RATE_HZ, length / RATE_HZ, text))
    parts.append(np.zeros(2 * RATE_HZ, dtype=np.float32))
    return np.concatenate(parts), spoken


def _write(path: Path, sound: np.ndarray, footage: Path | None) -> None:
    """Pictures copied from the footage, or one that stands still, and the sound as PCM, which moves nothing."""
    seconds = len(sound) / RATE_HZ
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as output:
        if footage is None:
            picture, packets = _still(output, seconds)
        else:
            own = _sound_of(footage)
            if len(own) and (level := float(np.sqrt(np.mean(own**2)))) > 0:
                sound = sound + np.resize(own, len(sound)) * (BACKGROUND_LEVEL / level)
            picture, packets = _copied(output, footage, seconds)
        track = output.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        blocks = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
        at = 0
        for packet in packets:
            packet.stream = picture
            begins = float((packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base)
            output.mux(packet)
            at = _mux_sound(output, track, blocks, at, round((begins + 1) * RATE_HZ))
        _mux_sound(output, track, blocks, at, len(blocks))
        output.mux(track.encode(None))


def _mux_sound(output: Any, track: Any, samples: np.ndarray, at: int, until: int) -> int:
    """Write the samples from one place to another; returns where writing goes on."""
    until = min(until, len(samples))
    while at < until:
        some = samples[None, at : min(until, at + 4096)]
        frame = av.AudioFrame.from_ndarray(some.copy(), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, at, Fraction(1, RATE_HZ)
        output.mux(track.encode(frame))
        at += frame.samples
    return max(at, until)


def _still(output: Any, seconds: float) -> tuple[Any, Iterator[Any]]:
    width, height = STILL_SIZE
    stream = output.add_stream("mpeg4", rate=2)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"

    def packets() -> Iterator[Any]:
        for number in range(int(2 * seconds) + 1):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, dtype=np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 2)
            yield from stream.encode(frame.reformat(format="yuv420p"))
        yield from stream.encode(None)

    return stream, packets()


def _copied(output: Any, footage: Path, seconds: float) -> tuple[Any, Iterator[Any]]:
    """A stream like the footage's, and its packets from 0 on, again and again until `seconds` are full."""
    with av.open(str(footage)) as source:
        stream = output.add_stream_from_template(source.streams.video[0])

    def packets() -> Iterator[Any]:
        begins = 0.0
        while begins < seconds:
            ends = begins
            with av.open(str(footage)) as source:
                first: int | None = None
                for packet in source.demux(video=0):
                    if packet.dts is None:
                        continue
                    first = (packet.pts or 0) if first is None else first
                    shift = round(begins / packet.time_base) - first
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    at = float(packet.pts * packet.time_base)
                    ends = max(ends, at + float((packet.duration or 1) * packet.time_base))
                    if float(packet.dts * packet.time_base) >= seconds:
                        return
                    yield packet
            begins = ends + 0.1  # what is decoded before it is shown stays in order

    return stream, packets()


def _sound_of(footage: Path) -> np.ndarray:
    with av.open(str(footage)) as source:
        return _as_mono(source.decode(audio=0)) if source.streams.audio else np.zeros(0, dtype=np.float32)


def _as_mono(frames: Any) -> np.ndarray:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    parts = [part.to_ndarray()[0] for frame in (*frames, None) for part in resampler.resample(frame)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
