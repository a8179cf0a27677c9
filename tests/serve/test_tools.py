"""What a model may ask for, what it gets, and what it is refused."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import openai
import pytest
from conftest import ColourEncoder
from videos import BLUE, GREEN, RED, make_scenes, make_video, read_number
from worded import Worded, track, worded

from tfgrounding import Answer, Grounder, TFGroundingError
from tfgrounding.serve import tools
from tfgrounding.serve.folder import CLIPS_FOLDER
from tfgrounding.serve.tools import VideoTools, openai_tools
from tfgrounding.types import Evidence


@pytest.fixture
def root(tmp_path):
    """A folder of three videos, beside things that nobody may touch."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    make_scenes(root / "red-blue.mp4", [(2.0, RED), (3.0, BLUE)], rate_hz=5)
    make_scenes(root / "sub" / "green.mkv", [(1.0, RED), (4.0, GREEN)], rate_hz=5)
    make_scenes(root / "dark.webm", [(3.0, (40, 40, 40))], rate_hz=5, codec="libvpx")
    make_scenes(tmp_path / "secret.mp4", [(1.0, RED)], rate_hz=5)
    (tmp_path / "secret.txt").write_text("nobody may read this")
    return root


@pytest.fixture
def box(root, colour_grounder):
    return VideoTools(root, grounder=colour_grounder)


def test_describe_video(box):
    described = box.describe_video("sub/green.mkv")
    assert (described.video, described.width, described.height) == ("sub/green.mkv", 64, 48)
    assert described.duration_seconds == pytest.approx(5.0, abs=0.05)


def test_ground_video(box):
    reports = []
    found = box.ground_video("red-blue.mp4", "something blue", progress=lambda *report: reports.append(report))
    assert found.moments[0].start_seconds == pytest.approx(2.0, abs=0.4)
    assert found.moments[0].end_seconds == pytest.approx(5.0, abs=0.4)
    assert reports[0][0] == 0.0 and reports[-1][0] > 4 and "red-blue.mp4" in reports[-1][2]
    assert len(box.ground_video("red-blue.mp4", "something blue", top_k=1).moments) == 1


def test_search_videos_finds_the_right_one_first(box):
    reports = []
    found = box.search_videos("green grass", progress=lambda *report: reports.append(report))
    assert found.matches[0].video == "sub/green.mkv"
    assert found.matches[0].moments[0].start_seconds == pytest.approx(1.0, abs=0.4)
    assert found.videos_searched == 3 and found.skipped == []
    assert [report[0] for report in reports] == sorted(report[0] for report in reports)
    assert reports[-1][:2] == (3, 3)
    assert len(box.search_videos("green grass", top_k=1).matches) == 1


def test_search_videos_says_what_it_could_not_read(box, root):
    (root / "broken.mp4").write_bytes(b"\0" * 100)
    (root / "notes.txt").write_text("not a video")
    found = box.search_videos("green grass")
    assert [skipped.video for skipped in found.skipped] == ["broken.mp4"]
    assert str(root) not in found.skipped[0].reason


def test_a_grounded_video_is_an_answer_without_curves(box):
    found = box.ground_video("sub/green.mkv", "green grass")
    answer = Answer.from_dict(found.model_dump())
    assert answer.query == "green grass" and answer.video.path == "sub/green.mkv" and len(answer.curve) == 0
    assert [m.start_seconds for m in answer.moments] == [m.start_seconds for m in found.moments]
    assert str(box.folder.root) not in found.model_dump_json()


class Fussy(ColourEncoder):
    """Fails as it is told, where a picture is green."""

    def __init__(self, error):
        self.error = error

    def encode_frames(self, pixels):
        if pixels[..., 1].max() > 150:
            raise self.error
        return super().encode_frames(pixels)


def test_no_error_of_one_video_ends_a_search(root):
    fussy = Fussy(ZeroDivisionError("division by zero"))
    found = VideoTools(root, grounder=Grounder(encoder=fussy, cache=False)).search_videos("something blue")
    assert found.matches[0].video == "red-blue.mp4" and found.videos_searched == 2
    why = "encoder colours: encode_frames failed: ZeroDivisionError: division by zero"
    assert [(s.video, s.reason) for s in found.skipped] == [("sub/green.mkv", why)]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError("full")])
