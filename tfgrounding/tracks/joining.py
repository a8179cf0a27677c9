"""Cues become sentences: repeated lines are taken once, and what runs over several cues is one text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from .cues import Cue
from .text_track import TimedText, Word

PAUSE_SECONDS = 0.3  # between two cues of one sentence at most
LONGEST_SECONDS = 15.0  # of one text made of several cues
UNPUNCTUATED_SECONDS = 8.0  # of one text made of several cues where nothing says where sentences end
LONGEST_CHARACTERS = 240
ROLL_UP_SHARE = 0.3  # of cues that begin with the line before: then lines move up, as in captions made live
ROLLING_SHARE = 0.5  # of cues that stay while the next one is shown: then they are shown longer than they are said
FEWEST_ROLLING = 4  # cues; of fewer nothing can be said
PUNCTUATED_SHARE = 0.05  # of cues that end a sentence; fewer: nothing says where sentences end
TOUCHING_SECONDS = 0.1  # cues this close follow each other without a gap
_SENTENCE_END = re.compile(r"[.!?…。！？؟।][\"'”’»)\]]*$")


def sentences(cues: Sequence[Cue]) -> tuple[TimedText, ...]:
    """The texts of cues as sentences, as far as cues end where sentences end.

    A cue that does not end a sentence is joined with the next one where that follows within PAUSE_SECONDS, unless
    another speaker begins. Without punctuation, as in captions made by a machine, texts are runs of cues without a
    pause, up to UNPUNCTUATED_SECONDS. Cues are never divided. `words` of a text are the words with their own times
    where the cues have these; else, where several cues were joined, one piece a cue: what it says, and when.

    Args:
        cues: in order of time.
    """
    cues = _without_overlap(_joined_repeats(_without_rolled_up(cues)))
    ends = sum(bool(_SENTENCE_END.search(cue.text)) for cue in cues)
    longest_seconds = LONGEST_SECONDS if ends > PUNCTUATED_SHARE * len(cues) else UNPUNCTUATED_SECONDS
    texts: list[TimedText] = []
    run: list[Cue] = []
    for cue in cues:
        if run and not _goes_on(run, cue, longest_seconds):
            texts.append(_text(run))
            run = []
        run.append(cue)
    if run:
        texts.append(_text(run))
    return tuple(texts)


def _goes_on(run: list[Cue], cue: Cue, longest_seconds: float) -> bool:
    """Whether a cue continues the sentence that the cues before it began."""
    last = run[-1]
    gap = cue.start_seconds - last.end_seconds
    return (
        -PAUSE_SECONDS <= gap <= PAUSE_SECONDS
        and not _SENTENCE_END.search(last.text)
        and not cue.is_new_speaker
        and cue.end_seconds - run[0].start_seconds <= longest_seconds
        and sum(len(one.text) + 1 for one in run) + len(cue.text) <= LONGEST_CHARACTERS
    )


def _text(run: list[Cue]) -> TimedText:
    """One text of the cues of a sentence; cues may overlap a little, their pieces do not."""
    end = max(cue.end_seconds for cue in run)
    words: list[Word] = []
    if len(run) > 1 or run[0].words:
        for cue in run:
            words += cue.words or (Word(cue.start_seconds, cue.end_seconds, cue.text),)
    for k in range(len(words) - 1):
        if words[k].start_seconds < words[k + 1].start_seconds < words[k].end_seconds:
            words[k] = replace(words[k], end_seconds=words[k + 1].start_seconds)
    text = " ".join(cue.text for cue in run)
    return TimedText(run[0].start_seconds, end, text, words=tuple(words))


def _without_rolled_up(cues: Sequence[Cue]) -> list[Cue]:
    """The cues with words, and of captions whose lines move up, each line only where it is new."""
    cues = [cue for cue in cues if cue.lines]
    pairs = list(pairwise(cues))
    rolled = sum(_follows(one, other) and other.lines[0] == one.lines[-1] for one, other in pairs)
    if rolled <= ROLL_UP_SHARE * len(pairs) or not any(len(cue.lines) > 1 for cue in cues):
        return cues
    kept: list[Cue] = []
    before: Cue | None = None
    for cue in cues:
        old = _moved_up(before, cue) if before is not None and _follows(before, cue) else 0
        if cue.lines[old:]:
            kept.append(replace(cue, lines=cue.lines[old:]))
        before = cue
    return [_until_next(cue, after) for cue, after in zip(kept, [*kept[1:], None], strict=True)]


def _without_overlap(cues: Sequence[Cue]) -> Sequence[Cue]:
    """The cues; where most stay while the next one is shown, as lines that roll, each ends where the next begins."""
    if len(cues) < FEWEST_ROLLING:
        return cues
    cut = [cue if cue.words else _until_next(cue, after) for cue, after in zip(cues, [*cues[1:], None], strict=True)]
    shorter = sum(one is not cue for one, cue in zip(cut, cues, strict=True))
    return cut if shorter > ROLLING_SHARE * (len(cues) - 1) else cues


def _moved_up(before: Cue, cue: Cue) -> int:
    """How many lines of a cue, from its first one, are the last lines of the cue before it."""
    most = min(len(before.lines), len(cue.lines))
    return next((n for n in range(most, 0, -1) if before.lines[-n:] == cue.lines[:n]), 0)


def _until_next(cue: Cue, after: Cue | None) -> Cue:
    """A cue that stays while the next one is shown ends where that begins."""
    if after is None or not cue.start_seconds < after.start_seconds < cue.end_seconds:
        return cue
    return replace(cue, end_seconds=after.start_seconds)


def _joined_repeats(cues: Sequence[Cue]) -> list[Cue]:
    """Cues with the same text that touch are one: moving texts are stored as many short ones."""
    joined: list[Cue] = []
    open_cues: dict[str, int] = {}  # where the latest cue with a text stands
    for cue in cues:
        place = open_cues.get(cue.text)
        if place is not None and cue.start_seconds - joined[place].end_seconds <= TOUCHING_SECONDS and not cue.words:
            end = max(joined[place].end_seconds, cue.end_seconds)
            joined[place] = replace(joined[place], end_seconds=end)
        else:
            open_cues[cue.text] = len(joined)
            joined.append(cue)
    return joined


def _follows(before: Cue, cue: Cue) -> bool:
    return cue.start_seconds - before.end_seconds <= TOUCHING_SECONDS
