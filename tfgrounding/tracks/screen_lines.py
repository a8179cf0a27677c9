"""What was read on the screen becomes texts: repetitions are joined, noise is left out, lines make blocks."""

from __future__ import annotations

from collections.abc import Sequence

from .screen_follow import Shown
from .screen_readings import is_better, is_same_text
from .text_track import TimedText

LONGEST_GAP_SECONDS = 1.0  # between two appearances of a text that count as one
SURE_OF_LONG, SURE_OF_SHORT = 0.6, 0.8  # confidence needed for texts from SHORT_CHARACTERS on, and below
SHORT_CHARACTERS = 4
LEAST_CHARACTERS = 2  # letters and digits
SURE_AT_ONE_SAMPLE = 0.95  # confidence needed for what was seen on a single sample
TOGETHER_SECONDS = 0.4  # lines of one block begin and end within this time of each other
LONGEST_TEXT = 2000  # characters
MOST_LINES = 1000  # of one part of a video


def timed_lines(seen: Sequence[Shown], *, start_seconds: float, rate_hz: float, end_seconds: float) -> list[TimedText]:
    """The texts of one part of a video.

    Args:
        seen: lines with their places; of more than MOST_LINES those that were shown longest count. Sample n is on
            screen at start_seconds + (n + 1/2) / rate_hz.
        start_seconds, end_seconds: of the part.
        rate_hz: samples a second.

    Returns:
        Texts in order of time, each with the confidence of its weakest line.
    """
    longest_first = sorted(seen, key=lambda line: line.first - line.last)
    in_order = sorted(longest_first[:MOST_LINES], key=lambda line: (line.first, line.last))
    lines = _joined(in_order, round(LONGEST_GAP_SECONDS * rate_hz))
    lines = [line for line in lines if is_text(line.text, line.confidence, line.last - line.first + 1)]
    found = []
    for block in _blocks(_without_pieces(lines), round(TOGETHER_SECONDS * rate_hz)):
        start = start_seconds + min(line.first for line in block) / rate_hz
        end = min(end_seconds, start_seconds + (max(line.last for line in block) + 1) / rate_hz)
        text = " ".join(line.text for line in _in_reading_order(block))[:LONGEST_TEXT]
        if start < end:
            found.append(TimedText(start, end, text, round(min(line.confidence for line in block), 3)))
    return sorted(found, key=lambda text: (text.start_seconds, text.end_seconds))


def is_text(text: str, confidence: float, samples: int) -> bool:
    """Whether a reading is to be trusted: the shorter it is and was seen, the surer it has to be."""
    length = sum(character.isalnum() for character in text)
    if length < LEAST_CHARACTERS or (samples < 2 and confidence < SURE_AT_ONE_SAMPLE):
        return False
    return confidence >= (SURE_OF_LONG if length >= SHORT_CHARACTERS else SURE_OF_SHORT)


def join_over_time(texts: Sequence[TimedText]) -> list[TimedText]:
    """Texts in order of time; the same text with at most a short gap between is one, in its surest reading."""
    found: list[TimedText] = []
    open_texts: list[int] = []
    for text in sorted(texts, key=lambda t: (t.start_seconds, t.end_seconds)):
        open_texts = [n for n in open_texts if text.start_seconds - found[n].end_seconds <= LONGEST_GAP_SECONDS]
        same = next((n for n in open_texts if _is_same(found[n], text)), None)
        if same is None:
            open_texts.append(len(found))
            found.append(text)
            continue
        before = found[same]
        is_surer = is_better(text.text, text.confidence or 0.0, before.text, before.confidence or 0.0)
        surer = text if is_surer else before
        end = max(before.end_seconds, text.end_seconds)
        found[same] = TimedText(before.start_seconds, end, surer.text, surer.confidence)
    return found


def _is_same(a: Shown | TimedText, b: Shown | TimedText) -> bool:
    return is_same_text(a.text, b.text, min(a.confidence or 0.0, b.confidence or 0.0))


def _joined(lines: Sequence[Shown], gap_samples: int) -> list[Shown]:
    """Lines in order of time; those that are the same text again, near in time and about as high, are joined."""
    found: list[Shown] = []
    recent: list[Shown] = []
    for line in lines:
        recent = [other for other in recent if line.first - other.last <= gap_samples]
        same = next((other for other in recent if _is_same(other, line)), None)
        if same is None:
            recent.append(line)
            found.append(line)
            continue
        same.last = max(same.last, line.last)
        if is_better(line.text, line.confidence, same.text, same.confidence):
            same.text, same.confidence, same.bounds = line.text, line.confidence, line.bounds
    return found


def _without_pieces(lines: Sequence[Shown]) -> list[Shown]:
    """Lines without those that are a part of another line, read in the same place while that one stands there."""

    def is_piece(line: Shown, whole: Shown) -> bool:
        if line is whole or line.first < whole.first - 1 or line.last > whole.last + 1:
            return False
        across = min(line.bounds[2], whole.bounds[2]) - max(line.bounds[0], whole.bounds[0])
        down = min(line.bounds[3], whole.bounds[3]) - max(line.bounds[1], whole.bounds[1])
        area = (line.bounds[2] - line.bounds[0]) * (line.bounds[3] - line.bounds[1])
        if across <= 0 or down <= 0 or across * down < 0.5 * area:
            return False
        part, text = ("".join(one.text.split()).casefold() for one in (line, whole))
        return len(part) < len(text) and part in text

    return [line for line in lines if not any(is_piece(line, whole) for whole in lines)]


def _blocks(lines: Sequence[Shown], together_samples: int) -> list[list[Shown]]:
    """Lines grouped: those that stand under or beside each other, and come and go together."""
    blocks: list[list[Shown]] = []
    for line in sorted(lines, key=lambda line: (line.bounds[1], line.bounds[0])):
        touching = [block for block in blocks if any(_belong(line, other, together_samples) for other in block)]
        merged = [line, *(other for block in touching for other in block)]
        blocks = [block for block in blocks if not any(block is one for one in touching)] + [merged]
    return blocks


def _belong(a: Shown, b: Shown, together_samples: int) -> bool:
    if max(abs(a.first - b.first), abs(a.last - b.last)) > together_samples:
        return False
    high = [line.bounds[3] - line.bounds[1] for line in (a, b)]
    if max(high) > 1.8 * min(high):
        return False
    across = max(a.bounds[0], b.bounds[0]) - min(a.bounds[2], b.bounds[2])  # gap; negative where they overlap
    down = max(a.bounds[1], b.bounds[1]) - min(a.bounds[3], b.bounds[3])
    return (across < 0 and down < 0.7 * min(high)) or (down < -0.5 * min(high) and across < 1.5 * min(high))


def _in_reading_order(block: Sequence[Shown]) -> list[Shown]:
    """Row by row from above, each from left to right."""
    rows: list[list[Shown]] = []
    for line in sorted(block, key=lambda line: line.bounds[1] + line.bounds[3]):
        middle = (line.bounds[1] + line.bounds[3]) / 2
        last = rows[-1][0].bounds if rows else None
        if last is not None and last[1] <= middle < last[3]:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.bounds[0])]
