"""One protocol for every engine: by name, as module:Class, as an object."""

import sys

import numpy as np
import pytest
from test_numpro import Watcher, red_numbers
from videos import BLUE, RED, make_scenes

import tfgrounding
from tfgrounding import Answer, Grounder, Moment, Plan, TFGroundingError
from tfgrounding.engines import grounder as grounder_module
from tfgrounding.engines.hybrid import HybridEngine
from tfgrounding.engines.load import load_engine
from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.media import open_source

OWN_ENGINE = '''
from tfgrounding import Answer, Moment, Plan
from tfgrounding.media import open_source


class Halves:
    """Answers the first half, whatever is asked."""

    name = "halves"
    watches_features = False

    def __init__(self, device="auto"):
        self.device = device

    def watch(self, source, *, progress=None):
        self.source = open_source(source)
        self.info = self.source.info
        return self

    def ask(self, query, *, top_k=5):
        plan = query if isinstance(query, Plan) else Plan(query)
        half = Moment(0.0, self.info.duration_seconds / 2, 1.0)
        return Answer((half,), plan.query, plan, self.info, self.name, "none", "none", [], [], source=self.source)

    def provenance(self):
        return {"engine": self.name}
'''


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenes") / "scenes.mp4"
    return str(make_scenes(path, [(4.0, BLUE), (4.0, RED), (4.0, BLUE)]))


@pytest.fixture(params=["curves", "numpro", "hybrid", "cascade"])
def grounder(request, colour_encoder):
    vlm = None if request.param == "curves" else Watcher(red_numbers)
    return Grounder(engine=request.param, encoder=colour_encoder, vlm=vlm)


def test_every_engine_answers_in_the_same_form(grounder, scenes):
    done = []
    watched = grounder.watch(scenes, progress=lambda part, whole: done.append(part / whole))
    first, second = watched.ask("it is red"), watched.ask(Plan("it is red"), top_k=1)
    assert done and done[-1] > 0.9
    assert watched.info.duration_seconds == pytest.approx(12.0, abs=0.1) and watched.samples == len(first.pts_seconds)
    for answer in (first, second, grounder.ground(open_source(scenes), "it is red")):
        assert answer.engine == grounder.engine.name == grounder.engine.provenance()["engine"]
        assert answer.moments[0].start_seconds == pytest.approx(4.0, abs=1.0)
        assert answer.moments[0].end_seconds == pytest.approx(8.0, abs=1.0)
        assert answer.source is not None and answer.source.name == scenes
    assert len(second.moments) == 1


def test_a_video_is_decoded_once_for_many_queries(scenes, colour_encoder, monkeypatch):
    from tfgrounding.engines import looking

    calls = []
    real = looking.iter_frames
    monkeypatch.setattr(looking, "iter_frames", lambda *a, **k: calls.append(1) or real(*a, **k))
    watched = NumProEngine(Watcher(red_numbers)).watch(scenes)
    for _ in range(3):
        watched.ask("it is red")
    assert len(calls) == 1


