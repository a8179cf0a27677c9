"""The commands about the cache: what it holds, of which videos, and how to remove it."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import TFGroundingError, reason_to_skip
from .terminal import PictureRate, Stream, named_source, plain

app = typer.Typer(help="Show what is kept of encoded videos and their words, and remove it.")


@app.callback(invoke_without_command=True)
def cache_command(
    context: typer.Context,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all of them; asks first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --clear: do not ask.")] = False,
) -> None:
    """Show where encoded videos and tracks of words are kept, and how much that is; with --clear, remove them."""
    if context.invoked_subcommand is not None:
        if clear or yes:
            raise TFGroundingError("--clear and --yes stand alone: tfgrounding cache --clear")
        return
    from ..tracks.cache import FeatureCache

    cache = FeatureCache()
    counted = _counted(cache.entries())
    if clear:
        if not yes and not _agreed(f"Remove {counted} from {cache.folder}?"):
            print("nothing was removed", file=sys.stderr)
            return
        cache.clear()
        print(f"{counted} removed from {cache.folder}")
        return
    print(f"{counted}, {cache.size_bytes() / 1e6:.1f} MB in {cache.folder}")
    print(f"limit {cache.limit_bytes / 1e9:.1f} GB; TFGROUNDING_CACHE and TFGROUNDING_CACHE_GB change folder and limit")
    print("tfgrounding cache list shows of which videos; tfgrounding cache remove VIDEO removes what is kept of one")


@app.command("list")
def list_command() -> None:
    """Show what is kept: how large it is, when it was last used, what it is, and of which video."""
    from ..tracks.cache import FeatureCache
    from ..tracks.kept import kept_entries

    entries = kept_entries(FeatureCache())
    if not entries:
        print("nothing is kept", file=sys.stderr)
    for entry in entries:
        used = datetime.datetime.fromtimestamp(entry.used_seconds).strftime("%Y-%m-%d %H:%M")
        print(f"{entry.size_bytes / 1e6:>8.1f} MB  {used}  {plain(entry.what):<28}  {plain(entry.video) or '-'}")


@app.command("remove")
def remove_command(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO...", help="The videos; their files stay as they are.")],
    picture_rate: PictureRate = None,
    stream: Stream = None,
) -> None:
    """Remove what is kept of VIDEOs: of a file that is there by its content, of one that is gone by its path."""
    from ..tracks.cache import FeatureCache
    from ..tracks.kept import remove

    cache = FeatureCache()
    failed = 0
    for video in videos:
        try:
            source = named_source(video, picture_rate=picture_rate, stream=stream) if Path(video).exists() else None
            count = remove(cache, video, source)
        except Exception as error:  # one bad video does not stop the others
            print(f"tfgrounding: {plain(reason_to_skip(error))}", file=sys.stderr)
            failed += 1
            continue
        print(f"{count} {'entry' if count == 1 else 'entries'} removed  {plain(video)}")
    if failed == len(videos):
        raise TFGroundingError("nothing was removed")


def _agreed(question: str) -> bool:
    """What a person at a terminal answers. Raises TFGroundingError where nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise TFGroundingError("nothing was removed: nobody can be asked here; add --yes to remove without a question")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _counted(entries: list[Path]) -> str:
    """How many entries of each kind there are, in words."""
    from ..tracks.feature_parts import FOLDER_ENDING
    from ..tracks.kept_texts import FOLDER, PARTS

    begun = [entry.parent for entry in entries if entry.parent.suffix == FOLDER_ENDING]
    tracks = [entry.name for entry in entries if entry.parent.name == FOLDER]
    texts = sum(name.endswith(PARTS) for name in tracks)
    unfinished = texts + len(set(begun))
    words = [
        f"{len(entries) - len(tracks) - len(begun)} encoded videos or texts",
        f"{len(tracks) - texts} tracks of words",
        *([f"{unfinished} unfinished ones"] if unfinished else []),
    ]
    return ", ".join(words)
