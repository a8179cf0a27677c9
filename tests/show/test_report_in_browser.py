"""The report, driven in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import time
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from test_chart import HOSTILE
from test_report import answered, numbers, spoken
from videos import make_video, read_number

from tfgrounding import Moment
from tfgrounding.show.evidence import quotable
from tfgrounding.show.report import write_report
from tfgrounding.types import EventMoment

__all__ = ["numbers"]  # a fixture

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
    page.emulate_media(reduced_motion="reduce")  # so that it scrolls at once
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
