"""Implementations of others that fail or return something else: one sentence that names them, never our own fault."""

import json
import re
import sys

import numpy as np
import pytest
from conftest import ColourEncoder
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder, TFGroundingError
from tfgrounding.cli import app as cli
from tfgrounding.encoders import load_encoder
from tfgrounding.errors import EncoderError, ModelError, PlanError
from tfgrounding.evaluation.datasets import load_dataset
from tfgrounding.evaluation.recipe import Recipe
from tfgrounding.evaluation.run import evaluate
from tfgrounding.planning.planner import plan_many
from tfgrounding.planning.plans import StoredPlanner
from tfgrounding.types import Plan
from tfgrounding.vision.views import ReadReply


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return str(make_scenes(tmp_path_factory.mktemp("others") / "a.mp4", [(2.0, RED), (2.0, BLUE)]))


def failing(*_, **__):
    raise KeyError("\x1b[31mno such\nthing\a")


FAILED = r"failed: KeyError: '\\x1b\[31mno such\\nthing\\x07'"  # as KeyError shows its text


class Planning:
    name = "own"

    def __init__(self, returned):
        self.returned = returned

    def plan(self, query):
        return self.returned(query) if callable(self.returned) else self.returned


class Engine:
    name, watches_features = "own", False

    def __init__(self, watched):
        self.watched = watched

    def watch(self, source, *, progress=None):
        return self.watched(progress) if callable(self.watched) else self.watched

    def provenance(self):
        return {"engine": self.name}


