"""Moments from texts with times, by an encoder without a model and by the packaged sentence encoder."""

import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from words_encoder import WordsEncoder

from tfgrounding import Answer, Plan, TFGroundingError, ground_texts
from tfgrounding.show.export import export

ENCODER = WordsEncoder()
CAPTIONS = [
    *((2.0 * n, 2.0 * n + 2, f"a red car stands number {n}") for n in range(10)),
    *((2.0 * n, 2.0 * n + 2, f"the dog barks number {n}") for n in range(10, 15)),
    *((2.0 * n, 2.0 * n + 2, f"people eat soup number {n}") for n in range(15, 30)),
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "cache"))


def ground(texts, query, duration=60.0, **options):
    return ground_texts(texts, query, duration_seconds=duration, encoder=ENCODER, **options)


def test_the_moment_is_where_the_texts_say_it():
    answer = ground(CAPTIONS, "the dog barks")
    best = answer.moments[0]
    assert (best.start_seconds, best.end_seconds) == pytest.approx((20, 30), abs=1.5)
    assert answer.present > 0.6 > ground(CAPTIONS, "the moon rises").present
    assert (answer.encoder, answer.localizer, answer.engine) == ("words", "default", "curves")
    assert answer.provenance["encoder_revision"] == "1" and answer.provenance["looked_at"] == "texts"
    assert answer.video.duration_seconds == 60 and answer.video.path == "texts" and answer.warnings == ()
    assert len(answer.curve) == len(answer.pts_seconds) == 30


@pytest.mark.parametrize("localizer", ["default", "tfvtg", "tag", "max-sum"])
def test_every_localizer_reads_texts(localizer):
    best = ground(CAPTIONS, Plan("the dog barks"), localizer=localizer, top_k=1).moments
    assert len(best) == 1 and best[0].start_seconds < 30 and best[0].end_seconds > 20


def test_the_answer_is_one_of_the_usual_kind():
    answer = ground(CAPTIONS, "the dog barks, then people eat soup", top_k=3)
    stored = json.loads(json.dumps(answer.to_dict()))
    assert Answer.from_dict(stored).to_dict() == stored
    assert answer.plan.relation == "sequentially" and set(answer.curves) == set(answer.plan.texts)
    assert "-->" in export([answer], "srt") and json.loads(export([answer], "json"))


def test_a_stretch_without_text_supports_nothing():
    texts = [(0, 10, "a red car"), (30, 40, "the dog barks"), (80, 90, "people eat soup")]
    answer = ground(texts, "the dog barks", duration=100)
    assert answer.curve.argmax() == 2 and len(answer.curve) == 6  # 0, 10, 30, 40, 80, 90, 100
    gaps = answer.curve[[1, 3, 5]]
    assert np.ptp(gaps) < 1e-6 and abs(gaps).max() < 0.2
    for query in ("the dog barks", "people eat soup", "a red car"):
        best = ground(texts, query, duration=100).moments[0]
        start, end = next((start, end) for start, end, text in texts if text == query)
        inside = min(end, best.end_seconds) - max(start, best.start_seconds)
        assert inside / (max(end, best.end_seconds) - min(start, best.start_seconds)) > 0.5, (query, best)


def test_no_moment_is_without_text():
    random = np.random.default_rng(0)
    for _ in range(60):
        starts = np.sort(random.uniform(0, 200, random.integers(1, 12)))
        said = [" ".join(random.choice(["dog", "car", "soup", "red", "tree", "boy"], 3)) for _ in starts]
        texts = [(start, start + random.uniform(2, 10), text) for start, text in zip(starts, said, strict=True)]
        for moment in ground(texts, str(random.choice(said)), duration=220.0).moments:
            assert any(start < moment.end_seconds and end > moment.start_seconds for start, end, _ in texts)


def test_rewordings_of_a_plan_count_too():
    found = ground(CAPTIONS, Plan("quadruped makes sound", paraphrases=("the dog barks",))).moments[0]
    assert found.start_seconds >= 18 and found.end_seconds <= 32


def test_texts_are_encoded_once():
    ground(CAPTIONS, "the dog barks")
    before = ENCODER.asked
    ground(CAPTIONS[::-1], "the dog barks")
    assert ENCODER.asked == before
    ground(CAPTIONS, "a red car")
    assert ENCODER.asked - before < len(CAPTIONS)


words = st.sampled_from(["dog", "car", "soup", "red", "barks", "", "  ", "\ud800", "\0", "a" * 200, "日本"])
texts_of_words = st.lists(
    st.tuples(st.floats(-10, 70), st.floats(0.01, 50), words).map(lambda r: (r[0], r[0] + r[1], r[2])),
    min_size=1,
    max_size=10,
)


