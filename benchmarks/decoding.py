"""What sampling saves against playing: pictures that no sample shows and no other picture needs are not decoded.

    python benchmarks/decoding.py [--footage ../shared/footage] [--rate 3] [--repeats 3]

Both are timed in turns, in processor seconds and on the clock, without rendering; then every sample is compared.
The last line on stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from hashlib import sha256
from pathlib import Path

from tfgrounding.media.decode import VideoFile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage"))
    parser.add_argument("--rate", type=float, default=3.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    videos = sorted(path for folder in ("untrimmed", "clips") for path in (options.footage / folder).glob("*.*"))
    if not videos:
        sys.exit(f"{options.footage} holds no footage; name its folder with --footage")
    rows = [measure(path, options.rate, options.repeats) for path in videos]
    print(f"{'video':44}{'pictures':>9}{'decoded':>9}{'processor s':>13}{'sampled':>9}{'clock s':>9}{'sampled':>9}")
    for path, row in zip(videos, rows, strict=True):
        if path.parent.name == "untrimmed":
            figures = f"{row[2]:13.2f}{row[3]:9.2f}{row[4]:9.2f}{row[5]:9.2f}"
            print(f"{path.name[:42]:44}{row[0]:>9}{row[1]:>9}{figures}")
    whole, sampled, processor, processor_sampled, clock, clock_sampled = map(sum, zip(*rows, strict=True))
    result = {
        "videos": len(videos),
        "rate_hz": options.rate,
        "pictures": whole,
        "decoded": sampled,
        "processor_seconds": [round(processor, 2), round(processor_sampled, 2)],
        "clock_seconds": [round(clock, 2), round(clock_sampled, 2)],
        "median_processor_ratio": round(statistics.median(row[3] / row[2] for row in rows), 3),
        "least_processor_ratio": round(min(row[3] / row[2] for row in rows), 3),
        "videos_with_other_samples": sum(
            samples(path, options.rate, None) != samples(path, options.rate, options.rate) for path in videos
        ),
    }
    print(json.dumps(result))


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


def samples(path: Path, rate_hz: float, decoded_at_hz: float | None) -> list[tuple[float, str]]:
    """(time, digest) of the picture on screen at each instant (k + 1/2) / rate_hz."""
    seen: list[tuple[float, str]] = []
    shown = None
    for shot in VideoFile(path).shots(rate_hz=decoded_at_hz):
        while shown is not None and (len(seen) + 0.5) / rate_hz < shot.start_seconds:
            seen.append(shown)
        shown = shot.start_seconds, sha256(shot.frame.to_ndarray().tobytes()).hexdigest()
    assert shown is not None
    return [*seen, shown]


if __name__ == "__main__":
    main()
