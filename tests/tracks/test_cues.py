"""Files of subtitles: what can be read is read, what not is counted; tags, sounds and labels are no words."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.errors import TrackError
from tfgrounding.tracks import cues
from tfgrounding.tracks.cues import ass_cues, plain_cues, plain_words, read_cues

SRT = "1\n00:00:01,000 --> 00:00:02,500\nGrüße an alle\n\n2\n00:01:00,000 --> 01:00:00,000\nzwei\nZeilen\n"
ASS_HEAD = (
    "[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\nStyle: Default,Arial,broken\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


def rows(text: str) -> list[tuple[float, float, str]]:
    return [(cue.start_seconds, cue.end_seconds, "|".join(cue.lines)) for cue in plain_cues(text)[0]]


def test_subrip():
    assert rows(SRT) == [(1.0, 2.5, "Grüße an alle"), (60.0, 3600.0, "zwei|Zeilen")]
    assert rows(SRT.replace("\n", "\r\n")) == rows(SRT) == rows(SRT.replace("\n", "\r"))


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("0:0:1,5 --> 0:0:2", 1.5, 2.0),
        ("  00:00:01.000  -->  00:00:02.000 X1:10 X2:20", 1.0, 2.0),
        ("01:02,250-->01:03,250", 62.25, 63.25),
        ("100:00:00,000 --> 100:00:01,000", 360_000.0, 360_001.0),
        ("00:00:01:000 --> 00:00:02:000", 1.0, 2.0),
        ("00 : 00 : 01 , 000 --> 00 : 00 : 02 , 000", 1.0, 2.0),
        ("00:00:01,000 -> 00:00:02,000", 1.0, 2.0),
        ("00:00:01,000 —> 00:00:02,000", 1.0, 2.0),
        ("-00:00:01,500 --> 00:00:02,000", -1.5, 2.0),
    ],
)
def test_times_as_programs_write_them(times, start, end):
    assert rows(f"1\n{times}\ntext\n") == [(start, end, "text")]


def test_a_text_without_empty_line_behind_it_ends_before_the_next_number():
    text = "1\n00:00:01,000 --> 00:00:02,000\none\n2\n00:00:02,000 --> 00:00:03,000\n\ntwo\n\n\nmore\n\n3\n"
    assert rows(text) == [(1.0, 2.0, "one"), (2.0, 3.0, "two|more|3")]


@pytest.mark.parametrize("line", ["10:30 -> noon", "3 > 2 and 1 < 2", "he left 10:30 --", "<i>5:00</i>"])
def test_a_line_with_a_time_and_a_sign_is_text(line):
    assert [words for _, _, words in rows(f"1\n00:00:01,000 --> 00:00:02,000\nso\n{line}\n")] == [
        f"so|{line}".replace("<i>", "").replace("</i>", "")
    ]


def test_texts_may_be_numbers():
    assert rows("1\n00:00:01,000 --> 00:00:02,000\n42\n\n2\n00:00:02,000 --> 00:00:03,000\n43") == [
        (1.0, 2.0, "42"),
        (2.0, 3.0, "43"),
    ]


def test_the_words_under_damaged_times_are_left_out_and_counted(tmp_path):
    path = tmp_path / "a.srt"
    path.write_text(SRT + "\n3\n00:00:xx,000 --> 00:00:05,000\nlost\n\n4\n00:00:09,000 --> 00:00:08,000\nbackwards\n")
    found = read_cues(path)
    assert [cue.text for cue in found.cues] == ["Grüße an alle", "zwei Zeilen"]
    assert "2 of 4 subtitles cannot be read" in found.warnings[0]


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, b"no subtitles at all\n" * 50, b"1\nxx --> yy\nlost\n", bytes(range(256)) * 30]
)
@pytest.mark.parametrize("suffix", [".srt", ".vtt", ".ass"])
def test_a_file_with_nothing_to_read_is_an_error_in_one_sentence(tmp_path, content, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(TrackError, match="holds no subtitle that can be read") as raised:
        read_cues(path)
    assert "\n" not in str(raised.value)


def test_missing_files_folders_and_large_ones(tmp_path, monkeypatch):
    with pytest.raises(TrackError, match="no such file"):
        read_cues(tmp_path / "a.srt")
    with pytest.raises(TrackError, match="no regular file"):
        read_cues(tmp_path)
    path = tmp_path / "large.srt"
    with path.open("wb") as file:
        file.truncate(cues.LARGEST_FILE_BYTES + 1)
    with pytest.raises(TrackError, match="larger than 64 MB"):
        read_cues(path)
    monkeypatch.setattr(cues, "MOST_TEXTS", 1)
    path.write_text(SRT)
    with pytest.raises(TrackError, match="at most 1 "):
        read_cues(path)


def test_webvtt_notes_names_styles_and_settings_are_no_words():
    text = (
        "WEBVTT - title\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nintro\n00:01.000 --> 00:02.000 align:start\n"
        "<v Ann Lee>Fish &amp; <i>chips</i></v>\n\nNOTE two --\nlines\n\n7\n00:02.000 --> 00:03.000\n"
        "<c.yellow>Two</c>\n"
    )
    assert rows(text) == [(1.0, 2.0, "Fish & chips"), (2.0, 3.0, "Two")]


def test_words_with_their_own_times_keep_them():
    (cue,), _ = plain_cues(
        "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nan old line\nso<00:00:02.000><c> now</c><00:01:02.5><c>x</c>\n"
    )
    assert [(word.start_seconds, word.end_seconds, word.text) for word in cue.words] == [(1.0, 2.0, "so")]
    (cue,), _ = plain_cues("WEBVTT\n\n00:01.000 --> 00:04.000\nso<00:02.000><c> now</c><00:03.500><c> then</c>\n")
    assert [(word.start_seconds, word.end_seconds, word.text) for word in cue.words] == [
        (1.0, 2.0, "so"),
        (2.0, 3.5, "now"),
        (3.5, 4.0, "then"),
    ]
    assert cue.lines == ("so now then",)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[Music]", ""),
        ("♪ Happy birthday ♪", "Happy birthday"),
        ("(door closes)", ""),
        ("- (sighs)", ""),
        ("five (5) eggs", "five (5) eggs"),
        ("JOHN: Come in.", "Come in."),
        ("MRS. O'HARA: Now", "Now"),
        (">> ANCHOR: Good evening", "Good evening"),
        (">> and then", "and then"),
        ("Remember: stir well", "Remember: stir well"),
        ("- Who is it?", "Who is it?"),
        ("-Me.", "Me."),
        ("-5 degrees", "-5 degrees"),
        ("[JOHN] Hello [laughs] there", "Hello there"),
        ("It is 10:30", "It is 10:30"),
    ],
)
def test_sounds_labels_and_dashes_are_no_words(line, words):
    assert plain_words(line) == words


def test_tags_and_control_characters_go():
    (row,) = rows("1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<font color='red'>a < b</font> \x1b[31m\u202ec\u200b\n")
    assert row[2] == "a < b [31mc"


def test_substation_events():
    lines = [
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Ann,0,0,0,,{\\i1}Hello,{\\i0} you\\Nthere",
        "Comment: 0,0:00:02.00,0:00:03.00,Default,,0,0,0,,a comment",
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}",
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\k20}ka{\\k30}ra",
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,fx,ka",
        "Dialogue: 0,0:00:xx.00,0:00:04.00,Default,,0,0,0,,lost",
        "Dialogue: nothing",
        "Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,{\\pos(1,2)}last",
    ]
    found, unreadable = ass_cues(ASS_HEAD + "\n".join(lines))
    assert [(cue.start_seconds, cue.end_seconds, cue.lines) for cue in found] == [
        (1.0, 2.5, ("Hello, you", "there")),
        (3.0, 4.0, ("kara",)),
        (5.0, 6.0, ("last",)),
    ]
    assert unreadable == 2


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("{\\k20}ka{\\kf30}ra{\\K40}oke, with commas\\Nsecond", ("karaoke, with commas", "second")),
        ("{\\pos(1,2)}{\\p1}m 0 0 l 3 3{\\p0}caption behind", ("caption behind",)),
        ("before{\\p2}m 0 0 l 3 3{\\i1} l 4 4{\\p0\\b1} and behind", ("before and behind",)),
        ("{\\fscx200\\pbo3}plain {\\p0}line", ("plain line",)),
        ("{\\p1}m 0 0 l 3 3", None),
    ],
)
def test_karaoke_and_drawings_in_substation_events(line, lines):
    found, _ = ass_cues(ASS_HEAD + f"Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{line}\n")
    assert [cue.lines for cue in found] == ([] if lines is None else [lines])


@pytest.mark.parametrize(
    "line",
    [
        *(
            "{\\" * 40_000,
            "<c" * 40_000,
            "[" * 80_000,
            " " * 80_000,
            "{" * 80_000,
            "<00:00:01" * 9_000,
            "\x00" * 80_000,
        ),
        *("&" * 80_000, "A " * 40_000, "(" * 80_000, "- " * 40_000, ">> " * 30_000, "{\\k" * 20_000 + "}" * 20_000),
    ],
)
def test_hostile_lines_take_no_time(line):
    begin = time.process_time()
    plain_cues("WEBVTT\n\n" + f"00:01.000 --> 00:02.000\n{line}\n\n" * 20)
    plain_cues(f"1\n00:00:01,000 --> {line}\n")
    ass_cues(ASS_HEAD + f"Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{line}\n" * 20)
    assert time.process_time() - begin < 2


@given(st.text(alphabet="0123456789:,.-> \n<c>/{}\\[]WEBVT♪aé\r\u2028", max_size=300))
def test_any_text_gives_cues_that_are_plain(text):
    for made in (text, "WEBVTT\n\n" + text, "1\n00:00:01,000 --> 00:00:02,000\n" + text):
        for cue in plain_cues(made)[0]:
            assert all(line and line == " ".join(line.split()) for line in cue.lines)
            assert all(cue.start_seconds <= word.start_seconds < word.end_seconds for word in cue.words)
