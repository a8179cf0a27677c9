"""Texts drawn at known times on generated videos are found again; noise, repetitions and odd pictures do no harm."""

import time
import unicodedata

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from videos import make_video

from tfgrounding.media import Pictures
from tfgrounding.tracks import screen_parts, screen_text
from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.kept_texts import KeptTexts
from tfgrounding.tracks.screen_follow import Follower, Shown
from tfgrounding.tracks.screen_gate import TextGate
from tfgrounding.tracks.screen_lines import MOST_LINES, timed_lines
from tfgrounding.tracks.screen_parts import RATE_HZ, ScreenParts
from tfgrounding.tracks.screen_reader import ScreenReader, printable
from tfgrounding.tracks.screen_readings import is_better, is_part, is_same_text
from tfgrounding.tracks.screen_text import screen_made_by, screen_text_track
from tfgrounding.tracks.text_track import TimedText

SIZE = {"width": 320, "height": 240}
HALF_SAMPLE = 0.5 / RATE_HZ + 0.01


def written(*texts, move=(0.0, 0.0), rate_hz=10.0, size=24, ground=90):
    """A picture maker: each (start_seconds, end_seconds, text, x, y) stands there at its time and moves so many pixels
    a second."""
    font = ImageFont.load_default(size)

    def picture(index, *, width, height):
        shade = np.linspace(0, 40, width)[None, :, None] + np.zeros((height, 1, 3))
        image = Image.fromarray((ground + shade).astype(np.uint8))
        seconds = index / rate_hz
        for start, end, text, x, y in texts:
            if start <= seconds < end:
                place = (x + move[0] * (seconds - start), y + move[1] * (seconds - start))
                ImageDraw.Draw(image).multiline_text(place, text, font=font, fill="white")
        return np.asarray(image)

    return picture


def track(path, kept=None, **more):
    return screen_text_track(path, kept=kept or KeptTexts(None), **more)


def test_a_title_is_found_with_its_spaces_and_times(tmp_path):
    path = make_video(
        tmp_path / "v.mp4",
        seconds=6,
        picture=written((1.0, 1.6, "Platform nine", 30, 40), (3, 5, "Thank you all", 60, 180)),
        **SIZE,
    )
    found = track(path)
    assert (found.kind, found.source) == ("written", "screen")
    assert [text.text for text in found.texts] == ["Platform nine", "Thank you all"]
    for text, start, end in zip(found.texts, (1.0, 3.0), (1.6, 5.0), strict=True):
        assert abs(text.start_seconds - start) <= HALF_SAMPLE and abs(text.end_seconds - end) <= HALF_SAMPLE
        assert 0.8 < text.confidence <= 1


def test_lines_of_a_title_are_one_text_and_what_stands_elsewhere_is_another(tmp_path):
    texts = ((1, 4, "How to bake", 70, 60), (1, 4, "a cake at home", 50, 90), (1, 4, "CHANNEL", 190, 205))
    found = track(make_video(tmp_path / "v.mp4", seconds=5, picture=written(*texts), **SIZE))
    assert sorted(text.text for text in found.texts) == ["CHANNEL", "How to bake a cake at home"]


def test_lines_that_come_or_go_later_keep_their_own_times():
    def line(text, first, last, row):
        return Shown(text, 0.97, (40, 30 * row, 140, 30 * row + 20), np.zeros((20, 100)), first, last)

    seen = [
        line("Agenda", 5, 74, 0),
        line("Opening remarks", 20, 74, 1),
        line("Anna Schmidt", 80, 99, 0),
        line("Chief engineer", 81, 101, 1),
        line("of the bridge", 80, 110, 2),
    ]
    found = timed_lines(seen, start_seconds=0, rate_hz=5, end_seconds=60)
    assert [(text.start_seconds, text.end_seconds, text.text) for text in found] == [
        (1.0, 15.0, "Agenda"),
        (4.0, 15.0, "Opening remarks"),
        (16.0, 20.4, "Anna Schmidt Chief engineer"),
        (16.0, 22.2, "of the bridge"),
    ]


