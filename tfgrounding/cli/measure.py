"""The commands that measure: eval, needle, compare."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Annotated

import typer

from ..errors import TFGroundingError, without_secrets
from .terminal import (
    Budget,
    Dtype,
    EncoderName,
    EngineName,
    Estimated,
    Language,
    LocalizerName,
    Sentences,
    Tracks,
    ViewName,
    VisionConcurrency,
    VisionName,
    VisionPictures,
    VisionTimeout,
)
from .vision import print_estimate

PicturesRate = Annotated[
    float | None,
    typer.Option("--picture-rate", help="Folders of pictures are videos too, with this many pictures per second."),
]


def eval_command(
    dataset: Annotated[str, typer.Argument(help="A data set's name, module:Class, or the path of an annotation file.")],
    annotations: Annotated[list[str] | None, typer.Option(help="The annotation files of a named data set.")] = None,
    videos: Annotated[str | None, typer.Option(help="Folder of the videos.")] = None,
    picture_rate: PicturesRate = None,
    features: Annotated[str | None, typer.Option(help="Folder of .npy features, (T, D) or (T, Q, D).")] = None,
    text_features: Annotated[str | None, typer.Option(help="A .safetensors file of text vectors.")] = None,
    captions: Annotated[
        str | None,
        typer.Option(help="A .jsonl or .jsonl.gz file of texts with times, which take the place of the videos."),
    ] = None,
    rephrasings: Annotated[
        bool, typer.Option("--rephrasings/--no-rephrasings", help="Use the annotations' other wordings of a query.")
    ] = True,
    plans: Annotated[
        str | None, typer.Option(help="A file of stored plans; other queries are planned by the rules.")
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="The .jsonl (or .parquet) file of results; an earlier run in it is resumed.")
    ] = None,
    engine: EngineName = "curves",
    encoder: EncoderName = "auto",
    planner: Annotated[str, typer.Option(help="How queries become plans: auto, rules, llm or none.")] = "auto",
    localizer: LocalizerName = "default",
    vlm: VisionName = None,
    view: ViewName = None,
    vlm_pictures: VisionPictures = None,
    budget: Budget = None,
    vlm_timeout: VisionTimeout = None,
    vlm_concurrency: VisionConcurrency = None,
    top_k: Annotated[int, typer.Option(min=1, help="At most this many moments for each query.")] = 10,
    rate: Annotated[float | None, typer.Option(help="Samples per second; default: the engine's.")] = None,
    device: Annotated[str, typer.Option(help="auto (every GPU), cpu, cuda, cuda:N or mps.")] = "auto",
    dtype: Dtype = "auto",
    tracks: Tracks = "shown",
    sentences: Sentences = "embedded",
    language: Language = "",
    stride: Annotated[
        int | None, typer.Option(min=1, help="TFVTG's stride in samples; default: the data set's.")
    ] = None,
    longest: Annotated[float | None, typer.Option(help="TFVTG's longest window as a share of the video.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Use only this many queries.")] = None,
    offset: Annotated[int, typer.Option(min=0, help="Skip this many queries first.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Shuffle the queries before --offset and --limit.")] = None,
    cluster: Annotated[str | None, typer.Option(help="ray, or ray://HOST:PORT, to run on a Ray cluster.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of processes, or of actors on the cluster.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Repeat the queries that failed.")] = False,
    estimate: Estimated = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Ask every query of DATASET, write a row for each, and print how good the answers are."""
    from ..evaluation.datasets import load_dataset
    from ..evaluation.recipe import Recipe
    from ..evaluation.run import evaluate, videos_to_ask

    samples = load_dataset(dataset, *(annotations or ()))
    recipe = Recipe(
        videos=videos,
        features=features,
        text_features=text_features,
        engine=engine,
        encoder=encoder,
        planner=planner,
        plans=plans,
        localizer=localizer,
        vlm=vlm,
        view=view,
        vlm_pictures=vlm_pictures,
        budget_frames=budget,
        vlm_timeout_seconds=vlm_timeout,
        vlm_concurrency=vlm_concurrency,
        top_k=top_k,
        rate_hz=rate,
        device=device,
        dtype=dtype,
        tracks=tracks,
        sentences=sentences,
        language=language,
        stride_frames=stride,
        longest_share=longest,
        picture_rate_hz=picture_rate,
        captions=captions,
        rephrasings=rephrasings,
    )
    if estimate:
        print_estimate(
            videos_to_ask(samples, recipe, limit=limit, offset=offset, seed=seed),
            engine=engine,
            as_json=as_json,
            **{"rate_hz": rate, "device": device, "vlm": recipe.vision_model(), "view": view, "budget_frames": budget},
        )
        return
    output = output or _file_name(os.path.splitext(os.path.basename(dataset))[0]) + ".results.jsonl"  # noqa: PTH119, PTH122
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
        print(f"stopped; every finished row is in {output}; rerun the command to resume", file=sys.stderr)
        raise
    print(json.dumps(summary.to_dict()) if as_json else summary.text())
    print(f"rows in {output}", file=sys.stderr)
    if summary.counts["failed"] and not summary.counts["answered"] + summary.counts["nothing_found"]:
        raise TFGroundingError(f"every query failed, the first with: {summary.failed[0][1]}")


