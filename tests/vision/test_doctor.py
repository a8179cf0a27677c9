"""What the doctor finds out about models of which everything is known."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

import hostile
import numpy as np
import pytest
from reader import _ocr, pictures_of, serve, text_of

from tfgrounding.errors import ModelError, TFGroundingError
from tfgrounding.llm.connection import RefusedError
from tfgrounding.llm.replies import Reply, Usage
from tfgrounding.vision import NoProbabilityError, ServedVLM, TooMuchError, clock
from tfgrounding.vision.doctor import examine
from tfgrounding.vision.model import UselessReplyError
from tfgrounding.vision.profiles import Profile, find_profile, save_profile

TOKENS = 50  # of one picture


def colour_of(picture: np.ndarray) -> str:
    """The nearest colour of the clock in the upper left of a picture, where nothing is drawn."""
    seen = picture[: len(picture) // 3, : picture.shape[1] // 3].reshape(-1, 3).astype(float).mean(axis=0)
    return min(clock.COLOURS, key=lambda name: np.abs(seen - clock.COLOURS[name]).sum())


def reply_to(parts: Sequence, *, scale: float = 1.0, offset: float = 0.0) -> str:
    """What a model that sees colours and believes the times that it is shown would say."""
    question = parts[-1]
    pictures = [part for part in parts if isinstance(part, np.ndarray)]
    if "On each of these" in question:
        return ", ".join(map(str, clock.NUMBERS[: len(pictures)]))
    asked = re.search(r"the picture is (\w+)", question)
    if asked is None:
        return "ready"
    labels = [float(text[7:-1]) for text in parts[:-1] if isinstance(text, str) and text.startswith("Second{")]
    found = [k for k, picture in enumerate(pictures) if colour_of(picture) == asked[1]]
    if not found:
        return "none"
    if labels:
        first, last = (labels[k] * scale + offset for k in (found[0], found[-1]))
        return f"from {first:.1f} to {last:.1f} seconds"
    return f"from frame {found[0] + 1} to frame {found[-1] + 1}"


def by_schema(text: str, schema: dict) -> str:
    """A reply in words as one that follows the schema of moments."""
    names = schema["properties"]["moments"]["items"]["required"]
    numbers = [float(number) for number in re.findall(r"\d+\.?\d*", text)]
    moments = [dict(zip(names, numbers, strict=True))] if numbers else []
    return json.dumps({"moments": moments})


class Model:
    """A VisionModel with token counts; `most` pictures a request."""

    name = "model@http://127.0.0.1:1"

    def __init__(self, answer=reply_to, *, most: int = 1000, follows_schema: bool = True) -> None:
        self.answer, self.most, self.known, self.follows_schema = answer, most, 64, follows_schema
        self.requests = 0

    def capacity(self, pictures) -> int:
        return min(self.known, self.most)

    def ask(self, parts, *, max_tokens: int = 256) -> str:
        return self.reply(parts, max_tokens=max_tokens).text

    def reply(self, parts, *, max_tokens: int = 256, schema=None) -> Reply:
        self.requests += 1
        pictures = sum(isinstance(part, np.ndarray) for part in parts)
        if pictures > self.most:
            self.known = self.most
            raise TooMuchError(f"At most {self.most} images may be sent")
        text = self.answer(parts)
        if schema is not None and self.follows_schema:
            text = '{"colour": "amber"}' if "colour" in schema["properties"] else by_schema(text, schema)
        return Reply(text, "stop", "model", Usage(1, 30 + TOKENS * pictures, 5))

    def yes_probability(self, parts) -> float:
        self.requests += 1
        return 0.9 if colour_of(parts[0]) == "yellow" else 0.2


def test_a_model_that_sees_reads_the_true_times():
    found = examine(Model(), views=["timestamps-text", "frame-numbers"])
    assert found.sees and found.most_pictures == 64 and found.refusal == "" and found.stopped == ""
    assert found.picture_tokens == TOKENS
    assert (found.takes_schema, found.gives_probability, found.yes, found.no) == (True, True, 0.9, 0.2)
    for one in found.views:
        assert one.offset_seconds == pytest.approx(0, abs=0.01) and one.scale == pytest.approx(1, abs=0.001)
        assert one.spread_seconds == pytest.approx(0, abs=0.01) and one.iou == 1
        assert (one.readable, one.asked, one.says_none) == (4, 4, True)
    assert found.recommended == "timestamps-text"
    assert found.requests == 16 and found.completion_tokens == 14 * 5  # two answers are probabilities


@pytest.mark.parametrize(("scale", "offset"), [(0.5, 0.0), (0.9, 2.0)])
def test_times_that_are_read_wrongly_are_measured(scale, offset):
    found = examine(Model(lambda parts: reply_to(parts, scale=scale, offset=offset)), views=["timestamps-text"])
    (one,) = found.views
    assert one.scale == pytest.approx(scale, abs=0.07)  # moments lie on the borders of frames 2 s long
    assert one.offset_seconds == pytest.approx(offset, abs=1.1) and one.spread_seconds < 1.1
    assert found.recommended == ("" if scale == 0.5 else "timestamps-text")


@pytest.mark.parametrize(
    "answer",
    [lambda parts: "none", lambda parts: "from frame 1 to frame 20", lambda parts: "I cannot see any pictures."],
)
def test_a_model_that_sees_nothing_gets_no_view(answer):
    found = examine(Model(answer, follows_schema=False), views=["frame-numbers", "timestamps-text"])
    assert found.sees is False and found.recommended == "" and found.takes_schema is False
    assert found.profile().view == ""
    assert found.views[0].iou < 0.3


def test_a_limit_of_pictures_is_found_and_kept():
    model = Model(most=10)
    found = examine(model, views=["frame-numbers", "grid"])
    assert found.most_pictures == 10 and "At most 10" in found.refusal
    assert found.profile().most_pictures == 10
    assert all(one.asked for one in found.views) and found.views[0].iou == 1
    assert model.requests == found.requests <= 20


def test_an_empty_reply_is_no_limit():
    def nothing(parts):
        raise UselessReplyError("an empty text", Usage(1, 30 + TOKENS, 0))

    found = examine(Model(nothing), views=["frame-numbers"])
    assert found.most_pictures == 64 and found.refusal == "" and found.recommended == "" and found.sees is False
    assert found.numbers_read == "an empty text"


def test_one_picture_a_request_leaves_the_grid():
    found = examine(Model(most=1), views=["frame-numbers", "grid"])
    assert found.most_pictures == 1 and found.sees
    numbers, grid = found.views
    assert numbers.problem == "a request holds only 1 picture" and grid.asked == 4


def test_requests_are_bounded_and_what_was_not_tried_is_named():
    model = Model()
    found = examine(model, views=["frame-numbers", "timestamps-text"], most_requests=10)
    assert model.requests == found.requests == 10
    assert found.stopped == "the 10 requests are used up; not tried: frame-numbers, timestamps-text"
    assert examine(Model(), most_seconds=0.0).stopped.startswith("0 seconds are over")


def test_all_views_take_at_most_forty_requests():
    model = Model()
    found = examine(model)
    assert model.requests <= 40 and {"frame-numbers", "timestamps-text", "percent"} <= {one.view for one in found.views}


def test_what_stops_every_request_is_raised():
    def refuse(parts):
        raise RefusedError("the server refuses the key")

    def fail(parts):
        raise ModelError("the server is gone")

    with pytest.raises(RefusedError):
        examine(Model(refuse))
    with pytest.raises(ModelError, match="gone"):
        examine(Model(fail))
    with pytest.raises(TFGroundingError, match="asks for no times"):
        examine(Model(), views=["clip-yes-no"])


def test_a_model_without_optional_parts_is_examined():
    class Plain:
        name = "plain"

        def capacity(self, pictures):
            return 64

        def ask(self, parts, *, max_tokens=256):
            return reply_to(parts)

        def yes_probability(self, parts):
            raise NoProbabilityError("none")

    found = examine(Plain(), views=["frame-numbers"])
    assert found.recommended == "frame-numbers" and found.gives_probability is False
    assert found.takes_schema is None and found.picture_tokens is None


def test_the_numbers_can_be_read():
    for number, picture in zip(clock.NUMBERS, clock.number_pictures(336), strict=True):
        found, _ = _ocr()(np.ascontiguousarray(picture), use_cls=False)
        assert [text for _, text, _ in found] == [str(number)]


def seeing_server(request: dict) -> str:
    return reply_to([*pictures_of(request), text_of(request)])


def test_the_command(run):
    with serve(seeing_server) as url:
        code, out, err = run("doctor", "--vlm", f"eye@{url}", "--view", "frame-numbers", "--json")
        told = json.loads(out)
        assert code == 0 and told["recommended"] == "frame-numbers" and "sending 64 pictures" in err
        code, out, err = run("doctor", "--vlm", f"eye@{url}", "--view", "frame-numbers", "--pictures", 16)
    assert told["streams"] is False and "no, each reply came as one body" in out
    assert code == 0 and "recommended: --view frame-numbers" in out and "kept for later runs in" in err
    assert "frame-numbers          +0.00   1.000      0.00     1.00     4/4        yes" in out
    assert run("doctor", "--vlm", f"eye@{url}", "--price-in", 1)[0] == 2
    for option in ("--price-in", "inf", "--price-out", 1), ("--seconds", "nan"):
        assert run("doctor", "--vlm", f"eye@{url}", *option)[0] == 2
    assert run("doctor", "--vlm", "eye")[0] == 2


def test_a_model_that_refuses_every_request_is_shown_with_its_words(run):
    refusal = {"message": {"role": "assistant", "content": None, "refusal": "I can't help with pictures."}}
    with hostile.serve(lambda query, nth, request: hostile.completion("", **refusal)) as server:
        code, out, _ = run("doctor", "--vlm", f"eye@{server.url}", "--view", "frame-numbers", "--pictures", 8)
    assert code == 0 and "no request was answered: " in out and "a refusal: I can't help with pictures." in out
    assert "8 or more" not in out and "recommended: --view" not in out


def test_what_was_not_measured_again_is_kept(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path))
    before = Profile("percent", 10, 256.5, 8192, 0.5, 0.02, True, False, "2026-11-30")
    with serve(seeing_server) as url:
        save_profile("eye", url, before)
        code, out, err = run("doctor", "--vlm", f"eye@{url}", "--requests", 1)
        assert code == 0 and "the one request is used up" in out and "1 request, 3 pictures" in out
        assert re.search(r"pictures in one request +not known", out) and "one query over" not in out
        assert "kept from the profile before: the view percent, pictures in one request" in err
        assert replace(find_profile("eye", url), measured=before.measured) == before
    with serve(lambda request: "I see nothing") as url:
        for view, kept in (("percent", "percent"), ("frame-numbers", "")):
            save_profile("eye", url, Profile("percent" if kept else "frame-numbers"))
            run("doctor", "--vlm", f"eye@{url}", "--view", "frame-numbers")
            assert find_profile("eye", url).view == kept, view


def test_a_cache_that_cannot_be_written_costs_no_request(run, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "file"))
    asked = []
    with serve(lambda request: asked.append(1) or "none") as url:
        code, _, err = run("doctor", "--vlm", f"eye@{url}")
    assert code == 2 and "cannot be kept there" in err and not asked


def test_a_limit_of_this_program_is_not_the_servers():
    with serve(seeing_server) as url:
        vlm = ServedVLM("eye", base_url=url, max_request_bytes=60_000)
        found = examine(vlm, views=["frame-numbers"], most_pictures=100_000)
    assert "above the limit of 60000" in found.own_limit and found.refusal == "" and found.pictures < 500
    assert found.profile().most_pictures == 0 and found.requests == vlm.client.usage.requests


def test_fewer_pictures_are_tried_where_a_request_may_have_been_cut():
    class Unlucky(Model):
        def reply(self, parts, **settings):
            if sum(isinstance(part, np.ndarray) for part in parts) == 20:
                raise TooMuchError("may have cut a request of 20 pictures")
            return super().reply(parts, **settings)

    found = examine(Unlucky(), views=["frame-numbers"])
    assert found.recommended == "frame-numbers" and found.views[0].problem == ""


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (
            Model(lambda parts: reply_to(parts, scale=0.5)),
            r"sees what is shown, but .* a scale of 0\.(4|5)",
        ),
        (Model(most=2), "one request holds too few pictures to try one, 2 of 8"),
        (Model(lambda parts: "none", follows_schema=False), "does not see what is shown"),
    ],
)
def test_why_no_view_is_recommended(run, monkeypatch, model, sentence):
    monkeypatch.setattr("tfgrounding.vision.vlm.load_vlm", lambda *_, **__: model)
    code, out, _ = run("doctor", "--vlm", "m@http://127.0.0.1:1", "--view", "timestamps-text")
    assert code == 0 and re.search(f"no view is recommended: .*{sentence}", out), out
