"""Every localizer on the same curves: 1,945 Charades-STA queries, long and noisy simulations, and absence.

    python benchmarks/localizers.py [--charades ../shared/charades] [--footage ../shared/footage]
                                    [--plots .bench/losses]
                                    [--only table,halves,sensitivity,simulations,cost,losses,absence]

The curves are realistic but not zero-shot (see the data's README): they compare localizers, they are no result on
Charades-STA. Intervals are 95 % bootstrap intervals over videos, p-values flip the sign of whole videos' differences.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tfgrounding.localizers import Localizer
from tfgrounding.localizers.default import CONSTANTS, FINENESS, DefaultLocalizer
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.localizers.intervals import temporal_iou
from tfgrounding.localizers.presence import NULL_TEXTS, Presence
from tfgrounding.registry import ROWS
from tfgrounding.types import Plan, SubEvent

AUTHORS_SECONDS = 0.014  # a query of the public program on these cases
RESAMPLES = 2000
THRESHOLDS = (0.3, 0.5, 0.7)
SECTIONS = ("table", "halves", "sensitivity", "simulations", "cost", "losses", "absence")
HEAD = ("R@0.3", "R@0.5", "R@0.7", "mIoU")


class Cases:
    """The development half in memory: curves, plans, features and truths of every query."""

    def __init__(self, folder: Path) -> None:
        lines = (folder / "cases.jsonl").read_text().splitlines()
        stored = np.load(folder / "curves.npz")
        values, offsets = stored["values"].astype(np.float64), stored["offsets"]
        features = dict(np.load(folder / "features.npz"))
        self.cases = [json.loads(line) for line in lines]
        self.curves, self.plans, self.features = [], [], []
        for case in self.cases:
            curves, events = {}, []
            for g, group in enumerate(case["groups"]):
                events.append(tuple(f"{g}.{i} {text['text']}" for i, text in enumerate(group)))
                rows = zip(events[-1], group, strict=True)
                curves |= {name: values[offsets[t["curve"]] : offsets[t["curve"] + 1]] for name, t in rows}
            own = case["query_curve"]
            curves["query"] = values[offsets[own] : offsets[own + 1]]
            sub_events = tuple(SubEvent(event) for event in events[1:])
            relation = case["relationship"] if sub_events else "single-query"
            self.curves.append(curves)
            self.plans.append(Plan("query", events[0], sub_events, relation))
            self.features.append(features[case["video"]])
        self.truth = np.array([case["truth"] for case in self.cases])
        self.duration = np.array([case["duration"] for case in self.cases])
        self.video = np.unique([case["video"] for case in self.cases], return_inverse=True)[1]

    def __len__(self) -> int:
        return len(self.cases)

    def answers(self, localizer: str | Localizer, *, plans: bool = True, features: bool = True) -> np.ndarray:
        """(N, 2) first moments; NaN where the localizer has no answer."""
        found = np.full((len(self), 2), np.nan)
        for i, curves in enumerate(self.curves):
            found[i] = self.answer(i, localizer, curves, plans=plans, features=features)
        return found

    def answer(
        self, i: int, localizer: str | Localizer, curves: dict, *, plans: bool, features: bool
    ) -> tuple[float, float]:
        moments = ground_curves(
            curves,
            self.plans[i] if plans else Plan("query"),
            duration_seconds=self.duration[i],
            localizer=localizer,
            features=self.features[i] if features else None,
        )
        return (moments[0].start_seconds, moments[0].end_seconds) if moments else (np.nan, np.nan)

    def iou(self, answers: np.ndarray) -> np.ndarray:
        overlap = temporal_iou(answers[:, 0], answers[:, 1], self.truth[:, 0], self.truth[:, 1])
        return np.nan_to_num(overlap)


def figures(overlap: np.ndarray) -> np.ndarray:
    """R@0.3, R@0.5, R@0.7 and mIoU in per cent."""
    return 100 * np.array([*((overlap >= t).mean() for t in THRESHOLDS), overlap.mean()])


def interval(overlap: np.ndarray, video: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of mIoU over videos."""
    sums, counts = np.bincount(video, overlap), np.bincount(video)
    drawn = np.random.default_rng(0).integers(len(counts), size=(RESAMPLES, len(counts)))
    means = 100 * sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def paired_p(overlap: np.ndarray, other: np.ndarray, video: np.ndarray) -> float:
    """Two-sided p-value that two localizers are as good as each other, by flipping whole videos."""
    sums = np.bincount(video, overlap - other)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(RESAMPLES * 5, len(sums)))
    return float((1 + (np.abs(signs @ sums) >= abs(sums.sum()) - 1e-12).sum()) / (1 + len(signs)))


