"""Subtitles of a video: files beside it and streams in it, in the wanted language, at the video's own times."""

from __future__ import annotations

import shutil
import unicodedata

import pytest
from subtitled import Stream, make_subtitled
from videos import BLUE, RED, make_pictures, make_scenes

from tfgrounding import Pictures
from tfgrounding.errors import TrackError, VideoError
from tfgrounding.media import open_source
from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.kept_texts import KeptTexts
from tfgrounding.tracks.subtitles import passed_over, subtitle_file, subtitle_track


def srt(path, text, start=1):
    path.write_text(f"1\n00:00:{start:02},000 --> 00:00:{start + 1:02},000\n{text}\n", encoding="utf-8")
    return path


@pytest.fixture
def video(tmp_path):
    return make_scenes(tmp_path / "talk.mp4", [(2.0, RED), (3.0, BLUE)])


def texts(track):
    return [(round(text.start_seconds, 2), round(text.end_seconds, 2), text.text) for text in track.texts]


def test_a_video_without_subtitles_has_none(video, tmp_path):
    srt(tmp_path / "talk.part2.srt", "of another video")
    srt(tmp_path / "talk2.srt", "of another video")
    assert subtitle_track(video) is None
    assert subtitle_track(Pictures(make_pictures(tmp_path / "p", 3)[0].parent, 1.0)) is None
    with pytest.raises(VideoError):
        subtitle_track(tmp_path / "missing.mp4")


@pytest.mark.parametrize(
    "name",
    [
        "talk.srt",
        "talk.en.srt",
        "TALK.ENG.SRT",
        "talk.mp4.en-US.sdh.vtt",
        "talk.English.srt",
        "talk.2_English.srt",
        "talk.en.und.srt",
    ],
)
def test_a_file_beside_the_video_is_found_by_its_name(video, tmp_path, name):
    srt(tmp_path / name, "hello")
    track = subtitle_track(str(video))
    assert texts(track) == [(1.0, 2.0, "hello")] and track.kind == "said" and track.warnings == ()
    assert track.source == f"subtitles {name}" and track.language == ("" if name == "talk.srt" else "en")


@pytest.mark.parametrize("name", ["talk.chs.srt", "talk.cht.srt", "talk.zh-Hant.srt", "talk.3_chinese.srt"])
def test_other_names_of_languages(video, tmp_path, name):
    srt(tmp_path / name, "hello")
    assert subtitle_track(video).language == "zh"


def test_the_way_in_which_accents_are_stored_does_not_matter(tmp_path):
    for form, other in (("NFC", "NFD"), ("NFD", "NFC")):
        folder = tmp_path / form
        folder.mkdir()
        video = make_scenes(folder / unicodedata.normalize(form, "\u00e9t\u00e9.mp4"), [(3.0, RED)])
        srt(folder / unicodedata.normalize(other, "\u00e9t\u00e9.en.srt"), "hello")
        assert texts(subtitle_track(video)) == [(1.0, 2.0, "hello")]


def test_a_text_that_begins_before_the_video_is_cut_to_it(video, tmp_path):
    text = "1\n-00:00:01,000 --> 00:00:02,000\nhello\n\n2\n-00:00:03,000 --> -00:00:02,000\nlost\n"
    (tmp_path / "talk.srt").write_text(text)
    assert texts(subtitle_track(video)) == [(0.0, 2.0, "hello")]


def test_a_file_belongs_to_the_video_with_the_longest_name(video, tmp_path):
    shutil.copy(video, tmp_path / "talk.en.mp4")
    srt(tmp_path / "talk.en.srt", "of the other")
    assert subtitle_track(video) is None and passed_over(open_source(video)) == ""
    assert texts(subtitle_track(tmp_path / "talk.en.mp4")) == [(1.0, 2.0, "of the other")]


def test_files_that_are_passed_over_are_named_and_folders_do_not_count(video, tmp_path):
    (tmp_path / "talk.en.srt").mkdir()
    srt(tmp_path / "talks.srt", "another")
    assert subtitle_track(video) is None and passed_over(open_source(video)) == ""
    for name in ("talk.a.en.srt", "talk (1).srt", "talk.2.srt"):
        srt(tmp_path / name, "perhaps")
    assert subtitle_track(video) is None
    said = passed_over(open_source(video))
    assert all(name in said for name in ("talk.a.en.srt", "talk (1).srt", "talk.2.srt")) and "talks" not in said


@pytest.mark.parametrize("folder", ["Subs", "subs", "Subtitles", "Subs/talk", "subs/TALK.mp4"])
@pytest.mark.parametrize("name", ["2_English.srt", "English.srt", "talk.en.srt"])
def test_a_folder_of_subtitles_beside_the_only_video_is_read(video, tmp_path, folder, name):
    (tmp_path / folder).mkdir(parents=True)
    srt(tmp_path / folder / name, "hello")
    track = subtitle_track(video)
    if folder.lower().endswith(("talk", "mp4")) and name.startswith("talk"):
        assert track is None  # a folder of its own holds names of languages
    else:
        assert texts(track) == [(1.0, 2.0, "hello")] and track.language == "en"


