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
from worded import milk, track, worded

from tfgrounding import Moment, Plan, SubEvent
from tfgrounding.show.chart import BAR_PIXELS, NARROWEST_CHART_PIXELS, chart
from tfgrounding.show.exports.common import short_clock
from tfgrounding.show.found import headline, look_of, moment_table
from tfgrounding.show.notebook import notebook_html
from tfgrounding.show.pages import safe
from tfgrounding.show.plots import main_texts, plot_grounding
from tfgrounding.show.scale import scale_of
from tfgrounding.types import EventMoment, Evidence

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
    assert len(html) < 100_000 and " 8.0L" in html  # 8.0: the top of the drawing


def test_the_figure_has_a_row_a_text(tmp_path):
    figure = plot_grounding(two_events("costs $5 or $6"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "not known whether it is in this video",
        r"costs \$5 or \$6",
        "a dog barks",
        "a dog sleeps",
    ]
    two_events("costs $5 or $6").plot().savefig(tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").read_text().startswith("<?xml")


def test_main_texts_are_the_query_and_each_event_once():
    assert main_texts(two_events()) == ["a dog barks and then sleeps", "a dog barks", "a dog sleeps"]
    assert main_texts(answer()) == ["a dog barks"]


# --- how sure the answer is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("present", "look", "words", "strength"),
    [
        (0.9, "probably", "probably in this video (present 0.90)", "strong"),
        (0.45, "perhaps", "perhaps in this video (present 0.45)", "fair"),
        (0.08, "probably-not", "probably not in this video (present 0.08)", "weak"),
        (None, "unknown", "not known whether it is in this video", "fair"),
    ],
)
def test_an_answer_looks_as_sure_as_it_is(present, look, words, strength):
    found = replace(answer(), present=present)
    html = notebook_html(found)
    page = Markup(html)
    assert ("div", "class", f"answer {look}") in page.attributes and words in page.text
    assert page.text.index(words) < page.text.index("0:12.5")  # before any time
    assert f"{strength}0.900" in page.text  # the best moment's row
    assert ("Weak candidates" in page.text) == (look == "probably-not")
    figure = plot_grounding(found)
    assert figure.axes[0].get_title(loc="left") == words
    best = figure.axes[0].patches[0]
    assert (best.get_facecolor()[3] == 0) == (look in ("perhaps", "probably-not"))
    assert (best.get_linestyle() == "--") == (look == "probably-not")
    assert bool(figure.axes[1].patches) == (look != "probably-not")  # the shading


def test_who_asks_with_another_threshold_gets_another_look():
    found = replace(answer(), present=0.45)
    assert look_of(found, 0.5) == "probably-not" and look_of(found) == "perhaps"
    assert "weak candidates" in headline(found, clickable=False, least_present=0.5)


def test_what_a_question_wants_is_said_first():
    plan = Plan("a dog barks", wants="number")
    found = replace(answer(), plan=plan, present=0.9)
    text = Markup(notebook_html(found)).text
    assert 0 < text.index("2 times") < text.index("probably in this video")  # the third moment is weak
    assert "class='said'" not in notebook_html(replace(found, present=0.1))


def test_each_event_has_a_time_of_its_own():
    events = (
        EventMoment("a dog barks", Moment(1.0, 2.1, 0.5), 0.9),
        EventMoment("a dog sleeps", Moment(4.2, 8.4, 0.5), 0.1),
    )
    found = replace(two_events(), events=events)
    page = Markup(notebook_html(found))
    assert "a dog barks 0:01.0 to 0:02.1 present 0.90" in page.text
    assert "a dog sleeps 0:04.2 to 0:08.4 probably not there, present 0.10" in page.text
    bands = re.findall(r"class='band' style='left:([\d.]+)%;width:([\d.]+)%'", notebook_html(found))
    assert bands == [("59.524", "11.905"), ("4.762", "5.238")]  # the query, the barking; the sleeping is not there
    patches = [[patch.get_x() for patch in axes.patches] for axes in plot_grounding(found).axes[1:]]
    assert patches == [[12.5], [1.0], []]
    spoken = replace(events[0], moment=replace(events[0].moment, evidence=(Evidence("said", 1, 2, HOSTILE),)))
    html = notebook_html(replace(found, events=(spoken, events[1])))
    assert HOSTILE in Markup(html).text and ".quote" in html  # with the style for words


def test_a_negated_query_says_what_its_curve_shows():
    plan = Plan("people", original="no people", negated=True)
    found = replace(answer("no people"), plan=plan)
    assert "no people (low where this is not the case)" in Markup(notebook_html(found)).text


def test_curves_that_are_shown_together_share_a_scale():
    weak = replace(answer("a cat"), curve=answer().curve * 0.1, curves={}, provenance={"floor": 0.3})
    strong = replace(answer(), provenance={"floor": 0.3})
    low, high = float(strong.curve.min()), float(strong.curve.max())
    assert scale_of([weak, strong], weak) == scale_of([weak, strong], strong) == pytest.approx((low, high, 0.3))
    assert scale_of([weak], weak).high == 0.3  # the line of unrelated words is always on the drawing
    other = replace(weak, encoder="another")
    assert scale_of([other, strong], other).high == 0.3  # similarities of two encoders cannot be compared
    html = chart(weak, (), clickable=False, scale=scale_of([weak, strong], weak))
    y = float(re.search(r"class='unrelated' d='M0 ([\d.]+)H1000'", html)[1])
    assert y == pytest.approx(8 + 84 * (high - 0.3) / (high - low), abs=0.06)
    assert "unrelated words reach 0.30" in html


@pytest.mark.parametrize("floor", [None, "high", True, float("nan"), float("inf"), [1]])
def test_a_floor_that_is_no_number_is_not_drawn(floor):
    html = notebook_html(replace(answer(), provenance={"floor": floor}))
    assert "class='unrelated'" not in html and "nan" not in html


@given(st.floats(0.05, 40_000))
def test_the_ends_of_an_axis_do_not_collide(duration):
    video = replace(answer().video, duration_seconds=duration)
    html = chart(replace(answer(moments=()), video=video), (), clickable=False)
    wide, narrow = re.findall(r"<div class='(axis|axis narrow)' aria-hidden='true'>(.*?)</div>", html)
    for (_, labels), pixels in ((wide, 560), (narrow, 300)):
        found = [(float(left), text) for left, text in re.findall(r"left:([\d.]+)%'>([\d:.]+)<", labels)]
        ends = 0.0
        for n, (left, text) in enumerate(found):
            width = 6.6 * len(text)  # of digits at 12 pixels
            start = left / 100 * pixels - (0 if n == 0 else width if n == len(found) - 1 else width / 2)
            assert n == 0 or start >= ends, (labels, pixels)
            ends = start + width


# --- tracks of words -------------------------------------------------------------------------------------------------


def test_the_words_stand_under_their_moment_and_a_row_for_each_track():
    html = milk(two_events())._repr_html_()
    page = Markup(html)
    assert page.tags.count("svg") == 3 + 2 and page.tags.count("q") == 1
    assert "let's start with the milk" in page.text and "said 0:12.5 to 0:13.8" in page.text
    assert page.text.index("let's start") < page.text.index("0:14.0")  # before the second moment's row
    assert "said: subtitles talk.en.srt" in page.text and "present 0.97" in page.text
    rows = [value for _, name, value in page.attributes if name == "class" and value.startswith("row")]
    assert rows == ["row", "row", "row", "row words", "row words silent"]
    assert "button" not in page.tags and "script" not in page.tags


def test_without_words_nothing_is_added():
    page = notebook_html(two_events())
    assert "<q" not in page and "quote" not in page and "row words" not in page


def test_marks_and_steps_stand_where_the_words_are():
    found = worded(answer(), Evidence("said", 5.25, 10.5, "x"), tracks=(track(end=21.0),))
    html = notebook_html(found)
    assert re.findall(r"<i class='mark best' style='left:([\d.]+)%;width:([\d.]+)%'>", html) == [("25.000", "25.000")]
    steps = re.findall(r"class='trace' d='M([^']+)'", html)[-1].split("L")
    assert steps[2:4] == ["250.0 8.0", "500.0 8.0"]  # the highest of four values, from 5.25 s to 10.5 s


def test_a_long_curve_of_a_track_keeps_its_peak():
    values = np.zeros(50_000)
    values[31_337] = 1.0
    html = notebook_html(worded(answer(), tracks=(track(curve=values, end=21.0),)))
    assert len(html) < 200_000 and html.count(" 8.0L") >= 2


def test_a_track_whose_curve_was_not_kept_is_named_all_the_same():
    page = Markup(notebook_html(worded(answer(), tracks=(track(curve=()), track("heard", "", curve=(0.5,), end=21.0)))))
    assert "said: subtitles talk.en.srt" in page.text and page.tags.count("svg") == 2


def test_words_never_become_markup():
    evil = worded(two_events(), Evidence("said", 12, 13, HOSTILE), tracks=(track(source=HOSTILE[:50]),))
    tame = worded(two_events(), Evidence("said", 12, 13, "x"), tracks=(track(source="x"),))
    for show in (notebook_html, lambda found: moment_table(found, clickable=True)):
        page, plain = Markup(show(evil)), Markup(show(tame))
        assert page.tags == plain.tags
        assert [name for _, name, _ in page.attributes] == [name for _, name, _ in plain.attributes]
        assert HOSTILE in page.text


def test_thousands_of_pieces_of_evidence_make_no_huge_page():
    many = [Evidence("said", 0.01 * i, 0.01 * i + 1, f"{i} " + "word " * 1000) for i in range(1000)]
    html = notebook_html(worded(answer(), *many, tracks=[track(end=21.0)] * 100))
    assert len(html) < 60_000 and "and 994 more" in html


def test_the_figure_has_a_row_a_track(tmp_path):
    figure = plot_grounding(milk(two_events()))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[4:] == ["said: subtitles talk.en.srt, present 0.97", "written: screen, says nothing about this"]
    colours = [axes.patches[0].get_edgecolor() for axes in figure.axes[4:]]
    assert colours[0] != colours[1]  # grey where it did not vote
    (bar,) = figure.axes[4].lines
    assert list(bar.get_xdata()) == [12.5, 13.75]
    figure.savefig(tmp_path / "figure.png")


def test_where_only_words_were_looked_at_only_their_rows_are_drawn():
    found = replace(milk(two_events()), provenance={"looked_at": "texts"})
    assert Markup(notebook_html(found)).tags.count("svg") == 2 and len(plot_grounding(found).axes) == 3
    no_curves = replace(found, tracks=(track(curve=()),))
    assert Markup(notebook_html(no_curves)).tags.count("svg") == 3 and len(plot_grounding(no_curves).axes) == 4
