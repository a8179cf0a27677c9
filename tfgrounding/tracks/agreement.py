"""Do subtitles belong to what is said, and are they shown at the right time? Compared with recognised speech."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .text_track import TextTrack, TimedText, Word

MOST_OCCURRENCES = 4  # of a word or a pair of words in either track: more frequent ones say little about the time
FEWEST_WORDS = 12  # that are rare, or in a rare pair, in each track: with fewer nothing can be said
FEWEST_MATCHES = 6
SMALLEST_SHARE = 0.15  # of the words of the track with fewer that have to agree
TIMES_CHANCE = 3.0  # as many have to agree as would by chance
WINDOW_SECONDS = 1.5  # within which differences of time are the same: recognised words are good to 0.5 s
SMALLEST_SHIFT_SECONDS = 0.5  # less is not corrected
RATES = (1.0, 25 / 24, 24 / 25, 25 / 23.976, 23.976 / 25, 24 / 23.976, 23.976 / 24)  # of frames: film, PAL, NTSC
BETTER = 1.5  # as many words have to agree at another rate as at the same one
LEAST_DRIFT_SECONDS = 1.0  # over the compared time; less is no drift
COMPARED_WORDS = 20_000  # and pairs of words of a track, about: of more, a part is compared
_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the comparison of two tracks gave: a word at t in the first is heard at rate * t + shift_seconds.

    `status`: "agree" where a shift was found (be it 0); "differ" where the words are not the same ones; "unknown" where
    there are too few words to know. `matches`: how many words agree, of `words` that could.
    """

    status: Literal["agree", "differ", "unknown"]
    shift_seconds: float = 0.0
    rate: float = 1.0
    matches: int = 0
    words: int = 0


def agreement(texts: Sequence[TimedText], speech: Sequence[TimedText]) -> Agreement:
    """Compare two tracks of the same video by the times of rare words and pairs of words.

    Each of them that both tracks have gives differences of time. The shift is the median of the largest group of
    differences within WINDOW_SECONDS; it counts where it is much larger than chance would make it. Texts made for
    another frame rate drift: their times are tried at the usual ratios too.

    Args:
        texts: of the track whose times are doubtful.
        speech: what was recognised, with times that are right to half a second; many of its words may be wrong.
    """
    ours, heard = _rare(texts), _rare(speech)
    if (parts := max(len(ours), len(heard)) // COMPARED_WORDS) > 1:  # the same words of both
        ours, heard = (
            {key: times for key, times in found.items() if zlib.crc32(key.encode()) % parts == 0}
            for found in (ours, heard)
        )
    words = min(len({time for times in found.values() for time in times}) for found in (ours, heard))
    if words < FEWEST_WORDS:
        return Agreement("unknown", words=words)
    pairs = [(time, other) for key, times in ours.items() if key in heard for time in times for other in heard[key]]
    if not pairs:
        return Agreement("differ", words=words)
    at, there = np.array(pairs).T
    groups = {rate: _largest_group(there - rate * at) for rate in RATES}
    best = max(RATES, key=lambda rate: groups[rate].sum())
    if groups[best].sum() < BETTER * groups[1.0].sum() or np.ptp(at) * abs(best - 1) < LEAST_DRIFT_SECONDS:
        best = 1.0
    group = groups[best]
    matches = len(set(np.round(at[group], 3)))
    differences = there - best * at
    chance = len(pairs) * WINDOW_SECONDS / max(float(np.ptp(differences)), WINDOW_SECONDS)
    enough = matches >= max(FEWEST_MATCHES, SMALLEST_SHARE * words)
    if not enough or (len(pairs) > 2 * matches and matches < TIMES_CHANCE * chance):
        return Agreement("differ", matches=matches, words=words)
    return Agreement("agree", float(np.median(differences[group])), best, matches, words)


def agreed(track: TextTrack, speech: TextTrack) -> TextTrack:
    """Subtitles at the times at which they are said, with a warning where they were moved or do not agree.

    Args:
        track: subtitles.
        speech: recognised speech of the same video.

    Returns:
        The subtitles; where they were moved, some may lie outside the video.
    """
    found = agreement(track.texts, speech.texts)
    if found.status == "unknown":
        return track
    if found.status == "differ":
        words = (
            f"the {track.source} do not agree with the speech that was recognised ({found.matches} of {found.words} "
            "rare words at the same time): they may be in another language or of another video"
        )
        return replace(track, warnings=(*track.warnings, words))
    if found.rate == 1.0 and abs(found.shift_seconds) < SMALLEST_SHIFT_SECONDS:
        return track
    at = f"{found.matches} of {found.words} rare words agree"
    if found.rate == 1.0:
        later = "later" if found.shift_seconds > 0 else "earlier"
        words = (
            f"the {track.source} are moved by {abs(found.shift_seconds):.1f} s, to {later} times: {at} with the speech"
        )
    else:
        words = (
            f"the {track.source} drift against the speech, as made for another frame rate: their times are multiplied "
            f"by {found.rate:.4f} and moved by {found.shift_seconds:+.1f} s ({at})"
        )
    revision = f"{track.revision}, moved by {speech.revision}"
    return replace(track, texts=_moved(track.texts, found), revision=revision, warnings=(*track.warnings, words))


def _moved(texts: Sequence[TimedText], found: Agreement) -> tuple[TimedText, ...]:
    """Texts at rate * t + shift; some may lie outside the video then."""

    def new(seconds: float) -> float:
        return found.rate * seconds + found.shift_seconds

    return tuple(
        replace(
            text,
            start_seconds=new(text.start_seconds),
            end_seconds=new(text.end_seconds),
            words=tuple(Word(new(word.start_seconds), new(word.end_seconds), word.text) for word in text.words),
        )
        for text in texts
    )


def _rare(texts: Sequence[TimedText]) -> dict[str, list[float]]:
    """When rare words of at least four letters, and rare pairs of neighbouring words, are said."""
    places: dict[str, list[float]] = defaultdict(list)
    before = ""
    for text in texts:
        for time, word in _words(text):
            if len(word) >= 4:
                places[word].append(time)
            if before:
                places[f"{before} {word}"].append(time)
            before = word
    return {key: times for key, times in places.items() if len(times) <= MOST_OCCURRENCES}


def _words(text: TimedText) -> list[tuple[float, str]]:
    """The words of a text and when each begins: by its own times, or by its place in its piece."""
    found = []
    for piece in text.words or (Word(text.start_seconds, text.end_seconds, text.text),):
        length = piece.end_seconds - piece.start_seconds
        for match in _WORD.finditer(piece.text):
            time = piece.start_seconds + length * match.start() / len(piece.text)
            found.append((time, match[0].lower().replace("’", "'")))
    return found


def _largest_group(differences: np.ndarray) -> np.ndarray:
    """(N,) which of N differences are in the largest group within WINDOW_SECONDS."""
    ordered = np.sort(differences)
    counts = np.searchsorted(ordered, ordered + WINDOW_SECONDS, side="right") - np.arange(len(ordered))
    first = ordered[int(np.argmax(counts))]
    return (differences >= first) & (differences <= first + WINDOW_SECONDS)
