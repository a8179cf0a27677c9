import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.tracks.similarity import similarity_curves


def unit(random, *shape):
    vectors = random.standard_normal(shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 24), st.integers(1, 5), st.integers(0, 999))
def test_the_best_of_a_frame_s_vectors_counts(frames, per_frame, width, texts, seed):
    random = np.random.default_rng(seed)
    vectors, words = unit(random, frames, per_frame, width), unit(random, texts, width)
    curves = similarity_curves(vectors, words)
    plain = [[max(float(v @ w) for v in frame) for frame in vectors] for w in words]
    assert curves.shape == (texts, frames) and curves.dtype == np.float32
    np.testing.assert_allclose(curves, plain, atol=1e-5)
    assert (np.abs(curves) <= 1 + 1e-5).all()


def test_a_text_s_curve_does_not_depend_on_the_other_texts():
    random = np.random.default_rng(0)
    vectors, words = unit(random, 30, 32, 256), unit(random, 4, 256)
    together = similarity_curves(vectors, words)
    for k in range(4):
        np.testing.assert_allclose(similarity_curves(vectors, words[k : k + 1])[0], together[k], atol=1e-6)
