"""Text tracks: checked when they are built, and the same after a round trip through JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.errors import TrackError
from tfgrounding.tracks.text_track import TextTrack, TimedText, Word

times = st.floats(0, 1e6)
words = st.builds(
    lambda start, length, text: Word(start, start + length, text), times, st.floats(0, 1e3), st.text(max_size=8)
)
texts = st.builds(
    lambda start, length, text, confidence, said: TimedText(start, start + length, text, confidence, tuple(said)),
    times,
    st.floats(0.01, 1e3),
    st.text(),
    st.none() | st.floats(0, 1),
    st.lists(words, max_size=3),
)


@given(st.lists(texts, max_size=6))
def test_a_track_comes_back_from_json_in_order_of_time(some):
    track = TextTrack("said", tuple(some), "speech", "r1", "en", ("a warning",))
    assert TextTrack.from_dict(json.loads(json.dumps(track.to_dict()))) == track
    starts = [text.start_seconds for text in track.texts]
    assert starts == sorted(starts) and len(track) == len(some) == len(track.rows)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((2.0, 2.0, "a"), "end after it starts"),
        ((float("nan"), 2.0, "a"), "finite"),
        ((0.0, float("inf"), "a"), "finite"),
        ((0.0, 1.0, "a", 1.5), "from 0 to 1"),
        ((0.0, 1.0, "a", float("nan")), "from 0 to 1"),
    ],
)
def test_a_text_with_impossible_values_is_refused(arguments, why):
    with pytest.raises(TrackError, match=why):
        TimedText(*arguments)


@pytest.mark.parametrize("times", [(2.0, 1.0), (float("nan"), 1.0)])
def test_a_word_needs_times_in_order(times):
    with pytest.raises(TrackError, match="two finite times"):
        Word(*times, "a")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "shown"},
        {"texts": None},
        {"texts": [{"start_seconds": 0, "text": "no end"}]},
        {"texts": [{"start_seconds": 0, "end_seconds": 10**400, "text": "a"}]},
        {"texts": [{"start_seconds": 0, "end_seconds": 1, "text": 5}]},
        {"source": 3},
        {"warnings": [1]},
    ],
)
def test_json_that_is_no_track_is_refused_in_one_sentence(change):
    data = TextTrack("said", (TimedText(0, 1, "a"),), "speech", "r").to_dict()
    with pytest.raises(TrackError) as raised:
        TextTrack.from_dict({**data, **change})
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 300
