"""The whole road to a real server that takes pictures; see `llm_server`.

Its model is random where it sees: what is tested is that requests are accepted, pictures counted, refusals understood
and replies read honestly, not what the model says.
"""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from llm_server import CONTEXT_TOKENS, PICTURE_TOKENS, serve
from videos import BLUE, RED, make_scenes, make_video

from tfgrounding import ground
from tfgrounding.engines import CascadeEngine, HybridEngine
from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.errors import ModelError
from tfgrounding.llm.chat import RefusedError
from tfgrounding.vision import CutOffError, Jpeg, ServedVLM, TooMuchError
from tfgrounding.vision.doctor import examine
from tfgrounding.vision.views import ClipYesNo

PICTURES = list(np.random.default_rng(0).integers(0, 256, (8, 48, 64, 3), dtype=np.uint8))
SECONDS = 6.0
SMALL_CONTEXT = 512
YES_OR_NO = {"enum": ["yes", "no"]}


@pytest.fixture(scope="module")
def vlm(real_server) -> ServedVLM:
    return ServedVLM("smollm2", base_url=real_server)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_video(tmp_path_factory.mktemp("real") / "a.mp4", seconds=SECONDS)


@pytest.fixture(scope="module")
def small_server(image_encoder):
    """The address of a server whose context holds about 25 pictures."""
    with serve(image_encoder, context_tokens=SMALL_CONTEXT) as url:
        yield url


def assert_honest(answer) -> None:
    """Moments within the video, or a warning that says why there are none."""
    for moment in answer.moments:
        assert 0 <= moment.start_seconds < moment.end_seconds <= SECONDS + 0.01
    says_none = "none" in answer.raw_answer.lower()
    assert answer.moments or says_none or any("could not be used" in text for text in answer.warnings)


def test_each_picture_takes_its_tokens(vlm):
    tokens = []
    for count in (1, 3, 8):
        before = vlm.client.usage
        vlm.yes_probability([*PICTURES[:count], "Answer yes or no."])
        tokens.append(vlm.client.usage.prompt_tokens - before.prompt_tokens)
    assert PICTURE_TOKENS <= (tokens[1] - tokens[0]) / 2 <= PICTURE_TOKENS + 4
    assert (tokens[2] - tokens[1]) / 5 == (tokens[1] - tokens[0]) / 2


def test_numpro(vlm, video):
    try:
        answer = ground(video, "a dog jumps", engine=NumProEngine(vlm, max_tokens=8))
    except CutOffError as error:
        assert "cut off at 32 tokens: raise max_tokens" in str(error)
    else:
        assert answer.raw_answer
        assert_honest(answer)


def test_yes_or_no_on_clips(vlm, video):
    answer = NumProEngine(vlm, view="clip-yes-no").watch(video).ask("a dog jumps")
    assert len(answer.curve) == 6 and np.all((answer.curve >= 0) & (answer.curve <= 1))
    assert answer.raw_answer.count("P(yes)") >= 2


def test_a_schema_holds_the_model_to_its_form(vlm):
    seconds = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 8}, "minItems": 2, "maxItems": 2}
    schema = {
        "type": "object",
        "properties": {"frames": seconds},
        "required": ["frames"],
        "additionalProperties": False,
    }
    reply = vlm.reply([*PICTURES[:2], "From which frame to which?"], schema=schema, max_tokens=60)
    first, last = json.loads(reply.text)["frames"]
    assert 1 <= first <= 8 and 1 <= last <= 8


def test_nothing_that_a_request_may_hold_was_refused(vlm):
    vlm.reply([PICTURES[0], "Answer yes or no."], schema=YES_OR_NO)
    vlm.yes_probability([PICTURES[0], "Answer yes or no."])
    assert vlm.takes_schema and not vlm.known.given_up  # streams with token counts, log-probabilities, schemas


def test_more_pictures_than_the_context_holds_are_sent_in_fewer(small_server):
    vlm = ServedVLM("smollm2", base_url=small_server)
    many = PICTURES * 5
    assert vlm.capacity(many) >= len(many)
    with pytest.raises(TooMuchError, match="context"):
        vlm.ask([*many, "What is it?"])
    fewer = vlm.capacity(many)
    assert 16 <= fewer <= SMALL_CONTEXT / PICTURE_TOKENS
    assert vlm.reply([*many[:fewer], "Answer yes or no."], schema=YES_OR_NO).text in ('"yes"', '"no"')


def test_an_engine_goes_on_with_smaller_windows(small_server, tmp_path):
    vlm = ServedVLM("smaller", base_url=small_server)
    video = make_video(tmp_path / "long.mp4", seconds=32, rate_hz=2)
    answer = NumProEngine(vlm, view=ClipYesNo(frames_per_clip=32)).watch(video).ask("a dog jumps")
    assert len(answer.curve) == 32 and np.all((answer.curve >= 0) & (answer.curve <= 1))
    assert answer.provenance["vlm_requests"] >= 3 and vlm.known.most_pixels is not None


ENGINES = [partial(CascadeEngine, budget_frames=20), partial(HybridEngine, max_tokens=4, budget_frames=16)]


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_with_curves(real_server, colour_encoder, tmp_path, engine):
    video = make_scenes(tmp_path / "a.mp4", [(3.0, RED), (3.0, BLUE)])
    asked = engine(ServedVLM("curves", base_url=real_server))
    answer = ground(video, "it is red", engine=asked, encoder=colour_encoder)
    assert all(0 <= m.start_seconds < m.end_seconds <= SECONDS + 0.01 for m in answer.moments)
    spent = answer.provenance
    assert 0 < spent["vlm_pictures"] <= 64 and spent["vlm_prompt_tokens"] > PICTURE_TOKENS * spent["vlm_pictures"] / 2
    assert answer.moments or answer.warnings


def test_doctor(real_server):
    vlm = ServedVLM("examined", base_url=real_server)
    found = examine(vlm, views=["frame-numbers"], most_pictures=9, most_requests=7)
    assert found.sees is False and found.recommended == "" and "used up" in found.stopped
    assert found.most_pictures == 9 and found.picture_tokens == PICTURE_TOKENS
    assert found.context_tokens == CONTEXT_TOKENS and found.takes_schema and found.gives_probability
    assert found.streams and 0 < found.yes < 1 and 0 < found.no < 1


def test_the_server_says_which_model_answered(vlm):
    assert "SmolLM2" in vlm.client.ask([{"role": "user", "content": "hi"}], max_tokens=2).model


def test_what_is_no_picture_is_refused_in_the_servers_words(vlm):
    with pytest.raises(ModelError, match="Failed to load image"):
        vlm.ask([Jpeg(b"no picture"), "What is it?"])


def test_a_wrong_address_is_refused_at_once(real_server):
    vlm = ServedVLM("smollm2", base_url=real_server + "/v9")
    with pytest.raises(RefusedError, match="404"):
        vlm.ask(["hi"])
    assert vlm.client.requests == 1