def test_a_search_ends_where_it_is_stopped_or_memory_is_full(root, error):
    with pytest.raises(type(error)):
        VideoTools(root, grounder=Grounder(encoder=Fussy(error), cache=False)).search_videos("something blue")


def test_what_the_progress_raises_ends_a_search(box):
    def stop(done, whole, doing):
        if done > 1:
            raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        box.search_videos("green grass", progress=stop)


def test_file_names_of_every_kind(box, root):
    names = ["2024-01-01T12:30.mp4", "clip:1.mp4", "~home.mp4", "~", "a%b #1.mp4", "UPPER.MP4", " lead.mp4", "-x.mp4"]
    for name in names:
        shutil.copy(root / "red-blue.mp4", root / name)
    bytes_name = os.fsencode(root) + b"/caf\xe9.mp4"
    shutil.copy(os.fsencode(root / "red-blue.mp4"), bytes_name)
    found = box.search_videos("something blue", top_k=20)
    assert found.skipped == []
    listed = {match.video for match in found.matches}
    assert {*names, "caf\\xe9.mp4"} - {"~"} <= listed
    json.loads(found.model_dump_json())
    for name in [*names, "caf\\xe9.mp4"]:
        arguments = {"video": name, "query": "something blue"}
        answer = json.loads(box.call("ground_video", json.dumps(arguments)))
        assert json.loads(box.call("ground_video", arguments))["moments"] == answer["moments"]
        assert answer["video"]["path"] == name and answer["moments"]
    clip = box.extract_clip("caf\\xe9.mp4", 0.0, 0.5)
    assert (root / clip.clip).is_file()
    for long in ("a" * 240 + ".mp4", "ö" * 120 + ".mp4", "長" * 80 + ".mp4"):
        shutil.copy(root / "red-blue.mp4", root / long)
        for _ in range(2):
            assert (root / box.extract_clip(long, 0.0, 0.5).clip).is_file()


