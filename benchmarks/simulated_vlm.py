"""A vision LLM of known quality, and how well each engine uses it: mIoU at equal numbers of pictures.

    python benchmarks/simulated_vlm.py [--footage ../shared/footage] [--parts footage hours needles] [--seeds 10-19]

The simulated model is told which instants it is shown. It names the first and the last of them inside the truth, or
says "none". Two kinds of errors: "calls", where each call goes wrong with probability p (half of the time a random
range; a quarter "none", or a random range where "none" was right; a quarter all frames), and "queries", where with
probability p the truth of a query is replaced for good by a random stretch of the same length. Its yes or no about a
clip is right, or with probability p random (in "calls"); in the part "verifier" it is a Gaussian score of AUROC 0.85.

Parts. "footage": the untrimmed videos with their annotated queries and the embedded encoder; features are kept under
.bench/footage. "hours": videos of an hour with one event of 5 to 60 s each and curves of known quality. "needles":
three hours with one event of 5 s each. "verifier": hours, and cascade within 48 calls against asking about every clip
of 3 s. No pictures are made: a picture is an instant here.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from tfgrounding.engines.cascade import CascadeEngine
from tfgrounding.engines.curves import CurvesEngine
from tfgrounding.engines.hybrid import HybridEngine
from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.localizers.base import QueryCurves
from tfgrounding.localizers.maxsum import MaxSumLocalizer
from tfgrounding.localizers.probabilities import ClipSearch
from tfgrounding.types import Plan, Shot, Shots, VideoFeatures, VideoInfo
from tfgrounding.vision.frames import NumberedFrames, Part
from tfgrounding.vision.views import ReadReply

KEPT = Path(".bench/footage/cache")
ERROR_RATES = (0.0, 0.2, 0.5)
PICTURES = (51, 110)
AUROC = 0.85
PARTS = ["footage", "hours", "needles", "verifier"]
CLIP_SECONDS, FRAMES_PER_CLIP = 3.0, 4  # where every clip is asked about
CURVE_RATE_HZ = 3.0
NULL_DIRECTIONS = 12

Window = tuple[float, float]


@dataclass(frozen=True)
class Question:
    """A query, its video and the seconds of its event."""

    query: str
    truth: Window
    features: VideoFeatures


@dataclass
class SimulatedVLM:
    """A vision model whose errors are known; see the module.

    Args:
        questions: what it can be asked.
        error_rate: p, of calls or of queries.
        errs_by: "calls" or "queries".
        auroc: of its yes or no about a clip; None: right but for its errors, and yes from half of the frames on.
        seed: the same seed gives the same reply to the same request.
    """

    questions: Sequence[Question]
    error_rate: float = 0.0
    errs_by: str = "calls"
    auroc: float | None = None
    seed: int = 0
    name: str = "simulated"
    concurrency: int = 1
    most_pictures: int = 10_000
    _truths: dict[str, Window] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._truths = {}
        for question in self.questions:
            truth, rng = question.truth, self._rng("truth", question.query)
            if self.errs_by == "queries" and rng.random() < self.error_rate:
                length = truth[1] - truth[0]
                start = rng.uniform(0, max(0.0, question.features.info.duration_seconds - length))
                truth = (start, start + length)
            self._truths[question.query] = truth

    def capacity(self, pictures: Sequence[np.ndarray]) -> int:
        return self.most_pictures

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        """Two positions of the instants shown, from 0 on, or "none"."""
        seconds, query = _shown(parts)
        rng = self._rng("reply", query, seconds.tobytes())
        start, end = self._truths[query]
        inside = np.flatnonzero((seconds >= start) & (seconds < end))
        right = f"{inside[0]} {inside[-1]}" if len(inside) else "none"
        if self.errs_by == "queries" or rng.random() >= self.error_rate:
            return right
        first, last = sorted(rng.integers(0, len(seconds), 2))
        kind = rng.random()
        if kind < 0.5 or (kind < 0.75 and right == "none"):
            return f"{first} {last}"
        return "none" if kind < 0.75 else f"0 {len(seconds) - 1}"

    def yes_probability(self, parts: Sequence[Part]) -> float:
        """By a score that is higher by d inside the truth, where d gives the AUROC; a clip across an end: between."""
        seconds, query = _shown(parts)
        start, end = self._truths[query]
        share = float(np.mean((seconds >= start) & (seconds < end)))
        if self.auroc is None:
            rng = self._rng("yes or no", query, seconds.tobytes())
            wrong = self.errs_by == "calls" and rng.random() < self.error_rate
            return float(rng.random() < 0.5) if wrong else float(share >= 0.5)
        distance = math.sqrt(2) * NormalDist().inv_cdf(self.auroc)
        score = self._rng("yes", query, seconds.tobytes()).normal(distance * (share - 0.5))
        return 1 / (1 + math.exp(-distance * score))

    def _rng(self, *of: Any) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(repr(of).encode())])


def _shown(parts: Sequence[Part]) -> tuple[np.ndarray, str]:
    """The instants and the query of a request."""
    texts = [part for part in parts if isinstance(part, str)]
    pictures = [part for part in parts if isinstance(part, np.ndarray)]
    return np.array([np.frombuffer(picture.tobytes()[:8])[0] for picture in pictures]), texts[-1]


def _pictures(seconds: np.ndarray) -> list[Part]:
    """Pictures of (1, 3, 3) whose first eight bytes are an instant in seconds."""
    return [np.frombuffer(np.float64(at).tobytes() + b"\0", np.uint8).reshape(1, 3, 3) for at in seconds]


@dataclass(frozen=True)
class Instants:
    """A view whose pictures hold nothing but their instants."""

    name: str = "instants"
    frame_side: int = 16
    frames_per_picture: int = 1

    def parts(self, frames: NumberedFrames) -> list[Part]:
        return _pictures(frames.sample_seconds)

    def question(self, frames: NumberedFrames, query: str) -> str:
        return query

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        if reply == "none":
            return ReadReply(absent=True, usable=True)
        first, last = (int(position) for position in reply.split())
        return ReadReply((frames.seconds_of(frames.numbers[first], frames.numbers[last]),), usable=True)


@dataclass(frozen=True)
class Blank:
    """A source of that many seconds whose pictures are all the same."""

    name: str
    seconds: float

    @property
    def info(self) -> VideoInfo:
        return VideoInfo(self.name, self.seconds, 16, 16, 30.0)

    @property
    def identity(self) -> tuple[Any, ...]:
        return self.name, self.seconds

    @cached_property
    def _picture(self) -> Any:
        import av

        return av.VideoFrame(16, 16, "rgb24")

    def shots(
        self, *, rate_hz: float | None = None, start_seconds: float = 0.0, end_seconds: float | None = None
    ) -> Shots:
        end = self.seconds if end_seconds is None else min(end_seconds, self.seconds)

        def read(warnings: list[str]) -> Iterator[Shot]:
            yield Shot(start_seconds, end, self._picture)

        return Shots(read)

    def digest(self) -> str:
        return repr(self.identity)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "features", "name": self.name}


class Directions:
    """An encoder of nothing but directions: the texts of an hour's query, and of the unrelated texts."""

    name, revision, frame_size, floor = "directions", "1", 16, None
    device, warnings = "cpu", ()

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        raise NotImplementedError("its features are made without pictures")

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), NULL_DIRECTIONS + 2), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            if text.startswith("hour "):
                vector[0] = 1
            else:
                vector[1:-1] = np.random.default_rng(zlib.crc32(text.encode())).normal(size=NULL_DIRECTIONS)
                vector /= np.linalg.norm(vector)
        return vectors


