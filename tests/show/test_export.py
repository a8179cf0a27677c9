"""Every format is read back by what reads it elsewhere: a parser, the real OpenTimelineIO, its CMX 3600 adapter."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import opentimelineio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding import Grounding, Moment, Plan, TFGroundingError, VideoInfo
from tfgrounding.show.export import FORMATS, edit_rate, export, frame_span

MOMENTS = (Moment(12.5, 15.0, 0.9), Moment(14.0, 20.04, 0.4), Moment(0.0, 3.2, 0.1))
HOSTILE = 'a <b>"dog"</b> & cat\n\n9\n00:00:00,000 --> 00:00:09,000\r\n* FROM CLIP NAME: x\n{\\an8}=1+1'


def answer(query: str = "a dog barks", moments=MOMENTS, *, rate_hz: float | None = 25.0, path: str = "/v/a b.mp4"):
    pts = (np.arange(63) + 0.5) / 3
    return Grounding(
        spans=tuple(moments),
        query=query,
        plan=Plan(query),
        video=VideoInfo(path, 21.0, 320, 240, rate_hz),
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
    assert timeline.duration().to_frames() == sum(frame_span(m, 25.0)[1] for m in MOMENTS)


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


def test_an_unknown_format_names_the_known_ones():
    with pytest.raises(TFGroundingError, match="json, jsonl, csv, srt, vtt, edl, otio"):
        export([], "xml")


@pytest.mark.parametrize("rate_hz", [None, 0.2, 1000.0])
def test_an_edit_list_has_a_rate_a_timecode_can_hold(rate_hz):
    assert edit_rate([answer(rate_hz=rate_hz)]) == (25.0, 25)


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