def test_an_engine_of_ones_own_by_name_and_as_an_object(tmp_path, scenes, monkeypatch):
    (tmp_path / "halves_engine.py").write_text(OWN_ENGINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    for engine in ("halves_engine:Halves", __import__("halves_engine").Halves()):
        answer = Grounder(engine=engine).ground(scenes, "anything")
        assert answer.engine == "halves" and answer.moments[0].end_seconds == pytest.approx(6.0, abs=0.1)
    sys.modules.pop("halves_engine")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"engine": "magic"}, "cascade, curves, hybrid, numpro"),
        ({"engine": object()}, "has no name, watch"),
        ({"engine": "numpro"}, "needs a vision model"),
        ({"engine": "hybrid"}, "needs a vision model"),
        ({"engine": "cascade"}, "needs a vision model"),
        ({"engine": "cascade", "vlm": "m@http://127.0.0.1:9/v1", "view": "grid"}, "takes no view"),
        ({"vlm": "m@http://127.0.0.1:9/v1"}, "asks no vision model"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": True}, "top_k"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings, says):
    with pytest.raises(TFGroundingError, match=says):
        Grounder(**settings)


def test_an_engine_that_looks_at_pictures_says_so(scenes, colour_encoder):
    grounder = Grounder(engine=NumProEngine(Watcher(red_numbers)))
    with pytest.raises(TFGroundingError, match="looks at the pictures"):
        grounder.encode_video(scenes)
    with pytest.raises(TFGroundingError, match="window grid"):
        grounder.ground(scenes, "red", stride_frames=4)
    features = Grounder(encoder=colour_encoder).encode_video(scenes)
    assert grounder.ground(features, "it is red").moments[0].start_seconds == 4.0
    with pytest.raises(TFGroundingError, match="cannot propose moments"):
        HybridEngine(Watcher(red_numbers)).watch(scenes)


def test_settings_of_a_query_load_no_models_again(scenes, colour_encoder, monkeypatch):
    made = []
    real = grounder_module.Grounder
    grounder_module._shared_grounder.cache_clear()
    monkeypatch.setattr(grounder_module, "Grounder", lambda **settings: made.append(settings) or real(**settings))
    one = tfgrounding.ground(scenes, "red", encoder=colour_encoder, localizer="tfvtg", top_k=1)
    two = tfgrounding.ground(scenes, "red", encoder=colour_encoder, localizer="tfvtg", top_k=2, stride_frames=4)
    tfgrounding.ground(scenes, "red", encoder=colour_encoder, localizer="tfvtg", longest_frames=9)
    assert len(made) == 1 and len(one.moments) == 1 and len(two.moments) == 2
    grounder_module._shared_grounder.cache_clear()


def test_null_curves_are_kept_with_the_features(scenes, tmp_path, colour_encoder, monkeypatch):
    from tfgrounding.engines import curves

    made = []
    real = curves.Presence
    monkeypatch.setattr(curves, "Presence", lambda *a: made.append(1) or real(*a))
    grounder = Grounder(encoder=colour_encoder, cache=tmp_path / "c")
    other = make_scenes(tmp_path / "other.mp4", [(2.0, RED), (2.0, BLUE)])
    features = grounder.encode_video(scenes), grounder.encode_video(other)
    for _ in range(3):
        for one in features:
            grounder.ground(one, "blue")
    grounder.ground(scenes, "blue")
    assert len(made) == 2


def test_an_event_of_two_parts_is_as_present_as_its_parts_together(scenes, colour_encoder):
    grounder = Grounder(encoder=colour_encoder)
    parts = tuple(tfgrounding.SubEvent((colour,)) for colour in ("red", "blue"))
    one, two, both = (
        grounder.ground(scenes, plan).present
        for plan in (Plan("red"), Plan("blue"), Plan("green", sub_events=parts, relation="sequentially"))
    )
    assert both == pytest.approx(1 / (1 + np.sqrt((1 / one - 1) * (1 / two - 1))))


def test_the_floor_is_the_encoders_own_or_measured(scenes, colour_encoder):
    from tfgrounding.localizers import Candidates
    from tfgrounding.localizers.presence import measured_floor

    class Recorder:
        name, seen = "recorder", ()

        def locate(self, curves):
            self.seen = curves
            return Candidates(np.zeros(1), np.ones(1), np.ones(1))

    recorder = Recorder()
    grounder = Grounder(encoder=colour_encoder, localizer=recorder)
    assert grounder.ground(scenes, "blue").provenance["floor"] == recorder.seen.floor == 0.6
    colour_encoder.floor = None
    answer = Grounder(encoder=colour_encoder, localizer=recorder).ground(scenes, "blue")
    assert answer.provenance["floor"] == recorder.seen.floor == measured_floor(recorder.seen.null_curves)


def test_an_answer_without_its_video_is_not_corrected():
    info = tfgrounding.VideoInfo("gone.mp4", 4.0, 8, 8)
    answer = Answer((Moment(1, 2, 1.0),), "q", Plan("q"), info, "curves", "e", "l", np.ones(4), np.arange(4) + 0.5)
    with pytest.raises(TFGroundingError, match="without its video"):
        HybridEngine(Watcher(red_numbers)).corrected(answer)


def test_view_and_budget_go_to_the_engines_that_show_pictures():
    numpro = load_engine("numpro", vlm="m@http://127.0.0.1:9/v1", view="percent", budget_frames=40)
    assert numpro.view.name == "percent" and numpro.most_frames == 40
    hybrid = Grounder(engine="hybrid", vlm="m@http://127.0.0.1:9/v1", view="grid", budget_frames=60).engine
    assert hybrid.view.name == "grid" and hybrid.budget_frames == 60
    for name, value in {"view": "percent", "budget_frames": 40}.items():
        with pytest.raises(TFGroundingError, match=f"'curves' takes no {name}: leave {name} out"):
            Grounder(**{name: value})
