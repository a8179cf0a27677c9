"""The report, read as a file and driven in a real browser."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_chart import HOSTILE, Markup, two_events
from videos import look, make_video
from worded import worded

from tfgrounding import Grounding, Moment, Plan, SubEvent, TFGroundingError, probe
from tfgrounding.media import open_source
from tfgrounding.show.player import stretches_of
from tfgrounding.show.report import plan_in_words, write_report
from tfgrounding.types import EventMoment, Evidence


def answered(path: Path, moments, query: str = "the picture has a number") -> Grounding:
    source = open_source(path)
    info = source.info
    count = max(2, round(info.duration_seconds * 3))
    pts = (np.arange(count) + 0.5) * info.duration_seconds / count
    curve = np.sin(pts)
    return Grounding(tuple(moments), query, Plan(query), info, "curves", "test", "default", curve, pts, source=source)


@pytest.fixture
def numbers(tmp_path):
    return make_video(tmp_path / "numbers.mp4", seconds=6, rate_hz=10)


def test_one_file_that_needs_nothing_else(tmp_path, numbers):
    write_report([answered(numbers, [Moment(2, 3, 0.5)])], tmp_path / "r.html", costs={"Watching": "1 s"})
    html = (tmp_path / "r.html").read_text()
    page = Markup(html)
    for tag, name, value in page.attributes:
        if name in ("src", "href"):
            assert value.startswith("data:"), (tag, value[:80])
    video = next(value for tag, name, value in page.attributes if (tag, name) == ("video", "src"))
    assert base64.b64decode(video.removeprefix("data:video/mp4;base64,")) == numbers.read_bytes()
    assert page.tags.count("img") == 14 and page.tags.count("script") == 1
    assert not re.search(r"https?://", re.sub(r"data:[^\"']+", "", html))
    assert "Watching" in page.text and "numbers.mp4" in page.text


def test_a_video_that_browsers_do_not_play_is_carried_as_a_copy(tmp_path):
    source = make_video(tmp_path / "numbers.avi", seconds=2, rate_hz=10, codec="mpeg4")
    write_report([answered(source, [Moment(0.5, 1, 0.5)])], tmp_path / "r.html")
    page = Markup((tmp_path / "r.html").read_text())
    video = next(value for tag, name, value in page.attributes if (tag, name) == ("video", "src"))
    (tmp_path / "copy.mp4").write_bytes(base64.b64decode(video.removeprefix("data:video/mp4;base64,")))
    copy = probe(tmp_path / "copy.mp4")
    assert copy.codec == "h264" and copy.duration_seconds == pytest.approx(2.0, abs=0.01)
    assert "A smaller copy" in page.text


def test_a_linked_video_is_named_relative_to_the_page(tmp_path):
    (tmp_path / "a&b").mkdir()
    source = make_video(tmp_path / "a&b" / "100% #1.mp4", seconds=1)
    write_report([answered(source, [Moment(0, 1, 0.5)])], tmp_path / "r.html", link=True)
    page = Markup((tmp_path / "r.html").read_text())
    assert ("video", "src", "a%26b/100%25%20%231.mp4") in page.attributes
    assert (tmp_path / "r.html").stat().st_size < 60_000


def test_a_link_to_what_browsers_do_not_play_is_said_before_the_player(tmp_path):
    source = make_video(tmp_path / "numbers.avi", seconds=1, codec="mpeg4")
    (caution,) = write_report([answered(source, [Moment(0, 1, 0.5)])], tmp_path / "r.html", link=True)
    html = (tmp_path / "r.html").read_text()
    assert caution.startswith("Browsers may not play this file (mpeg4 in .avi).") and "--link" in caution
    assert html.index("Browsers may not play") < html.index("<video")


def test_several_queries_have_an_index_and_one_account_of_how_they_were_made(tmp_path, numbers):
    found = [
        replace(answered(numbers, [Moment(2, 3, 0.5)], query), present=present, warnings=("weak encoder", query))
        for query, present in (("a number", 0.9), ("a submarine", 0.1))
    ]
    found = [replace(one, provenance={"rate_hz": 3.0, "seed": n}) for n, one in enumerate(found)]
    write_report(found, tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text()
    page = Markup(html)
    assert page.text.count("weak encoder") == 1 and page.text.count("Encoder") == 1 and page.text.count("Seed") == 2
    index = page.text[: page.text.index("Moments")]
    assert "0:02.0 to 0:03.0, probably in this video (present 0.90)" in index
    assert "“a submarine” probably not in this video (present 0.10)" in index
    assert ("a", "href", "#query-2") in page.attributes and ("h2", "id", "query-2") in page.attributes
    names = {value for tag, name, value in page.attributes if (tag, name) == ("button", "aria-label")}
    assert names == {f"Play moment 1 of “{query}”, 0:02.0 to 0:03.0" for query in ("a number", "a submarine")}
    assert page.tags.count("details") == 3 and ("details", "open", None) not in page.attributes


def test_a_threshold_decides_what_is_probably_not_there(tmp_path, numbers):
    found = replace(answered(numbers, [Moment(2, 3, 0.5)]), present=0.45)
    for least, words in ((1 / 3, "perhaps in"), (0.5, "probably not in")):
        write_report([found], tmp_path / "r.html", least_present=least)
        assert f"{words} this video (present 0.45)" in (tmp_path / "r.html").read_text()


def test_texts_never_become_markup(tmp_path):
    hostile_name = tmp_path / "<img src=x onerror=alert(1)>'\".mp4"
    make_video(hostile_name, seconds=1)
    plan = Plan(HOSTILE, paraphrases=(HOSTILE + "1",), sub_events=(SubEvent((HOSTILE + "2",)),), source=HOSTILE)
    tame = answered(hostile_name, [Moment(0, 1, 0.5)])
    hostile = replace(
        answered(hostile_name, [Moment(0, 1, 0.5)], HOSTILE),
        plan=plan,
        warnings=(HOSTILE,),
        provenance={HOSTILE: HOSTILE},
        encoder=HOSTILE,
        localizer=HOSTILE,
        curves={text: tame.curve for text in plan.texts},
        events=(EventMoment(HOSTILE + "2", Moment(0, 0.5, 0.5), 0.5),),
    )
    write_report([hostile], tmp_path / "r.html", costs={HOSTILE: HOSTILE})
    page = Markup((tmp_path / "r.html").read_text())
    assert page.tags.count("script") == 1 and page.tags.count("img") == 14
    assert {name for _, name, _ in page.attributes if name.startswith("on")} == set()
    assert page.text.count(HOSTILE) >= 8


def test_the_plan_in_words():
    assert plan_in_words(Plan("a dog")) == ["Looked for: a dog", "As a single event, without splitting it."]
    plan = Plan("x then y", ("z",), (SubEvent(("x", "xx")), SubEvent(("y",))), "sequentially")
    assert plan_in_words(plan) == [
        "Looked for: x then y",
        "In other words: z",
        "Split into 2 simpler events, one after the other:",
        "1. x (also as: xx)",
        "2. y",
    ]


def test_a_report_is_about_one_video(tmp_path, numbers):
    with pytest.raises(TFGroundingError, match="one video"):
        write_report([], tmp_path / "r.html")
    with pytest.raises(TFGroundingError, match="one video"):
        write_report([answered(numbers, []), two_events()], tmp_path / "r.html")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(TFGroundingError, match="cannot be written"):
        write_report([answered(numbers, [])], tmp_path / "file" / "r.html")


def spoken(path):
    found = answered(path, [Moment(3.0, 4.0, 0.9), Moment(1.0, 1.5, 0.4)])
    long = "a long sentence that is read aloud, word for word, " * 20
    return worded(found, Evidence("said", 2.0, 2.5, "start with the milk"), Evidence("written", 3.2, 4.9, long))


def test_the_page_names_the_tracks_that_were_asked(tmp_path, numbers):
    write_report([spoken(numbers)], tmp_path / "r.html")
    page = Markup((tmp_path / "r.html").read_text())
    assert (
        "Tracks of words that were asked: said: subtitles talk.en.srt, present 0.97; written: screen, says nothing "
        "about this." in page.text
    )
    write_report([answered(numbers, [Moment(2, 3, 0.5)])], tmp_path / "plain.html")
    assert not re.search("quote|Tracks of words", (tmp_path / "plain.html").read_text())


def test_of_a_long_video_only_the_moments_are_in_the_page(tmp_path, monkeypatch):
    from tfgrounding.show import player

    monkeypatch.setattr(player, "LONG_SECONDS", 30.0)
    monkeypatch.setattr(player, "LARGEST_EMBEDDED_BYTES", 1000)
    source = make_video(tmp_path / "long.mp4", seconds=60, rate_hz=10)
    answer = answered(source, [Moment(40, 42, 0.5), Moment(20, 21, 0.4), Moment(38, 39, 0.3)])
    write_report([answer], tmp_path / "r.html")
    page = Markup((tmp_path / "r.html").read_text())
    video = next(value for tag, name, value in page.attributes if (tag, name) == ("video", "src"))
    (tmp_path / "moments.mp4").write_bytes(base64.b64decode(video.removeprefix("data:video/mp4;base64,")))
    seen = look(tmp_path / "moments.mp4", rate_hz=10)
    assert seen.info.duration_seconds == pytest.approx(60, abs=0.01)
    inside = [16 <= second < 25 or 34 <= second < 46 for second in seen.instants]
    expected = [int(second * 10) for second, is_shown in zip(seen.instants, inside, strict=True) if is_shown]
    assert [n for n, is_shown in zip(seen.numbers, inside, strict=True) if is_shown] == expected
    assert {n for n, is_shown in zip(seen.numbers, inside, strict=True) if not is_shown} == {0}
    assert "not the whole video of 1:00.0: 0:16.0 to 0:25.0, 0:34.0 to 0:46.0 (0:21.0 in all" in page.text
    assert page.tags.count("img") == 14


def test_what_is_shown_of_long_and_many_moments(tmp_path, numbers):
    answer = replace(answered(numbers, []), video=replace(probe(numbers), duration_seconds=4000.0))
    long = replace(answer, spans=(Moment(100, 400, 0.9),))
    assert stretches_of([long]) == [(96, 116), (384, 404)]
    many = replace(answer, spans=tuple(Moment(start, start + 10, 0.5) for start in range(0, 2000, 50)))
    chosen = stretches_of([many])
    assert chosen[0] == (0, 14) and sum(end - start for start, end in chosen) <= 150
    other = replace(answer, spans=(Moment(1001, 1004, 0.5),))
    assert stretches_of([many, other])[:3] == [(0, 14), (996, 1014), (46, 64)]  # one of each answer, joined
