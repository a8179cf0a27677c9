"""The command that lets a vision LLM describe a video, scene by scene."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..errors import TFGroundingError
from .progress import video_progress
from .terminal import (
    Device,
    Estimated,
    PictureRate,
    Stream,
    Video,
    VisionConcurrency,
    VisionTimeout,
    check_places,
    keep_source,
    named_source,
    plain,
    write_text,
)
from .vision import cost_lines

ENDINGS = ("jsonl", "json", "srt", "vtt")


def caption_command(
    video: Video,
    vlm: Annotated[str, typer.Option(help="NAME@URL of a served vision LLM, or local:FOLDER-OR-HUB-ID.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this .jsonl, .json, .srt or .vtt file, not stdout.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, max=16, help="Pictures of a scene that are shown, about.")] = 3,
    vlm_timeout: VisionTimeout = None,
    vlm_concurrency: VisionConcurrency = None,
    device: Device = "auto",
    estimate: Estimated = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --estimate: print the numbers as JSON.")] = False,
    picture_rate: PictureRate = None,
    stream: Stream = None,
) -> None:
    """Describe every scene of VIDEO by a vision LLM; later queries find the captions in the cache."""
    from ..engines.captioning import Captioner
    from ..show.transcript import transcript
    from ..tracks.cache import FeatureCache
    from ..tracks.kept_texts import KeptTexts
    from ..tracks.scenes import find_scenes
    from ..vision.vlm import load_vlm

    if as_json and not estimate:
        raise TFGroundingError("--json goes with --estimate; for captions as JSON, name an --output that ends in .json")
    form = "jsonl" if output is None else output.suffix.lower()[1:]
    if form not in ENDINGS:
        raise TFGroundingError(f"{output}: the name must end in one of {', '.join(f'.{one}' for one in ENDINGS)}")
    keep_source(video, output)
    check_places(output)
    model = load_vlm(vlm, device=device, timeout_seconds=vlm_timeout, concurrency=vlm_concurrency)
    source = named_source(video, picture_rate=picture_rate, stream=stream)
    captioner = Captioner(model, frames=frames, device=device)
    kept = KeptTexts(FeatureCache())
    with video_progress(video) as progress:
        scenes = find_scenes(source, progress=progress)
    left = captioner.open_scenes(source, scenes, kept=kept)
    cost = captioner.estimate(source.info, left)
    known = f", {len(scenes) - left:,} of them described before" if left < len(scenes) else ""
    lines = [f"scenes      {len(scenes):,}{known}", *cost_lines(cost)]
    if estimate:
        print(json.dumps({"scenes": len(scenes), **asdict(cost)}) if as_json else "\n".join(lines))
        print("no picture was sent", file=sys.stderr)
        return
    print("\n".join(lines), file=sys.stderr)
    with video_progress(video) as progress:
        track = captioner.track(source, kept=kept, scenes=scenes, progress=progress)
    for warning in track.warnings:
        print(f"warning: {plain(warning)}", file=sys.stderr)
    text = transcript([track], source.info, form)
    if output is None:
        sys.stdout.write(text)
    else:
        write_text(output, text)
