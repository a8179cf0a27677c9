"""The reader of replies: forms that models write, each by its name; anything at all; the form of our own schema."""

import contextlib
import gzip
import json
import math
import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tfgrounding.errors import ModelError
from tfgrounding.llm.replies import without_thoughts
from tfgrounding.vision import answer_schema, read_reply
from tfgrounding.vision.saliency import read_saliency

ANSWERS = Path(__file__).parents[3] / "shared" / "answers"
INF = math.inf
ABSENT, REFUSED = "absent", "refused"
FORMS = {  # name: (unit, reply, reading)
    # times as text
    "clock, both in brackets": ("second", "[01:05, 01:11]", [(65, 71)]),
    "clock with a stray s": ("second", "1:05.5s - 1:11.0s", [(65.5, 71)]),
    "clock as in subtitles": ("second", "00:01:05,250 --> 00:01:11,500", [(65.25, 71.5)]),
    "clock, arrow": ("second", "01:05 → 01:11", [(65, 71)]),
    "clock that cannot be": ("second", "from 0:75 to 1:99", REFUSED),
    "timecode with frames": ("second", "12:34:56:07 to 12:34:57:00", REFUSED),
    "minutes and seconds in words": ("second", "1 minute and 5 seconds to 1 minute and 11 seconds", [(65, 71)]),
    "minutes, glued": ("second", "2m5s to 2m11s", [(125, 131)]),
    "minutes, the first without a unit": ("second", "1 to 2 minutes", [(60, 120)]),
    "hours": ("second", "1 hour to 1 hour 5 minutes", [(3600, 3900)]),
    "spelled numbers": ("second", "one minute five seconds to one minute eleven seconds", [(65, 71)]),
    "Chinese minutes": ("second", "2分5秒到2分11秒", [(125, 131)]),
    "Japanese minutes": ("second", "2分5秒から2分11秒まで", [(125, 131)]),
    "decimal commas": ("second", "da 4,5 a 9,25 secondi", [(4.5, 9.25)]),
    "a comma that may be anything": ("second", "4,25", REFUSED),
    "tags around numbers": ("second", "<4.0> to <9.5>", [(4, 9.5)]),
    "milliseconds": ("second", "from 4000 ms to 9500 ms", [(4, 9.5)]),
    "length after the range": ("second", "4 s to 9 s, lasting 5 seconds", [(4, 9)]),
    "length of the video before": (
        "second",
        "The 30-second clip shows a market; a cart passes from 4 to 9 s.",
        [(4, 9)],
    ),
    "only a length": ("second", "It takes 5 seconds.", REFUSED),
    "below zero": ("second", "from -4 to 9 seconds", REFUSED),
    "frames where seconds were asked": ("second", "frames 12 to 27", REFUSED),
    "both, seconds asked": ("second", "frame 8 (4.0 s) to frame 19 (9.5 s)", [(4, 9.5)]),
    "both, frames asked": ("frame", "4.0 s - 9.5 s (frames 8-19)", [(8, 19)]),
    # frames as text
    "list and ranges": ("frame", "Frames 2, 6-8 and 11", [(2, 2), (6, 8), (11, 11)]),
    "list with dots": ("frame", "frames 2, 3, ..., 8", [(2, 8)]),
    "all but": ("frame", "It is in every frame except frames 5-6.", [(-INF, 4), (7, INF)]),
    "Chinese, range before the word": ("frame", "第12-19帧", [(12, 19)]),
    "Korean ordinals": ("frame", "12번째 프레임부터 19번째 프레임까지", [(12, 19)]),
    "ordinals": ("frame", "from the 12th to the 19th frame", [(12, 19)]),
    "start and end in two lines": ("frame", "1. It begins at frame 12.\n2. It ends at frame 19.", [(12, 19)]),
    "table": ("frame", "| first frame | last frame |\n|---|---|\n| 12 | 19 |", [(12, 19)]),
    "to the end": ("frame", "Frame 12 until the end of the video", [(12, INF)]),
    "three ends": ("frame", "frames 12-19-25", REFUSED),
    "half a frame": ("frame", "from frame 11.5 to frame 19", REFUSED),
    "a huge number": ("frame", f"from frame 1 to frame {'7' * 40}", REFUSED),
    "an exponent": ("frame", "from frame 1 to frame 1e400", REFUSED),
    "a comparison": ("frame", "frames > 12", REFUSED),
    "a start alone": ("frame", "The kettle starts to boil at frame 12.", REFUSED),
    "cut off": ("frame", "It is visible from frame 12 to", REFUSED),
    "counts are no frames": ("frame", "for 7 frames, frames 12-18, two dogs and three cats play", [(12, 18)]),
    # what is denied or only told
    "none, then a description": ("frame", "None.\nFrames 1 to 40 show a market.", ABSENT),
    "minus one": ("frame", "[-1, -1]", ABSENT),
    "no frames at all": ("frame", "There is no frame in which a kettle boils: the event is never shown.", ABSENT),
    "described, but rejected": ("frame", "Frames 2-5 show a pan, not a kettle; the kettle is in 12-19", [(12, 19)]),
    "rejected behind": ("frame", "frames 12-19, not frames 2-5", [(12, 19)]),
    "contradiction": ("frame", "From frame 12 to frame 19. The event does not occur.", REFUSED),
    "one frame of all shown": ("frame", "Frames 1-11: an empty stove\nFrames 12-19: a kettle boils", REFUSED),
    "where it is not, no more": ("frame", "It is not in frames 5 to 9.", REFUSED),
    "a question": ("frame", "Is it from frame 12 to frame 19?", REFUSED),
    "is not clear": ("frame", "It is not clear whether the event is visible.", REFUSED),
    # thoughts
    "corrects itself": ("frame", "from frame 2 to frame 5. Wait, no: from frame 12 to frame 19.", [(12, 19)]),
    "thought without a mark": ("frame", "Okay, the user asks for a kettle. Maybe frames 2 to 5. Let me check", REFUSED),
    "thought, then therefore": ("frame", "Let me see. Frames 2-5 are dark. Therefore, frames 12-19.", [(12, 19)]),
    "reasons behind": ("frame", "frames 12-19\n\nReason: in frames 2-5 the stove is off.", [(12, 19)]),
    # JSON
    "JSON, clock": ("second", '{"moments": [{"start": "01:05", "end": "01:11.5"}]}', [(65, 71.5)]),
    "JSON, both units": ("frame", '{"start_frame": 8, "end_frame": 19, "start_time": "0:04"}', REFUSED),
    "JSON, seconds where frames were asked": ("frame", '{"start_time": 4, "end_time": 9}', REFUSED),
    "JSON, cut off": ("frame", '[{"start": 2, "end": 5}, {"start": 12,', REFUSED),
    "JSON, a box": ("frame", '[{"bbox_2d": [12, 19, 40, 60], "label": "kettle"}]', REFUSED),
    "JSON, contradiction": ("frame", '{"visible": false, "start": 12, "end": 19}', REFUSED),
    "JSON, null": ("second", '{"start": null, "end": null}', ABSENT),
    "JSON, a text": ("frame", '{"reason": "frames 2-5 are dark", "frames": "12-19"}', [(12, 19)]),
    # other units
    "percent": ("percent", "between 12 % and 40 % of the video", [(12, 40)]),
    "parts of one where percent were asked": ("percent", "from 0.12 to 0.4", REFUSED),
    "steps": ("step", "From <12> to <40>.", [(12, 40)]),
    "a step that is not there": ("step", "From <12> to <340>.", REFUSED),
    # what a range cannot be
    "falling": ("second", "27 to 14", REFUSED),
    "falling, a clock and a number": ("second", "2:40 to 52", REFUSED),
    "falling in JSON": ("frame", '{"start": 27, "end": 14}', REFUSED),
    "falling, each a frame": ("frame", "from frame 27 to frame 14", [(14, 27)]),
    "thousands": ("second", "2,500 to 2,650 seconds", REFUSED),
    "two numbers with a sign of and": ("second", "14 & 27", REFUSED),
    "zero alone": ("second", "0", REFUSED),
    "parts of the whole": ("second", "0.4 to 0.55 of the video", REFUSED),
    "time of day": ("second", "from 7:15pm to 7:20pm", REFUSED),
    "frames a second": ("second", "14 to 27 fps", REFUSED),
    "prices": ("second", "$14 to $27", REFUSED),
    "minutes with a point": ("second", "2.10 to 2.40 minutes", REFUSED),
    "a length, no end": ("second", "at 2:05, for 9 s", REFUSED),
    # no picture came
    "no pictures": ("frame", "I was not given any pictures.", REFUSED),
    "no pictures, Spanish": ("frame", "No veo ninguna imagen.", REFUSED),
    "no pictures, Chinese": ("frame", "没有收到图片", REFUSED),
    "no pictures, JSON": ("frame", '{"moments": [], "error": "no input"}', REFUSED),
    "pictures, but no event": ("frame", "No picture shows a kettle.", ABSENT),
    # JSON that denies, JSON of other things
    "JSON, status": ("frame", '{"status": "not_visible", "start_frame": 14, "end_frame": 27}', REFUSED),
    "JSON, absent": ("frame", '{"absent": true, "frames": [14, 15]}', ABSENT),
    "JSON, absent, zeros": ("frame", '{"present": 0, "start": 0, "end": 0}', ABSENT),
    "JSON, rejected beside": ("frame", '{"rejected": [[2, 5]], "moments": [[14, 27]]}', [(14, 27)]),
    "JSON, only rejected": ("frame", '{"not_visible_frames": [2, 5]}', REFUSED),
    "JSON, the video beside": ("second", '{"video": {"start": 0, "end": 90}, "answer": [14, 27]}', [(14, 27)]),
    "JSON, two starts": ("frame", '{"start": 2, "end": 5, "start_frame": 14, "end_frame": 27}', REFUSED),
    "JSON, unit of its own": ("second", '{"start": 14, "end": 27, "unit": "frames"}', REFUSED),
    "JSON, minutes and seconds": (
        "second",
        '{"start_minute": 1, "start_second": 5, "end_minute": 1, "end_second": 9}',
        REFUSED,
    ),
    "JSON, frames one by one": ("frame", '[{"frame": 14}, {"frame": 15}]', [(14, 15)]),
    "JSON, a note": ("frame", '{"moments": [], "note": "perhaps frames 14-27"}', REFUSED),
    "JSON, denied before": ("frame", 'It is not {"start": 14, "end": 27}.', REFUSED),
    "JSON, denied behind": ("frame", '{"start": 14, "end": 27} is wrong', REFUSED),
    "JSON, the last is final": (
        "frame",
        'First {"start": 2, "end": 5}. Final answer: {"start": 14, "end": 27}',
        [(14, 27)],
    ),
    "JSON, two answers": ("frame", '{"moments": [[2, 5]]}\n{"moments": [[14, 27]]}', REFUSED),
    # tables, moments lost or added
    "table with running numbers": (
        "frame",
        "| Moment | Frames |\n|---|---|\n| 1 | 14-27 |\n| 2 | 31-36 |",
        [(14, 27), (31, 36)],
    ),
    "first at, again at": ("second", "First at 14s-27s, then again at 31s-36s.", [(14, 27), (31, 36)]),
    "length and rate behind": ("second", "From 14 s to 27 s (13 seconds in total), at 25 fps.", [(14, 27)]),
    "ticks": ("frame", "2-5 ✗\n14-27 ✓", REFUSED),
    "guesses": ("frame", "My first guess was 2-5. My final guess is 14-27.", [(14, 27)]),
    "a cut": ("frame", "Between frame 14 and frame 15 there is a cut.", REFUSED),
    # denied, doubted, something else
    "another thing is done": ("frame", "She does not boil water; she boils milk in frames 14-27.", REFUSED),
    "closest": ("frame", "The closest is frames 14-27.", REFUSED),
    "doubt": ("frame", "I doubt frames 14-27.", REFUSED),
    "no doubt": ("frame", "No doubt: frames 14-27.", [(14, 27)]),
    "missing": ("frame", "The kettle is missing from frames 14-27.", REFUSED),
    "all but, everything": ("frame", "Everything but 14-27", REFUSED),
    "the whole video, of something else": ("frame", "The kitchen is dark throughout.", REFUSED),
    "the whole video": ("frame", "It is visible throughout the video.", [(-INF, INF)]),
    "even frames": ("frame", "even frames from 14 to 28", REFUSED),
    "all were examined": ("frame", "Frames 1 through 40 were examined. None show it.", ABSENT),
    "looked closer": ("frame", "It looked like 2-5, but on closer inspection it is 14-27.", [(14, 27)]),
    "happens at, ends at": ("second", "It happens at 2:05 (125 seconds) and ends at 2:11 (131 seconds).", [(125, 131)]),
    "a count, then the range": ("frame", "It spans 14 frames, from 14 to 27.", [(14, 27)]),
    # other languages
    "German, denied": ("second", "Von 14 bis 27 Sekunden ist nichts zu sehen.", REFUSED),
    "Italian, denied": ("second", "Da 14 a 27 secondi nessuno cucina.", REFUSED),
    "Korean, denied": ("second", "14초부터 27초까지는 보이지 않습니다", REFUSED),
    "Dutch, except": ("frame", "behalve frames 14-27", REFUSED),
    "Russian, except": ("frame", "кроме кадров 14-27", REFUSED),
    "Chinese, before": ("frame", "第14帧之前", REFUSED),
    "Chinese, after": ("frame", "第14帧以后", [(14, INF)]),
    "Dutch seconds": ("second", "van 14 tot 27 seconden", [(14, 27)]),
    "Polish seconds": ("second", "od 14 do 27 sekundy", [(14, 27)]),
    "a number that changes": ("second", "The house number changes from 14 to 27.", REFUSED),
    "two single times": ("second", "He sits down at 14 seconds and stands up around 27 seconds.", REFUSED),
    "does something else instead": ("second", "From 14 to 27 s he holds the kettle without filling it.", REFUSED),
    "JSON, yes or no to what is not known": ("second", '{"start": 0.2, "end": 0.3, "normalized": true}', REFUSED),
    "JSON, pictures failed": ("frame", '{"moments": [], "status": "failed to read the pictures"}', REFUSED),
    "no one in the video": ("frame", "There is no cook in the video.", ABSENT),
    "no sound in the video": ("frame", "There is no sound in the video.", REFUSED),
    "French, absent": ("second", "La bouilloire n'est pas visible dans la vidéo.", ABSENT),
    "not yet": ("second", "From 14 to 27 s he is about to fill it.", REFUSED),
    "mostly all": ("frame", "mostly the whole video", REFUSED),
    "an explanation behind": ("second", "14-27 s. Explanation: it does not boil earlier.", [(14, 27)]),
    "JSON, intervals by two names": ("second", '{"clip": {"start": 0, "end": 90}, "moment": [14, 27]}', REFUSED),
    "a name, then the range": ("frame", "Kettle boils: 14-27", [(14, 27)]),
    "Italian, none": ("frame", "Nessuno.", ABSENT),
    "Portuguese, absent": ("second", "O evento não aparece no vídeo.", ABSENT),
    "Japanese, absent": ("frame", "やかんは映っていません。", ABSENT),
}


