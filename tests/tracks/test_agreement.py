"""Subtitles against recognised speech: shifts and drift are found through many wrong words, others' words are said."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.tracks.agreement import agreed, agreement
from tfgrounding.tracks.text_track import TextTrack, TimedText, Word

SYLLABLES = ["ba", "ro", "ti", "mel", "sun", "kor", "van", "li", "pe", "dra", "sho", "gun"]
COMMON = ["the", "and", "that", "with", "have", "this", "then", "you", "was", "into"]


def made_up(seed: int, *, lines: int = 60, language: int = 0) -> list[TimedText]:
    """Lines of eight words, half of them common ones, a line every four seconds, spoken in three."""
    chance = random.Random(seed)
    vocabulary = ["".join(random.Random(1000 * language + k).choices(SYLLABLES, k=3)) for k in range(800)]
    common = [f"{word}{language if language else ''}" for word in COMMON]
    texts = []
    for line in range(lines):
        start = 4.0 * line + chance.uniform(0, 0.8)
        words = [chance.choice(common if chance.random() < 0.5 else vocabulary) for _ in range(8)]
        texts.append(TimedText(start, start + 3.0, " ".join(words) + "."))
    return texts


def heard(texts: list[TimedText], *, wrong: float = 0.3, seed: int = 7, rate: float = 1.0, shift: float = 0.0):
    """What a recogniser makes of them: words with times good to 0.3 s, some of them wrong."""
    chance = random.Random(seed)
    found = []
    for text in texts:
        words = text.text.split()
        step = (text.end_seconds - text.start_seconds) / len(words)
        row = []
        for place, word in enumerate(words):
            start = rate * (text.start_seconds + place * step) + shift + chance.gauss(0, 0.2)
            if start >= 0:
                row.append(Word(start, start + 0.3, f"wrong{chance.random():.4f}" if chance.random() < wrong else word))
        if row:
            row.sort(key=lambda word: word.start_seconds)
            text = " ".join(word.text for word in row)
            found.append(TimedText(row[0].start_seconds, row[-1].end_seconds, text, None, tuple(row)))
    return found


def track(texts, source="subtitles talk.srt") -> TextTrack:
    return TextTrack("said", tuple(texts), source, "r")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(-30, 30), st.floats(0, 0.4), st.integers(12, 80))
def test_a_shift_is_found_whatever_it_is(seed, shift, wrong, lines):
    texts = made_up(seed, lines=lines)
    found = agreement(texts, heard(texts, shift=shift, wrong=wrong, seed=seed))
    assert found.status == "agree" and found.rate == 1.0
    assert found.shift_seconds == pytest.approx(shift, abs=0.3)


def test_subtitles_that_are_two_seconds_late_are_moved_and_say_so():
    texts = made_up(1)
    late = [TimedText(text.start_seconds + 2, text.end_seconds + 2, text.text) for text in texts]
    moved = agreed(track(late), track(heard(texts), "speech"))
    for text, right in zip(moved.texts, texts, strict=True):
        assert text.text == right.text and text.start_seconds == pytest.approx(right.start_seconds, abs=0.3)
    (warning,) = moved.warnings
    assert re.search(r"moved by (1\.9|2\.0|2\.1) s, to earlier times", warning)


def test_subtitles_at_the_right_time_stay_as_they_are():
    given_track = track(made_up(2))
    assert agreed(given_track, track(heard(made_up(2)), "speech")) is given_track


@pytest.mark.parametrize("rate", [25 / 24, 24 / 25, 25 / 23.976])
def test_another_frame_rate_is_found_and_corrected(rate):
    texts = made_up(3, lines=200)
    speech = heard(texts, rate=rate, shift=-1.0)
    found = agreement(texts, speech)
    assert found.status == "agree" and found.rate == pytest.approx(rate, rel=0.002)
    moved = agreed(track(texts), track(speech, "speech"))
    assert "frame rate" in moved.warnings[0]
    middle = texts[100].start_seconds
    assert min(abs(text.start_seconds - (rate * middle - 1)) for text in moved.texts) < 1.0


@pytest.mark.parametrize("seed", range(8))
def test_another_film_and_another_language_do_not_agree(seed):
    texts = made_up(seed, lines=150)
    for other in (made_up(seed + 50, lines=150), made_up(seed, lines=150, language=1)):
        found = agreed(track(texts), track(heard(other), "speech"))
        assert found.texts == tuple(texts) and "do not agree with the speech" in found.warnings[0]


def test_with_few_words_nothing_is_said():
    texts = made_up(4, lines=1)
    assert agreement(texts, heard(texts)).status == "unknown"
    assert agreement([], heard(made_up(4))).status == agreement(made_up(4), []).status == "unknown"
    given_track = track(texts)
    assert agreed(given_track, track([], "speech")) is given_track


def test_speech_of_a_part_of_the_video_is_enough():
    texts = made_up(5, lines=200)
    found = agreement(texts, heard(texts[50:80], shift=2.0))
    assert found.status == "agree" and found.shift_seconds == pytest.approx(2.0, abs=0.3)


def test_lines_in_another_order_are_not_stretched():
    texts = made_up(6, lines=8)
    turned = [TimedText(text.start_seconds, text.end_seconds, texts[(k + 3) % 8].text) for k, text in enumerate(texts)]
    for seed in range(8):
        assert agreement(turned, heard(texts, seed=seed, wrong=0.1)).rate == 1.0


def test_long_tracks_take_seconds():
    import time

    texts = [TimedText(3.0 * k, 3.0 * k + 2, f"line number {k} of a long day") for k in range(50_000)]
    late = [TimedText(text.start_seconds + 1.5, text.end_seconds + 1.5, text.text) for text in texts]
    begin = time.process_time()
    found = agreement(texts, late)
    assert time.process_time() - begin < 5
    assert found.status == "agree" and found.shift_seconds == pytest.approx(1.5, abs=0.1)