def test_a_very_deep_folder_is_searched(box, root):
    here = os.open(root, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    shutil.copy(root / "red-blue.mp4", root.joinpath(*["d"] * 1200, "deep.mp4"))
    names = box.folder.videos()
    assert "/".join(["d"] * 1200) + "/deep.mp4" in names and len(names) == 4
    assert box.search_videos("something blue").videos_searched == 4
    subprocess.run(["rm", "-rf", root / "d"], check=True)  # Python 3.11's own removal goes no deeper than its calls


def test_links_and_loops(box, root):
    (root / "again.mp4").symlink_to("red-blue.mp4")
    (root / "once more.mp4").symlink_to(root / "again.mp4")
    (root / "loop").symlink_to(root)
    (root / "sub" / "up").symlink_to("..")
    (root / ".hidden").mkdir()
    shutil.copy(root / "dark.webm", root / ".hidden" / "kept.webm")
    (root / "a-shown.webm").symlink_to(".hidden/kept.webm")
    assert box.folder.videos() == ["a-shown.webm", "dark.webm", "red-blue.mp4", "sub/green.mkv"]
    assert box.describe_video("again.mp4").video == "red-blue.mp4"


def test_a_folder_that_cannot_be_read_is_told(box, root, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (skipped,) = box.search_videos("something blue").skipped
    assert skipped.video == "sub" and skipped.reason == "the folder cannot be read (Permission denied)"


def test_extract_clip_writes_below_the_root_and_overwrites_nothing(box, root):
    make_video(root / "sub" / "numbers.mp4", seconds=3, rate_hz=10)
    first = box.extract_clip("sub/numbers.mp4", 1.0, 1.5)
    second = box.extract_clip("sub/numbers.mp4", 1.0, 1.5)
    assert first.clip == f"{CLIPS_FOLDER}/sub/numbers_1.000-1.500.mp4"
    assert second.clip == f"{CLIPS_FOLDER}/sub/numbers_1.000-1.500_2.mp4"
    from tfgrounding import iter_frames

    assert read_number(next(iter_frames(root / first.clip, rate_hz=10)).pixels[0]) == 10
    assert box.search_videos("green grass").videos_searched == 4  # clips are not searched


def test_a_stopped_clip_leaves_nothing(box, root):
    def stop(*report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        box.extract_clip("red-blue.mp4", 0.0, 1.0, progress=stop)
    assert [p for p in (root / CLIPS_FOLDER).rglob("*") if p.is_file()] == []


def test_stopping_stops_the_watching(root, colour_encoder):
    from tfgrounding import Grounder

    make_scenes(root / "long.mp4", [(60.0, RED)], rate_hz=10)
    box = VideoTools(root, grounder=Grounder(encoder=colour_encoder, rate_hz=10))

    def stop(done, whole, doing):
        if done > 0:
            raise InterruptedError(str(done))

    with pytest.raises(InterruptedError, match=r"1\.6"):  # after the first chunk of 16 frames
        box.ground_video("long.mp4", "red", progress=stop)


# --- what is refused ------------------------------------------------------------------------------------------------

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n"


def hostile_links(root):
    outside = root.parent
    (root / "link.mp4").symlink_to(outside / "secret.mp4")
    (root / "linked").symlink_to(outside)
    (root / "loop.mp4").symlink_to(root / "loop.mp4")
    (root / "zero.mp4").symlink_to("/dev/zero")
    os.mkfifo(root / "pipe.mp4")
    (root / "playlist.mp4").write_text(PLAYLIST.format(outside / "secret.mp4"))
    (root / "playlist.m3u8").write_text(PLAYLIST.format("../secret.mp4"))
    (root / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{outside / 'secret.mp4'}'\n")
    (root / "session.mp4").write_text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n"
    )
    (root / "text.mp4").write_text("nothing of a video")
    (root / "empty.mp4").write_bytes(b"")


PATHS = [  # (path, what the refusal says)
    ("../secret.mp4", "outside the root"),
    ("sub/../../secret.mp4", "outside the root"),
    ("..", "outside the root"),
    ("/etc/passwd", "relative"),
    ("/proc/self/environ", "relative"),
    ("~/video.mp4", "relative"),
    ("link.mp4", "outside the root"),
    ("linked/secret.mp4", "outside the root"),
    ("loop.mp4", "no video"),
    ("zero.mp4", "outside the root"),
    ("pipe.mp4", "not a regular file"),
    ("http://127.0.0.1:9/x.mp4", "address"),
    ("file:///etc/passwd", "address"),
    ("concat:red-blue.mp4|../secret.mp4", "address"),
    ("data:video/mp4;base64,AAAA", "address"),
    ("pipe:0", "address"),
    ("subfile,,start,0,end,0,,:/etc/passwd", "no video"),
    ("playlist.mp4", "kind that is opened"),
    ("playlist.m3u8", "kind that is opened"),
    ("concat.mp4", "kind that is opened"),
    ("session.mp4", "kind that is opened"),
    ("text.mp4", "kind that is opened"),
    ("empty.mp4", "kind that is opened"),
    ("sub", "is a folder"),
    ("", "empty"),
    ("a\0b.mp4", "zero byte"),
    ("x" * 1_000_000, "too long"),
    ("x/" * 2000 + "y", "no video"),
    ("red-bleu.mp4", "there are: red-blue.mp4"),
    ("<script>alert(1)</script>.mp4", "no video"),
]


@pytest.mark.parametrize(("path", "said"), PATHS, ids=[repr(path[:40]) for path, _ in PATHS])
@pytest.mark.parametrize("tool", ["describe_video", "ground_video", "extract_clip"])
def test_paths_that_are_refused(box, root, tool, path, said):
    hostile_links(root)
    before = snapshot(root.parent)
    arguments = {"video": path}
    if tool == "ground_video":
        arguments["query"] = "red"
    if tool == "extract_clip":
        arguments.update(start_seconds=0.0, end_seconds=0.5)
    answer = json.loads(box.call(tool, json.dumps(arguments)))
    assert list(answer) == ["error"] and said in answer["error"]
    assert len(answer["error"]) < 500 and str(root) not in answer["error"]
    assert snapshot(root.parent) == before


def test_a_playlist_reaches_no_server(box, root):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.3)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/secret.ts"
        (root / "playlist.mp4").write_text(PLAYLIST.format(address))
        assert "error" in json.loads(box.call("ground_video", '{"video": "playlist.mp4", "query": "red"}'))
        with pytest.raises(TimeoutError):
            listener.accept()


def test_search_passes_over_what_leads_outside(box, root):
    hostile_links(root)
    before = snapshot(root.parent)
    found = box.search_videos("red", top_k=20)
    assert {match.video for match in found.matches} == {"red-blue.mp4", "sub/green.mkv", "dark.webm"}
    skipped = {skipped.video: skipped.reason for skipped in found.skipped}
    links = {"link.mp4": "outside the root", "zero.mp4": "outside the root", "loop.mp4": "no file", "pipe.mp4": "pipe"}
    assert set(skipped) == {"playlist.mp4", "concat.mp4", "session.mp4", "text.mp4", "empty.mp4", *links}
    assert all(words in skipped[name] for name, words in links.items())
    assert snapshot(root.parent) == before


def test_clips_are_not_written_through_a_link(box, root):
    outside = root.parent / "outside"
    outside.mkdir()
    (root / CLIPS_FOLDER).symlink_to(outside)
    with pytest.raises(TFGroundingError, match="link"):
        box.extract_clip("red-blue.mp4", 0.0, 1.0)
    (root / CLIPS_FOLDER).unlink()
    (root / CLIPS_FOLDER).mkdir()
    (root / CLIPS_FOLDER / "sub").symlink_to(outside)
    with pytest.raises(TFGroundingError, match="link"):
        box.extract_clip("sub/green.mkv", 0.0, 1.0)
    assert list(outside.iterdir()) == []


def test_a_small_file_of_huge_pictures_is_not_decoded(box, root):
    side = 8192
    make_video(
        root / "bomb.mp4", times_seconds=[0.0], width=side, height=side, picture=black, options={"preset": "ultrafast"}
    )
    assert (root / "bomb.mp4").stat().st_size < 200_000
    for answer in (
        box.call("ground_video", '{"video": "bomb.mp4", "query": "red"}'),
        box.call("describe_video", '{"video": "bomb.mp4"}'),
    ):
        assert "8192 x 8192" in json.loads(answer)["error"]
    assert "bomb.mp4" in {skipped.video for skipped in box.search_videos("red").skipped}


def test_pictures_that_grow_huge_on_the_way_are_not_decoded(root):
    """The header is honest about the first pictures; the later ones would take 100 MB each, some at a time."""
    small = make_video(root / "small.ts", seconds=1, picture=black)
    huge = make_video(root / "huge.ts", times_seconds=[1.0, 1.1], width=8192, height=8192, picture=black)
    (root / "grows.ts").write_bytes(small.read_bytes() + huge.read_bytes())
    assert (root / "grows.ts").stat().st_size < 1_000_000
    program = (
        "import resource, sys; from tfgrounding.video import iter_frames; from tfgrounding.tools import VideoTools\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
        "stream = iter_frames(VideoTools(sys.argv[1]).folder.video('grows.ts').path, size=8)\n"
        "print(sum(len(frames) for frames in stream), *stream.info.warnings)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    told = subprocess.run([sys.executable, "-c", program, root], capture_output=True, text=True, check=True).stdout
    before, seen, after = told.splitlines()
    assert "could not be decoded" in seen
    assert int(after) - int(before) < 150_000  # kilobytes


def black(index, *, width, height):
    return np.zeros((height, width, 3), dtype=np.uint8)


def test_a_small_file_that_lasts_for_days_is_not_watched(box, root):
    make_scenes(root / "days.mkv", [(1.0, RED)], rate_hz=5)
    make_video(root / "days.mkv", times_seconds=[0.0, 0.1, 500_000.0], rate_hz=10)
    answer = json.loads(box.call("ground_video", '{"video": "days.mkv", "query": "red"}'))
    assert "hours long, 6 are allowed" in answer["error"]


def test_a_container_that_lies_about_the_length_is_found_out(box, root, monkeypatch):
    make_video(root / "lies.mkv", times_seconds=np.arange(400) / 2, rate_hz=2)
    monkeypatch.setattr(tools, "LONGEST_VIDEO_SECONDS", 60)
    safe = replace(box.folder.video("lies.mkv"), stated_seconds=5.0)
    monkeypatch.setattr(box.folder, "video", lambda name: safe)
    with pytest.raises(TFGroundingError, match="hours long"):
        box.ground_video("lies.mkv", "red")


@pytest.mark.parametrize("tool", ["ground_video", "search_videos"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"query": "a" * 2**20}, "1048576 characters, 1000 are allowed"),
        ({"query": "  "}, "empty"),
        ({"query": "red", "top_k": 0}, "from 1 to 20"),
        ({"query": "red", "top_k": 10**9}, "from 1 to 20"),
        ({"query": ["red"]}, "valid string"),
        ({"query": None}, "valid string"),
        ({}, "query: Field required"),
    ],
)
def test_queries_and_numbers_that_are_refused(box, tool, given, said):
    answer = json.loads(box.call(tool, json.dumps({"video": "red-blue.mp4", **given})))
    assert said in answer["error"] and len(answer["error"]) < 500


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("0", "1e9", "600 s long"),
        ("NaN", "1", "plain numbers"),
        ("0", "Infinity", "plain numbers"),
        ("-1", "1", "starts before it ends"),
        ("3", "2", "starts before it ends"),
        ("100", "101", "starts before it ends"),
    ],
)
def test_stretches_that_are_refused(box, root, start, end, said):
    arguments = f'{{"video": "red-blue.mp4", "start_seconds": {start}, "end_seconds": {end}}}'
    assert said in json.loads(box.call("extract_clip", arguments))["error"]
    assert not [p for p in root.rglob("*_*.mp4") if p.is_file()]


