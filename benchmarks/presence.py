"""Does `present` separate what is in a video from what is not, and is it a probability?

    python benchmarks/presence.py [--data ../shared] [--plots .bench/presence]
                                  [--only table,reliability,choice,examples]

Each query is asked about its own video and about another one. On the footage (embedded encoder, plans by rules) the
other videos are those of presence_absent.tsv: a random order of the queries' own videos, in which pairs that happen to
be true were struck (third column) and drawn again, and all 120 that are left were checked by eye. On the captions
(packaged sentence encoder, query and five rephrasings) query k is asked about the video of query k + N / 2. So every
video is shown as often with queries that are true of it as with others. Intervals are 95 % bootstrap intervals over the
videos shown. The first run encodes texts and videos (some minutes), which are kept under .bench/.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benches.captions import captions_bench, rows, sentence_vectors
from footage import KEPT, render_haystack

from tfgrounding.engines.curves import CurvesEngine
from tfgrounding.localizers import presence
from tfgrounding.localizers.ground_curves import sample_edges
from tfgrounding.localizers.presence import NULL_TEXTS, Presence, presence_texts

RESAMPLES = 2000
BINS = 10  # of equal width
SECTIONS = ("table", "reliability", "choice", "examples")
LEVEL_WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
GLIMPSES_SECONDS = (1.0, 2.0, 3.0, 4.0)
EXAMPLES = {
    "Video-LLaMA__birthday.mp4": ("a cake", "a man waves", "a dog", "a submarine surfaces"),
    "ST-LLM__monkey.mp4": ("a monkey", "a monkey eats a banana", "a submarine surfaces", "an airplane takes off"),
    "MA-LMM__video.mp4": ("someone stirs eggs", "a frying pan", "an airplane takes off", "a dog"),
}


@dataclass(frozen=True)
class Shown:
    """One video: the curves of unrelated texts, and the borders of its samples in seconds."""

    null_curves: np.ndarray
    edges_seconds: np.ndarray


@dataclass(frozen=True)
class Asked:
    """One query about one video; (K, T) curves of the texts that describe it."""

    video: str
    curves: np.ndarray
    there: bool
    kind: str = ""


@dataclass(frozen=True)
class Questions:
    """Queries about their own video and about others."""

    name: str
    videos: dict[str, Shown]
    asked: Sequence[Asked]

    @cached_property
    def there(self) -> np.ndarray:
        return np.array([one.there for one in self.asked])

    def some(self, name: str, wanted: Callable[[Asked], bool]) -> Questions:
        return Questions(name, self.videos, [one for one in self.asked if wanted(one)])

    def probabilities(self) -> np.ndarray:
        """(N,) `present` of each, with the constants as they are now."""
        judges = {video: Presence(shown.null_curves, shown.edges_seconds) for video, shown in self.videos.items()}
        return np.array([judges[one.video].probability(one.curves) for one in self.asked])


class Footage:
    """The footage as the engine sees it."""

    def __init__(self, folder: Path) -> None:
        self.engine = CurvesEngine(encoder="embedded", planner="rules", cache=KEPT / "cache")
        lines = (folder / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
        recipes = (folder / "haystack_recipes.jsonl").read_text(encoding="utf-8").splitlines()
        self.samples = [json.loads(line) for line in lines]
        self.clips = {row["vid"]: [clip["text"] for clip in row["clips"]] for row in map(json.loads, recipes)}
        haystack = render_haystack(folder)
        self.features = {
            video: self.engine.encode((haystack if video in self.clips else folder / "untrimmed") / video)
            for video in dict.fromkeys(sample["vid"] for sample in self.samples)
        }

    def ask(self, query: str, video: str, there: bool, kind: str = "") -> Asked:
        texts = presence_texts(self.engine.planner.plan(query))
        return Asked(video, self.engine.curves(self.features[video], texts), there, kind)

    def shown(self) -> dict[str, Shown]:
        return {
            video: Shown(
                self.engine.unrelated(features).curves,
                sample_edges(len(features), features.info.duration_seconds, features.sample_seconds),
            )
            for video, features in self.features.items()
        }

    def own(self) -> list[Asked]:
        return [self.ask(sample["query"], sample["vid"], True, sample["kind"]) for sample in self.samples]

    def swapped(self) -> Questions:
        """Every query about its own video, and about that of the list."""
        with Path(__file__).with_name("presence_absent.tsv").open(encoding="utf-8", newline="") as file:
            other = {row["qid"]: row["video"] for row in csv.DictReader(file, delimiter="\t")}
        kinds = {video: "haystack" if video in self.clips else "untrimmed" for video in self.features}
        pairs = [(sample["query"], other[sample["qid"]]) for sample in self.samples]
        absent = [self.ask(query, video, False, kinds[video]) for query, video in pairs]
        return Questions("footage", self.shown(), [*self.own(), *absent])

    def everywhere(self) -> Questions:
        """Every query about every video, but for those in which a clip is that the query names."""
        absent = [
            self.ask(sample["query"], video, False)
            for sample in self.samples
            for video in self.features
            if video != sample["vid"] and not any(text in sample["query"] for text in self.clips.get(video, ()))
        ]
        return Questions("footage, every other video", self.shown(), [*self.own(), *absent])


def captions(folder: Path) -> Questions:
    bench = captions_bench(folder)
    wordings = [[row["query"], *row["rephrased_query"]] for row in rows(folder / "queries.jsonl.gz")]
    written = {text for row in rows(folder / "captions.jsonl.gz") for _, _, text in row["texts"]}
    vectors = sentence_vectors([*written, *(text for some in wordings for text in some), *NULL_TEXTS])
    first = {video: k for k, video in reversed(list(enumerate(bench.videos)))}
    videos = {video: Shown(bench.queries[k].null_curves, bench.queries[k].edges_seconds) for video, k in first.items()}
    asked = []
    for k, some in enumerate(wordings):
        for there, j in ((True, k), (False, (k + len(wordings) // 2) % len(wordings))):
            if there or bench.videos[j] != bench.videos[k]:
                curves = np.stack([vectors[text] for text in some]) @ bench.queries[j].features.T
                asked.append(Asked(bench.videos[j], curves, there))
    return Questions("captions", videos, asked)


def auroc(probability: np.ndarray, there: np.ndarray) -> float:
    """How often what is there gets a higher number than what is not; equal ones count half."""
    below = np.sort(probability[~there])
    ranks = [np.searchsorted(below, probability[there], side) for side in ("left", "right")]
    return float(np.mean(ranks) / len(below))


def bins(probability: np.ndarray, there: np.ndarray) -> list[tuple[float, float, float]]:
    """Of each bin that is not empty: its share of the questions, mean probability, share that is there.

    Present and absent count as if they were equal in number.
    """
    weight = np.where(there, 0.5 / there.sum(), 0.5 / (~there).sum())
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    found = []
    for k in range(BINS):
        mass = weight[place == k]
        if len(mass):
            means = (float((mass * of[place == k]).sum() / mass.sum()) for of in (probability, there))
            found.append((float(mass.sum()), *means))
    return found


def calibration_error(probability: np.ndarray, there: np.ndarray) -> float:
    return sum(share * abs(mean - true) for share, mean, true in bins(probability, there))


def interval(
    figure: Callable[[np.ndarray, np.ndarray], float], probability: np.ndarray, questions: Questions
) -> tuple[float, float]:
    """95 % of the figure over resampled videos."""
    rng = np.random.default_rng(0)
    groups: dict[str, list[int]] = {}
    for k, one in enumerate(questions.asked):
        groups.setdefault(one.video, []).append(k)
    members = [np.array(group) for group in groups.values()]
    values = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([members[k] for k in rng.integers(len(members), size=len(members))])
        there = questions.there[chosen]
        if there.any() and not there.all():
            values.append(figure(probability[chosen], there))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def table(footage: Footage, both: Sequence[Questions]) -> dict[str, Any]:
    results = {}
    parts = [*both]
    for kind in ("untrimmed", "haystack"):
        parts.append(both[0].some(f"footage, {kind} videos", lambda one, kind=kind: one.kind == kind))
    parts.append(footage.everywhere())
    print("| questions | present | absent | AUROC | 95 % | ECE | 95 % |\n|---|---|---|---|---|---|---|")
    for questions in parts:
        probability, there = questions.probabilities(), questions.there
        cells = [f"{there.sum():,}", f"{(~there).sum():,}"]
        row = results[questions.name] = {}
        for name, figure in (("AUROC", auroc), ("ECE", calibration_error)):
            value, (low, high) = figure(probability, there), interval(figure, probability, questions)
            row[name] = [round(number, 3) for number in (value, low, high)]
            cells += [f"{value:.3f}", f"{low:.3f} – {high:.3f}"]
        print(f"| {questions.name} | {' | '.join(cells)} |")
    return results


def reliability(both: Sequence[Questions], folder: Path) -> dict[str, Any]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(4.5, 4.5))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    results = {}
    for questions in both:
        probability, there = questions.probabilities(), questions.there
        found = bins(probability, there)
        shares, means, true = (np.array(column) for column in zip(*found, strict=True))
        axes.plot(means, true, marker="o", label=f"{questions.name}, ECE {calibration_error(probability, there):.3f}")
        results[questions.name] = [[round(number, 3) for number in row] for row in found]
        print(
            f"\n{questions.name}\n\n| mean of `present` | share that is there | share of the questions |\n|---|---|---|"
        )
        for share, mean, there_of_bin in zip(shares, means, true, strict=True):
            print(f"| {mean:.2f} | {there_of_bin:.2f} | {100 * share:.0f} % |")
    axes.set(xlabel="mean of present", ylabel="share that is there", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "reliability.png", dpi=120, bbox_inches="tight")
    plt.close(figure)
    print(f"\ndrawn: {folder / 'reliability.png'}")
    return results


def fitted(depth: np.ndarray, there: np.ndarray) -> tuple[float, float]:
    """SLOPE and EVEN of the most probable logistic curve, present and absent counting alike."""
    weight = np.where(there, 0.5 / there.sum(), 0.5 / (~there).sum())
    sign = np.where(there, 1.0, -1.0)

    def loss(at: np.ndarray) -> float:
        return float((weight * np.logaddexp(0, -sign * at[0] * (depth - at[1]))).sum())

    slope, even = minimize(loss, np.array([1.0, 1.0]), method="Nelder-Mead").x
    return float(slope), float(even)


def choice(both: Sequence[Questions]) -> dict[str, Any]:
    """The constants chosen on one bench, read off the other: by AUROC the weight and the glimpse, then the odds."""
    grid = [(weight, glimpse) for weight in LEVEL_WEIGHTS for glimpse in GLIMPSES_SECONDS]
    depths = {}
    for weight, glimpse in grid:
        with patch.multiple(presence, LEVEL_WEIGHT=weight, GLIMPSE_SECONDS=glimpse, SLOPE=1.0, EVEN=0.0):
            for questions in both:
                depths[questions.name, weight, glimpse] = logit(np.clip(questions.probabilities(), 1e-15, 1 - 1e-15))
    print(f"| level weight | glimpse, s | {' | '.join(f'AUROC {q.name}' for q in both)} |\n|---|---|---|---|")
    scores = {key: [auroc(depths[q.name, *key], q.there) for q in both] for key in grid}
    for key, values in scores.items():
        print(f"| {key[0]:g} | {key[1]:g} | {' | '.join(f'{value:.3f}' for value in values)} |")
    chosen = {"ours": (presence.LEVEL_WEIGHT, presence.GLIMPSE_SECONDS, presence.SLOPE, presence.EVEN)}
    for k, questions in enumerate(both):
        best = max(grid, key=lambda key, k=k: scores[key][k])
        chosen[questions.name] = (*best, *fitted(depths[questions.name, *best], questions.there))
    print("\n| chosen on | level weight | glimpse, s | slope | even | read off | AUROC | ECE |")
    print("|---|---|---|---|---|---|---|---|")
    results: dict[str, Any] = {"AUROC": {f"{w:g}, {g:g} s": values for (w, g), values in scores.items()}}
    for name, (weight, glimpse, slope, even) in chosen.items():
        for questions in both:
            depth = depths[questions.name, weight, glimpse]
            error = calibration_error(expit(slope * (depth - even)), questions.there)
            values = (weight, glimpse, slope, even, auroc(depth, questions.there), error)
            results[f"{name}, {questions.name}"] = [round(value, 3) for value in values]
            cells = [f"{value:.3g}" for value in values[:4]], [f"{value:.3f}" for value in values[4:]]
            print(f"| {name} | {' | '.join(cells[0])} | {questions.name} | {' | '.join(cells[1])} |")
    return results


def examples(footage: Footage) -> dict[str, Any]:
    print("| video | query | `present` |\n|---|---|---|")
    results: dict[str, Any] = {}
    for video, queries in EXAMPLES.items():
        for query in queries:
            judge = footage.engine.unrelated(footage.features[video]).presence
            value = judge.probability(footage.ask(query, video, False).curves)
            results.setdefault(video, {})[query] = round(value, 3)
            print(f"| {video} | {query} | {value:.2f} |")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared"), help="holds the folders footage and captions")
    parser.add_argument("--plots", type=Path, default=Path(".bench/presence"), help="where the picture goes")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    for name in ("footage", "captions"):
        if not (arguments.data / name).is_dir():
            parser.error(f"{arguments.data / name} does not exist")
    footage = Footage(arguments.data / "footage")
    both = [footage.swapped(), captions(arguments.data / "captions")]
    run = {
        "table": lambda: table(footage, both),
        "reliability": lambda: reliability(both, arguments.plots),
        "choice": lambda: choice(both),
        "examples": lambda: examples(footage),
    }
    results = {}
    for section in chosen:
        print(f"\n## {section}\n")
        results[section] = run[section]()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
