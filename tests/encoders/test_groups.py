"""Encoders of one's own: frames in groups, and checks of what they return."""

import numpy as np
import pytest
import torch
from conftest import ColourEncoder
from hypothesis import given
from hypothesis import strategies as st
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder
from tfgrounding.encoders import load_encoder
from tfgrounding.encoders.base import encoded_frames, encoded_texts, frames_per_vector, grouped
from tfgrounding.errors import EncoderError
from tfgrounding.types import Frames


def video(lengths):
    """Chunks of those lengths; frame k is filled with k, came on screen at k / 3 and was looked at 0.1 s later."""
    first = 0
    for length in lengths:
        k = np.arange(first, first + length)
        yield Frames(np.broadcast_to(k[:, None, None, None], (length, 2, 2, 3)).astype(np.uint8), k / 3, k / 3 + 0.1)
        first += length


@given(st.lists(st.integers(0, 9), max_size=9), st.integers(1, 12))
def test_groups_are_whole_in_order_and_every_frame_is_in_one(lengths, size):
    frames = sum(lengths)
    pixels, pts, instants = [], [], []
    for chunk, chunk_pts, chunk_instants in grouped(video(lengths), size):
        assert len(chunk) == size * len(chunk_pts) == size * len(chunk_instants) and (len(chunk) > 0 or size == 1)
        pixels += chunk[:, 0, 0, 0].tolist()
        pts += chunk_pts.tolist()
        instants += chunk_instants.tolist()
    filled = -(-frames // size) * size
    assert pixels == [*range(frames), *[frames - 1] * (filled - frames)]
    assert pts == [k / 3 for k in range(0, frames, size)]
    assert instants == pytest.approx(
        [np.mean(np.arange(frames)[k : k + size]) / 3 + 0.1 for k in range(0, frames, size)]
    )


def test_a_class_or_an_object_is_an_encoder_too():
    assert isinstance(load_encoder(ColourEncoder), ColourEncoder)
    assert isinstance(load_encoder("conftest:ColourEncoder", device="cpu"), ColourEncoder)
    own = ColourEncoder()
    assert load_encoder(own) is own and frames_per_vector(own) == 1
    with pytest.raises(EncoderError, match="encoder 'embedded:x' has no choices"):
        load_encoder("embedded:x")
    with pytest.raises(EncoderError, match="encoder 'numpy:array' has no name, revision, frame_size, encode_"):
        load_encoder("numpy:array")


@pytest.mark.parametrize("count", [0, -1, 1.5, 10**9, "16", None])
def test_frames_per_vector_is_a_small_whole_number(count):
    own = ColourEncoder()
    own.frames_per_vector = count
    with pytest.raises(EncoderError, match="encoder colours: frames_per_vector must be a whole number from 1 to 1024"):
        load_encoder(own)


@pytest.mark.parametrize("floor", [float("nan"), float("inf"), "0.2", True, [0.2]])
def test_a_floor_is_a_number_or_missing(floor):
    own = ColourEncoder()
    own.floor = floor
    with pytest.raises(EncoderError, match="encoder colours: floor must be a number or None, not"):
        load_encoder(own)
    own.floor = None
    assert load_encoder(own) is own


@pytest.mark.parametrize(
    ("vectors", "says"),
    [
        (np.eye(4), r"encode_frames must return \(4, Q, D\) vectors for 8 frames, not shape \(4, 4\)"),
        (np.zeros((8, 1, 4)), r"not shape \(8, 1, 4\)"),
        (np.zeros((4, 0, 4)), r"not shape \(4, 0, 4\)"),
        (np.full((4, 1, 4), 1.0), "unit vectors, not of length 2"),
        (np.full((4, 1, 4), np.nan), "unit vectors, not of length nan"),
        (np.full((4, 1, 4), "a", dtype=object), r"one array of float32 numbers \(TypeError: an array of object"),
        (np.full((4, 1, 4), "0.5"), r"one array of float32 numbers \(TypeError: an array of <U3"),
        (np.full((4, 1, 4), 0.5j), r"one array of float32 numbers \(TypeError: an array of complex128"),
        ([[[0.5] * 4]] * 3 + [[[0.5] * 3]], r"one array of float32 numbers \(ValueError"),
        (torch.full((4, 1, 4), 0.5, requires_grad=True), r"one array of float32 numbers \(RuntimeError"),
        (None, r"one array of float32 numbers \(TypeError: an array of object"),
        (7, r"not shape \(\)"),
    ],
)
def test_vectors_of_frames_are_checked(vectors, says):
    own, pixels = ColourEncoder(), np.zeros((8, 2, 2, 3), np.uint8)
    own.frames_per_vector = 2
    own.encode_frames = lambda pixels: vectors
    with pytest.raises(EncoderError, match=f"encoder colours: .*{says}"):
        encoded_frames(own, pixels)
    for good in (np.full((4, 1, 4), 0.5, dtype=np.float16), torch.full((4, 1, 4), 0.5), [[[0.5] * 4]] * 4):
        own.encode_frames = lambda pixels, good=good: good
        assert encoded_frames(own, pixels).dtype == np.float32


def test_vectors_of_texts_are_checked():
    own = ColourEncoder()
    assert encoded_texts(own, ["red", "a blue car"]).shape == (2, 3)
    for vectors in (np.eye(3), np.zeros((2, 1, 3)), np.full((2, 3), 9.0), np.zeros((2, 0)), ["red", "blue"], None):
        own.encode_texts = lambda texts, vectors=vectors: vectors
        with pytest.raises(EncoderError, match="encoder colours: encode_texts must return"):
            encoded_texts(own, ["red", "a blue car"])


def test_an_answer_says_which_of_its_texts_were_cut(tmp_path):
    class Short(ColourEncoder):
        def text_notes(self, texts):
            return [f"only the beginning of {text!r} was read" for text in texts if len(text) > 8]

    path = make_scenes(tmp_path / "a.mp4", [(2.0, RED), (2.0, BLUE)])
    grounder = Grounder(encoder=Short(), cache=False)
    assert grounder.ground(path, "blue").warnings == ()
    for _ in range(2):  # whether the text is new or was encoded before
        assert grounder.ground(path, "something blue").warnings == ("only the beginning of 'something blue' was read",)
    Short.text_notes = lambda self, texts: "cut"
    with pytest.raises(EncoderError, match="encoder colours: text_notes must return a list of sentences"):
        grounder.ground(path, "blue")


class ClipEncoder(ColourEncoder):
    """Mean colours of four frames at a time."""

    name = "clips"
    frames_per_vector = 4

    def encode_frames(self, pixels):
        assert len(pixels) % 4 == 0
        return super().encode_frames(pixels)[::4]


def test_an_encoder_of_clips_answers_in_seconds(tmp_path):
    path = make_scenes(tmp_path / "a.mp4", [(4.0, RED), (4.0, BLUE), (1.5, RED)])
    grounder = Grounder(encoder=ClipEncoder(), rate_hz=2, cache=tmp_path / "cache")
    features = grounder.encode_video(path)
    assert features.vectors.shape == (5, 1, 3)
    assert features.sample_seconds == pytest.approx([1, 3, 5, 7, 8.75])
    for video in (features, path):
        best = grounder.ground(video, "blue").moments[0]
        assert (best.start_seconds, best.end_seconds) == (pytest.approx(4, abs=0.2), pytest.approx(8, abs=0.3))