@pytest.mark.parametrize(("unit", "reply", "reading"), FORMS.values(), ids=FORMS.keys())
def test_a_form_is_read_rightly(unit, reply, reading):
    steps = 300 if unit == "step" else None
    if reading == REFUSED:
        with pytest.raises(ModelError):
            read_reply(reply, unit=unit, steps=steps)
    else:
        times = read_reply(reply, unit=unit, steps=steps)
        assert (ABSENT if times.absent else times.intervals) == reading
        assert bool(times.intervals) != times.absent


def test_there_are_sixty_forms():
    assert len({(unit, reply) for unit, reply, _ in FORMS.values()}) >= 60


def test_numbers_that_were_shown_are_no_answer_beside_one():
    reply = "Frames 5 to 40. In these, frames 12 to 19 it is."
    assert read_reply(reply, unit="frame", shown=(5, 40)).intervals == [(12, 19)]
    with pytest.raises(ModelError):
        read_reply("The frames 5 to 40 were examined.", unit="frame", shown=(5, 40))
    assert read_reply("Out of frames 5-40, 12-19", unit="frame", shown=(5, 40)).intervals == [(12, 19)]
    assert read_reply("from frame 5 to frame 40", unit="frame", shown=(5, 40)).intervals == [(5, 40)]
    assert read_reply("It is not visible in frames 5 to 40.", unit="frame", shown=(5, 40)).absent
    with pytest.raises(ModelError):  # only a part
        read_reply("It is not visible in frames 5 to 30.", unit="frame", shown=(5, 40))


