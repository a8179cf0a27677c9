"""Which text tracks a choice gives: nothing that takes work with "auto", and what is named is made or is an error."""

from __future__ import annotations

import sys
import types
from itertools import pairwise

import pytest
from subtitled import Stream, make_subtitled
from videos import RED, make_pictures, make_scenes

from tfgrounding import Pictures
from tfgrounding.errors import TrackError, VideoError
from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.choice import track_choice
from tfgrounding.tracks.kept_texts import KeptTexts
from tfgrounding.tracks.making import text_tracks
from tfgrounding.tracks.text_track import TextTrack, TimedText, Word

LINES = [
    "Crack seven brown eggs into the copper bowl.",
    "Whisk them slowly until little bubbles appear.",
    "Sprinkle nutmeg, pepper and dried rosemary over everything.",
    "Butter gently melts inside my grandmother's skillet.",
    "Flip the omelette carefully using that wooden spatula.",
    "Finally serve breakfast with orange marmalade.",
]


def timed(shift=0.0):
    return [(3.0 * k + 1 + shift, 3.0 * k + 3 + shift, line) for k, line in enumerate(LINES)]


def speech(texts=None) -> TextTrack:
    found = []
    for start, end, line in texts or timed():
        words = line.split()
        step = (end - start) / len(words)
        said = tuple(Word(start + k * step, start + (k + 1) * step, word) for k, word in enumerate(words))
        found.append(TimedText(start, end, line, 0.9, said))
    return TextTrack("said", tuple(found), "speech", "tiny-1", "en")


def srt(path, rows):
    clock = "00:00:{:06.3f}"
    blocks = (f"1\n{clock.format(start)} --> {clock.format(end)}\n{text}\n" for start, end, text in rows)
    path.write_text("\n".join(blocks))
    return path


@pytest.fixture
def kept(tmp_path):
    return KeptTexts(FeatureCache(tmp_path / "cache"))


@pytest.fixture
def video(tmp_path):
    return make_scenes(tmp_path / "talk.mp4", [(25.0, RED)], rate_hz=4)


@pytest.fixture
def makers(monkeypatch):
    """Stand-ins for speech recognition and reading of pictures, which note how they are called."""
    calls = []

    def speech_track(source, *, model, kept, language="", progress=None):
        calls.append(("speech", model, language))
        return None if model == "silent" else speech()

    def screen_text_track(source, *, kept, progress=None):
        calls.append(("screen",))
        return TextTrack("written", (TimedText(1, 2, "EXIT"),), "screen", "r")

    for name, function in (("speech", speech_track), ("screen_text", screen_text_track)):
        module = types.ModuleType(name)
        setattr(module, function.__name__, function)
        monkeypatch.setitem(sys.modules, f"tfgrounding.tracks.{name}", module)
    return calls


def made(video, choice, kept, **more):
    return text_tracks(video, track_choice(choice), kept=kept, **more)


def sources(result):
    return [(track.kind, track.source) for track in result.tracks]


def test_auto_makes_nothing(video, kept, makers):
    found = made(video, "auto", kept)
    assert found.tracks == found.warnings == () and makers == []


def test_auto_takes_subtitles_and_what_was_kept(video, kept, makers, tmp_path):
    kept.keep(video, speech(), {"by": "speech"})
    written = TextTrack("written", (TimedText(1, 2, "EXIT"),), "screen", "r")
    kept.keep(video, written, {"by": "screen"})
    assert sources(made(video, "auto", kept)) == [("said", "speech"), ("written", "screen")]
    srt(tmp_path / "talk.srt", timed())
    assert sources(made(video, "auto", kept)) == [("said", "subtitles talk.srt"), ("written", "screen")]
    assert makers == []


def test_only_named_tracks_are_there(video, kept, makers, tmp_path):
    srt(tmp_path / "talk.srt", timed())
    kept.keep(video, speech(), {"by": "speech"})
    assert made(video, "shown", kept).tracks == ()
    assert sources(made(video, "shown,written", kept)) == [("written", "screen")]
    assert sources(made(video, "said:speech", kept)) == [("said", "speech")]
    assert makers == [("screen",), ("speech", "auto", "")]


def test_said_is_subtitles_else_speech(video, kept, makers, tmp_path):
    assert sources(made(video, "said", kept, language="en")) == [("said", "speech")]
    assert makers == [("speech", "auto", "en")]
    srt(tmp_path / "talk.srt", timed())
    assert sources(made(video, "said", kept)) == [("said", "subtitles talk.srt")] and len(makers) == 1


def test_a_model_is_named(video, kept, makers):
    made(video, "said:large-v3", kept)
    assert makers == [("speech", "large-v3", "")]
    silent = made(video, "said:silent", kept)
    assert silent.tracks == () and "no sound" in silent.warnings[0]


def test_subtitles_that_are_late_are_moved_by_kept_speech(video, kept, makers, tmp_path):
    srt(tmp_path / "talk.srt", timed(2.0))
    assert made(video, "auto", kept).tracks[0].texts[0].start_seconds == 3.0
    kept.keep(video, speech(), {"by": "speech"})
    for choice in ("auto", "said", "said:subtitles"):
        (track,) = made(video, choice, kept).tracks
        assert track.texts[0].start_seconds == pytest.approx(1.0, abs=0.3) and "moved by" in track.warnings[0]
    assert makers == []