def row(name: str, overlap: np.ndarray, extra: str = "") -> str:
    return f"| {name} | " + " | ".join(f"{value:.2f}" for value in figures(overlap)) + f" |{extra}"


def table(cases: Cases) -> dict:
    results = {}
    reference = {plans: cases.iou(cases.answers("tfvtg-reference", plans=plans)) for plans in (True, False)}
    for plans in (True, False):
        print(f"\n{'with' if plans else 'without'} plans\n\n| localizer | {' | '.join(HEAD)} | 95 % of mIoU | p |")
        print("|---|---|---|---|---|---|---|")
        rows = {"whole video": cases.iou(np.stack([0 * cases.duration, cases.duration], axis=1))}
        rows["best constant window"] = best_constant(cases)
        for name in sorted(ROWS["localizers"]):
            rows[name] = reference[plans] if name == "tfvtg-reference" else cases.iou(cases.answers(name, plans=plans))
        rows["default, no features"] = cases.iou(cases.answers("default", plans=plans, features=False))
        rows["oracle: best of all windows of whole frames"] = best_window(cases)
        for name, overlap in rows.items():
            low, high = interval(overlap, cases.video)
            p = "–" if name == "tfvtg-reference" else f"{paired_p(overlap, reference[plans], cases.video):.4f}"
            print(row(name, overlap, f" {low:.1f} – {high:.1f} | {p} |"))
            results[f"{name}, {'plans' if plans else 'no plans'}"] = figures(overlap).round(2).tolist()
    return results


def best_constant(cases: Cases) -> np.ndarray:
    """The one window, as shares of the video, with the best mIoU."""
    shares = np.linspace(0, 1, 41)
    best = np.zeros(len(cases))
    for a in shares:
        for b in shares[shares > a]:
            overlap = cases.iou(np.stack([a * cases.duration, b * cases.duration], axis=1))
            best = overlap if overlap.mean() > best.mean() else best
    return best


def best_window(cases: Cases) -> np.ndarray:
    best = np.zeros(len(cases))
    for i, curves in enumerate(cases.curves):
        edges = np.linspace(0, cases.duration[i], len(curves["query"]) + 1)
        a, b = np.triu_indices(len(edges), 1)
        best[i] = temporal_iou(edges[a], edges[b], *cases.truth[i]).max()
    return best


def sensitivity(cases: Cases) -> dict:
    print(f"\n| constant | factor | {' | '.join(HEAD)} |\n|---|---|---|---|---|---|")
    results = {}
    trials = {"as they are": DefaultLocalizer()}
    for field in fields(CONSTANTS):
        for factor in (0.5, 2.0):
            changed = replace(CONSTANTS, **{field.name: getattr(CONSTANTS, field.name) * factor})
            trials[f"{field.name} | x {factor:g}"] = DefaultLocalizer(constants=changed)
    for factor in (0.5, 2.0):
        trials[f"fineness | x {factor:g}"] = DefaultLocalizer(fineness=FINENESS * factor)
    for name, localizer in trials.items():
        overlap = cases.iou(cases.answers(localizer))
        print(row(name if "|" in name else name + " | ", overlap))
        results[name.replace(" | ", " ")] = figures(overlap).round(2).tolist()
    return results


