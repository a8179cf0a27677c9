"""Encoders of one's own: frames in groups, and checks of what they return."""

import numpy as np
import pytest
import torch
from conftest import ColourEncoder
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder, Pictures
from tfgrounding.encoders import load_encoder
from tfgrounding.encoders.base import encoded_frames, encoded_texts, frames_per_vector, grouped, stride_frames
from tfgrounding.errors import EncoderError
from tfgrounding.types import Frames


def video(lengths):
    """Chunks of those lengths; frame k is filled with k, came on screen at k / 3 and was looked at 0.1 s later."""
    first = 0
    for length in lengths:
        k = np.arange(first, first + length)
        yield Frames(np.broadcast_to(k[:, None, None, None], (length, 2, 2, 3)).astype(np.uint8), k / 3, k / 3 + 0.1)
        first += length


def windows(chunks, *how):
    """(clips as lists of frame numbers, pts, instants) of all that `grouped` yields."""
    clips, pts, instants = [], [], []
    for pixels, chunk_pts, chunk_instants, _ in grouped(chunks, *how):
        assert len(pixels) == how[0] * len(chunk_pts) == how[0] * len(chunk_instants)
        assert len(pixels) <= max(how[0], how[2]) or how[0] == 1
        clips += pixels[:, 0, 0, 0].reshape(-1, how[0]).tolist()
        pts += chunk_pts.tolist()
        instants += chunk_instants.tolist()
    return clips, pts, instants


SIZE_AND_STRIDE = st.integers(1, 12).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size)))


