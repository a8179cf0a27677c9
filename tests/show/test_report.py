"""The report, read as a file and driven in a real browser."""

from __future__ import annotations

import base64
import os
import re
import shutil
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from test_chart import HOSTILE, Markup, two_events
from videos import look, make_video, read_number
from worded import worded

from tfgrounding import Grounding, Moment, Plan, SubEvent, TFGroundingError, probe
from tfgrounding.media import open_source
from tfgrounding.show.evidence import quotable
from tfgrounding.show.player import stretches_of
from tfgrounding.show.report import plan_in_words, write_report
from tfgrounding.types import EventMoment, Evidence

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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


# --- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path):
    """A page of a real Chromium, which must not complain: every console message and error is collected in `said`."""
    if CHROMIUM is None or find_spec("playwright") is None:
        why = "needs Chromium and Playwright: apt-get install chromium; pip install playwright"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            args=CHROMIUM_ARGUMENTS,
            headless=True,
            viewport={"width": 1300, "height": 900},
        )
        page = browser.new_page()
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("requestfailed", lambda request: page.said.append(request.url[:100]))
        yield page
        browser.close()


def wait_until(page, script: str, seconds: float = 30.0):
    """Ask until it is true; the page's own policy forbids the browser's way of waiting (it evaluates a string)."""
    ends = time.monotonic() + seconds
    while not page.evaluate(script):
        assert time.monotonic() < ends, f"never true: {script}"
        page.wait_for_timeout(30)


def open_report(page, path):
    page.goto(path.as_uri())
    wait_until(page, "document.querySelector('video').readyState >= 3")


NOW = "document.querySelector('video').currentTime"
PAUSED = "document.querySelector('video').paused"


def test_a_click_on_a_moment_plays_just_that_moment(page, tmp_path, bunny_video):
    moments = [Moment(1.0, 1.8, 0.9), Moment(3.0, 3.5, 0.4)]
    write_report([answered(bunny_video, moments), answered(bunny_video, moments[1:], HOSTILE)], tmp_path / "r.html")
    open_report(page, tmp_path / "r.html")
    bars = page.locator(".bar")
    assert bars.count() == 3
    for bar, moment in zip((bars.nth(0), bars.nth(1)), moments, strict=True):
        bar.click()
        seen = []
        wait_until(page, f"{NOW} > 0 && !{PAUSED}")
        while not page.evaluate(PAUSED):
            seen.append(page.evaluate(NOW))
            page.wait_for_timeout(20)
        page.wait_for_timeout(100)
        assert seen and all(moment.start_seconds <= t < moment.end_seconds + 0.4 for t in seen)
        assert moment.end_seconds - 0.05 < page.evaluate(NOW) < moment.end_seconds
        assert bar.get_attribute("aria-pressed") == "true"
    # The keyboard: a digit plays the moment of that rank, Enter on a focused bar plays it, Tab reaches the bars.
    page.keyboard.press("1")
    wait_until(page, f"{NOW} >= 1.0 && {NOW} < 1.9 && !{PAUSED}")
    bars.nth(2).focus()
    page.keyboard.press("Enter")
    wait_until(page, f"{NOW} >= 3.0 && {NOW} < 3.6")
    assert page.locator(".now").inner_text() in (
        f"Playing moment 1 of “{quotable(HOSTILE, columns=60)}”, 0:03.0 to 0:03.5",
        "Stopped at the end of the moment.",
    )
    # A click on the chart goes to that time.
    wait_until(page, PAUSED)  # played on from there, a busy machine might look too late
    page.locator(".row").first.click(position={"x": 5, "y": 60})
    wait_until(page, f"{NOW} < 0.3")
    assert page.evaluate("document.querySelectorAll('[aria-pressed=true]').length") == 0
    # Nothing was complained about, and no text became script.
    assert page.said == []
    assert page.locator("h2").nth(1).inner_text() == f"“{HOSTILE}”"