class Asked:
    """What the engine watched, whose `ask` returns what it is told to."""

    samples, info, colour = 1, None, "red"

    def __init__(self, returned):
        self.returned = returned

    def ask(self, query, *, top_k=5):
        return self.returned() if callable(self.returned) else self.returned


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (None, "plan must return a Plan, not NoneType"),
        ("a plan", "plan must return a Plan, not str"),
        (lambda query: (query for _ in "a"), "plan must return a Plan, not generator"),
        (failing, f"plan {FAILED}"),
    ],
)
def test_a_planner(video, monkeypatch, capsys, returned, says):
    planner = Planning(returned)
    grounder = Grounder(encoder=ColourEncoder(), planner=planner, cache=False)
    for asked in (
        lambda: grounder.ground(video, "blue"),
        lambda: plan_many(["blue"], planner),
        lambda: StoredPlanner({}, otherwise=planner).plan("blue"),
    ):
        with pytest.raises(PlanError, match=f"^planner own: {says}") as error:
            asked()
        assert str(error.value).isprintable() and (returned is not failing or type(error.value.__cause__) is KeyError)
    monkeypatch.setattr("tfgrounding.planning.planner.get_planner", lambda *_, **__: planner)
    monkeypatch.setattr(sys, "argv", ["tfgrounding", "plan", "blue"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    err = capsys.readouterr().err
    assert left.value.code == 2 and "planner own: plan" in err and "internal" not in err


@pytest.mark.parametrize(
    ("watched", "says"),
    [
        (None, "watch must return an object with a method ask, not NoneType"),
        (object(), "watch must return an object with a method ask, not object"),
        (failing, f"watch {FAILED}"),
        (Asked({"moments": []}), "ask must return an Answer, not dict"),
        (Asked(None), "ask must return an Answer, not NoneType"),
        (Asked(failing), f"ask {FAILED}"),
    ],
)
def test_an_engine(video, tmp_path, watched, says):
    grounder = Grounder(engine=Engine(watched))
    for asked in (
        lambda: grounder.ground(video, "blue"),
        lambda: grounder.watch(video).ask("blue", top_k=1),
        lambda: list(grounder.ground_many([(video, "blue")])),
    ):
        with pytest.raises(TFGroundingError, match=f"^engine own: {says}") as error:
            asked()
        assert str(error.value).isprintable()
    if isinstance(watched, Asked):
        assert (grounder.watch(video).colour, grounder.watch(video).samples) == ("red", 1)


def test_an_engine_in_an_evaluation(video, tmp_path, monkeypatch):
    annotations = tmp_path / "a.jsonl"
    row = {"qid": 1, "vid": "a", "query": "blue", "duration": 4, "relevant_windows": [[2, 4]]}
    annotations.write_text(json.dumps(row))
    monkeypatch.setitem(sys.modules["tfgrounding.registry"].ROWS["engines"], "own", f"{__name__}:ready")
    recipe = Recipe(videos=video.rpartition("/")[0], engine="own")
    summary = evaluate(load_dataset("jsonl", annotations), recipe, tmp_path / "r.jsonl", workers=1)
    assert "engine own: ask must return an Answer, not dict" in summary.failed[0][1]
    for said, why in ((None, "'NoneType' object is not iterable"), ({"a": object()}, "not JSON serializable")):
        monkeypatch.setattr(ready, "provenance", lambda said=said: said, raising=False)
        with pytest.raises(TFGroundingError, match=f"engine own: provenance failed: TypeError: .*{why}"):
            evaluate(load_dataset("jsonl", annotations), recipe, tmp_path / "s.jsonl", workers=1)


class Watched(Asked):
    class info:  # noqa: N801
        duration_seconds = 4.0


ready = Engine(Watched({"moments": []}))


def test_what_the_progress_raises_ends_an_engine_of_others_as_it_is(video):
    class HadEnoughError(Exception):
        pass

    def enough(done, whole):
        raise HadEnoughError

    with pytest.raises(HadEnoughError):
        Grounder(engine=Engine(lambda progress: progress(1.0, 2.0))).watch(video, progress=enough)


def test_a_localizer(video):
    class Failing:
        name, locate = "own", failing

    with pytest.raises(TFGroundingError, match=f"^localizer own: locate {FAILED}"):
        Grounder(encoder=ColourEncoder(), localizer=Failing(), cache=False).ground(video, "blue")


@pytest.mark.parametrize("method", ["encode_frames", "encode_texts", "text_notes"])
def test_an_encoder_that_fails(video, method):
    encoder = ColourEncoder()
    setattr(encoder, method, failing)
    with pytest.raises(EncoderError, match=f"^encoder colours: {method} {FAILED}"):
        Grounder(encoder=encoder, cache=False).ground(video, "blue")


def unit(*shape):
    return np.full(shape, shape[-1] ** -0.5, dtype=np.float32)


def test_vectors_of_two_lengths(video):
    encoder = ColourEncoder()
    encoder.encode_frames = lambda pixels: unit(len(pixels), 1, 4)
    says = "encoder colours: the vectors of frames have 4 numbers, those of texts have 3; they must be of one space"
    with pytest.raises(EncoderError, match=says):
        Grounder(encoder=encoder, cache=False).ground(video, "blue")


def test_vectors_whose_length_changes(video):
    encoder, calls = ColourEncoder(), []
    encoder.encode_frames = lambda pixels: calls.append(1) or unit(len(pixels), 1, 2 + len(calls))
    with pytest.raises(EncoderError, match=r"encode_frames returned vectors of shape \(1, 3\), then of \(1, 4\)"):
        Grounder(encoder=encoder, rate_hz=20, cache=False).ground(video, "blue")
    encoder = ColourEncoder()
    grounder = Grounder(encoder=encoder, cache=False)
    grounder.ground(video, "blue")
    encoder.encode_texts = lambda texts: unit(len(texts), 5)
    with pytest.raises(EncoderError, match="encode_texts returned vectors of another length than before"):
        grounder.ground(video, "red")


def test_memory_that_is_full_stays_that(video):
    class OutOfMemoryError(RuntimeError):  # as torch's is called
        pass

    def full(pixels):
        raise OutOfMemoryError("CUDA out of memory")

    encoder = ColourEncoder()
    encoder.encode_frames = full
    with pytest.raises(MemoryError, match="CUDA out of memory"):
        Grounder(encoder=encoder, cache=False).ground(video, "blue")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("floor", "high"), ("floor", float("nan")), ("floor", True), ("scale", float("nan")), ("scale", 0)],
)
def test_a_floor_or_scale_that_is_no_number(attribute, value):
    encoder = ColourEncoder()
    setattr(encoder, attribute, value)
    with pytest.raises(EncoderError, match=f"encoder colours: {attribute} must be a number"):
        load_encoder(encoder)
    setattr(encoder, attribute, np.float32(0.5))
    encoder.floor = None
    assert load_encoder(encoder) is encoder


def test_our_own_faults_stay_ours(video, monkeypatch):
    monkeypatch.setattr("tfgrounding.planning.rules.plan.RulesPlanner.plan", failing)
    monkeypatch.setattr("tfgrounding.localizers.default.DefaultLocalizer.locate", failing)
    grounder = Grounder(encoder=ColourEncoder(), cache=False)
    for query in ("blue", Plan("blue")):
        with pytest.raises(KeyError):
            grounder.ground(video, query)


