"""Replies of vision LLMs become intervals of numbers: the real-looking ones, and anything at all."""

import math
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tfgrounding.vision.answers import ReplyIntervals, read_intervals
from tfgrounding.vision.saliency import read_saliency

INF = math.inf
A = [(3, 9)]
FRAME_REPLIES = [
    # as asked
    ("from frame 3 to frame 9", A),
    ("From frame 3 to frame 9.", A),
    ("FROM FRAME 3 TO FRAME 9", A),
    ("  from frame 3 to frame 9\n", A),
    ("from frame 3 to frame 9 and from frame 12 to frame 14", [(3, 9), (12, 14)]),
    ("from frame 3 to frame 9\nfrom frame 12 to frame 14", [(3, 9), (12, 14)]),
    # nearly as asked
    ("The event is visible from frame 3 to frame 9.", A),
    ("**From frame 3 to frame 9**", A),
    ("`from frame 3 to frame 9`", A),
    ("from frame 9 to frame 3", A),
    ("from frames 3 to 9", A),
    ("from frame 3 to 9", A),
    ("from 3 to 9", A),
    ("From frame #3 to frame #9", A),
    ("From frame_3 to frame_9", A),
    ("frames 3-9", A),
    ("Frames 3 – 9", A),
    ("frames 3—9", A),
    ("Frame 3 ~ Frame 9", A),
    ("frames 3...9", A),
    ("Frame 3 → Frame 9", A),
    ("3-9", A),
    ("3 to 9", A),
    ("[3, 9]", A),
    ("(3, 9)", A),
    ("3, 9", A),
    ("between frames 3 and 9", A),
    ("The action takes place between frame 3 and frame 9 of the video.", A),
    ("frame 3 through frame 9, inclusive", A),
    ("frame 3 until frame 9", A),
    ("From the frame numbered 3 to the frame numbered 9", A),
    ("From about frame 3 to around frame 9", A),
    ("From frame no. 3 to frame no. 9", A),
    ("from image 3 to image 9", A),
    ("from number 3 to number 9", A),
    ("Frames 3 all the way to 9 show the man pouring.", A),
    ("The woman opens the door from frame 3 to frame 9, out of 30 frames.", A),
    ("From frame 3/30 to frame 9/30", A),
    ("from frame 3 of 30 to frame 9 of 30", A),
    ("from frame 3 (0:03) to frame 9 (0:09)", A),
    ("from frame 3 (about 2.5 seconds in) to frame 9 (8.5 s)", A),
    ("The 2 men shake hands from frame 3 to frame 9.", A),
    ("Two men shake hands from frame 3 to frame 9 (confidence: 0.9)", A),
    ("from frame 3 to frame 9, confidence 85%", A),
    ('The event "he opens 2 doors from 1 to 5" is visible from frame 3 to frame 9.', A),
    ("The event lasts 7 frames, from frame 3 to frame 9.", A),
    ("Of the 30 frames shown, frames 3 to 9 show the dog running.", A),
    ("<think>Frames 1 and 2 are empty, frame 20 too.</think>from frame 3 to frame 9", A),
    ("Frame 1 shows a kitchen. Frame 2 shows a man. Final answer: from frame 3 to frame 9", A),
    ("At frame 3 the man lifts the cup, so the event happens from frame 3 to frame 9.", A),
    ("Answer: 3-9", A),
    ("From frame 3 to frame 9 is my answer, 100% sure.", A),
    ("The answer is from 3 to 9.", A),
    # start and end said apart
    ("Start: frame 3\nEnd: frame 9", A),
    ("start_frame: 3, end_frame: 9", A),
    ("The event starts at frame 3 and ends at frame 9.", A),
    ("It begins in frame 3 and finishes in frame 9.", A),
    ("The action starts at frame 3. It ends at frame 9.", A),
    ("It begins after frame 2 and ends before frame 10.", A),
    ("It does not start until frame 3 and lasts until frame 9.", A),
    ("The person is first visible in frame 3 and last seen in frame 9.", A),
    ("From frame 3, she starts singing, and stops at frame 9.", A),
    ('The event "a dog jumps" happens from frame 3 (when it jumps) to frame 9 (when it lands).', A),
    ("Frame 3 ... Frame 9", A),
    ("<answer>3 to 9</answer>", A),
    ("3 番目のフレームから 9 番目のフレームまで", A),
    ("The query event occurs between frame 3 and 9.", A),
    ("The man pours in frame 3 and continues until frame 9.", A),
    ("From frame 3 to frame 9.\n\nExplanation: a man in 1 red shirt throws 2 balls.", A),
    ("Frames: [3, 9]", A),
    ("start=3, end=9", A),
    ("from frame 03 to frame 09", A),
    ("From 00:03 to 00:09 (frames 3 to 9)", A),
    ("The event is not clearly visible, but likely from frame 3 to frame 9.", A),
    ("The man isn't in frame 1 to 2; he is in frames 3 to 9.", A),
    # several
    ("frames 3 to 5 and 8 to 10", [(3, 5), (8, 10)]),
    ("Frames 3-5, 8-10", [(3, 5), (8, 10)]),
    ("1. from frame 3 to frame 5\n2. from frame 8 to frame 10", [(3, 5), (8, 10)]),
    ("- Frames 3-5\n- Frames 8-10", [(3, 5), (8, 10)]),
    ("First from frame 3 to frame 5, then again from frame 8 to frame 10.", [(3, 5), (8, 10)]),
    # lists and single frames
    ("frames 3, 4, 5", [(3, 5)]),
    ("frames 3, 4, 5, 9 and 10", [(3, 5), (9, 10)]),
    ("Frames: 3, 4, 5, 6", [(3, 6)]),
    ("frame 3, frame 4, and frame 5", [(3, 5)]),
    ("3, 4, 5", [(3, 5)]),
    ("3\n4\n5", [(3, 5)]),
    ("frame 7", [(7, 7)]),
    ("7", [(7, 7)]),
    ("Only frame 7 shows it.", [(7, 7)]),
    ("The event is visible in frame 7.", [(7, 7)]),
    ("the 3rd frame", [(3, 3)]),
    ("from the third frame to the ninth frame", A),
    ("frame 3: yes\nframe 4: yes\nframe 5: no", [(3, 4)]),
    # open ends
    ("from frame 7 to the end", [(7, INF)]),
    ("from frame 7 onwards", [(7, INF)]),
    ("From frame 7 until the end of the video.", [(7, INF)]),
    ("from the beginning to frame 5", [(-INF, 5)]),
    ("throughout the video", [(-INF, INF)]),
    ("The event is visible in all frames.", [(-INF, INF)]),
    # words and other scripts
    ("from frame three to frame nine", A),
    ("From frame twenty-three to frame one hundred and five", [(23, 105)]),
    ("frames three, four and five", [(3, 5)]),
    ("from frame ３ to frame ９", A),
    ("من الإطار ٣ إلى الإطار ٩", A),
    ("फ्रेम ३ से फ्रेम ९ तक", A),
    ("从第3帧到第9帧", A),
    ("第三帧至第九帧", A),
    ("第十二帧到第二十三帧", [(12, 23)]),
    ("事件发生在第3帧到第9帧之间。", A),
    ("フレーム3からフレーム9まで", A),
    ("프레임 3부터 9까지", A),
    ("von Bild 3 bis Bild 9", A),
    ("desde el fotograma 3 hasta el fotograma 9", A),
    ("de l'image 3 à l'image 9", A),
    ("с кадра 3 по кадр 9", A),
    # structured
    ('{"start": 3, "end": 9}', A),
    ('```json\n{"start_frame": 3, "end_frame": 9}\n```', A),
    ('{"startFrame": "3", "endFrame": "frame 9"}', A),
    ('[{"from": 3, "to": 5}, {"from": 8, "to": 10}]', [(3, 5), (8, 10)]),
    ('{"intervals": [[3, 5], [8, 10]]}', [(3, 5), (8, 10)]),
    ('{"frames": [3, 4, 5]}', [(3, 5)]),
    ('{"answer": "from frame 3 to frame 9"}', A),
    ('{"event": "he takes 2 cups", "start": 3, "end": 9}', A),
    ("[[3, 5], [8, 10]]", [(3, 5), (8, 10)]),
    # said of what is not there
    ("It is not visible in frames 1-2, but it is visible from frame 3 to frame 9.", A),
    ("Frames 1 to 2 don't show it. Frames 3 to 9 do.", A),
]
ABSENT_REPLIES = [
    "none",
    "None.",
    "No",
    "N/A",
    "[]",
    "The event is not visible in the video.",
    "The event does not occur in any of the frames.",
    "No frames show this event.",
    "No such event can be seen.",
    "The described event isn't shown in frames 1 to 30.",
    "There is no evidence of the event in these frames.",
    '{"intervals": []}',
    "没有",
    "Event visible: no",
    "I don't see this event in the video.",
    "Frames 3 to 9 show a dog, but not the event. Answer: none",
]
UNUSABLE_REPLIES = [
    "",
    "   ",
    "from frame x to frame y",
    "I'm sorry, but I cannot help with that.",
    "I am unable to view videos.",
    "The man pours milk into a glass.",
    "There are 2-3 people walking.",
    "It takes 9 frames.",
    "Two men and one dog, in 3 rooms.",
    "from 3s to 9s",
    "from 0:03 to 0:09",
    "Between 12% and 40% of the video.",
    "Frame 1: a kitchen. Frame 2: a man enters. Frame 3: he sits.",
    "In 2024, 30 people were there.",
    "1080p video at 30 fps",
    "The event is visible in the video.",
    "<think>frame 3 to frame 9</think>",
]