def test_a_full_clips_folder_is_refused(box, monkeypatch):
    box.extract_clip("red-blue.mp4", 0.0, 1.0)
    monkeypatch.setattr(tools, "CLIPS_FOLDER_BYTES", 10)
    with pytest.raises(TFGroundingError, match="delete old clips"):
        box.extract_clip("red-blue.mp4", 0.0, 1.0)


@pytest.mark.parametrize("arguments", ["", "not json", "[]", "null", '"x"', "[" * 100_000])
def test_arguments_that_are_no_object_are_an_error_for_the_model(box, arguments):
    assert "arguments" in json.loads(box.call("describe_video", arguments))["error"]


def test_an_unknown_tool_names_the_known_ones(box):
    for name in ("delete_everything", ["describe_video"], {"describe_video": 1}, None):
        said = json.loads(box.call(name, "{}"))["error"]
        assert said == f"there is no tool {name!r}; there are describe_video, ground_video, search_videos, extract_clip"


def test_a_root_that_is_no_folder_is_refused(tmp_path):
    for wrong in (tmp_path / "none", __file__):
        with pytest.raises(TFGroundingError, match="folder"):
            VideoTools(wrong)


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_root_is_not_the_current_folder(root, monkeypatch, empty):
    monkeypatch.chdir(root)
    with pytest.raises(TFGroundingError, match=r"is empty; for the current folder, give \."):
        VideoTools(empty)
    assert VideoTools(".").describe_video("red-blue.mp4").duration_seconds == pytest.approx(5.0, abs=0.05)


