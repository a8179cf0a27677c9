"""search_videos over real footage: how often is the right video found, and how long does a video take?

    python benchmarks/search.py [--footage ../shared/footage] [--encoder embedded] [--fresh]

Searches all videos of the folder for each annotated query of an untrimmed video and for each clip's own description.
Features are kept under .bench/search; --fresh throws them away first, so that the first search watches every video.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfgrounding.engines.grounder import Grounder
from tfgrounding.serve.tools import VideoTools
from tfgrounding.tracks.cache import FeatureCache

RANKS = (1, 5, 10)
KEPT = Path(".bench/search")


def true_queries(footage: Path) -> dict[str, list[tuple[str, str]]]:
    """{kind: (query, its video) pairs}: what annotators wrote of untrimmed videos, and what each short clip shows."""
    untrimmed, clips = [], {}
    for line in (footage / "annotations.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["kind"] == "untrimmed":
            untrimmed.append((row["query"], f"untrimmed/{row['vid']}"))
    for line in (footage / "haystack_recipes.jsonl").read_text().splitlines():
        for clip in json.loads(line)["clips"]:
            clips[clip["text"]] = f"clips/{clip['file']}"
    return {"untrimmed": untrimmed, "clips": sorted(clips.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage"))
    parser.add_argument("--encoder", default="embedded")
    parser.add_argument("--fresh", action="store_true", help="watch every video again")
    arguments = parser.parse_args()
    if not arguments.footage.is_dir():
        print(json.dumps({"benchmark": "search", "skipped": f"{arguments.footage} is not there"}))
        return
    cache = FeatureCache(KEPT)
    if arguments.fresh:
        cache.clear()
    known = len(cache.entries())
    tools = VideoTools(arguments.footage, grounder=Grounder(encoder=arguments.encoder, cache=KEPT))
    began = time.perf_counter()
    first = tools.search_videos("a person")
    cold = time.perf_counter() - began
    videos = first.videos_searched + len(first.skipped)
    seconds = sum(tools.describe_video(name).duration_seconds for name in tools.folder.videos())
    ranks: dict[str, list[int]] = {}
    warm = []
    for kind, pairs in true_queries(arguments.footage).items():
        for query, video in tqdm(pairs, desc=kind):
            began = time.perf_counter()
            found = tools.search_videos(query, top_k=max(RANKS))
            warm.append((time.perf_counter() - began) / videos)
            names = [match.video for match in found.matches]
            ranks.setdefault(kind, []).append(names.index(video) + 1 if video in names else videos)
    result = {
        "benchmark": "search",
        "encoder": arguments.encoder,
        "videos": videos,
        "video_seconds": round(seconds, 1),
        "skipped": len(first.skipped),
        "known_before": known,
        "first_search_seconds_a_video": round(cold / videos, 3),
        "warm_milliseconds_a_video": round(1000 * float(np.median(warm)), 2),
    }
    for kind, found in {**ranks, "all": [rank for some in ranks.values() for rank in some]}.items():
        result[kind] = {
            "queries": len(found),
            **{f"R@{k}": round(float(np.mean(np.array(found) <= k)), 3) for k in RANKS},
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