def test_a_folder_of_subtitles_beside_several_videos_is_read_by_their_names(video, tmp_path):
    shutil.copy(video, tmp_path / "other.mp4")
    for place in ("Subs/other", "Subs/talk"):
        (tmp_path / place).mkdir(parents=True)
        srt(tmp_path / place / "2_English.srt", f"of {place}")
    srt(tmp_path / "Subs" / "3_German.srt", "of nobody knows which")
    srt(tmp_path / "Subs" / "other.fr.srt", "de l'autre")
    track = subtitle_track(video)
    assert [text.text for text in track.texts] == ["of Subs/talk"] and track.warnings == ()
    assert subtitle_track(tmp_path / "other.mp4", language="fr").texts[0].text == "de l'autre"


def test_files_beside_the_video_come_before_those_of_a_folder_and_other_words_are_not_read(video, tmp_path):
    (tmp_path / "Subs").mkdir()
    srt(tmp_path / "Subs" / "Another Film.srt", "of another video")
    assert subtitle_track(video) is None
    srt(tmp_path / "Subs" / "2_English.srt", "in the folder")
    srt(tmp_path / "talk.en.srt", "beside")
    track = subtitle_track(video)
    assert texts(track) == [(1.0, 2.0, "beside")] and "not 2_English.srt" in track.warnings[0]


def test_links_do_not_lead_out_of_the_folder_of_the_video(tmp_path):
    (tmp_path / "films").mkdir()
    video = make_scenes(tmp_path / "films" / "talk.mp4", [(3.0, RED)])
    (tmp_path / "elsewhere").mkdir()
    secret = srt(tmp_path / "elsewhere" / "English.srt", "not for you")
    (tmp_path / "films" / "Subs").symlink_to(tmp_path / "elsewhere")
    assert subtitle_track(video) is None
    (tmp_path / "films" / "Subs").unlink()
    (tmp_path / "films" / "Subs").mkdir()
    (tmp_path / "films" / "Subs" / "English.srt").symlink_to(secret)
    (tmp_path / "films" / "Subs" / "talk").symlink_to(tmp_path / "elsewhere")
    assert subtitle_track(video) is None


@pytest.mark.parametrize("name", ["talk.en.signs.srt", "talk.en.Signs & Songs.ass", "talk.en.karaoke.vtt"])
def test_files_of_signs_and_songs_come_last(video, tmp_path, name):
    srt(tmp_path / name, "a sign")
    srt(tmp_path / "talk.de.full.srt", "hallo")
    assert subtitle_track(video).language == "de"


@pytest.mark.parametrize("title", ["Signs & Songs", "English (signs)", "KARAOKE", "Forced", "Songs"])
def test_streams_of_signs_and_songs_come_last(tmp_path, title):
    rows = [(1.0, 2.0, "a sign")], [(1.0, 2.0, "hello")]
    streams = [Stream(rows[0], language="eng", title=title), Stream(rows[1], language="eng", title="Full, with signs")]
    assert subtitle_track(make_subtitled(tmp_path / "v.mkv", streams)).texts[0].text == "hello"


def test_a_link_counts_in_its_own_folder_and_in_that_of_the_video(video, tmp_path):
    (tmp_path / "others").mkdir()
    (tmp_path / "talk.srt").symlink_to(srt(tmp_path / "others" / "secret.srt", "not for you"))
    assert subtitle_track(video) is None
    (tmp_path / "talk.en.srt").symlink_to(srt(tmp_path / "words.srt", "hello"))
    assert texts(subtitle_track(video)) == [(1.0, 2.0, "hello")]
    (tmp_path / "links").mkdir()
    for name in ("talk.mp4", "talk.en.srt"):
        (tmp_path / "links" / name).symlink_to(tmp_path / name)
    assert texts(subtitle_track(tmp_path / "links" / "talk.mp4")) == [(1.0, 2.0, "hello")]


def test_english_comes_first_then_what_states_no_language_and_forced_ones_last(video, tmp_path):
    order = ["talk.en.srt", "talk.srt", "talk.de.srt", "talk.en.forced.srt"]
    for name in order:
        srt(tmp_path / name, name.replace(".", " "))
    for number, name in enumerate(order):
        track = subtitle_track(video)
        assert track.source == f"subtitles {name}"
        assert bool(track.warnings) == (number < 3 or "forced" in name)
        if number < 3:
            assert f"of {4 - number} subtitles {name} is read" in track.warnings[0] and order[-1] in track.warnings[0]
        (tmp_path / name).unlink()


def test_the_wanted_language_comes_first_and_another_is_said(video, tmp_path):
    srt(tmp_path / "talk.en.srt", "hello")
    srt(tmp_path / "talk.de.srt", "hallo")
    assert subtitle_track(video, language="de").texts[0].text == "hallo"
    assert subtitle_track(video, language="German").language == "de"
    french = subtitle_track(video, language="fr")
    assert french.language == "en" and any("no subtitles in French" in warning for warning in french.warnings)
    with pytest.raises(TrackError, match="'xx' is not known"):
        subtitle_track(video, language="xx")


