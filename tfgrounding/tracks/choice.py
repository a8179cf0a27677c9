"""Which tracks of a video are asked: "auto", or kinds, each with where it is to come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import TrackError, one_line
from ..types import TRACK_KINDS, TrackKind

AUTO = "auto"
SUBTITLE_SUFFIXES = (".srt", ".vtt", ".ass", ".ssa")
CAPTION_SUFFIXES = (".jsonl", ".json", ".jsonl.gz")
FILE_SUFFIXES = SUBTITLE_SUFFIXES + CAPTION_SUFFIXES
ALLOWED = (
    f"allowed are {AUTO}, or a list of {', '.join(TRACK_KINDS)}, each once; with a source: said:subtitles, "
    "said:speech, said:FILE.srt, said:MODEL, described:FILE, heard:MODEL"
)


@dataclass(frozen=True, slots=True)
class NamedTrack:
    """One kind of track and where it is to come from: a word, the path of a file or a model; "" for the usual way."""

    kind: TrackKind
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.origin}" if self.origin else self.kind

    @property
    def is_file(self) -> bool:
        """Whether the origin is a file with texts."""
        return self.origin.lower().endswith(FILE_SUFFIXES)


@dataclass(frozen=True, slots=True)
class TrackChoice:
    """The tracks that are asked, each kind once; none stands for "auto": what is shown, and what is there already."""

    tracks: tuple[NamedTrack, ...] = ()

    def __str__(self) -> str:
        return ",".join(map(str, self.tracks)) or AUTO

    @property
    def is_auto(self) -> bool:
        return not self.tracks

    def find(self, kind: TrackKind) -> NamedTrack | None:
        """The named track of that kind; None where it is not named, as always with "auto"."""
        return next((track for track in self.tracks if track.kind == kind), None)

    def asks(self, kind: TrackKind) -> bool:
        """Whether that kind is asked, be it because it is named or because of "auto"."""
        return self.is_auto or self.find(kind) is not None


def track_choice(tracks: str | Sequence[str] | TrackChoice) -> TrackChoice:
    """The choice that is meant.

    Args:
        tracks: "auto"; or KIND or KIND:SOURCE, several in a list or with commas between them; or a choice made before.
            A path with a comma in it has to stand in a list.

    Raises:
        TrackError: an unknown kind, a kind twice, a source that the kind does not have, or nothing at all.
    """
    if isinstance(tracks, TrackChoice):
        return tracks
    if isinstance(tracks, str):
        items: list[str] = tracks.split(",")
    elif isinstance(tracks, Sequence) and all(isinstance(item, str) for item in tracks):
        items = list(tracks)
    else:
        raise TrackError(f"tracks must be a text or a list of texts, not {type(tracks).__name__}; {ALLOWED}")
    items = [item.strip() for item in items]
    if items == [AUTO]:
        return TrackChoice()
    if not any(items):
        raise TrackError(f"no track is named; {ALLOWED}")
    named = tuple(_named(item) for item in items)
    kinds = [track.kind for track in named]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise TrackError(f"the track {kind!r} is named twice; name one source for it")
    return TrackChoice(named)


def _named(item: str) -> NamedTrack:
    name, colon, origin = item.partition(":")
    name, origin = name.strip(), origin.strip()
    if name == AUTO:
        raise TrackError(f"{AUTO!r} stands alone; {ALLOWED}")
    kind = next((kind for kind in TRACK_KINDS if kind == name), None)
    if kind is None:
        raise TrackError(f"there is no track {one_line(item, most=80)!r}; {ALLOWED}")
    track = NamedTrack(kind, origin)
    if colon and not origin:
        raise TrackError(f"{name}: needs a source behind the colon, or no colon; {ALLOWED}")
    if origin and kind == "shown":
        raise TrackError("the track 'shown' has no other source: leave out what follows it")
    if kind == "said" and origin.partition(":")[0] in ("subtitles", "speech") and ":" in origin:
        word = origin.partition(":")[0]
        raise TrackError(
            f"{one_line(item, most=80)!r}: nothing follows said:{word}; a language is chosen with the option --language"
        )
    if origin and kind in ("written", "described") and not track.is_file:
        raise TrackError(
            f"{one_line(item, most=80)!r}: texts that are {kind} come from a file that ends in "
            f"{', '.join(FILE_SUFFIXES)}; without a source the track is "
            f"{'read from the pictures' if kind == 'written' else 'what was made for this video before'}"
        )
    return track
