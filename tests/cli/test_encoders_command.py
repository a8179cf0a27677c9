"""The command that shows which encoders there are, and the line that names a better one."""

import json
import shutil
import socket
from typing import ClassVar

import pytest
from tiny_encoders import save_family
from videos import BLUE, RED, make_scenes

from tfgrounding.encoders import known
from tfgrounding.encoders.clip import ClipEncoder, SiglipEncoder
from tfgrounding.registry import ROWS


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """An empty cache of the hub, and no network."""
    from huggingface_hub import constants

    def refuse(*_args, **_options):
        raise AssertionError("the network was used")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tmp_path / "hub"


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    return save_family("clip", tmp_path_factory.mktemp("clip"))


def put_in(cache, folder, repo):
    place = cache / f"models--{repo.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / ("c" * 40))
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("c" * 40)
    return place / "snapshots" / ("c" * 40)


def rows(out):
    return {row["name"]: row for row in json.loads(out)["encoders"]}


def test_every_encoder_has_a_row_that_says_what_is_here(run, hub_cache, clip_folder):
    code, out, _ = run("encoders", "--json")
    told = rows(out)
    assert code == 0 and set(told) >= set(ROWS["encoders"])
    assert all(told[name]["is_here"] is False for name in ("clip", "siglip", "blip2"))
    assert told["served"]["is_here"] is told["lavis"]["is_here"] is None
    put_in(hub_cache, clip_folder, ClipEncoder.usual_checkpoint)
    told = rows(run("encoders", "--json")[1])
    assert told["clip"]["is_here"] and not told["siglip"]["is_here"] and "speed" not in told["clip"]


def test_a_checkpoint_that_is_here_in_part_says_what_is_missing(run, hub_cache, clip_folder):
    put_in(hub_cache, clip_folder, ClipEncoder.usual_checkpoint)
    (put_in(hub_cache, clip_folder, SiglipEncoder.usual_checkpoint) / "preprocessor_config.json").unlink()
    told = rows(run("encoders", "--json")[1])
    assert told["siglip"]["is_here"] is False and "preprocessor_config.json is missing" in told["siglip"]["problem"]
    (hub_cache / "models--openai--clip-vit-base-patch32/snapshots" / ("c" * 40) / "config.json").write_text("no JSON")
    code, out, _ = run("encoders", "--json")
    assert code == 0 and "is not JSON" in rows(out)["clip"]["problem"]


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_the_terminal(run, hub_cache, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = run("encoders")
    lines = out.rstrip().split("\n\n")[0].splitlines()
    assert code == 0 and err == "" and max(map(len, lines)) <= columns
    assert lines[0].split()[:4] == ["encoder", "here", "download", "licence"]
    (siglip,) = (line for line in lines if line.startswith("siglip"))
    assert siglip.split()[1:5] == ["no", "813", "MB", "Apache-2.0"]


def test_speed_is_measured_for_those_that_are_here_and_load(run, hub_cache, clip_folder, monkeypatch):
    monkeypatch.setattr(known, "SPEED_SECONDS", 0.01)
    monkeypatch.setattr(known, "_embedded", lambda: known.KnownEncoder("embedded", False, 105, "", "-", ""))
    put_in(hub_cache, clip_folder, ClipEncoder.usual_checkpoint)
    (put_in(hub_cache, clip_folder, SiglipEncoder.usual_checkpoint) / "model.safetensors").write_bytes(b"damaged")
    code, out, err = run("encoders", "--speed", "--json", "--device", "cpu")
    told = rows(out)
    assert code == 0 and "the speed of siglip could not be measured" in err and "speed" not in told["siglip"]
    assert told["clip"]["speed"]["frames_per_second"] > 0 and told["clip"]["speed"]["texts_per_second"] > 0
    assert "on cpu: " in run("encoders", "--speed", "--device", "cpu")[1]


def test_the_speed_is_that_of_the_clock(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(known.time, "perf_counter", lambda: next(clock))
    calls = []
    # begins at 0, goes on at 1 and ends at 2 s, which is 3 where it is divided: 2 batches of 3 items in 3 s
    assert known._rate(calls.append, [1, 2, 3]) == 2.0 and len(calls) == 3


def test_the_speed_of_clips_that_overlap_is_that_of_a_video(monkeypatch):
    class Clips:
        name, frame_size, batch_frames, frames_per_vector, stride_frames = "clips", 8, 20, 8, 2
        shapes: ClassVar[set] = set()

        def encode_frames(self, pixels):
            self.shapes.add(pixels.shape)

        def encode_texts(self, texts):
            pass

    clock = iter([0.0, 5.0, 8.0, 0.0, 4.0, 4.0])  # began, whether to go on, ended; for frames and for texts
    monkeypatch.setattr(known.time, "perf_counter", lambda: next(clock))
    speed = known.measured_speed(Clips())
    assert Clips.shapes == {(16, 8, 8, 3)}
    assert (speed.frames_per_second, speed.texts_per_second) == (16 / 8 * 2 / 8, len(known.SPEED_TEXTS) / 4)


def test_a_plug_in_is_named_with_its_package_and_not_loaded(run, hub_cache, tmp_path, monkeypatch):
    about = tmp_path / "plug_in-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[tfgrounding.encoders]\nplug = plug_gone:X\nclip = plug_gone:X\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    told = rows(run("encoders", "--json")[1])
    assert told["plug"]["is_here"] and "the package plug-in" in told["plug"]["about"]
    assert told["clip"]["is_here"] is False


def test_ground_with_the_embedded_encoder_names_a_better_one(run, hub_cache, clip_folder, embedded_encoder, tmp_path):
    video = str(make_scenes(tmp_path / "a.mp4", [(1.0, RED), (1.0, BLUE)]))
    code, out, err = run("ground", video, "a blue sky", "--json", "--device", "cpu")
    assert code == 0 and json.loads(out)["encoder"] == "embedded"
    assert err.splitlines()[-1].endswith("--encoder siglip (813 MB, once), see `tfgrounding encoders`")
    put_in(hub_cache, clip_folder, SiglipEncoder.usual_checkpoint)
    code, out, err = run("ground", video, "a blue sky", "--encoder", "embedded", "--device", "cpu")
    assert code == 0 and "--encoder siglip (on this machine already)" in out.splitlines()[-1] and err == ""
    code, out, err = run("ground", video, "a blue sky", "--encoder", f"clip:{clip_folder}", "--device", "cpu")
    assert code == 0 and "embedded" not in out + err
