"""Pictures and words together, on real footage: do words change what is asked of pictures, and are words found?

    python benchmarks/fusion.py [--footage ../shared/footage] [--half first|second|both]

Each video gets a *said* track, lines of spoken_lines.tsv one after the other with pauses, and a *written* one, a few
titles; neither has to do with what is shown. Asked are the annotated queries, which are about pictures: their figures
must stay what they are without words. Then every line is asked for: quoted ("someone says ..."), as it stands and in
other words; and mixed queries: a line that ends just before an annotated moment, "someone says ..., then" the query of
the moment. Truths of these follow from the construction. Videos are divided in two halves; constants of fusion are
chosen on the first. Tracks that are made from the videos themselves are measured with --made (minutes).
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from benches.spoken_lines import read_lines
from footage import KEPT, best_iou, render_haystack
from tqdm import tqdm

from tfgrounding.encoders import load_sentences
from tfgrounding.engines.grounder import Grounder
from tfgrounding.engines.texts import TextsEngine
from tfgrounding.engines.tracks import WatchedTracks
from tfgrounding.engines.word_track import WordTrack
from tfgrounding.evaluation.metrics import paired_difference
from tfgrounding.planning.planner import get_planner
from tfgrounding.tracks.text_track import TextTrack, TimedText

LETTERS_A_SECOND = 14.0  # of speech
PAUSE_SECONDS = (0.5, 3.0)
TITLE_SECONDS = (1.5, 5.0)
WITHIN_SECONDS = 1.0  # of both ends of a line
LEAST_BEFORE_SECONDS = 4.0  # of a moment, for a line to be said before it
RESAMPLES = 10_000
TITLES = (
    "Chapter 2", "Results", "BREAKING NEWS", "Score 3 - 1", "Thank you for watching", "Part one: the basics",
    "EXIT", "Sales by quarter", "Subscribe", "Level 5", "Two weeks later", "Dr. Anna Berg, historian",
    "Step 3: let it rest", "Game over", "Summary", "Press any key", "Lisbon, 1974", "Any questions?",
)  # fmt: skip


def said(duration: float, lines: list[str], rng: np.random.Generator) -> list[TimedText]:
    """Lines one after the other, as far as the video lasts."""
    texts, at = [], float(rng.uniform(*PAUSE_SECONDS))
    for line in lines:
        end = at + len(line) / LETTERS_A_SECOND
        if end > duration:
            break
        texts.append(TimedText(at, end, line))
        at = end + float(rng.uniform(*PAUSE_SECONDS))
    return texts


def written(duration: float, rng: np.random.Generator) -> list[TimedText]:
    """Three titles at different times."""
    chosen = rng.choice(len(TITLES), 3, replace=False)
    starts = np.sort(rng.uniform(0, max(0.1, duration - TITLE_SECONDS[1]), 3))
    ends = np.minimum(starts + rng.uniform(*TITLE_SECONDS, 3), duration)
    return [TimedText(float(s), float(e), TITLES[n]) for s, e, n in zip(starts, ends, chosen, strict=True)]


def is_line(answer: Any, text: TimedText) -> bool:
    best = answer.moments[0]
    ends = (best.start_seconds - text.start_seconds, best.end_seconds - text.end_seconds)
    return max(map(abs, ends)) <= WITHIN_SECONDS


class Bench:
    """The Grounder, the reader of texts, and what was measured: {what: (values, videos)}."""

    def __init__(self, made: bool) -> None:
        self.made = made
        self.grounder = Grounder(encoder="embedded", cache=KEPT / "cache", tracks="shown")
        self.texts = TextsEngine(encoder=load_sentences("embedded"), cache=False)
        self.planner = get_planner("auto")
        self.measured: dict[str, tuple[list[float], list[str]]] = {}

    def add(self, what: str, value: float, video: str) -> None:
        values, videos = self.measured.setdefault(what, ([], []))
        values.append(value)
        videos.append(video)

    def watch(self, source: Any, shown: Any, tracks: list[TextTrack]) -> WatchedTracks:
        words = [WordTrack(track, shown.info.duration_seconds, self.texts) for track in tracks if len(track)]
        return WatchedTracks(shown, words, planner=self.planner, source=source, most_overlap=0.5)

    def ask(self, path: Path, samples: list[dict[str, Any]], rng: np.random.Generator) -> None:
        """All queries about one video."""
        kind, name = samples[0]["kind"], path.name
        features = self.grounder.encode_video(path)
        shown = self.grounder.watch(features)
        duration = features.info.duration_seconds
        lines = read_lines()
        order = rng.permutation(len(lines))
        asked = {lines[n].text: lines[n].asked for n in order}
        spoken = said(duration, list(asked), rng)
        tracks = [
            TextTrack("said", tuple(spoken), "lines", "1", "en"),
            TextTrack("written", tuple(written(duration, rng)), "titles", "1", "en"),
        ]
        both = self.watch(path, shown, tracks)
        if self.made:
            made = Grounder(engine=self.grounder.engine, tracks="shown,said,written", cache=KEPT / "cache")
            both = made.watch(path)
        for sample in samples:
            truths = [tuple(window) for window in sample["relevant_windows"]]
            for label, watched in (("shown", shown), ("all", both)):
                best = watched.ask(sample["query"]).moments[0]
                self.add(f"{kind} {label}", best_iou((best.start_seconds, best.end_seconds), truths), name)
        if self.made:
            return
        for text in spoken:
            for label, query in (
                ("quoted", f'when does someone say "{text.text}"'),
                ("as it stands", text.text),
                ("in other words", asked[text.text]),
            ):
                self.add(f"line {label}", is_line(both.ask(query), text), name)
        for sample in samples:
            self._mixed(path, shown, sample, list(asked), rng)

    def _mixed(
        self, path: Path, shown: Any, sample: dict[str, Any], lines: list[str], rng: np.random.Generator
    ) -> None:
        """A line that ends just before the moment, among others."""
        windows = sample["relevant_windows"]
        if sample["relation"] != "single-query" or len(windows) != 1 or windows[0][0] < LEAST_BEFORE_SECONDS:
            return
        start, end = windows[0]
        line = min(lines, key=len)
        begins = max(0.0, start - 0.3 - len(line) / LETTERS_A_SECOND)
        others = [t for t in said(shown.info.duration_seconds, [x for x in lines if x != line], rng)]
        free = [t for t in others if t.end_seconds < begins - 0.3 or t.start_seconds > start]
        track = TextTrack("said", (*free, TimedText(begins, start - 0.3, line)), "lines", "1", "en")
        query = f'someone says "{line}", then {sample["query"]}'
        for label, watched in (("shown", shown), ("all", self.watch(path, shown, [track]))):
            best = watched.ask(query).moments[0]
            value = best_iou((best.start_seconds, best.end_seconds), [(begins, end)])
            self.add(f"mixed {label}", value, path.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage"))
    parser.add_argument("--half", choices=["first", "second", "both"], default="both")
    parser.add_argument("--made", action="store_true", help="use the tracks that are made from the videos themselves")
    options = parser.parse_args()
    if not (options.footage / "annotations.jsonl").exists():
        sys.exit(f"{options.footage} holds no footage; name its folder with --footage")
    folders = {"haystack": render_haystack(options.footage), "untrimmed": options.footage / "untrimmed"}
    by_video: dict[str, list[dict[str, Any]]] = {}
    for line in (options.footage / "annotations.jsonl").read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        by_video.setdefault(sample["vid"], []).append(sample)
    bench = Bench(options.made)
    for video, samples in tqdm(sorted(by_video.items()), file=sys.stderr, disable=not sys.stderr.isatty()):
        number = zlib.crc32(video.encode())
        if options.half == "both" or (number % 2 == 0) == (options.half == "first"):
            bench.ask(folders[samples[0]["kind"]] / video, samples, np.random.default_rng(number))
    print("| asked | tracks | queries | R@1, IoU ≥ 0.5 | ≥ 0.7 | mIoU |\n|---|---|---|---|---|---|")
    for what, (values, _) in bench.measured.items():
        if not what.startswith("line"):
            kind, tracks = what.split()
            got = np.array(values)
            recalls = " | ".join(f"{100 * (got >= at).mean():.1f}" for at in (0.5, 0.7))
            print(f"| {kind} | {tracks} | {len(got)} | {recalls} | {100 * got.mean():.1f} |")
    for kind in ("untrimmed", "haystack", "mixed"):
        if f"{kind} all" in bench.measured:
            without, videos = bench.measured[f"{kind} shown"]
            gain = paired_difference(
                np.array(without), np.array(bench.measured[f"{kind} all"][0]), videos, resamples=RESAMPLES
            )
            spread = f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}"
            print(f"\n{kind}: mIoU of all tracks less that of pictures alone {100 * gain.difference:+.2f} ({spread})")
    print(f"\n| a line, found within {WITHIN_SECONDS:g} s | lines | first moment |\n|---|---|---|")
    for what, (values, _) in bench.measured.items():
        if what.startswith("line"):
            print(f"| {what.removeprefix('line ')} | {len(values)} | {100 * np.mean(values):.1f} % |")


if __name__ == "__main__":
    main()