def halves(cases: Cases, trials: int = 60) -> dict:
    """Constants drawn around ours; the best on one half of the videos read off the other half."""
    rng = np.random.default_rng(0)
    half = rng.permutation(cases.video.max() + 1)[cases.video] % 2
    overlaps = [cases.iou(cases.answers(DefaultLocalizer()))]
    for _ in range(trials):
        factors = np.exp(rng.uniform(-0.5, 0.5, len(fields(CONSTANTS))))
        drawn = {f.name: getattr(CONSTANTS, f.name) * x for f, x in zip(fields(CONSTANTS), factors, strict=True)}
        overlaps.append(cases.iou(cases.answers(DefaultLocalizer(constants=replace(CONSTANTS, **drawn)))))
    gains = np.array([[figures(o[half == h]) @ [1 / 3, 1 / 3, 1 / 3, 1] for h in (0, 1)] for o in overlaps])
    print(f"\n{trials} settings within a factor of 1.65, judged by mIoU + mean recall")
    print(f"\n| answer | {' | '.join(HEAD)} |\n|---|---|---|---|---|")
    results = {"ours": figures(overlaps[0]).round(2).tolist()}
    crossed = np.zeros(len(cases))
    for h in (0, 1):
        best = int(gains[1:, h].argmax()) + 1
        crossed[half != h] = overlaps[best][half != h]
    print(row("ours", overlaps[0]))
    print(row("chosen among the drawn on one half, read off the other", crossed))
    spread = np.array([figures(o) for o in overlaps[1:]])
    print(
        "| drawn settings, 10 % – 90 % | "
        + " | ".join(f"{a:.1f} – {b:.1f}" for a, b in zip(*np.percentile(spread, [10, 90], axis=0), strict=True))
        + " |"
    )
    results["crossed"] = figures(crossed).round(2).tolist()
    results["drawn 10 % and 90 %"] = np.percentile(spread, [10, 90], axis=0).round(2).tolist()
    return results


def resampled(values: np.ndarray, frames: int) -> np.ndarray:
    """(T, ...) values at the centres of other, uniform frames, by linear interpolation."""
    old = (np.arange(len(values)) + 0.5) / len(values)
    new = (np.arange(frames) + 0.5) / frames
    if values.ndim == 1:
        return np.interp(new, old, values)
    return np.stack([np.interp(new, old, column) for column in values.T.astype(np.float64)], axis=1)


def simulations(cases: Cases) -> dict:
    rng = np.random.default_rng(0)
    results: dict = {}
    some = range(0, len(cases), 4)
    names = ("default", "max-sum", "tag", "tfvtg-reference")
    print(f"\nEvery fourth case; mIoU\n\n| change | {' | '.join(names)} |\n|---|{'---|' * len(names)}")

    def compare(title: str, change, features) -> None:
        kept = cases.features
        overlaps: dict[str, list[float]] = {name: [] for name in names}
        for i in some:
            curves = {text: change(curve, i) for text, curve in cases.curves[i].items()}
            cases.features = {i: features(kept[i], i)}
            for name in names:
                answer = np.array([cases.answer(i, name, curves, plans=True, features=True)])
                a, b = cases.truth[i]
                overlaps[name].append(float(np.nan_to_num(temporal_iou(answer[:, 0], answer[:, 1], a, b))[0]))
        cases.features = kept
        means = {name: round(100 * float(np.mean(values)), 2) for name, values in overlaps.items()}
        print(f"| {title} | " + " | ".join(f"{value:.1f}" for value in means.values()) + " |")
        results[title] = means

    for noise in (0.0, 0.5, 1.0):
        compare(
            f"white noise of {noise:g} standard deviations",
            lambda curve, i, noise=noise: curve + noise * curve.std() * rng.standard_normal(len(curve)),
            lambda f, i: f,
        )
    for rate in (1, 2, 4, 8):
        compare(
            f"{rate} Hz",
            lambda curve, i, rate=rate: resampled(curve, max(2, round(cases.duration[i] * rate))),
            lambda f, i, rate=rate: resampled(f, max(2, round(cases.duration[i] * rate))),
        )
    results |= several(rng) | long_video(rng)
    return results


def red_noise(rng: np.random.Generator, frames: int, rate_hz: float) -> np.ndarray:
    """Noise whose correlation falls to 1/e in a second, with standard deviation 1."""
    keep = np.exp(-1 / rate_hz)
    noise = rng.standard_normal(frames) * np.sqrt(1 - keep**2)
    for t in range(1, frames):
        noise[t] += keep * noise[t - 1]
    return noise