def test_light_and_dark_narrow_and_print(page, tmp_path, numbers):
    write_report([answered(numbers, [Moment(2, 3, 0.5), Moment(2.5, 4, 0.2)])], tmp_path / "r.html")
    open_report(page, tmp_path / "r.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert dark != light
    page.locator(".theme").click()
    assert page.evaluate(ground) == light
    page.locator(".theme").click()
    assert page.evaluate(ground) == dark
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= 360")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(ground) == light
    assert not page.locator("video").is_visible() and page.locator("td .play").first.is_visible()  # its times are read
    assert page.locator(".chart").is_visible() and page.locator(".made dl").is_visible()
    assert page.said == []


CONTRASTS = """() => {
  const place = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colours) => { // painted one over the other
    place.clearRect(0, 0, 1, 1);
    for (const colour of colours) { place.fillStyle = colour; place.fillRect(0, 0, 1, 1); }
    return [...place.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (parts) => {
    const [r, g, b] = parts.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility()) continue;
    const behind = [];
    for (let e = element; e; e = e.parentElement) behind.unshift(getComputedStyle(e).backgroundColor);
    const [a, b] = [light(rgb(behind)), light(rgb([...behind, getComputedStyle(element).color]))].sort();
    const contrast = (b + 0.05) / (a + 0.05);
    if (contrast < 4.5) found.push([element.className, element.textContent.slice(0, 40), contrast]);
  }
  return found;
}"""


def three_looks(path):
    moments = [Moment(2, 3, 0.5), Moment(2.5, 4, 0.2), Moment(0.5, 1, 0.1)]
    events = (EventMoment("a number", Moment(1, 2, 0.5), 0.9), EventMoment("a letter", Moment(4, 5, 0.5), 0.1))
    found = [replace(answered(path, moments, f"a query {p}"), present=p, events=events) for p in (0.9, 0.45, 0.1, None)]
    return [*found, spoken(path)]


def test_every_text_can_be_read_in_light_and_dark(page, tmp_path, numbers):
    write_report(three_looks(numbers), tmp_path / "r.html")
    page.goto((tmp_path / "r.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRASTS) == []
    borders = "b => getComputedStyle(b).borderStyle + getComputedStyle(b).borderWidth"
    bars = [page.locator(f".{look} .bar").first.evaluate(borders) for look in ("probably", "perhaps", "probably-not")]
    assert len(set(bars)) == 3  # not by colour alone
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_on_a_phone_the_player_stays_in_sight_and_hides_nothing_that_has_the_focus(page, tmp_path, numbers):
    write_report(three_looks(numbers), tmp_path / "r.html")
    page.set_viewport_size({"width": 390, "height": 844})
    open_report(page, tmp_path / "r.html")
    assert page.evaluate("document.documentElement.scrollWidth <= 390")
    page.locator(".answer").nth(2).locator(".bar").first.evaluate("bar => bar.focus()")
    box = page.locator("video").bounding_box()
    assert page.evaluate("scrollY") > 500 and 0 <= box["y"] < 10 and box["height"] <= 0.33 * 844
    focused = page.evaluate("document.activeElement.getBoundingClientRect().top")
    assert focused >= box["y"] + box["height"]
    page.keyboard.press("Enter")
    wait_until(page, f"{NOW} >= 2.0")
    assert page.said == []


def test_without_script_the_answer_is_read(tmp_path, numbers, page):
    html = tmp_path / "r.html"
    write_report(three_looks(numbers), html)
    html.write_text(re.sub(r"<script>.*</script>", "", html.read_text(), flags=re.S))
    page.goto(html.as_uri())
    assert not page.locator(".theme").is_visible()  # it would do nothing
    assert page.get_by_text("probably not in this video (present 0.10)").last.is_visible()
    page.locator("summary").last.click()
    assert page.locator(".made dl").is_visible()


def test_a_picture_that_starts_late_in_its_file(page, tmp_path):
    """Our seconds count from the first picture, the player's from the start of the file, where the sound begins."""
    source = make_video(
        tmp_path / "late.mp4", seconds=4, rate_hz=10, audio=True, start_seconds=1.0, options={"bf": "0"}
    )
    write_report([answered(source, [Moment(2.0, 2.5, 0.5)])], tmp_path / "r.html")
    open_report(page, tmp_path / "r.html")
    page.locator(".bar").click()
    wait_until(page, f"{PAUSED} && {NOW} > 2.6")
    assert page.evaluate(NOW) == pytest.approx(3.5, abs=0.05)
    assert page.said == []


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


def test_a_click_on_words_plays_them(page, tmp_path, numbers):
    write_report([spoken(numbers)], tmp_path / "r.html")
    open_report(page, tmp_path / "r.html")
    page.locator("button.quote").first.click()
    wait_until(page, f"{PAUSED} && {NOW} > 2.3")
    assert page.evaluate(NOW) == pytest.approx(2.5, abs=0.06)
    assert page.locator("button.quote").first.get_attribute("aria-pressed") == "true"
    for width in (320, 1300):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate(f"document.documentElement.scrollWidth <= {width}")
    silent, heard = (page.locator(row).first for row in (".row.silent .trace", ".row.words:not(.silent) .trace"))
    stroke = "line => getComputedStyle(line).stroke + getComputedStyle(line).strokeDasharray"
    assert silent.evaluate(stroke) != heard.evaluate(stroke)
    assert page.said == []


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


PICTURE = """() => {
  const video = document.querySelector("video"), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  return [canvas.width, canvas.height, ...context.getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def test_the_moments_of_a_long_video_play_at_their_own_times(page, tmp_path, monkeypatch):
    from tfgrounding.show import player

    monkeypatch.setattr(player, "LONG_SECONDS", 30.0)
    monkeypatch.setattr(player, "LARGEST_EMBEDDED_BYTES", 1000)
    source = make_video(tmp_path / "long.mp4", seconds=400, rate_hz=10)
    moments = [Moment(300, 301, 0.5), Moment(20, 21, 0.4)]
    write_report([answered(source, moments)], tmp_path / "r.html")
    open_report(page, tmp_path / "r.html")
    for rank, moment in enumerate(moments):
        page.locator(".bar").nth(rank).click()
        wait_until(page, f"{NOW} >= {moment.start_seconds} && !{PAUSED}")
        wait_until(page, PAUSED)
        page.wait_for_timeout(200)
        now = page.evaluate(NOW)
        assert moment.end_seconds - 0.05 < now < moment.end_seconds
        width, height, *pixels = page.evaluate(PICTURE)
        picture = np.array(pixels, dtype=np.uint8).reshape(height, width, 4)[:, :, :3]
        assert read_number(picture) == int(now * 10)
    assert page.said == []
