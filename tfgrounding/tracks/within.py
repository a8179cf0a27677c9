"""Text tracks cut at the ends of their video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .text_track import TextTrack, TimedText, Word


def within(texts: Sequence[TimedText], duration_seconds: float) -> tuple[tuple[TimedText, ...], int]:
    """Texts cut at the ends of the video; and how many lie outside it."""
    kept = []
    for text in texts:
        start, end = (min(max(seconds, 0.0), duration_seconds) for seconds in (text.start_seconds, text.end_seconds))
        if start < end:
            words = (
                Word(min(max(word.start_seconds, start), end), min(max(word.end_seconds, start), end), word.text)
                for word in text.words
            )
            inside = tuple(word for word in words if word.start_seconds < word.end_seconds)
            kept.append(replace(text, start_seconds=start, end_seconds=end, words=inside))
    return tuple(kept), len(texts) - len(kept)


def cut_to_video(track: TextTrack, duration_seconds: float) -> TextTrack:
    """A track without what lies outside the video, with a warning that counts the texts that are left out."""
    texts, outside = within(track.texts, duration_seconds)
    warnings = list(track.warnings)
    if outside:
        every = f"all {outside:,}" if not texts else f"{outside:,} of {len(track):,}"
        warnings.append(f"{track.source}: {every} texts lie outside the video, and are left out: do they belong to it?")
    return replace(track, texts=texts, warnings=tuple(warnings))