def several(rng: np.random.Generator) -> dict:
    """Two and three moments of 4 to 12 s in 120 s, each 2.5 standard deviations high: how many are in the list?"""
    results = {}
    for count in (2, 3):
        found = {name: 0 for name in ("default", "max-sum")}
        for _ in range(200):
            curve, truths = red_noise(rng, 360, 3.0), []
            for slot in rng.permutation(4)[:count]:
                length = rng.uniform(4, 12)
                start = slot * 30 + rng.uniform(2, 28 - length)
                truths.append((start, start + length))
                curve[int(start * 3) : int((start + length) * 3)] += 2.5
            for name in found:
                list_ = ground_curves({"q": curve}, Plan("q"), duration_seconds=120.0, localizer=name)[:count]
                starts, ends = np.array([[m.start_seconds, m.end_seconds] for m in list_]).T
                found[name] += sum(temporal_iou(starts, ends, a, b).max() >= 0.5 for a, b in truths)
        results[f"{count} moments, found among the first {count} (IoU ≥ 0.5)"] = {
            name: round(100 * float(hits) / 200 / count, 1) for name, hits in found.items()
        }
    for title, values in results.items():
        print(f"{title}: {values}")
    return results


def long_video(rng: np.random.Generator) -> dict:
    """One moment of 0.1 % of three hours, 4 standard deviations high."""
    results: dict = {}
    for name in ("default", "max-sum", "tfvtg-reference"):
        hits, seconds = 0, []
        for seed in range(10):
            inner = np.random.default_rng(seed)
            curve = 0.2 + 0.02 * red_noise(inner, 32_400, 3.0)
            start = inner.uniform(0, 10_780)
            curve[int(start * 3) : int((start + 10.8) * 3)] += 0.08
            began = time.perf_counter()
            moments = ground_curves({"q": curve}, Plan("q"), duration_seconds=10_800.0, localizer=name)
            seconds.append(time.perf_counter() - began)
            hits += temporal_iou(moments[0].start_seconds, moments[0].end_seconds, start, start + 10.8) >= 0.5
        results[f"3 h, {name}"] = {"R@0.5 of 10": int(hits), "seconds": round(float(np.median(seconds)), 3)}
        print(f"3 h, {name}: {results[f'3 h, {name}']}")
    curve, features = red_noise(rng, 32_400, 3.0), rng.standard_normal((32_400, 512)).astype(np.float32)
    began = time.perf_counter()
    ground_curves({"q": curve}, Plan("q"), duration_seconds=10_800.0, features=features)
    results["3 h, default with (32400, 512) features, seconds"] = round(time.perf_counter() - began, 3)
    print("3 h, default with (32400, 512) features:", results["3 h, default with (32400, 512) features, seconds"], "s")
    return results


def cost(cases: Cases) -> dict:
    """Processor seconds a query, the best of five rounds over the first 400 cases."""
    results = {}
    for name in sorted(ROWS["localizers"]):
        best = np.inf
        for _ in range(2 if name == "tag" else 5):
            began = time.thread_time()
            for i in range(400):
                cases.answer(i, name, cases.curves[i], plans=True, features=True)
            best = min(best, (time.thread_time() - began) / 400)
        results[name] = round(best * 1e6, 1)
        print(f"{name}: {best * 1e6:.0f} µs a query, 1/{AUTHORS_SECONDS / best:.0f} of the public program's 14 ms")
    return results