def test_a_damaged_file_gives_way_to_the_next_one(video, tmp_path):
    (tmp_path / "talk.en.srt").write_bytes(b"\0\1\2")
    with pytest.raises(TrackError, match=r"talk\.en\.srt"):
        subtitle_track(video)
    srt(tmp_path / "talk.de.srt", "hallo")
    track = subtitle_track(video)
    assert track.texts[0].text == "hallo" and any("cannot be read" in warning for warning in track.warnings)


def test_texts_outside_the_video_are_left_out_and_counted(video, tmp_path):
    (tmp_path / "talk.srt").write_text(
        "1\n00:00:04,000 --> 00:00:09,000\nreaches out\n\n2\n00:01:00,000 --> 00:01:01,000\nfar away\n"
    )
    track = subtitle_track(video)
    assert texts(track) == [(4.0, 5.0, "reaches out")] and "1 of 2 texts lie outside" in track.warnings[0]
    srt(tmp_path / "talk.srt", "far away", start=30)
    assert len(subtitle_track(video)) == 0 and "all 1 texts lie outside" in subtitle_track(video).warnings[0]


def test_times_count_from_the_first_picture(tmp_path):
    late = make_subtitled(tmp_path / "late.mkv", [Stream([(3.0, 4.0, "in")])], first_picture=2.0)
    info = open_source(late).info
    sound_first = info.start_offset_seconds
    track = subtitle_track(late)
    assert texts(track) == [(1.0, 2.0, "in")]
    beside = subtitle_file(srt(tmp_path / "any.srt", "beside", start=3), "said", open_source(late))
    assert beside.texts[0].start_seconds == pytest.approx(3.0 - sound_first)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("srt", ".mkv"), ("ass", ".mkv"), ("webvtt", ".mkv"), ("mov_text", ".mp4")]
)
def test_streams_of_every_kind_of_text(tmp_path, codec, suffix):
    shown = [(0.5, 2.0, "{\\i1}Hello,{\\i0} you\\Nthere."), (2.5, 3.0, "[music]"), (7.0, 8.0, "Bye.")]
    track = subtitle_track(make_subtitled(tmp_path / f"v{suffix}", [Stream(shown, codec, "ger")]))
    assert texts(track) == [(0.5, 2.0, "Hello, you there."), (7.0, 8.0, "Bye.")]
    assert track.language == "de" and track.source.startswith("subtitles stream 1 (") and track.warnings == ()


def test_of_several_streams_the_language_decides_and_forced_ones_come_last(tmp_path):
    path = make_subtitled(
        tmp_path / "v.mkv",
        [
            Stream([(1.0, 2.0, "signs")], language="eng", flags="forced"),
            Stream([(1.0, 2.0, "hallo")], language="ger"),
            Stream([(1.0, 2.0, "director")], language="eng", title="Commentary"),
            Stream([(1.0, 2.0, "hello")], language="eng"),
        ],
    )
    assert subtitle_track(path).texts[0].text == "hello"
    assert subtitle_track(path, language="de").texts[0].text == "hallo"
    srt(tmp_path / "v.en.srt", "beside")
    assert subtitle_track(path).texts[0].text == "beside"


def test_texts_of_streams_are_kept(tmp_path, monkeypatch):
    from tfgrounding.tracks import subtitles

    path = make_subtitled(tmp_path / "v.mkv", [Stream([(1.0, 2.0, "hello")], language="eng")])
    kept = KeptTexts(FeatureCache(tmp_path / "cache"))
    first = subtitle_track(path, kept=kept)
    monkeypatch.setattr(subtitles, "read_subtitles", lambda *_: pytest.fail("read again"))
    assert subtitle_track(path, kept=kept) == first and len(first) == 1


def test_subtitles_that_are_pictures_are_named(tmp_path, monkeypatch):
    import dataclasses

    from tfgrounding.tracks import subtitles

    path = make_subtitled(tmp_path / "v.mkv", [Stream([(1.0, 2.0, "hello")], language="eng")])
    found = subtitles.subtitle_streams
    monkeypatch.setattr(
        subtitles,
        "subtitle_streams",
        lambda file: [
            dataclasses.replace(one, is_text=False, codec="hdmv_pgs_subtitle", index=9) for one in found(file)
        ],
    )
    with pytest.raises(TrackError, match=r"stream 9 are pictures of texts \(hdmv_pgs_subtitle\)"):
        subtitle_track(path)
    srt(tmp_path / "v.srt", "beside")
    assert any("pictures of texts" in warning for warning in subtitle_track(path).warnings)


def test_a_file_that_ends_early_gives_what_could_be_read(tmp_path):
    path = make_subtitled(tmp_path / "v.mkv", [Stream([(k, k + 0.5, f"text {k}.") for k in range(9)])])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.7)])
    track = subtitle_track(path)
    assert 0 < len(track) < 9 and track.texts[0].text == "text 0."
