"""The commands that measure: eval, needle, compare. Thin: options in, one call, its result on stdout."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

from .errors import TFGroundingError


def eval_command(
    dataset: Annotated[str, typer.Argument(help="A data set's name, or the path of an annotation file.")],
    annotations: Annotated[list[str] | None, typer.Option(help="The annotation files of a named data set.")] = None,
    videos: Annotated[str | None, typer.Option(help="Folder of the videos.")] = None,
    features: Annotated[str | None, typer.Option(help="Folder of .npy features, (T, D) or (T, Q, D).")] = None,
    text_features: Annotated[str | None, typer.Option(help="A .safetensors file of text vectors.")] = None,
    plans: Annotated[str | None, typer.Option(help="A file of stored plans, in place of --planner.")] = None,
    output: Annotated[str | None, typer.Option(help="The .jsonl (or .parquet) file of results; it is resumed.")] = None,
    engine: Annotated[str, typer.Option(help="What grounds.")] = "curves",
    encoder: Annotated[str, typer.Option(help="auto, or an encoder's name; naming one permits its download.")] = "auto",
    planner: Annotated[str, typer.Option(help="How queries become plans.")] = "auto",
    localizer: Annotated[str, typer.Option(help="How curves become moments.")] = "default",
    vlm: Annotated[str | None, typer.Option(help="The vision LLM of the numpro and hybrid engines.")] = None,
    top_k: Annotated[int, typer.Option(min=1, help="Moments a query at most.")] = 10,
    rate: Annotated[float, typer.Option(help="Samples a second.")] = 3.0,
    device: Annotated[str, typer.Option(help="auto (every GPU), cpu, cuda, cuda:N or mps.")] = "auto",
    stride: Annotated[
        int | None, typer.Option(min=1, help="TFVTG's stride in samples; a known data set has one.")
    ] = None,
    longest: Annotated[float | None, typer.Option(help="TFVTG's longest window as a share of the video.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask this many samples only.")] = None,
    offset: Annotated[int, typer.Option(min=0, help="Leave out this many samples first.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Shuffle the samples before --offset and --limit.")] = None,
    cluster: Annotated[str | None, typer.Option(help="ray, or ray://HOST:PORT, to run on a Ray cluster.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes, or actors of the cluster.")] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask again what failed before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Ask every query of DATASET, write a row for each, and print how good the answers are."""
    from .datasets.base import load_dataset
    from .evaluate import evaluate
    from .worker import Recipe

    samples = load_dataset(dataset, *(annotations or ()))
    recipe = Recipe(
        videos=videos,
        features=features,
        text_features=text_features,
        engine=engine,
        encoder=encoder,
        planner=plans or planner,
        localizer=localizer,
        vlm=vlm,
        top_k=top_k,
        rate_hz=rate,
        device=device,
        stride_frames=stride,
        longest_share=longest,
    )
    output = output or f"{os.path.splitext(os.path.basename(dataset))[0]}.results.jsonl"  # noqa: PTH119, PTH122
    try:
        summary = evaluate(
            samples,
            recipe,
            output,
            limit=limit,
            offset=offset,
            seed=seed,
            cluster=cluster,
            workers=workers,
            retry_failed=retry_failed,
            show_progress=True,
        )
    except KeyboardInterrupt:
        print(f"stopped; every finished row is in {output}, the same command goes on from there", file=sys.stderr)
        raise
    print(json.dumps(summary.to_dict()) if as_json else summary.text())
    print(f"rows in {output}", file=sys.stderr)
    if summary.counts["failed"] and not summary.counts["answered"] + summary.counts["nothing_found"]:
        raise TFGroundingError(f"every query failed, the first with: {summary.failed[0][1]}")