def test_a_text_that_moves_is_one_text(tmp_path):
    picture = written((1, 4, "Moving words", 10, 60), move=(40, 20))
    (text,) = track(make_video(tmp_path / "v.mp4", seconds=5, picture=picture, **SIZE)).texts
    assert text.text == "Moving words"
    assert abs(text.start_seconds - 1) <= 0.21 and abs(text.end_seconds - 4) <= 0.21


@pytest.mark.slow
def test_a_running_clock_is_not_read_at_every_tick(tmp_path):
    ticks = [(second / 5, (second + 1) / 5, f"TIME 00:{second:02d}", 40, 20) for second in range(50)]
    (part,) = ScreenParts(make_video(tmp_path / "v.mp4", seconds=10, picture=written(*ticks), **SIZE))
    assert part.searched < 20 and all(text.text.startswith("TIME") for text in part.texts)


def test_texts_that_follow_each_other_in_one_place_stay_apart(tmp_path):
    places = {
        (20, 20): ["Lesson about trees", "Lesson about birds"],
        (20, 200): ["The door is now open", "The door is not open"],
        (20, 80): ["ARS 0 - 0 CHE", "ARS 1 - 0 CHE"],
        (20, 140): ["Room 101", "Room 107"],
    }
    shown = [(2 * n, 2 * n + 2, text, *place) for place, texts in places.items() for n, text in enumerate(texts)]
    found = track(make_video(tmp_path / "v.mp4", seconds=4, picture=written(*shown), **SIZE)).texts
    assert len(found) == len(shown)
    for start, end, wanted, *_ in shown:
        (text,) = (text for text in found if is_same_text(text.text, wanted, 1.0))
        assert (text.start_seconds, text.end_seconds) == (start, end)


@pytest.mark.parametrize(
    ("a", "b", "same_unsure", "same_rather_sure", "same_sure"),
    [
        ("HOME 2:1", "HOME 3:1", False, False, False),
        ("ARS O-0 CHE", "ARS 1-0 CHE", False, False, False),
        ("A long line of words with O-O", "A long line of words with 1-0", False, False, False),
        ("Room 10l opens at noon", "Room 1o7 opens at noon", False, False, False),
        ("Score 1-12", "Score 11-2", False, False, False),
        ("Chapter 1", "Chapter 12", False, False, False),
        ("Live", "Exit", False, False, False),
        ("SALE 50% OFF", "SALE 5O% 0FF", True, True, True),
        ("Price 19.99", "Price 1999", True, True, True),
        ("Thankyou forwatching", "Thank you for watching!", True, True, True),
        ("Modern Café lines", "Modem Cafe Iines", True, True, True),
        ("Caution: wet floo", "Caution: wet floor", True, True, True),
        ("Warm up for ten minu", "Warm up for ten minutes", True, True, True),
        ("Breaking News", "Breoking News", True, True, False),
        ("The door is now open", "The door is not open", True, True, False),
        ("The story, Part I", "The story, Part II", True, True, False),
        ("Insert the red cable", "Insert the blue cable", True, False, False),
        ("?!", "--", False, False, False),
    ],
)
def test_readings_are_of_one_text_but_for_misread_letters(a, b, same_unsure, same_rather_sure, same_sure):
    for sure, same in ((0.0, same_unsure), (0.85, same_rather_sure), (0.95, same_sure)):
        assert is_same_text(a, b, sure) is same and is_same_text(b, a, sure) is same


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ("PARKING", "NO PARKING", True),
        ("thank you", "Thankyou for", True),
        ("Chapter 1", "Chapter 12", False),
        ("Breaking News", "Breaking g News", False),
        ("Exit", "Exit", False),
        ("News", "News.", False),
    ],
)
def test_a_text_is_a_part_of_a_longer_one_with_more_letters(part, whole, expected):
    assert is_part(part, whole) is expected and not is_part(whole, part)


