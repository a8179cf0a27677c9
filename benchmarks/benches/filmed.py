"""Real footage with the embedded encoder: untrimmed videos, and needles in haystacks of clips."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from footage import KEPT, render_haystack

from tfgrounding.engines.curves import CurvesEngine
from tfgrounding.localizers.ground_curves import query_curves

from .bench import Bench

KINDS = ("haystack", "untrimmed")


def footage_benches(folder: Path) -> list[Bench]:
    """One bench of each kind; plans by rules. Haystacks are rendered and features kept under .bench/."""
    samples = [json.loads(line) for line in (folder / "annotations.jsonl").read_text(encoding="utf-8").splitlines()]
    folders = {"haystack": render_haystack(folder), "untrimmed": folder / "untrimmed"}
    engine = CurvesEngine(encoder="embedded", planner="rules", cache=KEPT / "cache")
    benches = []
    for kind in KINDS:
        some = [sample for sample in samples if sample["kind"] == kind]
        watched = {vid: engine.encode(folders[kind] / vid) for vid in sorted({sample["vid"] for sample in some})}
        queries = []
        for sample in some:
            features, plan = watched[sample["vid"]], engine.planner.plan(sample["query"])
            unrelated = engine.unrelated(features)
            queries.append(
                query_curves(
                    dict(zip(plan.texts, engine.curves(features, plan.texts), strict=True)),
                    plan,
                    duration_seconds=features.info.duration_seconds,
                    pts_seconds=features.sample_seconds,
                    floor=unrelated.floor,
                    null_curves=unrelated.curves,
                    features=np.ascontiguousarray(features.frame_vectors),
                )
            )
        benches.append(
            Bench(
                name=kind,
                group=kind,
                queries=queries,
                truths=[sample["relevant_windows"] for sample in some],
                durations_seconds=np.array([watched[sample["vid"]].info.duration_seconds for sample in some]),
                videos=[sample["vid"] for sample in some],
                sentences=[sample["query"] for sample in some],
            )
        )
    return benches
