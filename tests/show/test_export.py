"""Every format is read back by what reads it elsewhere: a parser, the real OpenTimelineIO, its CMX 3600 adapter."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import opentimelineio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worded import milk, worded

from tfgrounding import EventMoment, Grounding, Moment, Plan, SubEvent, TFGroundingError, VideoInfo
from tfgrounding.show.export import FORMATS, export
from tfgrounding.show.exports.timecode import EditRate, edit_rate, standard_rate
from tfgrounding.types import Evidence

MOMENTS = (Moment(12.5, 15.0, 0.9), Moment(14.0, 20.04, 0.4), Moment(0.0, 3.2, 0.1))
HOSTILE = 'a <b>"dog"</b> & cat\n\n9\n00:00:00,000 --> 00:00:09,000\r\n* FROM CLIP NAME: x\n{\\an8}=1+1'


def answer(
    query: str = "a dog barks", moments=MOMENTS, *, rate_hz: float | None = 25.0, path: str = "/v/a b.mp4", **stated
):
    pts = (np.arange(63) + 0.5) / 3
    return Grounding(
        spans=tuple(moments),
        query=query,
        plan=Plan(query),
        video=VideoInfo(path, 21.0, 320, 240, rate_hz, **stated),
        engine="curves",
        encoder="test",
        localizer="default",
        curve=np.sin(pts),
        pts_seconds=pts,
    )


def test_json_is_the_whole_answer():
    (found,) = json.loads(export([answer()], "json"))
    assert found["query"] == "a dog barks"
    assert found["moments"][0] == {"start_seconds": 12.5, "end_seconds": 15.0, "score": 0.9}


def test_jsonl_has_the_keys_of_a_qvhighlights_submission():
    rows = [json.loads(line) for line in export([answer(), answer("a cat")], "jsonl").splitlines()]
    assert [row["query"] for row in rows] == ["a dog barks", "a cat"]
    assert set(rows[0]) == {"qid", "query", "vid", "pred_relevant_windows", "pred_saliency_scores"}
    assert rows[0]["vid"] == "a b"
    assert rows[0]["pred_relevant_windows"][0] == [12.5, 15.0, 0.9]
    saliency = rows[0]["pred_saliency_scores"]
    assert len(saliency) == 11  # 21 s in clips of 2 s
    assert saliency[0] == pytest.approx(np.sin((np.arange(6) + 0.5) / 3).mean(), abs=1e-5)


def test_csv_has_a_row_a_moment_and_no_formulas():
    rows = list(csv.DictReader(io.StringIO(export([answer(), answer("=HYPERLINK(1)")], "csv"))))
    assert len(rows) == 6
    assert (rows[0]["rank"], rows[0]["start_seconds"], rows[0]["end_seconds"]) == ("1", "12.500", "15.000")
    assert rows[3]["query"] == "'=HYPERLINK(1)"


def test_srt_counts_its_cues_in_order_of_time():
    text = export([answer()], "srt")
    cues = re.findall(r"(\d+)\n(\S+) --> (\S+)\n(.+)\n", text)
    assert [(n, start, end) for n, start, end, _ in cues] == [
        ("1", "00:00:00,000", "00:00:03,200"),
        ("2", "00:00:12,500", "00:00:15,000"),
        ("3", "00:00:14,000", "00:00:20,040"),
    ]


def test_vtt_chapters_never_cut_across_each_other():
    text = export([answer()], "vtt")
    assert text.startswith("WEBVTT\n\n")
    times = re.findall(r"^(\S+) --> (\S+)$", text, re.M)
    assert times == [("00:00:00.000", "00:00:03.200"), ("00:00:12.500", "00:00:15.000")]
    assert "NOTE Left out" in text and "00:00:14.000 to 00:00:20.040, no. 2" in text


def test_edl_is_read_by_the_cmx_3600_adapter():
    text = export([answer(rate_hz=25.0)], "edl")
    timeline = opentimelineio.adapters.read_from_string(text, "cmx_3600", rate=25)
    clips = list(timeline.find_clips())
    assert [clip.name for clip in clips] == ["a b.mp4"] * 3
    spans = [(c.source_range.start_time.to_seconds(), c.source_range.end_time_exclusive().to_seconds()) for c in clips]
    assert spans == [(12.48, 15.0), (14.0, 20.04), (0.0, 3.2)]  # 12.5 s is half-way between two frames
    assert timeline.duration().to_frames() == 63 + 151 + 80


def test_otio_is_read_by_opentimelineio():
    timeline = opentimelineio.adapters.read_from_string(export([answer(rate_hz=30000 / 1001)], "otio"), "otio_json")
    assert isinstance(timeline, opentimelineio.schema.Timeline)
    (track,) = timeline.video_tracks()
    assert len(track) == 3
    for clip, moment in zip(track, MOMENTS, strict=True):
        assert clip.source_range.start_time.to_seconds() == pytest.approx(moment.start_seconds, abs=0.02)
        assert clip.source_range.end_time_exclusive().to_seconds() == pytest.approx(moment.end_seconds, abs=0.02)
        assert clip.media_reference.target_url == "file:///v/a%20b.mp4"
        available = clip.media_reference.available_range
        assert available.start_time <= clip.source_range.start_time
        assert clip.source_range.end_time_exclusive() <= available.end_time_exclusive()
        assert clip.metadata["tfgrounding"]["score"] == moment.score
    again = opentimelineio.adapters.write_to_string(timeline, "otio_json")
    assert opentimelineio.adapters.read_from_string(again, "otio_json").is_equivalent_to(timeline)


def test_a_hostile_query_writes_no_cue_or_edit_of_its_own():
    hostile = answer(HOSTILE, MOMENTS[:1], path="/v/x\n* FROM CLIP NAME: y.mp4")
    assert export([hostile], "srt").count("\n00:00") == 1
    assert not set("<>{}") & set(export([hostile], "srt").replace("-->", ""))
    vtt = export([hostile], "vtt")
    assert vtt.count("-->") == 1 and "<" not in vtt
    edl = export([hostile], "edl").splitlines()
    assert sum(line.startswith("* FROM CLIP NAME") for line in edl) == 1
    row = next(csv.DictReader(io.StringIO(export([hostile], "csv"))))
    assert row["query"] == HOSTILE


def test_no_moment_is_still_a_file_of_its_kind():
    empty = [answer(moments=())]
    assert json.loads(export(empty, "jsonl"))["pred_relevant_windows"] == []
    assert export(empty, "vtt") == "WEBVTT\n"
    assert export(empty, "srt") == ""
    assert len(export(empty, "csv").splitlines()) == 1
    assert len(list(opentimelineio.adapters.read_from_string(export(empty, "otio"), "otio_json").find_clips())) == 0


@pytest.mark.parametrize(
    ("rate_hz", "standard"),
    [
        (23.98, 24000 / 1001),
        (24.0, 24),
        (25.0, 25),
        (29.97, 30000 / 1001),
        (29.83, 30000 / 1001),  # what telephones make of it
        (30.0, 30),
        (50.0, 50),
        (59.94, 60000 / 1001),
        (60.0, 60),
        (15.0, 30),
        (12.5, 25),
        (120.0, 60),
        (18.78, 24),  # variable
        (44.0, 50),
        (None, 25),
        (0.2, 25),
        (1000.0, 25),
    ],
)
def test_an_edit_list_has_a_rate_that_editors_know(rate_hz, standard):
    assert float(standard_rate(rate_hz)) == standard
    assert float(edit_rate([answer(rate_hz=rate_hz).video]).hz) == standard


def test_several_videos_are_counted_at_the_highest_of_their_rates():
    videos = [answer(rate_hz=rate_hz).video for rate_hz in (24.0, 50.0, 25.0)]
    assert edit_rate(videos) == EditRate(Fraction(50), False)


@given(st.integers(0, 23 * 3600 * 30), st.sampled_from([30, 60]))
def test_drop_frame_timecodes_keep_up_with_the_clock(frame, nominal_hz):
    rate = EditRate(Fraction(nominal_hz * 1000, 1001), True)
    name = rate.timecode(frame)
    assert rate.frame_named(name) == frame
    hours, minutes, seconds, frames = map(int, re.split("[:;]", name))
    assert 3600 * hours + 60 * minutes + seconds + frames / nominal_hz == pytest.approx(frame / float(rate.hz), abs=0.2)
    expected = opentimelineio.opentime.to_timecode(
        opentimelineio.opentime.RationalTime(frame, float(rate.hz)), float(rate.hz), True
    )
    assert name == expected


@pytest.mark.parametrize(
    ("rate_hz", "moment", "source"),
    [
        (18.78, Moment(15.0, 19.967, 0.5), "00:00:15:00 00:00:19:23"),
        (29.97, Moment(600.0, 1200.0, 0.5), "00:10:00;00 00:20:00;00"),
        (59.94, Moment(3600.0, 4200.0, 0.5), "01:00:00;00 01:10:00;00"),
        (25.0, Moment(3600.0, 3661.48, 0.5), "01:00:00:00 01:01:01:12"),
    ],
)
def test_no_timecode_drifts(rate_hz, moment, source):
    text = export([answer(moments=[moment], rate_hz=rate_hz)], "edl")
    assert source in text
    assert ("FCM: DROP FRAME" in text) == (";" in source)


def test_the_start_timecode_of_the_file_is_added():
    kept = answer(moments=[Moment(1.0, 2.0, 0.5)], start_timecode="10:00:00:00")
    assert "10:00:01:00 10:00:02:00 00:00:00:00 00:00:01:00" in export([kept], "edl")
    assert "00:00:01:00 00:00:02:00 00:00:00:00 00:00:01:00" in export([kept], "edl", timecode="zero")
    for timecode, hour in (("file", 10), ("zero", 0)):
        timeline = opentimelineio.adapters.read_from_string(export([kept], "otio", timecode=timecode), "otio_json")
        (clip,) = timeline.find_clips()
        assert clip.source_range.start_time.to_seconds() == hour * 3600 + 1
        assert clip.media_reference.available_range.start_time.to_seconds() == hour * 3600
    non_drop = replace(kept, video=replace(kept.video, frame_rate_hz=29.97))
    assert "FCM: NON-DROP FRAME" in export([non_drop], "edl") and "10:00:01:00" in export([non_drop], "edl")
    drop = replace(kept, video=replace(kept.video, frame_rate_hz=29.97, start_timecode="00:59:59;00"))
    assert "FCM: DROP FRAME" in export([drop], "edl") and "01:00:00;00" in export([drop], "edl")
    damaged = replace(kept, video=replace(kept.video, start_timecode="noon"))
    with pytest.raises(TFGroundingError, match="'noon' is not HH:MM:SS:FF"):
        export([damaged], "edl")
    with pytest.raises(TFGroundingError, match="timecode must be file or zero, not 'no'"):
        export([kept], "otio", timecode="no")


def test_formats_that_count_from_the_start_of_the_file():
    late = answer(moments=[Moment(3.0, 7.0, 0.5)], start_offset_seconds=3.0)
    assert "00:00:06,000 --> 00:00:10,000" in export([late], "srt")
    assert "00:00:06.000 --> 00:00:10.000" in export([late], "vtt")
    assert "00:00:06:00 00:00:10:00" in export([late], "edl")
    timeline = opentimelineio.adapters.read_from_string(export([late], "otio"), "otio_json")
    (clip,) = timeline.find_clips()
    assert clip.source_range.start_time.to_seconds() == 6.0
    assert clip.media_reference.available_range.duration.to_seconds() == 24.0
    assert "3.000,7.000" in export([late], "csv")


@pytest.mark.parametrize(
    "query",
    [
        "=1+1",
        "+1",
        "-1",
        "@a",
        "＝1+1",
        "＋1",
        "－1",
        "＠a",
        ' "=1+1',
        "a;=1+1",
        'a;" =1+1"',
        "a\n=1+1",
        "a\t＝1",
        "\t=1",
    ],
)
def test_no_cell_is_a_formula_whatever_separates_cells(query):
    text = export([answer(query, path=f"/v/{query}")], "csv")
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            for cell in row:
                assert not re.match(r"[=+\-@＝＋－＠\t\r]", cell.lstrip(' "')), (delimiter, cell)
    for row in text.replace("\n", ";").split(";"):
        assert not re.match(r'[\s"]*[=+\-@＝＋－＠]', row)


def test_ordinary_text_is_left_as_it_is():
    query = "a dog - or a cat - barks; then it runs, 2 + 2 = 4, a@b"
    assert next(csv.DictReader(io.StringIO(export([answer(query)], "csv"))))["query"] == query


def count_moments(answers):
    return "".join(f"{found.query}: {len(found.moments)}\n" for found in answers)


class Counter:
    def __call__(self, answers, *, unit="moments"):
        return count_moments(answers).replace("\n", f" {unit}\n")


def test_an_export_of_ones_own():
    assert export([answer()], count_moments) == "a dog barks: 3\n"
    assert export([answer()], Counter()) == export([answer()], Counter) == "a dog barks: 3 moments\n"
    assert export([answer()], f"{__name__}:count_moments") == "a dog barks: 3\n"
    assert export([answer()], f"{__name__}:Counter", unit="times") == "a dog barks: 3 times\n"


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("xml", {}, "json, jsonl, otio, srt, vtt, or module:Class"),
        ("srt:x", {}, "nothing may follow 'srt'"),
        ("no_such_module:f", {}, "'no_such_module:f' is not known"),
        (f"{__name__}:none", {}, "none"),
        (f"{__name__}:HOSTILE", {}, "is not a function"),
        ("srt", {"timecode": "zero"}, "format 'srt' has no option 'timecode'"),
        (lambda answers: 1, {}, "must return text, not int"),
        (lambda answers: 1 / 0, {}, "failed: ZeroDivisionError: division by zero"),
    ],
)
def test_an_export_that_cannot_be_used_says_why(name, options, says):
    with pytest.raises(TFGroundingError, match=re.escape(says)):
        export([answer()], name, **options)


@given(
    st.lists(
        st.tuples(st.floats(0, 20.9), st.floats(0.001, 21.0)).map(lambda p: Moment(p[0], min(21.0, p[0] + p[1]), 0.5)),
        max_size=6,
    ).map(lambda ms: [m for m in ms if m.end_seconds > m.start_seconds]),
    st.sampled_from([None, 23.976, 25.0, 29.97, 59.94]),
    st.text(min_size=1).filter(str.strip),
)
def test_every_format_takes_every_answer(moments, rate_hz, query):
    grounding = replace(answer(moments=moments, rate_hz=rate_hz), query=query)
    for name in FORMATS:
        export([grounding], name).encode("utf-8", "replace")
    timeline = opentimelineio.adapters.read_from_string(export([grounding], "otio"), "otio_json")
    assert all(c.source_range.duration.value >= 1 for c in timeline.find_clips())
    chapters = re.findall(r"^(\d\d:\S+) --> (\S+)$", export([grounding], "vtt"), re.M)
    for a in chapters:
        for b in chapters:
            assert a[1] <= b[0] or b[1] <= a[0] or (b[0] <= a[0] and a[1] <= b[1]) or (a[0] <= b[0] and b[1] <= a[1])


# --- tracks of words -------------------------------------------------------------------------------------------------


def said(text, start=12.0, end=14.0):
    return worded(answer(), Evidence("said", start, end, text))


def test_csv_has_a_column_for_evidence_only_where_there_is_some():
    assert "evidence" not in export([answer()], "csv")
    rows = list(csv.DictReader(io.StringIO(export([answer(), milk(answer())], "csv"))))
    assert [row["evidence"] for row in rows[:3]] == ["", "", ""]
    assert rows[3]["evidence"] == 'said 12.500-13.750 s "let\'s start with the milk"; shown 12.500-15.000 s'
    many = worded(answer(), *(Evidence("said", i / 50, 20, "word " * 999) for i in range(900)))
    cell = next(csv.DictReader(io.StringIO(export([many], "csv"))))["evidence"]
    assert len(cell) < 32_767 and cell.endswith("; and 880 more")


@pytest.mark.parametrize("text", ["=1+1", ";=1+1", "\t=1+1", "a\n@x", '";=1"', "; ＝1"])
def test_no_words_are_a_formula(text):
    table = export([said(text)], "csv")
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(table), delimiter=delimiter):
            for cell in row:
                assert not re.match(r"[=+\-@＝＋－＠\t\r]", cell.lstrip(' "')), (delimiter, cell)


def test_jsonl_and_json_hold_the_evidence():
    plain, row = (json.loads(line) for line in export([answer(), milk(answer())], "jsonl").splitlines())
    assert "evidence" not in plain
    assert [len(found) for found in row["evidence"]] == [2, 0, 0]
    words = {"track": "said", "start_seconds": 12.5, "end_seconds": 13.75, "text": "let's start with the milk"}
    assert row["evidence"][0][0] == words
    assert json.loads(export([milk(answer())], "json"))[0]["moments"][0]["evidence"][0] == words


def test_subtitles_show_the_words_under_the_query():
    assert 'a dog barks (no. 1, score 0.900)\nsaid "let\'s start with the milk"\n\n3\n' in export(
        [milk(answer())], "srt"
    )
    assert '--> 00:00:15.000\na dog barks\nsaid "let\'s start with the milk"\n' in export([milk(answer())], "vtt")


def test_hostile_words_write_no_cue_or_edit_of_their_own():
    hostile = said(HOSTILE)
    assert export([hostile], "srt").count("\n00:00") == 3 and "\n\n\n" not in export([hostile], "srt")
    vtt = export([hostile], "vtt")
    assert vtt.count("-->") == 2 and "<" not in vtt
    edl = export([hostile], "edl").splitlines()
    assert sum(line.startswith("* FROM CLIP NAME") for line in edl) == 3
    assert sum(line.startswith("* COMMENT") for line in edl) == 4


def test_edit_lists_hold_the_words_as_comments():
    text = export([milk(answer())], "edl")
    assert '* COMMENT: said "let\'s start with the milk"\n002' in text
    timeline = opentimelineio.adapters.read_from_string(text, "cmx_3600", rate=25)
    assert len(list(timeline.find_clips())) == 3


def test_timelines_hold_the_words_as_markers():
    kept = worded(
        answer(start_timecode="10:00:00:00"), Evidence("said", 12.0, 13.5, "pour it"), Evidence("said", 1.0, 2.0, "no")
    )
    timeline = opentimelineio.adapters.read_from_string(export([kept], "otio"), "otio_json")
    first, second, _ = timeline.find_clips()
    (marker,) = first.markers  # words outside the moment have no place in its clip
    assert (marker.name, marker.comment) == ("said", "pour it") and not second.markers
    marked = marker.marked_range
    assert marked.start_time == first.source_range.start_time
    assert marked.end_time_exclusive().to_seconds() == pytest.approx(36013.5, abs=0.02)
    assert [found["text"] for found in first.metadata["tfgrounding"]["evidence"]] == ["pour it", "no"]
    again = opentimelineio.adapters.write_to_string(timeline, "otio_json")
    assert opentimelineio.adapters.read_from_string(again, "otio_json").is_equivalent_to(timeline)


@given(st.text(), st.floats(-5, 30), st.floats(0, 30))
def test_every_format_takes_any_words(text, start, length):
    found = said(text, start, start + length)
    for name in FORMATS:
        export([found], name).encode("utf-8", "replace")
    opentimelineio.adapters.read_from_string(export([found], "otio"), "otio_json")


# --- queries of several events ---------------------------------------------------------------------------------------


def dance() -> Grounding:
    """First a man dances (12.6 to 13.4 s), then a band plays (13.4 to 18 s, further than the best moment)."""
    plan = Plan("a man dances, then a band plays", (), (SubEvent(("a man dances",)), SubEvent(("=a band\nplays",))))
    events = (
        EventMoment("a man dances", Moment(12.6, 13.4, 0.7), 0.9),
        EventMoment("=a band\nplays", Moment(13.4, 18.0, 0.6, evidence=(Evidence("said", 14, 15, "one two"),)), 0.2),
    )
    return replace(answer(), plan=replace(plan, relation="sequentially"), events=events, present=0.8)


def test_csv_has_a_row_for_each_event():
    rows = list(csv.DictReader(io.StringIO(export([dance(), answer("a cat")], "csv"))))
    assert [(row["rank"], row["event"], row["present"]) for row in rows] == [
        ("1", "", "0.800000"),
        ("2", "", "0.800000"),
        ("3", "", "0.800000"),
        ("", "a man dances", "0.900000"),
        ("", "'=a band\nplays", "0.200000"),
        ("1", "", ""),
        ("2", "", ""),
        ("3", "", ""),
    ]
    assert (rows[3]["start_seconds"], rows[3]["end_seconds"]) == ("12.600", "13.400")
    assert "one two" in rows[4]["evidence"] and "event" not in export([answer()], "csv").split("\n")[0]


def test_json_and_jsonl_hold_the_events():
    for name in ("json", "jsonl"):
        text = export([dance()], name)
        (found,) = json.loads(text) if name == "json" else [json.loads(text)]
        assert [(e["text"], e["start_seconds"], e["present"]) for e in found["events"]] == [
            ("a man dances", 12.6, 0.9),
            ("=a band\nplays", 13.4, 0.2),
        ]


def test_subtitles_have_a_cue_for_each_event():
    srt = export([dance()], "srt")
    assert "00:00:12,600 --> 00:00:13,400\na man dances (event 1 of 2)\n" in srt
    assert "00:00:13,400 --> 00:00:18,000\n=a band plays (event 2 of 2)\n" in srt
    assert re.findall(r"^\d+$", srt, re.M) == ["1", "2", "3", "4", "5"]
    vtt = export([dance()], "vtt")
    assert "00:00:12.600 --> 00:00:13.400\na man dances (event 1 of 2)" in vtt
    assert "00:00:13.400 to 00:00:18.000, =a band plays (event 2 of 2)" in vtt  # overlaps the best moment half-way


def test_edit_lists_have_a_locator_for_each_event():
    edl = export([dance()], "edl")
    timeline = opentimelineio.adapters.read_from_string(edl, "cmx_3600", rate=25)
    best, *others = timeline.find_clips()
    assert [marker.name for marker in best.markers] == ["a man dances (event 1 of 2)", "=a band plays (event 2 of 2)"]
    assert [marker.color for marker in best.markers] == ["RED", "RED"]
    assert not any(clip.markers for clip in others)
    assert "* LOC: 00:00:00:03 RED     a man dances (event 1 of 2)" in edl  # of what is recorded
    assert "* COMMENT: =a band plays (event 2 of 2): 00:00:13:10 to 00:00:18:00" in edl


def test_timelines_have_a_marker_for_each_event():
    timeline = opentimelineio.adapters.read_from_string(export([dance()], "otio"), "otio_json")
    best, *others = timeline.find_clips()
    first, second = best.markers
    assert first.name == "a man dances (event 1 of 2)" and second.comment == "13.400 to 18.000 s"
    assert second.marked_range.end_time_exclusive().to_seconds() == pytest.approx(15.0, abs=0.03)  # cut to the clip
    assert best.metadata["tfgrounding"]["events"][1]["end_seconds"] == 18.0
    assert not any(clip.markers or "events" in clip.metadata["tfgrounding"] for clip in others)