def test_the_longer_reading_is_kept_if_it_is_about_as_sure():
    assert is_better("NO PARKING", 0.9, "PARKING", 0.95) and not is_better("PARKING", 0.95, "NO PARKING", 0.9)
    assert not is_better("NO PARKING", 0.6, "PARKING", 0.95) and is_better("PARKING", 0.95, "NO PARKING", 0.6)
    assert not is_better("Caution: wef", 0.96, "Caution: wet floor", 0.95)
    assert is_better("Exit", 0.9, "Exlt", 0.8) and not is_better("Exlt", 0.8, "Exit", 0.9)


def drawn(text, *, size, x=40, y=40):
    """A grey picture with a text on it."""
    picture = written((0, 9, text, x, y), size=size)(0, **SIZE)
    return picture[:, :, 0].copy()


def test_a_text_read_in_part_begins_when_the_whole_is_seen_to_have_begun():
    follower = Follower(kept_samples=10)
    for _ in range(4):
        follower.see(drawn("Thank you for watching", size=20))
        if not follower.live:
            follower.add("Thank you", 0.97, (40, 40, 130, 64))
    follower.add("Thank you for watching", 0.96, (40, 40, 265, 64))
    whole = next(shown for shown in follower.end() if shown.text == "Thank you for watching")
    assert (whole.first, whole.last) == (0, 3)


def test_a_text_that_was_not_read_surely_asks_for_one_more_reading():
    follower = Follower(kept_samples=10)
    grey = drawn("Fading in", size=24)
    assert follower.see(grey) == []
    follower.add("Fading in", 0.9, (40, 40, 150, 66))
    assert len(follower.see(grey)) == 1 and follower.known((40, 40, 150, 66)) is None
    follower.add("Fading in", 0.99, (40, 40, 150, 66))
    assert follower.see(grey) == [] and follower.known((40, 40, 150, 66)).confidence == 0.99


def test_a_running_clock_claims_no_time_at_which_it_was_not_seen():
    follower = Follower(kept_samples=20)
    read = (0, 5, 10, 15, 32)  # 5 samples a number; after the last but one it is left alone for a while
    for sample in range(40):
        follower.see(drawn(f"TIME {10 + sample // 5}", size=24))
        if sample in read:
            follower.add(f"TIME {10 + sample // 5}", 0.99, (40, 40, 130, 66))
    times = {shown.text: (shown.first, shown.last) for shown in follower.end()}
    assert times == {
        "TIME 10": (0, 4),
        "TIME 11": (5, 9),
        "TIME 12": (10, 14),
        "TIME 13": (15, 19),
        "TIME 16": (30, 34),
    }


@pytest.mark.parametrize("size", [14, 24, 50])
def test_the_gate_sees_letters_small_and_large_come_and_rests_while_they_stand(size):
    gate = TextGate(every_seconds=100)
    nothing, text = drawn("", size=size), drawn("GOAL", size=size)
    due = [gate.is_due(grey, n / 5) for n, grey in enumerate([nothing, nothing, text, text, text])]
    assert due == [True, False, True, False, False]


def test_a_text_that_flickers_is_one_text(tmp_path):
    picture = written((1, 2, "Press start", 40, 20), (2.4, 4, "Press start", 40, 20))
    (text,) = track(make_video(tmp_path / "v.mp4", seconds=5, picture=picture, **SIZE)).texts
    assert abs(text.start_seconds - 1) <= HALF_SAMPLE and abs(text.end_seconds - 4) <= HALF_SAMPLE


def test_most_pictures_are_not_searched_and_a_standing_text_is_seldom_read(tmp_path):
    path = make_video(tmp_path / "v.mp4", seconds=12, picture=written((0, 12, "Standing text", 40, 20)), **SIZE)
    (part,) = ScreenParts(path)
    assert part.sampled == 60 and part.searched <= 8 and part.boxes <= 2