@pytest.mark.parametrize(("reply", "intervals"), FRAME_REPLIES)
def test_reads_real_looking_replies(reply: str, intervals: list[tuple[float, float]]) -> None:
    assert read_intervals(reply).intervals == tuple(intervals)


@pytest.mark.parametrize("reply", ABSENT_REPLIES)
def test_tells_that_the_event_is_not_there(reply: str) -> None:
    assert read_intervals(reply) == ReplyIntervals(absent=True)


@pytest.mark.parametrize("reply", UNUSABLE_REPLIES)
def test_never_invents(reply: str) -> None:
    assert not read_intervals(reply).usable


def test_the_table_is_large() -> None:
    replies = [reply for reply, _ in FRAME_REPLIES] + ABSENT_REPLIES + UNUSABLE_REPLIES
    assert len(set(replies)) == len(replies) >= 80


def test_only_the_asked_form_counts_as_strict() -> None:
    assert read_intervals("from frame 3 to frame 9").strict
    assert read_intervals("from 2.5 to 8.5 seconds", unit="second").strict
    assert not read_intervals("frames 3-9").strict


@pytest.mark.parametrize(
    ("reply", "intervals"),
    [
        ("from 2.5 to 8.5 seconds", [(2.5, 8.5)]),
        ("From 2.5 seconds to 8.5 seconds.", [(2.5, 8.5)]),
        ("The event happens from 2.5s to 8.5s.", [(2.5, 8.5)]),
        ("from second 2.5 to second 8.5", [(2.5, 8.5)]),
        ("from Second{2.5} to Second{8.5}", [(2.5, 8.5)]),
        ("2.5 - 8.5 seconds", [(2.5, 8.5)]),
        ("00:02 - 00:08", [(2, 8)]),
        ("from 01:02.5 to 01:08.5", [(62.5, 68.5)]),
        ("1:00:02 to 1:00:08", [(3602, 3608)]),
        ("von 2,5 s bis 8,5 s", [(2.5, 8.5)]),
        ("At 7 seconds.", [(7, 7)]),
        ('{"start": 2.5, "end": 8.5}', [(2.5, 8.5)]),
        ("from frame 3 to frame 9", []),
        ("The 2 men shake hands from 2.5 to 8.5 seconds", [(2.5, 8.5)]),
    ],
)
def test_reads_seconds(reply: str, intervals: list[tuple[float, float]]) -> None:
    assert read_intervals(reply, unit="second").intervals == tuple(intervals)


