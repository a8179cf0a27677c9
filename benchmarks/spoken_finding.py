"""Lines that are said at known times: are they found, quoted and in other words, and known to be absent elsewhere?

    python benchmarks/spoken_finding.py [--half first|second|both] [--joined 1] [--recognised] [--passages 10]

120 lines in six videos, which benches/spoken_lines.py speaks with espeak-ng; the track has their texts and times, so
that only *finding* is measured. Each line is asked for twice: quoted, and in other words. Found is a first moment whose
start and end are both within 1 s of the line's. Constants were chosen on the first half of the lines, those with even
numbers; the second half is reported. `--joined N`: every N lines are one text, as in tracks with few long texts.
`--recognised`: the texts are those that the packaged speech model hears in the videos; the lines' times are as spoken.
`--passages SECONDS`: a trial in which passages of that length count too, see benches/passages.py.

Presence: queries about a video's own lines against those about the other videos' lines, against queries about what is
seen, and against queries that are *near* a line: of its subject, and not answered by it. ROC is the area under the
curve, ECE the expected calibration error where lines in other words and the absent ones are equally frequent; beside
them stands how often each is above the fusion's limit.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benches.near_lines import NEAR_LINES
from benches.passages import Passages, PassagesEngine
from benches.spoken_lines import Line, Spoken, build, read_lines

from tfgrounding.encoders import load_sentences
from tfgrounding.engines.texts import TextsEngine
from tfgrounding.engines.word_track import WordTrack
from tfgrounding.localizers.fusion import LEAST_ASKED, LEAST_PRESENT
from tfgrounding.planning.planner import RulesPlanner
from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.text_track import TextTrack, TimedText
from tfgrounding.types import Plan

KEPT = Path(".bench/spoken")
LINES_A_VIDEO = 20
NEAR_SECONDS = 1.0
SEEN = (  # what is to be seen, and said in none of the lines
    "a man dances",
    "a dog jumps over a fence",
    "a woman in a red dress walks along the beach",
    "two boys play football in a yard",
    "a person opens the refrigerator",
    "someone puts a book on the shelf",
    "a girl laughs at the camera",
    "a man takes off his jacket",
    "a person sits down on the sofa",
    "a cat plays with a ball of wool",
    "an old man walks with a stick",
    "the camera pans over the mountains",
    "a couple hugs in front of a house",
    "a person looks out of the window",
    "a man lifts a heavy weight",
    "a woman combs her hair",
    "a child runs through a sprinkler",
    "people sit around a table",
    "a man drinks from a bottle",
    "a person closes the door",
    "a motorbike passes a truck",
    "a girl in a blue shirt does a cartwheel",
    "close-up of a flower",
    "a surfer rides a wave",
    "a woman holds a baby",
    "someone throws a pillow",
    "a man with a beard smiles",
    "a bird lands on a branch",
    "a person tidies up the room",
    "aerial view of a city at night",
)


class Asked(NamedTuple):
    """A query, the video that it is put to, the line that is meant (-1 where none is), and which half it belongs to."""

    kind: str
    query: str
    video: int
    line: int
    half: int


def engine_of(passages: Passages | None) -> TextsEngine:
    if passages is None:
        return TextsEngine(encoder=load_sentences("embedded"))
    return PassagesEngine(passages=passages, encoder=load_sentences("embedded"))


def tracks(videos: Sequence[Sequence[Spoken]], joined: int, engine: TextsEngine) -> list[WordTrack]:
    """The known texts of each video, every `joined` lines as one text."""
    made = []
    for spoken in videos:
        groups = [spoken[n : n + joined] for n in range(0, len(spoken), joined)]
        texts = tuple(TimedText(group[0][0], group[-1][1], " ".join(text for *_, text in group)) for group in groups)
        made.append(WordTrack(TextTrack("said", texts, "known lines", "1", "en"), spoken[-1][1] + 2, engine))
    return made


def recognised_tracks(engine: TextsEngine) -> list[WordTrack]:
    """What the packaged model hears in each video."""
    from tfgrounding.media import open_source
    from tfgrounding.tracks.kept_texts import KeptTexts
    from tfgrounding.tracks.speech import speech_track

    made = []
    for path, _ in built_videos():
        heard = speech_track(path, kept=KeptTexts(FeatureCache(KEPT / "cache")))
        assert heard is not None
        made.append(WordTrack(heard, open_source(path).info.duration_seconds, engine))
    return made


def built_videos() -> list[tuple[str, list[Spoken]]]:
    """Each video and when each line is said in it; the videos are built once and kept under .bench/."""
    kept = KEPT / "known.json"
    if not kept.exists():
        built = build(KEPT, [line.text for line in read_lines()], lines_a_video=LINES_A_VIDEO)
        kept.write_text(json.dumps([[str(path), spoken] for path, spoken in built]), encoding="utf-8")
    made = json.loads(kept.read_text(encoding="utf-8"))
    return [(path, [tuple(row) for row in spoken]) for path, spoken in made]


def asked_of(lines: Sequence[Line]) -> list[Asked]:
    """Every query: about lines of the video, about lines of another one, near a line, and about what is seen."""
    videos = len(lines) // LINES_A_VIDEO
    found = []
    for number, line in enumerate(lines):
        video = number // LINES_A_VIDEO
        found.append(Asked("quoted", f'when does someone say "{line.text}"', video, number, number % 2))
        found.append(Asked("in other words", line.asked, video, number, number % 2))
        other = (video + 1 + number % (videos - 1)) % videos
        found.append(Asked("another video's", line.asked, other, -1, number % 2))
    found += [Asked("near a line", query, near // LINES_A_VIDEO, -1, near % 2) for near, query in NEAR_LINES]
    found += [Asked("seen", query, video, -1, video % 2) for query in SEEN for video in range(videos)]
    return found


def measure(which: str, joined: int, recognised: bool, passages: Passages | None = None) -> dict[str, dict[str, float]]:
    lines, videos = read_lines(), [spoken for _, spoken in built_videos()]
    engine, planner = engine_of(passages), RulesPlanner()
    ready = recognised_tracks(engine) if recognised else tracks(videos, joined, engine)
    rows: dict[str, list[tuple[float, ...]]] = {}
    for asked in asked_of(lines):
        if which != "both" and asked.half != ("first", "second").index(which):
            continue
        plan: Plan = planner.plan(asked.query)
        found = ready[asked.video].find(plan)
        first, near, overlap, inside = found.moments[0], 0.0, 0.0, 0.0
        if asked.line >= 0:
            start, end, _ = videos[asked.video][asked.line % LINES_A_VIDEO]
            errors = abs(first.start_seconds - start), abs(first.end_seconds - end)
            near = float(max(errors) <= NEAR_SECONDS)
            shared = max(0.0, min(end, first.end_seconds) - max(start, first.start_seconds))
            overlap = shared / (max(end, first.end_seconds) - min(start, first.start_seconds))
            inside = float(shared >= 0.5 * (end - start))
        rows.setdefault(asked.kind, []).append((near, overlap, inside, found.present, found.exact))
    present = {kind: np.array([row[3] for row in of_kind]) for kind, of_kind in rows.items()}
    return {
        kind: {
            "queries": len(of_kind),
            "within 1 s": 100 * float(np.mean([row[0] for row in of_kind])),
            "mIoU": 100 * float(np.mean([row[1] for row in of_kind])),
            "holds the line": 100 * float(np.mean([row[2] for row in of_kind])),
            "exact": float(np.mean([row[4] for row in of_kind])),
            "present, mean": float(present[kind].mean()),
            "above limit": 100 * float((present[kind] >= LEAST_PRESENT).mean()),
            "above limit if asked": 100 * float((present[kind] >= LEAST_ASKED).mean()),
            "ROC of other words": area(present["in other words"], present[kind]),
            "ECE with other words": calibration_error(present["in other words"], present[kind]),
        }
        for kind, of_kind in rows.items()
    }


def area(higher: np.ndarray, lower: np.ndarray) -> float:
    """How often a value of the first is above one of the second, per cent."""
    difference = higher[:, None] - lower[None]
    return 100 * float(((difference > 0) + 0.5 * (difference == 0)).mean())


def calibration_error(there: np.ndarray, absent: np.ndarray) -> float:
    """Expected calibration error, per cent, of probabilities in ten bins; both kinds weigh the same."""
    given, true = np.concatenate([there, absent]), np.repeat([1.0, 0.0], [len(there), len(absent)])
    weights = np.repeat([0.5 / len(there), 0.5 / len(absent)], [len(there), len(absent)])
    bins = np.minimum((given * 10).astype(int), 9)
    return 100 * float(np.abs(np.bincount(bins, weights * (given - true))).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("first", "second", "both"), default="both")
    parser.add_argument("--joined", type=int, default=1, help="lines that are one text")
    parser.add_argument("--recognised", action="store_true", help="search what the packaged speech model hears")
    parser.add_argument("--passages", type=float, help="count passages of so many seconds too")
    parser.add_argument("--weight", type=float, default=0.5, help="of passages; a text has 1")
    parser.add_argument("--mean", action="store_true", help="passages by the mean of their texts' vectors")
    options = parser.parse_args()
    passages = Passages(options.passages, options.weight, not options.mean) if options.passages else None
    found = measure(options.half, options.joined, options.recognised, passages)
    names = list(next(iter(found.values())))
    print("| asked | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for kind, values in found.items():
        print(f"| {kind} | " + " | ".join(f"{value:.4g}" for value in values.values()) + " |")


if __name__ == "__main__":
    main()
