"""Numbers drawn on frames: legible, where they were asked for, the same share of the frame at every size."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from videos import make_video

from tfgrounding import Pictures, TFGroundingError, iter_frames, probe
from tfgrounding.cli import app as cli
from tfgrounding.media import open_source
from tfgrounding.vision.overlay import CORNERS, Overlay, write_numbered_video

ROOT = Path(__file__).resolve().parents[2]


def grey(count: int = 1, height: int = 336, width: int = 448) -> np.ndarray:
    return np.full((count, height, width, 3), 128, dtype=np.uint8)


def touched(pixels: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return (pixels != drawn).any(axis=-1)


def test_the_original_stays_untouched() -> None:
    pixels = grey(3)
    drawn = Overlay().draw(pixels, np.array([1, 2, 3]))
    assert (pixels == 128).all()
    assert touched(pixels, drawn).any(axis=(1, 2)).all()


def test_the_default_is_red_and_in_the_lower_right_corner() -> None:
    drawn = Overlay().draw(grey(), np.array([88]))[0]
    rows, columns = np.nonzero((drawn != 128).any(axis=-1))
    assert rows.min() > 336 * 0.8
    assert columns.min() > 448 * 0.8
    strokes = drawn[(drawn[..., 0] > 240)]
    assert len(strokes) > 100
    assert (strokes.mean(axis=0)[1:] < 30).all()


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("number", [0, 7, 42, 9999, 12345])
def test_numbers_stand_wholly_inside_the_frame(corner: str, number: int) -> None:
    drawn = Overlay(corner=corner, outline=True).draw(grey(), np.array([number]))[0]
    changed = (drawn != 128).any(axis=-1)
    edge = np.concatenate([changed[0], changed[-1], changed[:, 0], changed[:, -1]])
    assert changed.any()
    assert not edge.any()


@pytest.mark.parametrize("side", [112, 168, 720, 1080])
def test_a_number_covers_the_same_share_of_the_frame_at_every_size(side: int) -> None:
    def share(height: int) -> float:
        pixels = grey(1, height, height * 16 // 9)
        return float(touched(pixels, Overlay().draw(pixels, np.array([248]))).mean())

    assert share(side) == pytest.approx(share(336), rel=0.2)


def test_a_number_shrinks_where_it_would_not_fit() -> None:
    pixels = grey(1, 400, 40)
    changed = touched(pixels, Overlay(size=200).draw(pixels, np.array([12345])))[0]
    columns = np.nonzero(changed.any(axis=0))[0]
    assert 25 < columns.max() - columns.min() < 40
    tiny = grey(1, 2, 2)
    assert Overlay().draw(tiny, np.array([12345])).shape == tiny.shape


def test_different_numbers_look_different_and_the_same_ones_alike() -> None:
    drawn = Overlay().draw(grey(4), np.array([1, 10, 10, 101]))
    assert (drawn[1] == drawn[2]).all()
    assert (drawn[0] != drawn[1]).any()
    assert (drawn[1] != drawn[3]).any()


def test_an_outline_touches_more_than_the_fill() -> None:
    plain = touched(grey(), Overlay().draw(grey(), np.array([8]))).sum()
    outlined = touched(grey(), Overlay(outline=True).draw(grey(), np.array([8]))).sum()
    assert outlined > plain * 1.1


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2, 0.3])
def test_the_wanted_share_of_frames_is_numbered_evenly_and_from_the_first_on(share: float) -> None:
    wanted = Overlay(share=share).is_numbered(np.arange(1, 101))
    assert wanted[0]
    assert wanted.sum() == pytest.approx(100 * share, abs=1)
    assert np.ptp(np.diff(np.flatnonzero(wanted))) <= 1
    pixels = grey(10)
    drawn = Overlay(share=share).draw(pixels, np.arange(1, 11))
    assert (touched(pixels, drawn).any(axis=(1, 2)) == wanted[:10]).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"size": 0},
        {"size": float("nan")},
        {"corner": "left"},
        {"color": "reddish"},
        {"color": (1, 2)},
        {"color": (0, 0, 256)},
        {"share": 0},
        {"share": 1.5},
    ],
)
def test_impossible_settings_are_refused_in_a_sentence(settings: dict) -> None:
    with pytest.raises(TFGroundingError, match=r"must|not known|values"):
        Overlay(**settings)


def test_ocr_reads_the_numbers_back() -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    from reader import read_number

    rng = np.random.default_rng(0)
    noise = rng.integers(60, 200, (8, 21, 28, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)
    numbers = np.array([3, 17, 58, 204, 690, 1234, 4071, 9999])
    assert [read_number(frame) for frame in Overlay().draw(noise, numbers)] == numbers.tolist()


def test_drawing_costs_far_less_than_decoding(street_video: Path) -> None:
    begin = time.perf_counter()
    pixels = np.concatenate([frames.pixels for frames in iter_frames(street_video, rate_hz=5, size=336)])
    decoding = time.perf_counter() - begin
    overlay = Overlay()
    numbers = np.arange(1, len(pixels) + 1)
    overlay.draw(pixels[:10], numbers[:10])
    drawing = []
    for _ in range(10):  # another process may interrupt some of them
        begin = time.perf_counter()
        overlay.draw(pixels, numbers)
        drawing.append(time.perf_counter() - begin)
    assert min(drawing) < decoding / 4


def test_the_numbered_video_counts_the_engines_samples(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4", seconds=3, rate_hz=10, width=322, height=242)
    target = tmp_path / "numbered.mp4"
    assert write_numbered_video(source, target, rate_hz=2) == 6
    before = np.concatenate([frames.pixels for frames in iter_frames(source, rate_hz=10)]).astype(int)
    after = np.concatenate([frames.pixels for frames in iter_frames(target, rate_hz=10)]).astype(int)
    assert before.shape == after.shape
    red = after[..., 0] - after[..., 1:].max(axis=-1) > 100
    assert red[:, 200:, 240:].any(axis=(1, 2)).all()
    assert not red[:, :120].any()
    assert np.abs(before - after)[:, :120].mean() < 4


@pytest.mark.parametrize("kind", ["array", "folder", "list", "dict", "file"])
def test_every_source_can_be_numbered(kind: str, tmp_path: Path) -> None:
    source: Any = Pictures(np.full((6, 48, 65, 3), 90, np.uint8), 2.0)
    if kind in ("folder", "list"):
        for k, picture in enumerate(source.source):
            Image.fromarray(picture).save(tmp_path / f"{k}.png")
        files = [tmp_path / f"{k}.png" for k in range(6)]
        source = Pictures(tmp_path if kind == "folder" else files, 2.0)
    elif kind in ("dict", "file"):
        source = make_video(tmp_path / "a.mkv", seconds=3, rate_hz=2, width=64, height=48)
        source = open_source(source).to_dict() if kind == "dict" else source
    done: list[tuple[float, float]] = []
    target = tmp_path / "new" / "numbered.MOV"
    last = write_numbered_video(source, target, rate_hz=1, progress=lambda *state: done.append(state))
    assert last == 3 and done[-1][1] == pytest.approx(3.0) and 2.5 <= done[-1][0] <= 3.0
    assert (probe(target).width, probe(target).height) == (64, 48)
    assert probe(target).duration_seconds == pytest.approx(3.0) and list(target.parent.iterdir()) == [target]


def test_a_part_keeps_the_numbers_of_the_whole_video(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    from reader import read_number

    source = make_video(tmp_path / "a.mp4", seconds=12, rate_hz=5, width=322, height=242)
    overlay = Overlay(size=90)
    assert write_numbered_video(source, tmp_path / "part.mp4", overlay=overlay, start_seconds=7, end_seconds=9) == 9
    part = np.concatenate([frames.pixels for frames in iter_frames(tmp_path / "part.mp4", rate_hz=5)])
    assert len(part) == 10
    assert [read_number(part[2]), read_number(part[-2])] == [8, 9]


def test_pictures_far_apart_and_odd_sizes(tmp_path: Path) -> None:
    hourly = Pictures(np.full((4, 35, 33, 3), 90, np.uint8), 1 / 3600)
    assert write_numbered_video(hourly, tmp_path / "hourly.mp4", rate_hz=1 / 3600) == 4
    assert probe(tmp_path / "hourly.mp4").duration_seconds == pytest.approx(4 * 3600, rel=0.01)
    with pytest.raises(TFGroundingError, match="too small"):
        write_numbered_video(Pictures(np.zeros((2, 1, 9, 3), np.uint8), 1.0), tmp_path / "line.mp4")


@pytest.mark.parametrize(
    ("target", "settings", "told"),
    [
        ("b.unknown", {}, r"\.mp4, \.mkv, \.mov"),
        ("b", {}, "must end in"),
        ("a.mp4", {}, "another file"),
        ("link.mp4", {}, "another file"),
        ("b.mp4", {"rate_hz": 0}, "sampling rate must be a number"),
        ("b.mp4", {"rate_hz": float("nan")}, "sampling rate must be a number"),
        ("b.mp4", {"rate_hz": 1e9}, "sampling rate must be a number"),
        ("b.mp4", {"rate_hz": 500}, "500 samples a second are far more"),
        ("b.mp4", {"start_seconds": 5, "end_seconds": 4}, "a part starts"),
        ("b.mp4", {"start_seconds": 500}, "500"),
        ("a.mp4/b.mp4", {}, "cannot be written"),
        ("folder.mp4", {}, "cannot be written"),
    ],
)
def test_a_target_or_setting_that_cannot_be_is_told_and_leaves_nothing(
    target: str, settings: dict, told: str, tmp_path: Path
) -> None:
    source = make_video(tmp_path / "a.mp4", seconds=0.5)
    before = source.read_bytes()
    (tmp_path / "link.mp4").symlink_to(source)
    (tmp_path / "folder.mp4").mkdir()
    files = sorted(tmp_path.iterdir())
    with pytest.raises(TFGroundingError, match=told):
        write_numbered_video(source, tmp_path / target, **settings)
    assert sorted(tmp_path.iterdir()) == files and source.read_bytes() == before


def test_an_earlier_video_stays_where_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_video(tmp_path / "a.mp4", seconds=2)
    target = tmp_path / "b.mp4"
    target.write_bytes(b"earlier")

    def fail(self: Overlay, pixels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Overlay, "draw", fail)
    with pytest.raises(TFGroundingError, match="No space left"):
        write_numbered_video(source, target)
    assert target.read_bytes() == b"earlier" and sorted(tmp_path.iterdir()) == [source, target]


@pytest.mark.parametrize("how", ["sys.modules['PIL'] = None", "sys.modules['matplotlib'] = None", "broken package"])
def test_a_missing_extra_is_one_sentence_before_any_work(how: str, tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4", seconds=1)
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "PIL.py").write_text("raise ImportError('not installed')", encoding="utf-8")
    folders = [str(tmp_path / "stubs"), str(ROOT)] if how == "broken package" else [str(ROOT)]
    hide = "pass" if how == "broken package" else how
    program = f"import sys; {hide}\nfrom tfgrounding.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program, "overlay", str(source), "-o", str(tmp_path / "b.mp4")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert "pip install 'tfgrounding[numpro]'" in done.stderr and not (tmp_path / "b.mp4").exists()


def test_the_overlay_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tfgrounding", "overlay", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return (int(left.value.code or 0), *capsys.readouterr())

    source = str(make_video(tmp_path / "a.mp4", seconds=2))
    code, out, _ = run(source, "-o", str(tmp_path / "b.mp4"), "--rate", "2", "--color", "white", "--outline")
    assert (code, out.split()[-1]) == (0, "4")
    code, out, err = run(source, "-o", str(tmp_path / "c.mp4"), "--color", "reddish")
    assert (code, out) == (2, "")
    assert "red, green" in err
    assert run(str(tmp_path / "no.mp4"), "-o", str(tmp_path / "c.mp4"))[0] == 2