def smooth_noise(rng: np.random.Generator, count: int, seconds: float) -> np.ndarray:
    """(count,) noise of variance 1 that stays alike for about that long."""
    from scipy.ndimage import gaussian_filter1d

    noise = gaussian_filter1d(rng.normal(size=count), seconds * CURVE_RATE_HZ)
    return (noise - noise.mean()) / noise.std()


def simulated_video(name: str, duration: float, truth: Window, rng: np.random.Generator, height: float) -> Question:
    """A video of which only features are there: at the event the query's curve is higher by `height` deviations."""
    count = int(duration * CURVE_RATE_HZ)
    seconds = (np.arange(count) + 0.5) / CURVE_RATE_HZ
    vectors = np.zeros((count, 1, NULL_DIRECTIONS + 2), np.float32)
    for direction in range(NULL_DIRECTIONS + 1):
        vectors[:, 0, direction] = 0.2 + 0.02 * (smooth_noise(rng, count, 4.0) + 0.5 * rng.normal(size=count))
    inside = (seconds >= truth[0]) & (seconds < truth[1])
    vectors[:, 0, 0] += 0.02 * height * inside
    vectors[:, 0, -1] = np.sqrt(1 - np.sum(vectors[:, 0, :-1] ** 2, axis=1))
    features = VideoFeatures(
        vectors=vectors,
        pts_seconds=seconds,
        sample_seconds=seconds,
        info=Blank(name, duration).info,
        encoder=Directions.name,
        revision=Directions.revision,
        rate_hz=CURVE_RATE_HZ,
        source=Blank(name, duration),
    )
    return Question(name, truth, features)