@given(st.lists(st.integers(0, 9), max_size=9), SIZE_AND_STRIDE, st.integers(1, 40))
def test_clips_are_every_stride_however_the_frames_come(lengths, how, most):
    frames, (size, stride) = sum(lengths), how
    firsts = [k for k in range(0, frames, stride) if k == 0 or k + size - stride < frames]
    clips, pts, instants = windows(video(lengths), size, stride, most)
    assert clips == [[min(k, frames - 1) for k in range(first, first + size)] for first in firsts]
    assert pts == [first / 3 for first in firsts]
    assert instants == pytest.approx([np.mean(sorted(set(clip))) / 3 + 0.1 for clip in clips])
    assert (np.diff(instants) > 0).all()
    if frames:
        assert {k for clip in clips for k in clip} == set(range(frames))
        assert len(clips) == 1 + -(-max(0, frames - size) // stride)


@given(st.integers(1, 60), SIZE_AND_STRIDE, st.floats(0, 1e4), st.integers(1, 60))
def test_a_shift_of_the_video_shifts_the_times(frames, how, seconds, chunk):
    plain = windows(video([frames]), *how, 64)
    first = list(video([chunk] * (frames // chunk) + [frames % chunk]))
    later = [Frames(part.pixels, part.pts_seconds + seconds, part.sample_seconds + seconds) for part in first]
    clips, pts, instants = windows(later, *how, 64)
    assert clips == plain[0]
    assert pts == pytest.approx(np.add(plain[1], seconds)) and instants == pytest.approx(np.add(plain[2], seconds))


def test_a_class_or_an_object_is_an_encoder_too():
    assert isinstance(load_encoder(ColourEncoder), ColourEncoder)
    assert isinstance(load_encoder("conftest:ColourEncoder", device="cpu"), ColourEncoder)
    own = ColourEncoder()
    assert load_encoder(own) is own and frames_per_vector(own) == 1
    with pytest.raises(EncoderError, match="encoder 'embedded:x' has no choices"):
        load_encoder("embedded:x")
    with pytest.raises(EncoderError, match="encoder 'numpy:array' has no name, revision, frame_size, encode_"):
        load_encoder("numpy:array")


@pytest.mark.parametrize("count", [0, -1, 1.5, 10**9, "16", None, True])
def test_frames_per_vector_is_a_small_whole_number(count):
    own = ColourEncoder()
    own.frames_per_vector = count
    with pytest.raises(EncoderError, match="encoder colours: frames_per_vector must be a whole number from 1 to 1024"):
        load_encoder(own)


@pytest.mark.parametrize("count", [0, 5, -1, 1.5, "2", None, True])
def test_a_stride_leaves_no_frame_out(count):
    own = ColourEncoder()
    own.frames_per_vector = 4
    assert stride_frames(own) == 4
    own.stride_frames = count
    with pytest.raises(EncoderError, match="stride_frames must be a whole number from 1 to frames_per_vector, 4, not"):
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
        (np.full((4, 1, 4), 1e300), "encode_frames returned numbers that are not finite, or too large"),
        (np.full((4, 1, 4), np.nan), "encode_frames returned numbers that are not finite, or too large"),
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
    for vectors in (np.eye(3), np.zeros((2, 1, 3)), np.zeros((2, 0)), ["red", "blue"], None):
        own.encode_texts = lambda texts, vectors=vectors: vectors
        with pytest.raises(EncoderError, match="encoder colours: encode_texts must return"):
            encoded_texts(own, ["red", "a blue car"])


@pytest.mark.parametrize("value", [None, "", 7])
@pytest.mark.parametrize("attribute", ["name", "revision"])
def test_name_and_revision_tell_encoders_apart(attribute, value):
    own = ColourEncoder()
    setattr(own, attribute, value)
    with pytest.raises(EncoderError, match=f"an encoder's {attribute} must be a text that is not empty, not {value!r}"):
        load_encoder(own)


def test_vectors_of_any_length_are_made_unit_vectors():
    own = ColourEncoder()
    own.encode_texts = lambda texts: np.array([[3, 0, 4], [0.6, 0.8, 0.01], [0, 0, 0]])
    vectors = encoded_texts(own, ["red", "green", "blue"])
    np.testing.assert_allclose(vectors, [[0.6, 0, 0.8], [0.6, 0.8, 0.01], [0, 0, 0]], atol=1e-7)  # the rest as it is
    own.encode_texts = lambda texts: np.array([[3e-30, 0, 4e-30], [3e30, 0, 4e30]], np.float32)
    np.testing.assert_allclose(encoded_texts(own, ["red", "blue"]), [[0.6, 0, 0.8]] * 2, atol=1e-6)
    own.encode_frames = lambda pixels: np.full((2, 1, 4), 100, dtype=np.int64)
    np.testing.assert_allclose(encoded_frames(own, np.zeros((2, 2, 2, 3), np.uint8)), 0.5)


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
        height, width = pixels.shape[1:3]
        return super().encode_frames(pixels.reshape(-1, 4 * height, width, 3))


def test_an_encoder_of_clips_answers_in_seconds(tmp_path):
    path = make_scenes(tmp_path / "a.mp4", [(4.0, RED), (4.0, BLUE), (1.5, RED)])
    grounder = Grounder(encoder=ClipEncoder(), rate_hz=2, cache=tmp_path / "cache")
    features = grounder.encode_video(path)
    assert features.vectors.shape == (5, 1, 3)
    assert features.sample_seconds == pytest.approx([1, 3, 5, 7, 8.75])
    for video in (features, path):
        best = grounder.ground(video, "blue").moments[0]
        assert (best.start_seconds, best.end_seconds) == (pytest.approx(4, abs=0.2), pytest.approx(8, abs=0.3))


class OverlappingEncoder(ClipEncoder):
    stride_frames = 1


def test_clips_that_overlap_answer_more_finely_and_are_cached_apart(tmp_path):
    path = make_scenes(tmp_path / "a.mp4", [(4.0, RED), (4.0, BLUE), (1.5, RED)])
    apart = Grounder(encoder=ClipEncoder(), rate_hz=2, cache=tmp_path / "cache").encode_video(path)
    for _ in range(2):  # encoded, and read from the cache
        grounder = Grounder(encoder=OverlappingEncoder(), rate_hz=2, cache=tmp_path / "cache")
        assert grounder.engine.provenance()["stride_frames"] == 1
        features = grounder.encode_video(path)
        assert features.sample_seconds == pytest.approx(np.arange(1, 8.6, 0.5)) and len(apart) == 5
        assert features.pts_seconds == pytest.approx(np.arange(0.2, 7.8, 0.5), abs=0.06)
        answer = grounder.ground(features, "blue")
        assert 5 <= answer.pts_seconds[answer.curve.argmax()] <= 7
        assert answer.moments[0].start_seconds == pytest.approx(4, abs=0.8)
        assert answer.moments[0].end_seconds == pytest.approx(8, abs=0.8)


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 23), st.sampled_from([1, 2, 5]), st.sampled_from(["default", "tfvtg", "tag", "max-sum"]))
def test_moments_stay_in_the_video(pictures, stride, localizer):
    class Clips(ClipEncoder):
        stride_frames = min(stride, 4)

    colours = np.array([RED, BLUE], dtype=np.uint8)[np.arange(pictures) // 5 % 2]
    shown = Pictures(np.broadcast_to(colours[:, None, None], (pictures, 16, 16, 3)).copy(), rate_hz=2)
    answer = Grounder(encoder=Clips(), rate_hz=2, cache=False, localizer=localizer).ground(shown, "blue")
    assert len(answer.pts_seconds) == 1 + -(-max(0, pictures - 4) // Clips.stride_frames)
    assert answer.video.duration_seconds == pytest.approx(pictures / 2)
    for moment in answer.moments:
        assert 0 <= moment.start_seconds < moment.end_seconds <= answer.video.duration_seconds