@pytest.mark.parametrize(
    ("reply", "intervals"),
    [
        ("from 12 to 45", [(12, 45)]),
        ("From 12% to 45%.", [(12, 45)]),
        ("The event happens between 12% and 45% of the video.", [(12, 45)]),
        ("12-45", [(12, 45)]),
        ("from 3s to 9s", []),
    ],
)
def test_reads_percentages(reply: str, intervals: list[tuple[float, float]]) -> None:
    assert read_intervals(reply, unit="percent").intervals == tuple(intervals)


def test_numbers_on_every_fifth_frame_join_into_one_run() -> None:
    assert read_intervals("frames 1, 6, 11 and 31", step=5).intervals == ((1, 11), (31, 31))


@pytest.mark.parametrize(
    ("reply", "saliency"),
    [
        ("frame 3: 4\nframe 4: 5\nframe 5: 2", {3: 4, 4: 5, 5: 2}),
        ("3: 4, 4: 5, 5: 2", {3: 4, 4: 5, 5: 2}),
        ("- Frame 3: 4/5\n- Frame 4: 5/5", {3: 4, 4: 5}),
        ("Frames 3-5: 4\nFrame 6: 2.5", {3: 4, 4: 4, 5: 4, 6: 2.5}),
        ("| 3 | 4 |\n| 4 | 5 |", {3: 4, 4: 5}),
        ('{"3": 4, "4": 5}', {3: 4, 4: 5}),
        ('[{"frame": 3, "saliency": 4}, {"frame": 4, "saliency": 5}]', {3: 4, 4: 5}),
        ('{"frames": [3, 4], "scores": [4, 5]}', {3: 4, 4: 5}),
        ("The highlight frames are 3, 4, 5. Their saliency scores are 4, 5, 2.", {3: 4, 4: 5, 5: 2}),
        ("Frame 3 has a saliency of 4. Frame 4 has a saliency of 5.", {3: 4, 4: 5}),
        ("frame 3: 40", {}),
        ("frame three: four", {3: 4}),
        ("There is no highlight.", {}),
    ],
)
def test_reads_saliency(reply: str, saliency: dict[int, float]) -> None:
    assert read_saliency(reply) == saliency


