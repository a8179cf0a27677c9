"""search_videos over real footage: how often is the right video found, and how long does a video take?

    python benchmarks/search.py [--footage ../shared/footage] [--encoder embedded]

Searches all videos of the folder for each annotated query of an untrimmed video and for each clip's own description.
Every video is watched once; after that its features are kept in memory, as the cache on disk would keep them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfgrounding.ground import Grounder
from tfgrounding.tools import VideoTools
from tfgrounding.types import VideoFeatures

RANKS = (1, 5, 10)


class RememberingGrounder(Grounder):
    """Watches a video once."""

    def __init__(self, **settings) -> None:
        super().__init__(**settings)
        self.seen: dict[str, VideoFeatures] = {}

    def encode_video(self, path, *, progress=None):
        if str(path) not in self.seen:
            self.seen[str(path)] = super().encode_video(path, progress=progress)
        return self.seen[str(path)]


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
    arguments = parser.parse_args()
    grounder = RememberingGrounder(encoder=arguments.encoder)
    tools = VideoTools(arguments.footage, grounder=grounder)
    began = time.perf_counter()
    first = tools.search_videos("a person")
    cold = time.perf_counter() - began
    seconds = sum(features.info.duration_seconds for features in grounder.seen.values())
    videos = first.videos_searched + len(first.skipped)
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
        "cold_seconds_a_video": round(cold / videos, 3),
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
