"""Does sampling show the right pictures at the right times, and what does it save against playing?

    python benchmarks/decoding.py [--footage ../shared/footage] [--rate 3] [--repeats 3] [--made 992]

Pictures that no sample shows and no other picture needs are not decoded, and a part of a video is jumped to. Every
sample is compared with a plain decode of everything, by one thread, from the first packet to the last: of all files of
the footage, and of made-up ones (`odd_videos`; they need FFmpeg's program), each read with 1 and 4 decoder threads.
Then playing and sampling are timed in turns, in processor seconds and on the clock, without rendering.
The last line on stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import av
from odd_videos import make, recipes

from tfgrounding.errors import TFGroundingError
from tfgrounding.media import VideoFile, reading
from tfgrounding.media.container import unwrapped

RATES_HZ = (0.4, 3.0)
CLOSE_SECONDS = 1e-6

Pictures = list[tuple[float, str]]  # (seconds from the first, digest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage"))
    parser.add_argument("--rate", type=float, default=3.0)
    parser.add_argument("--repeats", type=int, default=3, help="0 leaves the timing out")
    parser.add_argument("--made", type=int, default=1000, help="how many made-up combinations at most")
    parser.add_argument("--only", default="", help="made-up combinations with this in their names, as 'vp9, mkv'")
    options = parser.parse_args()
    videos = sorted(path for folder in ("untrimmed", "clips") for path in (options.footage / folder).glob("*.*"))
    if not videos:
        sys.exit(f"{options.footage} holds no footage; name its folder with --footage")
    wrong: dict[str, str] = {}
    for path in videos:
        wrong |= check(path, path.name)
    made, not_made = check_made(options.made, options.only, wrong)
    result: dict[str, object] = {"videos": len(videos), "made": made, "not_made": not_made, "wrong": len(wrong)}
    if options.repeats:
        result |= timed(videos, options.rate, options.repeats)
    print(json.dumps(result))


def check_made(most: int, only: str, wrong: dict[str, str]) -> tuple[int, int]:
    """(combinations compared, combinations that FFmpeg does not make); what is wrong is added to `wrong`."""
    made = not_made = 0
    for recipe in recipes():
        if made >= most:
            break
        if only not in recipe.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = make(recipe, Path(folder))
            except subprocess.CalledProcessError as error:
                not_made += 2
                print(
                    f"{recipe.name}: not made ({error.stderr.decode(errors='replace').strip()[:200]})", file=sys.stderr
                )
                continue
            wrong |= check(path, recipe.name)
            made += 2
    return made, not_made


def check(path: Path, name: str) -> dict[str, str]:
    """{name and decoder threads: what is wrong}; empty where everything is as in a plain decode."""
    wrong = {}
    truth = plain(path)
    for threads in (1, 4):
        reading.DECODER_THREADS = threads
        fault = fault_of(VideoFile(path), truth)
        if fault:
            wrong[f"{name}, {threads} threads"] = fault
            print(f"{name}, {threads} threads: {fault}", flush=True)
    reading.DECODER_THREADS = 0
    return wrong


def fault_of(file: VideoFile, truth: Pictures) -> str:
    """How what is read differs from a plain decode; empty where it does not."""
    if not truth:  # cut so that FFmpeg does not find what it needs
        return ""
    times = [seconds for seconds, _ in truth]
    length = times[-1]
    try:
        shots = file.shots()
        played = [(shot.start_seconds, digest(shot.frame)) for shot in shots]
        if played != truth:
            different = sum(not is_same(a, b) for a, b in zip(played, truth, strict=False))
            if different or len(played) != len(truth):
                return f"played: {len(played)} pictures of {len(truth)}, {different} of them others"
        wrong = [warning for warning in shots.warnings if not warning.startswith("the first ")]
        if wrong or not length <= file.info.duration_seconds <= length + 0.5:
            return f"length {file.info.duration_seconds:.3f} s, last picture at {length:.3f} s, {shots.warnings}"
        chosen = random.Random(0)
        looks: list[tuple[float | None, float, float | None]] = [(rate_hz, 0.0, None) for rate_hz in RATES_HZ]
        for rate_hz in (*RATES_HZ, None):
            start = chosen.uniform(0, length)
            looks.append((rate_hz, start, chosen.choice([None, start + 0.5, start + 2])))
        for rate_hz, start, end in looks:
            fault = part_fault(file, truth, times, rate_hz, start, end)
            if fault:
                return f"{rate_hz} Hz, {start:.3f} to {end}: {fault}"
    except TFGroundingError as error:
        return str(error)
    return ""


def part_fault(
    file: VideoFile, truth: Pictures, times: list[float], rate_hz: float | None, start: float, end: float | None
) -> str:
    """How a part of a video differs from a plain decode at its instants (k + 1/2) / rate_hz."""
    shots = file.shots(rate_hz=rate_hz, start_seconds=start, end_seconds=end)
    seen = [(shot.start_seconds, shot.end_seconds, digest(shot.frame)) for shot in shots]
    last = min(times[-1], end or times[-1])
    looked_at = rate_hz or 50.0  # without a rate every picture is there
    instants = [(k + 0.5) / looked_at for k in range(int(last * looked_at + 1))]
    for instant in (start, *(instant for instant in instants if start <= instant < last)):
        on_screen = [(starts, shown) for starts, ends, shown in seen if starts <= instant < ends]
        wanted = truth[bisect_right(times, instant) - 1]
        if len(on_screen) != 1 or not is_same(on_screen[0], wanted):
            return f"at {instant:.3f} s the picture of {wanted[0]:.3f} s is on screen, seen was {on_screen}"
    return ""


def is_same(one: tuple[float, str], other: tuple[float, str]) -> bool:
    return abs(one[0] - other[0]) < CLOSE_SECONDS and one[1] == other[1]


def plain(path: Path) -> Pictures:
    """Every picture that one thread decodes, and when it is shown.

    Times count from the track's first packet that is not hidden; the first picture takes the place of those before it
    that cannot be decoded. AVI stores only when each picture is decoded: these times, in order.
    """
    found, decoded = [], []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            if packet.size:
                decoded += [] if packet.is_discard else [packet.pts]
                with suppress(av.error.InvalidDataError):
                    found += [(frame.pts, digest(frame)) for frame in stream.decode(packet)]
        found += [(frame.pts, digest(frame)) for frame in stream.decode(None)]
        if container.format.name == "avi":
            found = [(ticks, shown) for ticks, (_, shown) in zip(sorted(decoded), found, strict=True)]
        if not found:
            return []
        found = [(unwrapped(ticks), shown) for ticks, shown in found]  # of Ogg files that were cut
        zero = min(unwrapped(decoded[0]), found[0][0])
        times = [0.0, *(float((ticks - zero) * stream.time_base) for ticks, _ in found[1:])]
        return list(zip(times, (shown for _, shown in found), strict=True))


def digest(frame: av.VideoFrame) -> str:
    return sha256(frame.to_ndarray().tobytes()).hexdigest()[:16]


def timed(videos: list[Path], rate_hz: float, repeats: int) -> dict[str, object]:
    """What sampling saves; a table of the longer videos is printed."""
    rows = [measure(path, rate_hz, repeats) for path in videos]
    print(f"{'video':44}{'pictures':>9}{'decoded':>9}{'processor s':>13}{'sampled':>9}{'clock s':>9}{'sampled':>9}")
    for path, row in zip(videos, rows, strict=True):
        if path.parent.name == "untrimmed":
            figures = f"{row[2]:13.2f}{row[3]:9.2f}{row[4]:9.2f}{row[5]:9.2f}"
            print(f"{path.name[:42]:44}{row[0]:>9}{row[1]:>9}{figures}")
    whole, sampled, processor, processor_sampled, clock, clock_sampled = map(sum, zip(*rows, strict=True))
    return {
        "rate_hz": rate_hz,
        "pictures": whole,
        "decoded": sampled,
        "processor_seconds": [round(processor, 2), round(processor_sampled, 2)],
        "clock_seconds": [round(clock, 2), round(clock_sampled, 2)],
        "median_processor_ratio": round(statistics.median(row[3] / row[2] for row in rows), 3),
        "least_processor_ratio": round(min(row[3] / row[2] for row in rows), 3),
    }


def measure(path: Path, rate_hz: float, repeats: int) -> tuple[int, int, float, float, float, float]:
    """(pictures, of which decoded for sampling, processor seconds of both, clock seconds of both), medians."""
    times: list[tuple[float, ...]] = []
    for _ in range(repeats):
        both: list[float] = []
        counts = []
        for rate in (None, rate_hz):
            clock, processor = time.perf_counter(), time.process_time()
            counts.append(sum(1 for _ in VideoFile(path).shots(rate_hz=rate)))
            both += [time.process_time() - processor, time.perf_counter() - clock]
        times.append(tuple(both))
    played, played_clock, sampled, sampled_clock = (statistics.median(column) for column in zip(*times, strict=True))
    return counts[0], counts[1], played, sampled, played_clock, sampled_clock


if __name__ == "__main__":
    main()