FRAGMENTS = st.sampled_from(
    [
        *("from", "to", "frame", "frames", "second", "start", "end", "and", "not", "none", "until", "between", "of"),
        *("the", "first", "last", "only", "visible", "twenty-", "第", "帧", "三", "一百", "٣", "é"),
        *("3", "9", "12", "007", "-1", "1e9", "9" * 20, "3.5", "0:03", "%"),
        *(
            "[",
            "]",
            "{",
            "}",
            "(",
            ")",
            ":",
            ",",
            ".",
            "-",
            "–",
            '"',
            "'",
            "/",
            "|",
            "#",
            "*",
            "\n",
            "<think>",
            "</think>",
        ),
    ]
)
REPLIES = st.one_of(
    st.text(max_size=200), st.lists(FRAGMENTS, max_size=40).map(" ".join), st.lists(FRAGMENTS).map("".join)
)


@settings(max_examples=250, deadline=20_000)
@given(REPLIES, st.sampled_from(["frame", "second", "percent"]), st.sampled_from([1, 5]))
@example("[" * 3000, "frame", 1)
@example("starts " * 2000, "frame", 1)
@example("from frame " * 2000 + "3", "frame", 1)
@example('{"start": NaN, "end": Infinity}', "frame", 1)
@example("三" * 5000 + "帧", "frame", 1)
def test_any_text_gives_possible_intervals_or_none(reply: str, unit: str, step: float) -> None:
    answer = read_intervals(reply, unit=unit, step=step)
    assert not (answer.absent and answer.intervals)
    for first, last in answer.intervals:
        assert first <= last
        assert not math.isnan(first)
        assert not math.isnan(last)
        assert first == -INF or first >= 0


@settings(max_examples=200, deadline=20_000)
@given(REPLIES)
@example("3, " * 4000)
@example("[" * 3000)
def test_any_text_gives_possible_saliency_or_none(reply: str) -> None:
    assert all(isinstance(frame, int) and 1 <= value <= 5 for frame, value in read_saliency(reply).items())


@given(
    st.integers(0, 9999),
    st.integers(0, 9999),
    st.sampled_from(["from frame {} to frame {}", "frames {}-{}", "[{}, {}]"]),
)
def test_reads_back_what_was_written(first: int, last: int, form: str) -> None:
    found = read_intervals(form.format(first, last)).intervals
    if first <= last:
        assert found == ((first, last),)
    else:
        assert found == (((last, first),) if form.startswith("from") else ())  # a falling range is refused


@pytest.mark.parametrize(
    "part", ["9 ", "[", "3 of the ", "the about ", "   ", "\u00a7\n ", "<think>", '{"a":[1,', "\n=["]
)
def test_a_hostile_reply_is_read_quickly(part: str) -> None:
    started = time.perf_counter()
    for unit in ("frame", "second", "percent"):
        read_intervals(part * (300_000 // len(part)), unit=unit)
    assert time.perf_counter() - started < 60  # it was hours


def test_thoughts_are_no_answer() -> None:
    for reply in ("<think>frames 1 to 2</think>from frame 3 to frame 9", "frames 1 to 2 ...</think> frames 3 to 9"):
        assert read_intervals(reply).intervals == ((3, 9),)
