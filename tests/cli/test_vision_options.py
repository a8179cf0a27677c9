"""The options of vision LLMs: they reach the requests, and wrong combinations are one sentence."""

from __future__ import annotations

import json

import pytest
from reader import pictures_of, serve
from videos import BLUE, RED, make_scenes

from tfgrounding.vision.profiles import Profile, save_profile


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return make_scenes(tmp_path_factory.mktemp("options") / "a.mp4", [(6.0, RED), (6.0, BLUE)])


def test_the_options_decide_what_is_sent(run, video):
    asked = []

    def answer(request):
        asked.append(len(pictures_of(request)))
        return "none"

    with serve(answer) as url:
        options = ("--engine", "numpro", "--vlm", f"m@{url}", "--view", "percent", "--vlm-pictures", 4, "--budget", 8)
        options = (*options, "--vlm-timeout", 5, "--vlm-concurrency", 1)
        code, out, err = run("ground", video, "it is red", *options, "--json")
        assert code == 0, err
        told = json.loads(out)
        assert told["provenance"]["view"] == "percent"
        assert told["provenance"]["vlm_pictures"] == sum(asked) and asked and max(asked) <= 4
        asked.clear()
        report = video.parent / "report.html"
        assert run("report", video, "it is red", "--output", report, *options)[0] == 0
        assert run("export", video, "it is red", *options)[0] == 0
        assert asked and max(asked) <= 4


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--view", "percent"), "--view is for a vision LLM, and none is named"),
        (("--vlm-pictures", "4"), "--vlm-pictures is for a vision LLM"),
        (("--budget", "4"), "--budget is for a vision LLM"),
        (("--vlm-timeout", "4"), "--vlm-timeout is for a vision LLM"),
        (("--vlm-concurrency", "4"), "--vlm-concurrency is for a vision LLM"),
        (("--vlm", "m@http://127.0.0.1:9/v1", "--view", "percent"), "asks no vision model: choose numpro"),
        (("--engine", "numpro", "--vlm", "m@http://127.0.0.1:9/v1", "--view", "no-such"), "'no-such' is not known"),
        (("--engine", "numpro", "--vlm", "m@http://127.0.0.1:9/v1", "--vlm-timeout", "-1"), "timeout_seconds"),
        (("--engine", "numpro", "--vlm", "m@http://127.0.0.1:9/v1", "--vlm-pictures", "0"), "vlm-pictures"),
        (("--engine", "numpro", "--vlm", "local:no/such/folder", "--vlm-timeout", "3"), "only a model on a server"),
    ],
)
def test_wrong_combinations_are_one_sentence(run, video, options, sentence):
    code, out, err = run("ground", video, "it is red", *options)
    assert code == 2 and out == "" and sentence in err and len(err.strip().splitlines()) == 1


