"""In a figure each event's own moment is shaded in the event's own row."""

import numpy as np

from tfgrounding import Answer, EventMoment, Moment, Plan, SubEvent, VideoInfo
from tfgrounding.show.plots import plot_grounding


def test_the_moment_of_an_event_is_shaded_in_its_row():
    plan = Plan("a, then b", sub_events=(SubEvent(("a",)), SubEvent(("b",))), relation="sequentially")
    pts = np.arange(20) + 0.5
    answer = Answer(
        spans=(Moment(2, 18, 0.5),),
        query=plan.query,
        plan=plan,
        video=VideoInfo("v.mp4", 20.0, 8, 8),
        engine="curves",
        encoder="e",
        localizer="default",
        curve=np.sin(pts),
        pts_seconds=pts,
        curves={text: np.sin(pts) for text in plan.texts},
        events=(EventMoment("a", Moment(3, 5, 0.5), 0.9), EventMoment("b", Moment(11, 16, 0.5), 0.9)),
    )
    _, *rows = plot_grounding(answer).axes  # the first row holds the moments as bars
    shaded = [[(patch.get_x(), patch.get_width()) for patch in row.patches] for row in rows]
    assert shaded == [[(2, 16)], [(3, 2)], [(11, 5)]]
