"""The chart as a fragment of HTML: what is in it, where it stands, and that no text becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_export import answer

from tfgrounding import Moment, Plan, SubEvent
from tfgrounding.show.chart import BAR_PIXELS, NARROWEST_CHART_PIXELS, notebook_html, safe, short_clock
from tfgrounding.show.plots import main_texts, plot_grounding

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>' onclick='alert(3)"


class Markup(HTMLParser):
    """Every tag and attribute of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend((tag, name, value) for name, value in attrs)

    def handle_data(self, data):
        self.text += data


def two_events(query="a dog barks and then sleeps"):
    plan = Plan(query, sub_events=(SubEvent(("a dog barks",)), SubEvent(("a dog sleeps",))), relation="sequentially")
    one = replace(answer(query), plan=plan)
    return replace(one, curves={text: one.curve + i for i, text in enumerate(plan.texts)})


def test_a_notebook_shows_every_curve_and_moment():
    page = Markup(two_events()._repr_html_())
    assert page.tags.count("svg") == 3
    assert "script" not in page.tags and "button" not in page.tags
    assert sum(name == "class" and value.startswith("bar") for _, name, value in page.attributes) == 3
    assert "0:12.5" in page.text and "a dog sleeps" in page.text


def test_bars_stand_where_their_moments_are():
    styles = [
        value for _, name, value in Markup(notebook_html(answer())).attributes if name == "style" and "top:" in value
    ]
    found = [re.match(r"left:min\(([\d.]+)%, 100% - 24px\);width:([\d.]+)%;top:(\d+)px", style) for style in styles]
    places = [(float(m[1]) / 100 * 21, float(m[2]) / 100 * 21, int(m[3])) for m in found]
    assert places[0] == pytest.approx((12.5, 2.5, 4), abs=1e-3)
    assert places[1] == pytest.approx((14.0, 6.04, 32), abs=1e-3)  # overlaps the first: the lane below
    assert places[2] == pytest.approx((0.0, 3.2, 4), abs=1e-3)


@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.01, 1)).map(lambda p: Moment(p[0], p[0] + p[1], 1.0)), max_size=8)
)
def test_no_bar_hides_another_on_a_narrow_screen(moments):
    html = notebook_html(answer(moments=moments))
    found = re.findall(r"left:min\(([\d.]+)%, 100% - 24px\);width:([\d.]+)%;top:(\d+)px", html)
    assert len(found) == len(moments)
    bars = []
    for left, width, top in found:
        start = min(float(left) / 100 * NARROWEST_CHART_PIXELS, NARROWEST_CHART_PIXELS - BAR_PIXELS)
        bars.append((start, start + max(BAR_PIXELS, float(width) / 100 * NARROWEST_CHART_PIXELS), top))
    for i, a in enumerate(bars):
        for b in bars[i + 1 :]:
            assert a[2] != b[2] or a[1] <= b[0] + 0.1 or b[1] <= a[0] + 0.1


def test_texts_never_become_markup():
    hostile = replace(two_events(HOSTILE), warnings=(HOSTILE,), video=replace(answer().video, path=f"/v/{HOSTILE}.mp4"))
    page, tame = Markup(notebook_html(hostile)), Markup(notebook_html(two_events()))
    assert [tag for tag in page.tags if tag != "p"] == [tag for tag in tame.tags if tag != "p"]
    assert {name for _, name, _ in page.attributes} == {name for _, name, _ in tame.attributes}
    assert page.text.count("<script>alert(1)</script>") >= 3


@given(st.text())
def test_safe_keeps_the_text_and_nothing_but_the_text(text):
    page = Markup(f"<a title='{safe(text)}' name=\"{safe(text)}\">{safe(text)}</a>")
    shown = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    assert page.tags == ["a"] and [name for _, name, _ in page.attributes] == ["title", "name"]
    if "\0" not in shown:
        assert page.text.replace("\r\n", "\n").replace("\r", "\n") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3725.0, "1:02:05.0")]
)
def test_short_clock(seconds, shown):
    assert short_clock(seconds) == shown


def test_a_flat_curve_and_no_moment_are_drawn():
    flat = replace(answer(moments=()), curve=np.zeros(63))
    assert "nan" not in notebook_html(flat) and notebook_html(flat).count("<svg") == 1


def test_a_long_curve_keeps_its_peak():
    long = answer(moments=())
    curve = np.zeros(50_000)
    curve[31_337] = 1.0
    html = notebook_html(replace(long, curve=curve, curves={}, pts_seconds=np.linspace(0, 20.9, 50_000)))
    assert len(html) < 100_000 and " 6.0L" in html  # 6.0: the top of the drawing


def test_the_figure_has_a_row_a_text(tmp_path):
    figure = plot_grounding(two_events("costs $5 or $6"))
    assert [axes.get_title(loc="left") for axes in figure.axes][1:] == ["a dog barks", "a dog sleeps"]
    two_events("costs $5 or $6").plot().savefig(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")


def test_main_texts_are_the_query_and_each_event_once():
    assert main_texts(two_events()) == ["a dog barks and then sleeps", "a dog barks", "a dog sleeps"]
    assert main_texts(answer()) == ["a dog barks"]