def snapshot(folder):
    """Every file below a folder with its size and time, links not followed."""
    return sorted(
        (os.path.join(here, name), (s := os.lstat(os.path.join(here, name))).st_size, s.st_mtime_ns)  # noqa: PTH118
        for here, _, names in os.walk(folder)
        for name in names
    )


# --- OpenAI's chat API ----------------------------------------------------------------------------------------------


class ScriptedModel(BaseHTTPRequestHandler):
    """A chat server on the loopback that asks for two tool calls, the first wrong, then tells what it was told."""

    seen: list[dict] = []  # noqa: RUF012

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).seen.append(request)
        results = [json.loads(m["content"]) for m in request["messages"] if m["role"] == "tool"]
        if len(results) == 0:
            message = self.asks("ground_video", {"video": "red-blu.mp4", "query": "something blue", "top_k": 1})
        elif len(results) == 1:
            name = results[0]["error"].split("there are: ")[1].split(",")[0].split(" ")[0]
            message = self.asks("ground_video", {"video": name, "query": "something blue", "top_k": 1})
        else:
            message = {
                "role": "assistant",
                "content": f"It starts at {results[1]['moments'][0]['start_seconds']:.1f} s.",
            }
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
        answer = {"id": "1", "object": "chat.completion", "created": 0, "model": "scripted", "choices": [choice]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def asks(self, name, arguments):
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"id": f"call_{len(self.seen)}", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}

    def log_message(self, *args):
        pass


