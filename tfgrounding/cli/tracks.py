"""The commands that prepare tracks: videos are encoded, texts are read or recognised, and printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import TFGroundingError, TrackError, reason_to_skip
from ..show.exports.common import clock
from .asking import named_reason, print_skipped
from .progress import video_progress
from .terminal import (
    Device,
    Dtype,
    EncoderName,
    Language,
    PictureRate,
    Stream,
    Video,
    check_places,
    keep_source,
    named_source,
    plain,
    write_text,
)
from .videos import each_video

if TYPE_CHECKING:
    from ..encoders.clap import ClapEncoder
    from ..engines.grounder import Grounder
    from ..tracks.cache import FeatureCache
    from ..tracks.choice import TrackChoice
    from ..tracks.kept_texts import KeptTexts
    from ..types import Source


def encode_command(
    videos: Annotated[
        list[str], typer.Argument(metavar="VIDEO...", help="Video files, folders of them, or folders of pictures.")
    ],
    tracks: Annotated[
        str,
        typer.Option(
            help="What to prepare: shown (the pictures), said, written, described, heard, with commas between."
        ),
    ] = "shown",
    language: Language = "",
    encoder: EncoderName = "auto",
    rate: Annotated[float, typer.Option(help="Samples per second.")] = 3.0,
    device: Device = "auto",
    dtype: Dtype = "auto",
    picture_rate: PictureRate = None,
    stream: Stream = None,
) -> None:
    """Encode VIDEOs, and read or recognise their words, now; later queries read the cache."""
    from ..tracks.cache import FeatureCache
    from ..tracks.choice import track_choice
    from ..tracks.kept_texts import KeptTexts

    choice = track_choice(tracks)
    cache = FeatureCache()
    check_places(folder=cache.folder)
    listener = _listener(choice, device)
    steps: list[Callable[[Source, str], bool]] = [partial(_prepare_texts, choice, KeptTexts(cache), language)]
    if choice.asks("shown"):
        from ..engines.grounder import Grounder

        steps.insert(0, partial(_encode, Grounder(encoder=encoder, rate_hz=rate, device=device, dtype=dtype)))
    if listener is not None:
        steps.append(partial(_listen, listener, cache))
    failed = 0
    found = list(each_video(videos, picture_rate))
    for video, unreadable in found:
        try:
            if unreadable is not None:
                raise TFGroundingError(f"{video}: {unreadable}")
            source = named_source(video, picture_rate=picture_rate, stream=stream)
        except Exception as error:  # one bad video does not stop the others
            failed += 1
            print_skipped(video, error)
        else:
            failed += not _all_done(steps, source, video)
    if failed:
        raise TFGroundingError(f"{failed} of {len(found)} videos could not be encoded and kept")


def _all_done(steps: Iterable[Callable[[Source, str], bool]], source: Source, video: str) -> bool:
    """Whether all steps succeed for one video; one that fails does not stop the others, and is said once."""
    is_done = True
    said = set()
    for step in steps:
        try:
            is_done &= step(source, video)
        except Exception as error:
            is_done = False
            said.add(named_reason(reason_to_skip(error), video))
    for reason in sorted(said):
        print(f"tfgrounding: {reason}", file=sys.stderr)
    return is_done


def _encode(grounder: Grounder, source: Source, video: str) -> bool:
    """Encode the pictures of one video and print a line about it. Whether the features were kept."""
    from ..tracks.cache import NOT_KEPT

    with video_progress(video) as progress:
        features = grounder.encode_video(source, progress=progress)
    for warning in features.info.warnings:
        print(f"warning: {video}: {warning}", file=sys.stderr)
    print(f"{clock(features.info.duration_seconds)}  {len(features):>6} samples  {features.encoder}  {video}")
    return not any(warning.startswith(NOT_KEPT) for warning in features.info.warnings)


def _listener(choice: TrackChoice, device: str) -> ClapEncoder | None:
    """The encoder for sound, where the track of sounds is named."""
    named = choice.find("heard")
    if named is None:
        return None
    from ..encoders.clap import named_sounds

    return named_sounds(named.origin, device=device)


def _listen(listener: ClapEncoder, cache: FeatureCache, source: Source, video: str) -> bool:
    """Encode the sounds of one video and print a line about it. Whether they were kept."""
    from ..tracks.cache import NOT_KEPT
    from ..tracks.sounds import sound_features

    with video_progress(video) as progress:
        features = sound_features(source, listener, cache=cache, progress=progress)
    if features is None:
        print(f"warning: {video}: the video has no sound", file=sys.stderr)
        return True
    for warning in features.info.warnings:
        print(f"warning: {video}: {plain(warning)}", file=sys.stderr)
    print(f"{clock(features.info.duration_seconds)}  {len(features):>6} sounds   {plain(features.encoder)}  {video}")
    return not any(warning.startswith(NOT_KEPT) for warning in features.info.warnings)


def _prepare_texts(choice: TrackChoice, kept: KeptTexts, language: str, source: Source, video: str) -> bool:
    """Read or make the texts of one video and print a line about each track. Whether all that are named are there."""
    from ..tracks.making import text_tracks

    with video_progress(video) as progress:
        made = text_tracks(source, choice, kept=kept, language=language, progress=progress)
    for warning in (*made.warnings, *(warning for track in made.tracks for warning in track.warnings)):
        print(f"warning: {video}: {plain(warning)}", file=sys.stderr)
    for track in made.tracks:
        duration = clock(source.info.duration_seconds)
        print(f"{duration}  {len(track):>6} texts    {track.kind} ({plain(track.source)})  {video}")
    return not made.failed


def transcript_command(
    video: Video,
    tracks: Annotated[
        str,
        typer.Option(
            help="Which words: said, written, described, with commas between them; with a source behind a colon: "
            "said:subtitles, said:speech, said:FILE.srt, said:MODEL, described:FILE; auto for all that is there."
        ),
    ] = "said",
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="text, srt, vtt, json or jsonl; default: by the ending of --output, or else text."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of printing.")
    ] = None,
    language: Language = "",
    picture_rate: PictureRate = None,
    stream: Stream = None,
) -> None:
    """Print what is said, written or described in VIDEO, and when; speech is recognised now unless it was before."""
    from ..show.transcript import FORMS, transcript
    from ..tracks.cache import FeatureCache
    from ..tracks.choice import track_choice
    from ..tracks.kept_texts import KeptTexts
    from ..tracks.making import text_tracks

    choice = track_choice(tracks)
    for kind in ("shown", "heard"):
        if choice.find(kind) is not None:
            raise TrackError(f"the track {kind!r} holds no texts: a transcript is of said, written or described")
    if form is None:
        ending = "" if output is None else output.suffix.lower()[1:]
        form = ending if ending in FORMS else "text"
    if form not in FORMS:
        raise TFGroundingError(f"--format must be one of {', '.join(FORMS)}, not {plain(form)[:40]!r}")
    keep_source(video, output)
    check_places(output)
    source = named_source(video, picture_rate=picture_rate, stream=stream)
    info = source.info
    with video_progress(video) as progress:
        made = text_tracks(source, choice, kept=KeptTexts(FeatureCache()), language=language, progress=progress)
    for warning in (*made.warnings, *(warning for track in made.tracks for warning in track.warnings)):
        print(f"warning: {plain(warning)}", file=sys.stderr)
    if not any(len(track) for track in made.tracks):
        print(f"nothing found: the video has no texts of {choice}", file=sys.stderr)
    text = transcript(made.tracks, info, form)
    if output is not None:
        write_text(output, text)
    else:
        sys.stdout.write(text)