@settings(max_examples=40, deadline=None)
@given(texts=texts_of_words, seed=st.integers(0, 9))
def test_moments_lie_in_the_video_and_the_order_of_texts_is_nothing(texts, seed):
    try:
        answer = ground(texts, "a dog")
    except TFGroundingError as error:
        assert "no text to search in" in str(error)
        return
    assert answer.moments and 0 <= answer.present <= 1
    for moment in answer.moments:
        assert 0 <= moment.start_seconds < moment.end_seconds <= 60 and math.isfinite(moment.score)
    permuted = [texts[k] for k in np.random.default_rng(seed).permutation(len(texts))]
    assert ground(permuted, "a dog").moments == answer.moments


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(0, 60))
def test_moments_move_with_the_texts(shift):
    before = ground(CAPTIONS, "the dog barks", duration=120).moments[0]
    moved = [(start + shift, end + shift, text) for start, end, text in CAPTIONS]
    after = ground(moved, "the dog barks", duration=120).moments[0]
    assert after.start_seconds - before.start_seconds == pytest.approx(shift, abs=2.5)
    assert after.end_seconds - before.end_seconds == pytest.approx(shift, abs=2.5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"texts": []}, "there is no text"),
        ({"texts": [(0, math.nan, "a")]}, "two finite numbers"),
        ({"query": " "}, "the query is empty"),
        ({"query": 3}, "the query must be a text"),
        ({"duration_seconds": 0}, "duration_seconds must be above 0"),
        ({"encoder": "no-such"}, "is not known"),
        ({"encoder": []}, "has no name"),
        ({"localizer": "no-such"}, "is not known"),
        ({"top_k": 0}, "top_k must be a whole number from 1 on"),
    ],
)
def test_what_cannot_be_is_one_sentence(changes, says):
    given_ = {"texts": CAPTIONS, "query": "a dog", "duration_seconds": 60.0, "encoder": ENCODER, **changes}
    texts, query = given_.pop("texts"), given_.pop("query")
    with pytest.raises(TFGroundingError, match=says) as caught:
        ground_texts(texts, query, **given_)
    assert "\n" not in str(caught.value)


class Uneven(WordsEncoder):
    """Vectors of another length from the second call on."""

    def encode_texts(self, texts):
        self.asked += 1
        return np.ones((len(texts), 3 if self.asked > 1 else 4))


def test_an_encoder_of_vectors_that_do_not_fit_is_named():
    with pytest.raises(TFGroundingError, match="encoder words: encode_texts returned vectors of different lengths"):
        ground_texts(CAPTIONS, "a dog", duration_seconds=60, encoder=Uneven())


def test_the_packaged_encoder_knows_other_words_of_one_meaning(embedded_encoder):
    said = {"A man opens a fridge.": 4, "He pours milk into a glass.": 3, "He walks through the garden.": 5}
    texts = [text for text, times in said.items() for _ in range(times)]
    captions = [(4 * n, 4 * n + 4, text) for n, text in enumerate(texts)]
    answer = ground_texts(captions, "someone fills a cup with a drink", duration_seconds=48)
    assert answer.moments[0].start_seconds == pytest.approx(16, abs=2) and answer.encoder == "embedded"
    assert answer.moments[0].end_seconds == pytest.approx(28, abs=2)
    long = [(0, 15, "a dog " * 600), (15, 30, "a cat")]
    assert any("read only the first 512" in said for said in ground_texts(long, "a dog", duration_seconds=30).warnings)


@pytest.mark.slow
def test_a_hundred_thousand_texts():
    texts = [(n * 0.5, n * 0.5 + 0.7, f"word{n % 1000} word{n % 7}") for n in range(100_000)]
    begin = time.perf_counter()
    answer = ground(texts, "word3 word5", duration=50_001)
    assert time.perf_counter() - begin < 120
    assert answer.moments


def test_a_quoted_text_is_its_own_moment():
    lines = [
        *("a man opens a fridge", "two dogs run over a field", "the mayor cuts a ribbon", "rain falls on a tent"),
        *(
            "she pours milk into a bowl",
            "the band starts to play",
            "a train leaves the station",
            "snow covers the road",
        ),
        *("children blow out candles", "a goal is scored in the last minute", "an old clock strikes noon"),
    ]
    texts = [(2.0 * n, 2.0 * n + 2, line) for n, line in enumerate(lines)]
    found = [ground_texts(texts, text, duration_seconds=22.0).moments[0] for _, _, text in texts]
    exact = [(m.start_seconds, m.end_seconds) == text[:2] for m, text in zip(found, texts, strict=True)]
    assert sum(exact) >= len(texts) - 2


def test_texts_that_the_encoder_does_not_read_are_searched_for_exact_words():
    lines = [(2, 5, "大家好,欢迎来到我们的节目"), (22, 25, "今天我们讨论通货膨胀"), (42, 45, "谢谢大家再见")]
    absent = ground_texts(lines, "he opens the door", duration_seconds=60)
    assert absent.present < 0.1
    assert any("only exact words are found" in warning for warning in absent.warnings)
    found = ground_texts(lines, "讨论通货膨胀", duration_seconds=60)
    assert found.present > 0.9 and 22 <= found.moments[0].start_seconds < found.moments[0].end_seconds <= 25