def losses(cases: Cases, folder: Path) -> dict:
    """Plots of the ten queries on which the default answer loses most against tfvtg-reference, and what they share."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    ours, theirs = cases.answers("default"), cases.answers("tfvtg-reference")
    difference = cases.iou(ours) - cases.iou(theirs)
    folder.mkdir(parents=True, exist_ok=True)
    worst = np.argsort(difference, kind="stable")[:10]
    for rank, i in enumerate(worst):
        curve = cases.curves[i]["query"]
        seconds = (np.arange(len(curve)) + 0.5) / len(curve) * cases.duration[i]
        figure, axes = plt.subplots(figsize=(7, 2.4))
        axes.plot(seconds, curve, color="black", linewidth=1)
        for (a, b), colour, height, label in (
            (cases.truth[i], "tab:green", 0.0, "truth"),
            (ours[i], "tab:blue", 0.04, "default"),
            (theirs[i], "tab:red", 0.08, "tfvtg-reference"),
        ):
            axes.axvspan(a, b, ymin=height, ymax=height + 0.035, color=colour, label=label)
        axes.set_title(cases.cases[i]["query"], fontsize=8)
        axes.legend(fontsize=6)
        figure.savefig(folder / f"loss_{rank}.png", dpi=100, bbox_inches="tight")
        plt.close(figure)
    missed = cases.iou(ours) < 0.3
    length = cases.truth[:, 1] - cases.truth[:, 0]
    areas = np.array([area_under_curve(cases, i) for i in range(len(cases))])
    results: dict = {"plots": str(folder), "missed (IoU < 0.3), %": round(100 * float(missed.mean()), 1)}
    for name, group in (("missed", missed), ("found", ~missed)):
        results[f"{name}: median frame AUC of the query's curve"] = round(float(np.nanmedian(areas[group])), 3)
        results[f"{name}: median truth, seconds"] = round(float(np.median(length[group])), 2)
    for low, high in ((0, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 1.01)):
        group = (areas >= low) & (areas < high)
        results[f"mIoU where AUC in [{low}, {high})"] = [
            int(group.sum()),
            round(100 * float(cases.iou(ours)[group].mean()), 1),
            round(100 * float(cases.iou(theirs)[group].mean()), 1),
        ]
    for name, value in results.items():
        print(f"{name}: {value}")
    return results


def area_under_curve(cases: Cases, i: int) -> float:
    """How well the query's curve alone separates the truth's frames from the rest."""
    curve = cases.curves[i]["query"]
    seconds = (np.arange(len(curve)) + 0.5) / len(curve) * cases.duration[i]
    inside = (seconds >= cases.truth[i, 0]) & (seconds < cases.truth[i, 1])
    return auroc(curve[inside], curve[~inside])


def auroc(positive: np.ndarray, negative: np.ndarray) -> float:
    if len(positive) == 0 or len(negative) == 0:
        return float("nan")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(negative))


def absence(folder: Path) -> dict:
    """`presence` of each query in its own video and in all others, with the embedded encoder."""
    from footage import KEPT, render_haystack

    from tfgrounding.engines.grounder import Grounder
    from tfgrounding.tracks.similarity import similarity_curves

    grounder = Grounder(encoder="embedded", cache=KEPT / "cache")
    queries = [json.loads(line) for line in (folder / "annotations.jsonl").read_text().splitlines()]
    recipes = [json.loads(line) for line in (folder / "haystack_recipes.jsonl").read_text().splitlines()]
    shown = {recipe["vid"]: [clip["text"] for clip in recipe["clips"]] for recipe in recipes}
    haystack = render_haystack(folder)
    texts = grounder.encoder.encode_texts([query["query"] for query in queries])
    null = grounder.encoder.encode_texts(NULL_TEXTS)
    rows = []
    for video in dict.fromkeys(query["vid"] for query in queries):
        path = haystack / video if video in shown else folder / "untrimmed" / video
        features = grounder.encode_video(path)
        middle = (features.sample_seconds[1:] + features.sample_seconds[:-1]) / 2
        edges = np.concatenate([[0.0], middle, [features.info.duration_seconds]])
        curves = similarity_curves(features.vectors, np.concatenate([texts, null]))
        presence = Presence(curves[len(queries) :], edges)
        for i, query in enumerate(queries):
            probability = presence.probability(curves[i])
            there = query["vid"] == video
            also = not there and any(text in query["query"] for text in shown.get(video, ()))
            rows.append((video in shown, there, also, probability))
    kind, there, also, probability = (np.array(column) for column in zip(*rows, strict=True))
    results: dict = {}
    for name, group in (("all", kind | True), ("untrimmed", ~kind), ("haystack", kind)):
        results[f"AUROC, {name}"] = round(auroc(probability[group & there], probability[group & ~there]), 3)
        results[f"AUROC, {name}, less queries whose clip is in the other video too"] = round(
            auroc(probability[group & there], probability[group & ~there & ~also]), 3
        )
    for level in (0.5, 0.8, 0.95):
        results[f"present > {level}: own, others"] = [
            round(float((probability[there] > level).mean()), 3),
            round(float((probability[~there & ~also] > level).mean()), 3),
        ]
    for name, value in results.items():
        print(f"{name}: {value}")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--charades", type=Path, default=Path("../shared/charades"))
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage"))
    parser.add_argument("--plots", type=Path, default=Path(".bench/losses"), help="where the losing curves are drawn")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    if not arguments.charades.exists():
        parser.error(f"{arguments.charades} does not exist")
    cases = Cases(arguments.charades)
    results = {}
    for section in chosen:
        print(f"\n## {section}")
        run = {
            "losses": lambda: losses(cases, arguments.plots),
            "absence": lambda: absence(arguments.footage),
        }.get(section, lambda name=section: globals()[name](cases))
        results[section] = run()
    print(json.dumps(results))


if __name__ == "__main__":
    main()