@pytest.mark.parametrize("shift", [20.0, -5.0])
def test_subtitles_are_fitted_to_speech_before_they_are_cut_to_the_video(video, kept, tmp_path, shift):
    srt(tmp_path / "talk.srt", [row for row in timed(shift) if row[0] >= 0])
    kept.keep(video, speech(), {"by": "speech"})
    (track,) = made(video, "auto", kept).tracks
    assert [text.text for text in track.texts] == LINES[len(LINES) - len(track) :]
    assert len(track) == (len(LINES) if shift > 0 else 4)
    assert not any("outside the video" in warning for warning in track.warnings)


def test_fitted_subtitles_end_with_the_video(video, kept, tmp_path):
    srt(tmp_path / "talk.srt", [*timed(-1.0), (23.0, 25.0, "The end."), (25.0, 26.0, "Credits.")])
    kept.keep(video, speech(), {"by": "speech"})
    (track,) = made(video, "auto", kept).tracks
    assert track.texts[-1].text == "The end." and track.texts[-1].end_seconds == 25.0
    assert any("1 of 8 texts lie outside the video" in warning for warning in track.warnings)


def test_subtitles_of_another_film_are_said(video, kept, tmp_path):
    words = ["winter", "harbour", "captain", "lantern", "thunder", "sailors", "anchor", "compass", "rigging", "whales"]
    rows = [(2.0 * k, 2.0 * k + 1, f"{one} {other} {one}{other}.") for k, (one, other) in enumerate(pairwise(words))]
    srt(tmp_path / "talk.srt", rows)
    kept.keep(video, speech(), {"by": "speech"})
    (track,) = made(video, "auto", kept).tracks
    assert "do not agree with the speech" in track.warnings[-1]


def test_damaged_subtitles_hide_no_other_track(video, kept, makers, tmp_path):
    (tmp_path / "talk.srt").write_bytes(b"\0\1")
    kept.keep(video, TextTrack("described", (TimedText(0, 1, "a red wall"),), "captions", "r"), {"by": "vlm"})
    found = made(video, "auto", kept)
    assert sources(found) == [("described", "captions")] and "talk.srt" in found.warnings[0]
    (track,) = made(video, "said", kept).tracks
    assert track.source == "speech" and "talk.srt" in track.warnings[0]
    with pytest.raises(TrackError, match=r"talk\.srt"):
        made(video, "said:subtitles", kept)


def test_a_named_track_that_fails_does_not_stop_the_others(video, kept, makers, tmp_path):
    (tmp_path / "talk.srt").write_bytes(b"\0\1")
    found = made(video, "said:subtitles,written", kept)
    assert sources(found) == [("written", "screen")] and found.failed == ("said",)
    assert "talk.srt" in found.warnings[0]
    with pytest.raises(TrackError, match=r"talk\.srt.*none\.jsonl: there is no such file"):
        made(video, "said:subtitles,described:none.jsonl", kept)


def test_what_is_named_and_missing_is_said(video, kept, tmp_path):
    assert "no file of subtitles beside it" in made(video, "said:subtitles", kept).warnings[0]
    assert "no captions were made" in made(video, "described", kept).warnings[0]
    with pytest.raises(TrackError, match="no such file"):
        made(video, f"described:{tmp_path}/none.jsonl", kept)


def test_files_with_the_name_of_the_video_that_are_not_read_are_named(video, kept, makers, tmp_path):
    srt(tmp_path / "talk.a.en.srt", timed())
    for choice in ("said", "said:subtitles"):
        found = made(video, choice, kept)
        assert "talk.a.en.srt" in " ".join((*found.warnings, *(w for track in found.tracks for w in track.warnings)))


def test_a_named_file_is_read(video, kept, tmp_path):
    srt(tmp_path / "any.srt", timed())
    for kind in ("said", "written", "described"):
        (track,) = made(video, f"{kind}:{tmp_path}/any.srt", kept).tracks
        assert track.kind == kind and len(track) == len(LINES)


def test_sources_that_are_no_files(kept, tmp_path, makers):
    pictures = Pictures(make_pictures(tmp_path / "p", 3)[0].parent, 1.0)
    assert made(pictures, "auto", kept).tracks == ()
    assert sources(made(pictures, "written", kept)) == [("written", "screen")]
    gone = {"kind": "features", "name": "v"}
    assert "only its features" in made(gone, "auto", kept).warnings[0]
    with pytest.raises(VideoError):
        made(gone, "said:subtitles,described", kept)


def test_streams_in_the_video_are_found(kept, tmp_path):
    video = make_subtitled(tmp_path / "v.mkv", [Stream([(1.0, 2.0, "hello there.")], language="eng")])
    (track,) = made(video, "auto", kept).tracks
    assert track.texts[0].text == "hello there." and made(video, "auto", kept).tracks == (track,)
    assert made(video, "auto", KeptTexts(None)).tracks == (track,)
