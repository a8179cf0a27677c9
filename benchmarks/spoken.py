"""Spoken lines with known words and times: how well a model recognises them, and what it takes.

    python benchmarks/spoken.py [--model auto] [--footage ../shared/footage/untrimmed] [--lines 120] [--show]

120 lines of talks, tutorials, meetings, news and games are synthesised one by one by espeak-ng (eight voices, four
speeds) and laid over real footage, with the footage's own sound 20 dB below them, or over a still picture and silence
where there is no footage. Word error rate: words changed, added and left out, over words spoken; numbers count as
words. Times: of the first (last) word of a line against where the line begins (ends), where that word was recognised.
Work: seconds for a minute of video, the model loaded before.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from benches.recognised import Recognised, compare
from benches.spoken_lines import Spoken, build, read_lines

from tfgrounding.media import open_source
from tfgrounding.tracks.kept_texts import KeptTexts
from tfgrounding.tracks.speech import speech_track
from tfgrounding.tracks.text_track import TextTrack

CLOSE_SECONDS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="auto")
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage/untrimmed"))
    parser.add_argument("--lines", type=int, default=120)
    parser.add_argument("--show", action="store_true", help="print what was spoken and what was recognised")
    options = parser.parse_args()
    footage = sorted(options.footage.glob("*.m*"))
    texts = [line.text for line in read_lines()[: options.lines]]
    print("| pictures and background | videos | words | WER | start, median | 90 % | end, median | 90 % | s / min |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, pictures in (("still, silence", []), ("real footage, its sound at -20 dB", footage)):
        if not pictures and name.startswith("real"):
            print("(no footage: left out)")
            continue
        with tempfile.TemporaryDirectory() as folder:
            recognising(name, build(Path(folder), texts, footage=pictures, lines_a_video=10), options)


def recognising(name: str, videos: list[tuple[Path, list[Spoken]]], options: argparse.Namespace) -> None:
    """Recognise the videos, and print how well that went."""
    speech_track(videos[0][0], model=options.model, kept=KeptTexts(None))  # loads the model
    results: list[Recognised] = []
    work = length = 0.0
    revision = ""
    for path, spoken in videos:
        begins = time.perf_counter()
        track = speech_track(path, model=options.model, kept=KeptTexts(None))
        assert track is not None
        work += time.perf_counter() - begins
        length += open_source(path).info.duration_seconds
        results.append(compare(track.texts, spoken))
        revision = f"{track.source} ({track.revision})"
        if options.show:
            show(track, spoken)
    errors, words = sum(r.errors for r in results), sum(r.words for r in results)
    starts = np.abs([seconds for r in results for seconds in r.starts_seconds])
    ends = np.abs([seconds for r in results for seconds in r.ends_seconds])
    cells = [name, len(videos), words, f"{100 * errors / words:.1f} %"]
    cells += [f"{value:.2f} s" for row in (starts, ends) for value in (np.median(row), np.quantile(row, 0.9))]
    print("| " + " | ".join(map(str, [*cells, f"{60 * work / length:.1f}"])) + " |")
    print(
        json.dumps(
            {
                "benchmark": "spoken, recognising",
                "pictures": name,
                "model": revision,
                "word_error_rate": round(errors / words, 4),
                "starts_found": len(starts),
                "ends_found": len(ends),
                "lines": sum(r.lines for r in results),
                "starts_within_1s": round(float(np.mean(starts <= CLOSE_SECONDS)), 3),
                "ends_within_1s": round(float(np.mean(ends <= CLOSE_SECONDS)), 3),
            }
        )
    )


def show(track: TextTrack, spoken: list[Spoken]) -> None:
    for start, end, text in sorted([*track.rows, *((a, b, f"    = {text}") for a, b, text in spoken)]):
        print(f"{start:7.2f} {end:7.2f} {text}")
    for warning in track.warnings:
        print(f"warning: {warning}")


if __name__ == "__main__":
    main()