def test_a_video_without_text_is_an_empty_track(tmp_path):
    noise = np.random.default_rng(0)

    def picture(index, *, width, height):
        return noise.integers(0, 255, (height, width, 3), dtype=np.uint8)

    assert len(track(make_video(tmp_path / "v.mp4", seconds=2, picture=picture, **SIZE))) == 0


def test_a_track_is_kept_by_content_and_a_killed_run_goes_on_where_it_was(tmp_path, monkeypatch):
    for module in (screen_parts, screen_text):
        monkeypatch.setattr(module, "PART_SECONDS", 6.0)
    picture = written(
        (1, 3, "First part", 30, 40),
        (5, 8, "Over the border", 30, 90),
        (9, 11, "Second part", 30, 40),
        rate_hz=5,
    )
    path = make_video(tmp_path / "v.mp4", seconds=12, rate_hz=5, picture=picture, **SIZE)
    kept = KeptTexts(FeatureCache(tmp_path / "cache"))

    def stop(done, whole):
        assert (done, whole) == (6, 12)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track(path, kept, progress=stop)
    first = kept.parts(path, "written", screen_made_by()).get(0)
    assert [text.text for text in first[0]] == ["First part", "Over the border"]
    seen = []
    see = ScreenReader.boxes
    monkeypatch.setattr(ScreenReader, "boxes", lambda self, pixels: seen.append(pixels) or see(self, pixels))
    done = []
    found = track(path, kept, progress=lambda *times: done.append(times))
    assert done == [(12, 12)] and 0 < len(seen) < 20
    assert [text.text for text in found.texts] == ["First part", "Over the border", "Second part"]
    assert abs(found.texts[1].start_seconds - 5) <= 0.11 and abs(found.texts[1].end_seconds - 8) <= 0.11
    seen.clear()
    assert track(path, kept) == found and not seen


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (6, 3000), (3000, 6), (2, 2), pytest.param((2200, 3000), marks=pytest.mark.slow)],
)
def test_pictures_of_odd_sizes_are_read_or_give_nothing(shape):
    pixels = np.full((3, *shape, 3), 120, dtype=np.uint8)
    pixels[:, ::3] = 255
    assert isinstance(track(Pictures(pixels, rate_hz=5)).texts, tuple)


@pytest.mark.slow
def test_a_wall_of_text_is_bounded():
    image = Image.new("RGB", (1200, 700), "black")
    font = ImageFont.load_default(12)
    for y in range(0, 700, 16):
        for x in range(0, 1200, 50):
            ImageDraw.Draw(image).text((x, y), f"w{x % 97}{y % 89}", font=font, fill="white")
    found = ScreenReader().boxes(np.asarray(image))
    assert 0 < len(found) <= 200


@pytest.mark.slow
def test_too_many_lines_are_cut_in_bounded_time():
    def line(n):
        place = (n % 50 * 6, n // 50 % 40 * 6)
        return Shown(
            f"line {n * 7919}", 0.9, (*place, place[0] + 30, place[1] + 5), np.zeros((5, 30)), n % 290, n % 290 + 2
        )

    begin = time.process_time()
    found = timed_lines([line(n) for n in range(20_000)], start_seconds=60, rate_hz=5, end_seconds=120)
    assert 0 < len(found) <= MOST_LINES and all(60 <= t.start_seconds < t.end_seconds <= 120 for t in found)
    assert time.process_time() - begin < 10


def test_no_control_characters_come_out():
    text = printable("a\x1b[31mb\u202ec\x07\u200bd")
    assert not [c for c in text if unicodedata.category(c)[0] == "C"]
    assert text.replace(" ", "") == "a[31mbcd"


def test_a_single_picture_is_read():
    pixels = written((0, 9, "Only one picture", 30, 40))(0, **SIZE)
    (text,) = track(Pictures(pixels[None], rate_hz=1)).texts
    assert text == TimedText(0.0, 1.0, "Only one picture", text.confidence)