def test_eval_keeps_the_options_with_its_rows(run, video, tmp_path):
    rows = [{"qid": 1, "vid": "a", "query": "it is red", "relevant_windows": [[0, 6]]}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = []

    def answer(request):
        asked.append(len(pictures_of(request)))
        return "from 0 to 49"

    with serve(answer) as url:
        shown = ("--view", "percent", "--vlm-pictures", 6, "--budget", 6, "--vlm-concurrency", 2)
        command = ("eval", tmp_path / "a.jsonl", "--videos", video.parent, "--engine", "numpro", "--vlm", f"m@{url}")
        code, out, err = run(*command, *shown, "--output", tmp_path / "r.jsonl", "--json")
        told = json.loads(out)
        assert code == 0, err
        assert asked == [6] and told["vision_llm"]["pictures"] == 6 and told["vision_llm"]["queries"] == 1
        row = json.loads((tmp_path / "r.jsonl").read_text())
        shown = {"view": "percent", "pictures_a_request": 6, "budget_frames": 6}
        assert shown.items() <= row["provenance"].items()
        code, _, err = run(*command, "--view", "grid", "--output", tmp_path / "r.jsonl")
        assert code == 2 and "view 'percent', now 'grid'" in err
    code, _, err = run("eval", tmp_path / "a.jsonl", "--videos", video.parent, "--budget", 6)
    assert code == 2 and "are for a vision LLM" in err


def test_an_estimate_sends_no_picture_and_is_kept_to(run, video, tmp_path):
    asked = []

    def answer(request):
        asked.append(len(pictures_of(request)))
        return "none"

    (tmp_path / "a.jsonl").write_text(
        "".join(
            json.dumps({"qid": n, "vid": "a", "query": "it is red", "relevant_windows": [[0, 6]]}) + "\n"
            for n in (1, 2)
        )
    )
    with serve(answer) as url:
        options = ("--engine", "numpro", "--vlm", f"m@{url}", "--vlm-pictures", 5)
        code, out, _ = run("ground", video, "it is red", *options, "--estimate", "--json")
        told = json.loads(out)
        assert code == 0 and not asked and "no picture was sent" in run("ground", video, "x", *options, "--estimate")[2]
        run("ground", video, "it is red", *options)
        # One more, where moments of several windows meet, is not needed here: nothing is found.
        assert (told["requests"], told["pictures"]) == (len(asked) + 1, sum(asked) + 5) and len(asked) > 1
        command = ("eval", tmp_path / "a.jsonl", "--videos", video.parent, *options, "--estimate", "--json")
        both = json.loads(run(*command)[1])
        assert both["queries"] == 2 and both["pictures"] == 2 * told["pictures"] and len(asked) == told["requests"] - 1
        assert told["prompt_tokens"] > told["pictures"] and not told["by_profile"] and told["seconds"] is None


def test_an_estimate_uses_what_doctor_measured(run, video, monkeypatch, tmp_path):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path))
    profile = Profile("percent", 4, 100.0, request_seconds=1.0, picture_seconds=0.5)
    save_profile("m", "http://127.0.0.1:9/v1", profile)
    code, out, _ = run(
        *("ground", video, "it is red", "--engine", "numpro", "--vlm", "m@http://127.0.0.1:9/v1"),
        "--estimate",
        "--json",
    )
    told = json.loads(out)
    assert code == 0 and told["by_profile"] and told["requests"] > 2
    assert told["prompt_tokens"] == told["pictures"] * 100 + told["requests"] * 150
    assert told["seconds"] == told["pictures"] * 0.5 + told["requests"]


@pytest.mark.parametrize(
    ("options", "pictures"),
    [
        (("hybrid", "--budget", 48), 48),
        (("hybrid", "--budget", 48, "--view", "grid"), 4),
        (("numpro", "--budget", 3), 3),
        (("cascade",), 48 * 4),
        (("cascade", "--budget", 20), 20),
    ],
)
def test_an_estimate_keeps_to_the_budget(run, video, options, pictures):
    code, out, err = run(
        *("ground", video, "x", "--vlm", "m@http://127.0.0.1:9/v1", "--estimate", "--json", "--engine"), *options
    )
    assert code == 0, err
    assert json.loads(out)["pictures"] == pictures


@pytest.mark.parametrize(
    ("options", "sentence"), [((), "asks no vision LLM"), (("--engine", "numpro"), "none is named")]
)
def test_an_estimate_needs_a_vision_model(run, video, options, sentence):
    code, out, err = run("ground", video, "x", "--estimate", *options)
    assert code == 2 and not out and sentence in err and len(err.strip().splitlines()) == 1


def test_needle_and_mcp_take_them_too(run, tmp_path, monkeypatch):
    make_scenes(tmp_path / "red.mp4", [(2.0, RED)])
    make_scenes(tmp_path / "blue.mp4", [(6.0, BLUE)])
    asked = []

    def answer(request):
        asked.append(len(pictures_of(request)))
        return "from 0 to 30"

    with serve(answer) as url:
        options = ("--engine", "numpro", "--vlm", f"m@{url}", "--view", "percent", "--vlm-pictures", 3, "--budget", 3)
        command = ("needle", tmp_path, "--needle", "red.mp4", "--query", "it is red", "--lengths", 6, "--depths", 1)
        code, _, err = run(*command, "--output", tmp_path / "out", *options)
        assert code == 0, err
    assert asked == [3]
    rows = [json.loads(line) for path in (tmp_path / "out").glob("results*.jsonl") for line in path.open()]
    assert rows[0]["provenance"]["view"] == "percent"
    served = []
    monkeypatch.setattr("tfgrounding.serve.mcp_server.serve", served.append)
    assert run("mcp", "--root", tmp_path, *options)[0] == 0
    assert served[0]._settings["budget_frames"] == 3 and served[0]._settings["vlm"].most_pictures == 3
    code, _, err = run("mcp", "--root", tmp_path, "--view", "percent")
    assert code == 2 and "--view is for a vision LLM" in err