def simulated_videos(number: int, *, seed: int, hours: float, lengths: Window, height: float) -> list[Question]:
    """Videos with one event each; the lengths of the events are spread evenly over their logarithm."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(number):
        length = math.exp(rng.uniform(*map(math.log, lengths)))
        start = rng.uniform(0, 3600 * hours - length)
        made.append(simulated_video(f"hour {i}", 3600 * hours, (start, start + length), rng, height))
    return made


def footage_questions(footage: Path, curves: CurvesEngine) -> list[Question]:
    rows = [json.loads(line) for line in (footage / "annotations.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["kind"] == "untrimmed"]
    features = {vid: curves.encode(footage / "untrimmed" / vid) for vid in sorted({row["vid"] for row in rows})}
    blank = {vid: _without_pictures(vid, made) for vid, made in features.items()}
    return [Question(row["query"], tuple(row["relevant_windows"][0]), blank[row["vid"]]) for row in rows]


def _without_pictures(name: str, made: VideoFeatures) -> VideoFeatures:
    source = Blank(name, made.info.duration_seconds)
    return VideoFeatures(
        made.vectors,
        made.pts_seconds,
        made.sample_seconds,
        made.info,
        made.encoder,
        made.revision,
        made.rate_hz,
        source,
    )


def overlap(found: Window, truth: Window) -> float:
    shared = max(0.0, min(found[1], truth[1]) - max(found[0], truth[0]))
    return shared / (found[1] - found[0] + truth[1] - truth[0] - shared)


Make = Callable[[SimulatedVLM, Question], Any]  # an engine for a question


def measure(make: Make, questions: Sequence[Question], vlm: SimulatedVLM, *, plain: bool) -> tuple[list[float], float]:
    """IoU of each question's best moment, and pictures a question."""
    ious, pictures = [], 0
    for question in questions:
        engine = make(vlm, question)
        source = question.features if engine.watches_features else question.features.source
        query: str | Plan = Plan(question.query) if plain or not engine.watches_features else question.query
        answer = engine.watch(source).ask(query)
        best = answer.moments[0] if answer.moments else None
        ious.append(0.0 if best is None else overlap((best.start_seconds, best.end_seconds), question.truth))
        pictures += answer.provenance.get("vlm_pictures", 0)
    return ious, pictures / len(questions)


def engines(curves: CurvesEngine, pictures: int) -> dict[str, Make]:
    """Each engine with a vision model, limited to so many pictures a query."""
    view = Instants()

    def numpro(vlm: SimulatedVLM, question: Question) -> NumProEngine:
        rate_hz = pictures / question.features.info.duration_seconds
        return NumProEngine(vlm, view=view, rate_hz=rate_hz, most_frames=pictures)

    def hybrid(vlm: SimulatedVLM, question: Question) -> HybridEngine:
        return HybridEngine(vlm, curves=curves, view=view, budget_frames=pictures)

    def cascade(vlm: SimulatedVLM, question: Question) -> CascadeEngine:
        frames = 3 if pictures < 128 else FRAMES_PER_CLIP  # more clips rather than more frames
        return CascadeEngine(vlm, curves=curves, clip_view=view, budget_frames=pictures, frames_per_clip=frames)

    return {"numpro": numpro, "hybrid": hybrid, "cascade": cascade}


def hours(seed: int) -> list[Question]:
    return simulated_videos(12, seed=seed, hours=1, lengths=(5, 60), height=2.5)


def every_clip(vlm: SimulatedVLM, question: Question, curves: CurvesEngine) -> tuple[Window, Window]:
    """What asking about each clip of 3 s finds: with the curves and the cascade's reading, and by maximum sum alone."""
    duration = question.features.info.duration_seconds
    watched = curves.watch(question.features)
    search = ClipSearch.of_curves(watched.windows(watched.ask(Plan(question.query))))
    edges = np.arange(0, duration + 1e-6, CLIP_SECONDS)
    for start in edges[:-1]:
        seconds = start + (np.arange(FRAMES_PER_CLIP) + 0.5) / FRAMES_PER_CLIP * CLIP_SECONDS
        search.add(seconds, vlm.yes_probability([*_pictures(seconds), question.query]))
    for _ in range(8):
        search.settle()
    alone = MaxSumLocalizer().locate(QueryCurves(np.array([search.answers]), edges))
    return search.best()[:2], (float(alone.start_seconds[0]), float(alone.end_seconds[0]))