class Model:
    """A vision model of one's own, of which one method fails or returns something else."""

    name = "mine"

    def __init__(self, **methods):
        self.__dict__.update(methods)

    def capacity(self, pictures):
        return 8

    def ask(self, parts, *, max_tokens=256):
        return "from frame 1 to frame 2"

    def yes_probability(self, parts):
        return 0.5


@pytest.mark.parametrize("engine", ["numpro", "hybrid", "cascade"])
@pytest.mark.parametrize(
    ("methods", "says"),
    [
        *(
            (
                {"capacity": lambda pictures, value=value: value},
                "vision model mine: capacity must return a whole number",
            )
            for value in (None, "x", 2.5, 0, -1, float("nan"), True)
        ),
        ({"capacity": None}, "vision model mine: capacity must be a method, not NoneType"),
        ({"ask": 7}, "vision model mine: ask must be a method, not int"),
        ({"name": 5}, "vlm must be .* not Model with the name 5"),
        ({"name": None}, "vlm must be the name of a vision model, or an object with name"),
        ({"capacity": failing}, "vision model mine: capacity " + FAILED),
        ({"ask": failing, "yes_probability": failing}, "vision model mine: (ask|yes_probability) " + FAILED),
        ({"ask": lambda *_, **__: 7, "yes_probability": lambda parts: "often"}, "vision model mine: .* must return"),
    ],
)
def test_vision_models_of_others(engine, methods, says, video):
    try:
        grounder = Grounder(engine=engine, vlm=Model(**methods), encoder=ColourEncoder(), cache=False)
        said = " ".join(grounder.ground(video, "red").warnings)  # where curves still answer, it is a warning
    except ModelError as error:
        said = str(error)
    assert re.search(says, said), said


class View:
    """A view of one's own, of which one part is something else."""

    name, frame_side, frames_per_picture = "mine", 32, 1

    def __init__(self, **parts):
        self.__dict__.update(parts)

    def parts(self, frames):
        return list(frames.pixels)

    def question(self, frames, query):
        return query

    def read(self, reply, frames):
        return ReadReply(((0.0, 1.0),), usable=True)


@pytest.mark.parametrize("engine", ["numpro", "hybrid"])
@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"read": None}, "read must be a method, not NoneType"),
        ({"parts": None}, "parts must be a method, not NoneType"),
        (
            {"parts": lambda frames: list(frames.pixels / 255.0)},
            r"parts must return pictures as \(H, W, 3\) uint8",
        ),
        ({"parts": lambda frames: None}, "parts must return a list of texts and pictures, not NoneType"),
        ({"question": lambda *_: 7}, "question must return a text, not int"),
        ({"read": lambda *_: None}, "read must return a ReadReply, not None"),
        ({"frame_side": "x"}, "frame_side must be a whole number from 1 on, not 'x'"),
        *(
            (
                {"read": lambda *_, one=one: ReadReply((one,), usable=True)},
                "read must return intervals .* within",
            )
            for one in ((float("nan"), 5), (7, 3), (-5, 1e9), (1,), ("a", "b"))
        ),
    ],
)
def test_what_a_view_of_others_returns(engine, parts, says, video):
    try:
        grounder = Grounder(engine=engine, vlm=Model(), view=View(**parts), encoder=ColourEncoder(), cache=False)
        said = " ".join(grounder.ground(video, "red").warnings)
    except TFGroundingError as error:
        said = str(error)
    assert re.search(f"view mine: {says}", said), said
    answer = Grounder(engine=engine, vlm=Model(), view=View(), encoder=ColourEncoder(), cache=False).ground(
        video, "red"
    )
    assert answer.moments


@pytest.mark.parametrize("engine", ["numpro", "hybrid", "cascade"])
@pytest.mark.parametrize("budget", ["x", float("nan"), 1.5, True])
def test_a_budget_that_is_no_whole_number(engine, budget):
    with pytest.raises(TFGroundingError, match="budget_frames must be a whole number from 1 on"):
        Grounder(engine=engine, vlm=Model(), encoder=ColourEncoder(), cache=False, budget_frames=budget)


def test_a_vision_model_that_is_a_number():
    with pytest.raises(TFGroundingError, match=r"vlm must be .* not int"):
        Grounder(engine="numpro", vlm=5)


def test_views_of_others(video):
    class View:
        name, frame_side, frames_per_picture = "mine", 32, 1
        parts = question = read = failing

    with pytest.raises(TFGroundingError, match="view mine: parts " + FAILED):
        Grounder(engine="numpro", vlm=Model(), view=View()).ground(video, "red")
