"""The whole of Charades-STA's test split through `tfgrounding eval`, with real plans and made-up vectors: its speed.

    python benchmarks/charades_run.py [--shared ../shared] [--localizer default] [--keep .bench/charades_run]

3,720 queries, 1,334 videos of 90 random frame vectors (3 Hz) each, the plans that were published with TFVTG where
they are there and the rules' for the others, and a random vector for every text. The accuracy means nothing; the
time is that of everything but decoding and encoding.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tfgrounding.evaluation.datasets import Dataset, load_dataset
from tfgrounding.evaluation.results import read_results
from tfgrounding.localizers.presence import NULL_TEXTS
from tfgrounding.planning.plans import StoredPlanner
from tfgrounding.planning.rules.plan import RulesPlanner
from tfgrounding.tracks.stored import save_text_vectors

WIDTH = 256  # BLIP-2's
SEED = 0


def write_plans(shared: Path, path: Path) -> int:
    """TFVTG's layout from the cases of both benches; returns how many plans there are."""
    videos: dict[str, dict[str, list]] = {}
    for bench in ("charades", "parity"):
        for line in (shared / bench / "cases.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            entry = videos.setdefault(case["video"], {"sentences": [], "response": []})
            groups = [{"descriptions": [text["text"] for text in group]} for group in case["groups"]]
            entry["sentences"].append(case["query"])
            entry["response"].append({"relationship": case["relationship"], "query_json": groups})
    path.write_text(json.dumps(videos), encoding="utf-8")
    return sum(len(entry["sentences"]) for entry in videos.values())


def write_features(data: Dataset, folder: Path) -> None:
    """Random frame vectors with a common part, so that cosines lie where an encoder's do."""
    random = np.random.default_rng(SEED)
    common = random.normal(size=WIDTH)
    folder.mkdir(parents=True, exist_ok=True)
    for video, duration in {sample.video: sample.duration_seconds for sample in data.samples}.items():
        frames = max(2, round((duration or 0) * 3))
        np.save(folder / f"{video}.npy", (common + random.normal(size=(frames, WIDTH))).astype(np.float16))


def write_texts(data: Dataset, plans: Path, path: Path) -> int:
    """A random vector for every text of every plan; returns how many there are."""
    planner = StoredPlanner.read(plans, otherwise=RulesPlanner())
    texts = {text for sample in data.samples for text in planner.plan(sample.query, video=sample.video).texts}
    texts.update(NULL_TEXTS)
    random = np.random.default_rng(SEED)
    common = random.normal(size=WIDTH)
    vectors = {text: common + random.normal(size=WIDTH) for text in sorted(texts)}
    save_text_vectors(path, vectors, encoder="random", revision=str(SEED), floor=0.2)
    return len(texts)


def _cpu_seconds() -> float:
    """Of all processes that were started and have ended: what a busy machine does not stretch."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument(
        "--localizer", action="append", help="one or more; the default: default, tfvtg, tfvtg-reference"
    )
    parser.add_argument("--keep", type=Path, default=Path(".bench/charades_run"))
    options = parser.parse_args()
    annotations = options.shared / "annotations" / "charades_test.json"
    if not annotations.exists():
        sys.exit(f"{annotations} is not there; name the folder of the research data with --shared")
    options.keep.mkdir(parents=True, exist_ok=True)
    data = load_dataset("charades-sta", annotations)
    plans, texts, features = (options.keep / name for name in ("llm_outputs.json", "texts.safetensors", "features"))
    stored = write_plans(options.shared, plans)
    write_features(data, features)
    result: dict[str, object] = {"stored plans": stored, "texts": write_texts(data, plans, texts)}
    for localizer in options.localizer or ["default", "tfvtg", "tfvtg-reference"]:
        output = options.keep / f"{localizer}.jsonl"
        output.unlink(missing_ok=True)
        command = [
            *(sys.executable, "-m", "tfgrounding", "eval", "charades-sta", "--annotations", annotations),
            *("--features", features, "--text-features", texts, "--plans", plans),
            *("--localizer", localizer, "--output", output),
        ]
        print("$ tfgrounding " + " ".join(str(part) for part in command[3:]), flush=True)
        began, cpu_began = time.perf_counter(), _cpu_seconds()
        done = subprocess.run([str(part) for part in command], text=True, stdout=subprocess.PIPE, check=False)
        seconds, cpu_seconds = time.perf_counter() - began, _cpu_seconds() - cpu_began
        print(done.stdout, flush=True)
        rows = read_results(output)
        result[localizer] = {
            "seconds": round(seconds, 1),
            "processor seconds": round(cpu_seconds, 1),
            "rows": len(rows),
            "failed": sum(row["error"] is not None for row in rows.values()),
            "grounding seconds": round(sum(row["timing"].get("ground_seconds", 0) for row in rows.values()), 1),
            "MB": round(output.stat().st_size / 1e6, 1),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