def needle_command(
    clips: Annotated[
        str, typer.Argument(help="A folder of short videos, with captions.jsonl or --needle and --query.")
    ],
    picture_rate: PicturesRate = None,
    output: Annotated[str, typer.Option(help="Folder for the videos, the results and the heat map.")] = "needle",
    needle: Annotated[str | None, typer.Option(help="The video of the folder to look for.")] = None,
    query: Annotated[str | None, typer.Option(help="What happens in --needle.")] = None,
    lengths: Annotated[str, typer.Option(help="Lengths of the videos in seconds.")] = "20,40,80,160,320",
    depths: Annotated[int, typer.Option(min=1, help="How many places for a needle, from the start to the end.")] = 12,
    needles: Annotated[int | None, typer.Option(min=1, help="Use at most this many needles of captions.jsonl.")] = None,
    seed: Annotated[int, typer.Option(help="Seed for the choice of needles and the order of the other videos.")] = 0,
    engine: EngineName = "curves",
    encoder: EncoderName = "auto",
    planner: Annotated[str, typer.Option(help="How queries become plans: auto, rules, llm or none.")] = "auto",
    localizer: LocalizerName = "default",
    vlm: VisionName = None,
    view: ViewName = None,
    vlm_pictures: VisionPictures = None,
    budget: Budget = None,
    vlm_timeout: VisionTimeout = None,
    vlm_concurrency: VisionConcurrency = None,
    rate: Annotated[float | None, typer.Option(help="Samples per second; default: the engine's.")] = None,
    device: Annotated[str, typer.Option(help="auto (every GPU), cpu, cuda, cuda:N or mps.")] = "auto",
    dtype: Dtype = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the map as JSON.")] = False,
) -> None:
    """Hide short videos in long ones made of the others, look for them, and draw the scores by length and depth."""
    from tqdm import tqdm

    from ..evaluation.datasets import load_dataset
    from ..evaluation.needle import build, draw, find_clips, heat_map, only_needle, plan_haystacks
    from ..evaluation.recipe import Recipe
    from ..evaluation.results import read_results
    from ..evaluation.run import evaluate

    found = find_clips(clips, picture_rate_hz=picture_rate)
    if (needle is None) != (query is None):
        raise TFGroundingError("--needle and --query go together: a video, and what happens in it")
    if needle is not None and query is not None:
        found = only_needle(found, needle, query)
    stacks = plan_haystacks(found, lengths_seconds=_numbers(lengths), depths=depths, needles=needles, seed=seed)
    with tqdm(total=len(stacks), unit=" videos", desc="making", file=sys.stderr, leave=False) as bar:
        annotations = build(stacks, output, progress=bar.update)
    recipe = Recipe(
        videos=output,
        engine=engine,
        encoder=encoder,
        planner=planner,
        localizer=localizer,
        vlm=vlm,
        view=view,
        vlm_pictures=vlm_pictures,
        budget_frames=budget,
        vlm_timeout_seconds=vlm_timeout,
        vlm_concurrency=vlm_concurrency,
        rate_hz=rate,
        device=device,
        dtype=dtype,
    )
    shown = without_secrets(encoder)
    name = _file_name(f"results-{engine}-{shown}-{localizer}")
    results = os.path.join(output, f"{name}.jsonl")  # noqa: PTH118
    summary = evaluate(load_dataset("jsonl", annotations), recipe, results, show_progress=True)
    map_ = heat_map(annotations, read_results(results))
    picture = os.path.join(output, f"{name}.png")  # noqa: PTH118
    print(json.dumps({**map_.to_dict(), "summary": summary.to_dict()}) if as_json else map_.text())
    draw(picture, map_, title=f"{engine}, {shown}, {localizer}: {map_.needles} needles")
    print(f"heat map in {picture}, rows in {results}", file=sys.stderr)


def compare_command(
    first: Annotated[str, typer.Argument(metavar="A.jsonl", help="The results of one run.")],
    second: Annotated[str, typer.Argument(metavar="B.jsonl", help="The results of another, on the same queries.")],
    page: Annotated[
        str | None, typer.Option(help="Also write an .html page with charts of the twenty worst queries.")
    ] = None,
    videos: Annotated[str | None, typer.Option(help="Folder of the videos, for pictures on the page.")] = None,
    picture_rate: PicturesRate = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare the results B with A on the same queries: differences, how certain they are, and where B is worst."""
    from ..evaluation.compare import compare
    from ..evaluation.results import read_results
    from ..show.compare_page import write_page

    if videos is not None and page is None:
        raise TFGroundingError("--videos is for the pictures of a page: add --page FILE.html")
    comparison = compare(read_results(first), read_results(second), names=(first, second))
    print(json.dumps(comparison.to_dict()) if as_json else comparison.text())
    if page is not None:
        write_page(page, comparison, videos=videos, picture_rate_hz=picture_rate)
        print(f"page in {page}", file=sys.stderr)


def _file_name(text: str) -> str:
    """A text as the name of a file: what is not a letter, a digit, a dot or a dash becomes a dash."""
    return re.sub(r"[^\w.-]+", "-", text)


def _numbers(text: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise TFGroundingError(f"--lengths must be seconds with commas between them, not {text!r}") from error
    if not all(0 < number < float("inf") for number in numbers):
        raise TFGroundingError(f"--lengths must be above 0 seconds, not {text!r}")
    return numbers