def test_a_model_uses_the_tools_over_the_openai_api(box):
    ScriptedModel.seen = []
    with HTTPServer(("127.0.0.1", 0), ScriptedModel) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", max_retries=0)
        messages = [{"role": "user", "content": "When does it turn blue?"}]
        for _ in range(5):
            reply = client.chat.completions.create(model="scripted", messages=messages, tools=openai_tools())
            message = reply.choices[0].message
            messages.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                break
            for call in message.tool_calls:
                content = box.call(call.function.name, call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
        server.shutdown()
    assert message.content == "It starts at 2.0 s."
    sent = {tool["function"]["name"]: tool["function"] for tool in ScriptedModel.seen[0]["tools"]}
    assert set(sent) == {"describe_video", "ground_video", "search_videos", "extract_clip"}
    for function in sent.values():  # what strict mode asks for
        parameters = function["parameters"]
        assert function["strict"] and function["description"]
        assert parameters["additionalProperties"] is False
        assert set(parameters["required"]) == set(parameters["properties"])
        assert all("default" not in p and p["description"] for p in parameters["properties"].values())


# --- tracks of words -------------------------------------------------------------------------------------------------


def test_moments_carry_the_words_and_the_answer_its_tracks(root, colour_grounder):
    box = VideoTools(root, grounder=Worded(colour_grounder))
    found = json.loads(box.call("ground_video", json.dumps({"video": "red-blue.mp4", "query": "something blue"})))
    said, shown = found["moments"][0]["evidence"]
    assert (said["track"], said["text"]) == ("said", "let's start with the milk")
    assert (shown["track"], shown["end_seconds"]) == ("shown", round(found["moments"][0]["end_seconds"], 3))
    assert "text" not in shown and "evidence_left_out" not in found["moments"][0]
    assert found["tracks"] == [
        {
            "kind": "said",
            "source": "subtitles talk.en.srt",
            "revision": "revision 1",
            "present": 0.97,
            "voted": True,
        },
        {"kind": "written", "source": "screen", "revision": "revision 1", "present": 0.3, "voted": False},
    ]
    answer = Answer.from_dict(found)
    assert answer.moments[0].evidence[0].text == said["text"] and [t.kind for t in answer.tracks] == ["said", "written"]
    (match, *_) = json.loads(box.call("search_videos", json.dumps({"query": "something blue"})))["matches"]
    assert match["moments"][0]["evidence"][0]["text"] == said["text"]
    assert [(t["kind"], t["voted"]) for t in match["tracks"]] == [("said", True), ("written", False)]
    assert "revision" not in match["tracks"][0]


def test_without_tracks_nothing_is_said_of_them(box):
    for tool, given in (("ground_video", {"video": "red-blue.mp4"}), ("search_videos", {})):
        result = box.call(tool, json.dumps({"query": "something blue", **given}))
        assert "evidence" not in result and "tracks" not in result


def test_a_model_is_given_few_and_harmless_words(root, colour_grounder):
    pieces = [Evidence("written", 0.0, 1.0, f"{i}\x1b\u202e\U000e0041 " + "word " * 10_000) for i in range(500)]
    many = Worded(colour_grounder, lambda answer: worded(answer, *pieces, tracks=[track(source="s" * 10_000)] * 90))
    box = VideoTools(root, grounder=many)
    for tool, given in (("ground_video", {"video": "red-blue.mp4"}), ("search_videos", {"top_k": 1})):
        result = box.call(tool, json.dumps({"query": "something blue", **given}))
        moment = (json.loads(result).get("moments") or json.loads(result)["matches"][0]["moments"])[0]
        assert len(moment["evidence"]) == 5 and moment["evidence_left_out"] == 495
        assert moment["evidence"][0]["text"].startswith("0 word") and moment["evidence"][0]["text"].endswith("…")
        assert len(result) < 15_000 and "u202e" not in result and "\U000e0041" not in result


# --- queries of several events ---------------------------------------------------------------------------------------


def test_a_model_is_given_the_moment_of_each_event(box):
    query = "red is seen and then blue is seen"
    found = json.loads(box.call("ground_video", json.dumps({"video": "red-blue.mp4", "query": query})))
    red, blue = found["events"]
    assert red["start_seconds"] < 1 and blue["start_seconds"] == pytest.approx(2.0, abs=0.7)
    assert 0 <= red["present"] <= 1 and "red" in red["text"] and "blue" in blue["text"]
    assert [event.text for event in Answer.from_dict(found).events] == [red["text"], blue["text"]]
    matches = json.loads(box.call("search_videos", json.dumps({"query": query})))["matches"]
    assert all(len(match["events"]) == 2 for match in matches)
    single = box.call("ground_video", json.dumps({"video": "red-blue.mp4", "query": "something blue"}))
    assert "events" not in json.loads(single)