@pytest.mark.parametrize("unit", ["second", "frame"])
def test_a_reply_by_our_schema_is_read(unit):
    schema = answer_schema(unit, confidence=True)
    names = list(schema["properties"]["moments"]["items"]["properties"])
    moments = [dict(zip(names, values, strict=True)) for values in ((3, 9, 0.75), (12, 14, 0.5))]
    times = read_reply(json.dumps({"moments": moments}), unit=unit)
    assert times.intervals == [(3, 9), (12, 14)]
    assert times.confidences == [0.75, 0.5]
    assert read_reply('{"moments": []}', unit=unit).absent
    assert "confidence" not in json.dumps(answer_schema(unit))


@pytest.mark.parametrize(
    "marks",
    [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("[THINK]", "[/THINK]"),
        ("<seed:think>", "</seed:think>"),
        ("<reasoning>", "</reasoning>"),
        ("◁think▷", "◁/think▷"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ],
)
def test_marked_thoughts_are_left_out(marks):
    begin, end = marks
    assert read_reply(f"{begin}frames 1 to 2{end}frames 3 to 9", unit="frame").intervals == [(3, 9)]
    assert read_reply(f"frames 1 to 2{end}frames 3 to 9", unit="frame").intervals == [(3, 9)]
    with pytest.raises(ModelError):
        read_reply(f"{begin}frames 1 to 2, then frames 3 to 9", unit="frame")
    assert without_thoughts("frames 3 to 9") == "frames 3 to 9"


@pytest.mark.parametrize("end", ["<|im_end|>", "</s>", "<end_of_turn>", "<|eot_id|>", "\n", "  "])
@pytest.mark.parametrize("reply", ["from frame 3 to frame 9", '{"start": 3, "end": 9}', "3-9", "<answer>3-9</answer>"])
def test_marks_at_the_end_change_nothing(reply, end):
    assert read_reply(reply + end, unit="frame").intervals == [(3, 9)]


FRAGMENTS = st.sampled_from(
    [
        *("from", "to", "until", "frame", "frames", "second", "seconds", "starts", "ends", "and", "not", "none", "but"),
        *("except", "all", "the", "first", "last", "so", "answer:", "between", "第", "帧", "到", "秒", "没有", "null"),
        *("3", "9", "12", "-1", "0.5", "1e9", "0:03", "1:02:03", "5s", "2m5s", "%", "(", ")", "[", "]", "{", "}", ":"),
        *(",", ".", ";", "-", "~", "…", '"', "'", "|", "<", ">", "\n", "<think>", "</think>"),
    ]
)


@settings(max_examples=300, deadline=20_000)
@given(
    st.one_of(st.text(max_size=200), st.lists(FRAGMENTS, max_size=40).map(" ".join), st.lists(FRAGMENTS).map("".join)),
    st.sampled_from(["second", "frame", "percent", "step"]),
    st.sampled_from([None, (1.0, 64.0), (0.0, 0.0)]),
)
@example('{"start": NaN, "end": Infinity}', "second", None)
@example("[[[[[1, 2]]]]]" * 9, "frame", None)
@example("frames 3 except frames", "frame", (1.0, 64.0))
def test_any_text_is_read_or_refused(reply, unit, shown):
    try:
        times = read_reply(reply, unit=unit, steps=100, shown=shown)
    except ModelError:
        return
    assert times.absent == (not times.intervals)
    for start, end in times.intervals:
        assert start <= end
        assert (start >= 0 or start == -INF) and (end >= 0 or end == INF)
        assert unit not in ("frame", "step") or all(
            edge == INF or edge == -INF or edge % 1 == 0 for edge in (start, end)
        )


@pytest.mark.parametrize(
    "part", ["[", "9 ", "from 1 to ", "   ", "frame 3 a ", "not 3, ", "(-", "so 3 ", '{"a":[1,', "1:1:"]
)
def test_a_hostile_reply_takes_time_by_its_length(part):
    def seconds(length):
        started = time.perf_counter()
        for reader in (lambda text: read_reply(text, unit="frame"), read_saliency):
            with contextlib.suppress(ModelError):
                reader(part * (length // len(part)))
        return time.perf_counter() - started

    seconds(100)
    assert seconds(20_000) < 60 * min(seconds(2_000) for _ in range(2)) + 2  # 100 times longer if it were by the square


def test_a_reply_of_any_length_ends_soon():
    with pytest.raises(ModelError, match="characters"):
        read_reply("from frame 3 to frame 9. " * 100_000, unit="frame")


@pytest.mark.parametrize(
    ("reply", "saliency"),
    [
        ("Frame 1 (0:01): 1\nFrame 2 (0:02): 3", {1: 1, 2: 3}),
        ("Frames 1, 2, 3: 1\nFrames 4-5: 4", {1: 1, 2: 1, 3: 1, 4: 4, 5: 4}),
        ("Frames 1 and 2: 1", {1: 1, 2: 1}),
        ("| Frame | Saliency |\n|---|---|\n| 1 | 2 |\n| 2 | 5 |", {1: 2, 2: 5}),
        ("**Frame 1:** saliency 4/5", {1: 4}),
        ("Frame 1: a dog runs (score: 4)", {1: 4}),
        ("<think>Frame 1: 5</think>Frame 1: 2", {1: 2}),
        ("Frame 1: 2\nFrame 1: 4", {}),  # which of the two?
        ("Frame 1: 2 dogs run.\nFrame 2: 4", {2: 4}),
        ("Frame 1: 10:30 on the clock", {}),
        ('{"frames": [1, 2], "saliency": 3}', {1: 3, 2: 3}),
        ('{"scores": {"1": 3, "frame 2": 4}}', {1: 3, 2: 4}),
    ],
)
def test_saliency_in_more_forms(reply, saliency):
    assert read_saliency(reply) == saliency


@pytest.mark.skipif(not ANSWERS.is_dir(), reason="no shared answers here")
def test_replies_of_a_real_model_are_read_by_their_two_numbers():
    with gzip.open(ANSWERS / "seconds.jsonl.gz", "rt", encoding="utf-8") as lines:
        replies = [json.loads(line)["reply"] for line in lines]
    for reply in replies:
        numbers = re.findall(r"\d+\.\d+", re.sub('"[a-z][^"]*"', "", reply))
        assert read_reply(reply).intervals == [tuple(map(float, numbers))]