def verifier_table(seeds: Sequence[int], curves: CurvesEngine) -> list[dict[str, Any]]:
    """Print the cascade within 48 calls against asking about every clip, and return the rows."""
    found: dict[str, list[float]] = {}
    requests = []
    for seed in seeds:
        vlm = SimulatedVLM(hours(seed), auroc=AUROC, seed=seed)
        ious: dict[str, list[float]] = {}
        for question in vlm.questions:
            answer = (
                CascadeEngine(vlm, curves=curves, clip_view=Instants())
                .watch(question.features)
                .ask(Plan(question.query))
            )
            requests.append(answer.provenance["vlm_requests"])
            first = answer.moments[0]
            read, alone = every_clip(vlm, question, curves)
            for name, interval in (
                ("cascade", (first.start_seconds, first.end_seconds)),
                ("every clip, with the curves, the cascade's reading", read),
                ("every clip, maximum sum, no curves", alone),
            ):
                ious.setdefault(name, []).append(overlap(interval, question.truth))
        for name, values in ious.items():
            found.setdefault(name, []).append(float(np.mean(values)))
    print(f"\nA yes or no of AUROC {AUROC} on simulated hours, 12 a seed\n\n| | calls | mIoU |\n|---|---|---|")
    for name, values in found.items():
        calls = f"{np.mean(requests):.0f}" if name == "cascade" else f"{3600 / CLIP_SECONDS:.0f}"
        print(f"| {name} | {calls} | {np.mean(values):.3f} ± {np.std(values):.3f} |", flush=True)
    return [{"table": "verifier", "engine": name, "mIoU": round(np.mean(values), 3)} for name, values in found.items()]


def table(
    title: str,
    questions: Callable[[int], Sequence[Question]],
    curves: CurvesEngine,
    *,
    seeds: Sequence[int],
    budgets: Sequence[int],
    plain: bool,
    only: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Print a table and return its rows; ± is the standard deviation over the seeds."""
    print(
        f"\n{title}\n\n| engine | errors by | pictures | "
        + " | ".join(f"p = {p:g}" for p in (*ERROR_RATES, 1.0))
        + " |"
    )
    print("|---|---|---|" + "---|" * (len(ERROR_RATES) + 1))
    rows = []
    alone = [np.mean(measure(lambda vlm, q: curves, questions(seed), None, plain=plain)[0]) for seed in seeds]  # type: ignore[arg-type]
    print(f"| curves | – | 0 | {np.mean(alone):.3f} ± {np.std(alone):.3f} |" + " |" * len(ERROR_RATES), flush=True)
    rows.append({"table": title, "engine": "curves", "mIoU": round(float(np.mean(alone)), 3)})
    for budget in budgets:
        for name, make in engines(curves, budget).items():
            if only and name not in only:
                continue
            for errs_by in ("calls", "queries"):
                cells, used = [], []
                for p in (*ERROR_RATES, 1.0):
                    found = []
                    for seed in seeds:
                        asked = questions(seed)
                        vlm = SimulatedVLM(asked, p, errs_by, seed=seed)
                        ious, pictures = measure(make, asked, vlm, plain=plain)
                        found.append(float(np.mean(ious)))
                        used.append(pictures)
                    cells.append(f"{np.mean(found):.3f} ± {np.std(found):.3f}")
                    rows.append(
                        {"table": title, "engine": name, "errs_by": errs_by, "p": p, "mIoU": round(np.mean(found), 3)}
                    )
                shown = f"{min(used):.0f}–{max(used):.0f}"
                print(f"| {name} | {errs_by} | {shown} | {' | '.join(cells)} |", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS[:2])
    parser.add_argument("--seeds", default="10-14", help="FIRST-LAST")
    parser.add_argument("--engines", nargs="+", default=[])
    parser.add_argument("--pictures", nargs="+", type=int, default=list(PICTURES))
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    seeds = range(first, last + 1)
    rows: list[dict[str, Any]] = []
    if "footage" in options.parts:
        if not (options.footage / "annotations.jsonl").exists():
            sys.exit(f"{options.footage} holds no footage; name its folder with --footage")
        curves = CurvesEngine(encoder="embedded", cache=KEPT)
        asked = footage_questions(options.footage, curves)
        rows += table(
            f"Untrimmed footage: {len(asked)} queries, 12 videos",
            lambda seed: asked,
            curves,
            seeds=seeds,
            budgets=options.pictures,
            plain=False,
            only=options.engines,
        )
    simulated: Any = CurvesEngine(encoder=Directions(), cache=False)
    if "hours" in options.parts:
        made = {seed: hours(seed) for seed in seeds}
        rows += table(
            "Simulated hours: 12 a seed, one event of 5 to 60 s each",
            made.__getitem__,
            simulated,
            seeds=seeds,
            budgets=[128, 256],
            plain=True,
            only=options.engines,
        )
    if "needles" in options.parts:
        made = {seed: simulated_videos(10, seed=seed, hours=3, lengths=(5, 5), height=4.0) for seed in seeds}
        rows += table(
            "Needles: ten videos of three hours a seed, one event of 5 s each",
            made.__getitem__,
            simulated,
            seeds=seeds,
            budgets=[256],
            plain=True,
            only=options.engines,
        )
    if "verifier" in options.parts:
        rows += verifier_table(seeds, simulated)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
