import json
from pathlib import Path

import numpy as np
import pytest
from videos import BLUE, GREEN, RED, make_scenes

from tfgrounding.errors import DatasetError
from tfgrounding.evaluation.datasets import load_dataset
from tfgrounding.evaluation.needle import build, draw, find_clips, heat_map, only_needle, plan_haystacks
from tfgrounding.evaluation.recipe import Recipe
from tfgrounding.evaluation.results import read_results
from tfgrounding.evaluation.run import evaluate
from tfgrounding.media.frames import probe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    make_scenes(folder / "needle.mp4", [(2.0, RED)])
    make_scenes(folder / "hay one.mp4", [(1.5, BLUE)], width=48, height=64)
    make_scenes(folder / "hay two.mp4", [(2.5, GREEN)], rate_hz=25.0)
    (folder / "broken.mp4").write_bytes(b"nothing")
    (folder / "captions.jsonl").write_text(json.dumps({"file": "needle.mp4", "text": "a red wall"}) + "\n")
    return folder


def test_every_length_and_depth_has_its_haystack(folder):
    clips = find_clips(folder)
    assert len(clips) == 3
    stacks = plan_haystacks(clips, lengths_seconds=[6, 10], depths=3)
    assert len(stacks) == 6 and len({stack.name for stack in stacks}) == 6
    assert [(s.start_seconds, s.end_seconds) for s in stacks[:3]] == [(0, 2), (2, 4), (4, 6)]
    assert all(stack.needle.path not in [clip.path for clip in stack.hay] for stack in stacks)
    assert plan_haystacks(clips, lengths_seconds=[6, 10], depths=3) == stacks
    with pytest.raises(DatasetError, match="cannot be hidden in 2 s"):
        plan_haystacks(clips, lengths_seconds=[2])
    for length in (1e9, 21601, float("nan"), float("inf"), -1):
        with pytest.raises(DatasetError, match="up to 21600 s long"):
            plan_haystacks(clips, lengths_seconds=[6, length])


def test_a_needle_needs_words_and_hay(folder, tmp_path):
    clips = find_clips(folder)
    chosen = only_needle(clips, "hay one.mp4", "a blue wall")
    assert {stack.needle.text for stack in plan_haystacks(chosen, lengths_seconds=[6], depths=1)} == {"a blue wall"}
    assert only_needle(clips, str(folder / "hay one.mp4"), "a blue wall") == chosen
    for missing in ("thread.mp4", "../hay one.mp4", "", "."):
        with pytest.raises(DatasetError, match="no such clip"):
            only_needle(clips, missing, "x")
    with pytest.raises(DatasetError, match="no video has a query"):
        plan_haystacks([clip for clip in clips if not clip.text])
    with pytest.raises(DatasetError, match="at least two"):
        find_clips(tmp_path)
    make_scenes(tmp_path / "a.mp4", [(1.0, RED)])
    (tmp_path / "captions.jsonl").write_text("[]\n")
    with pytest.raises(DatasetError, match=r"captions\.jsonl:1"):
        find_clips(tmp_path)
    elsewhere = (tmp_path / "a.mp4").rename(tmp_path / "hay one.mp4")
    with pytest.raises(DatasetError, match="no such clip"):
        only_needle(clips, str(elsewhere), "x")


def test_the_needle_is_found_where_it_was_hidden(folder, colour_encoder, tmp_path):
    stacks = plan_haystacks(find_clips(folder), lengths_seconds=[6, 10], depths=2)
    annotations = build(stacks, tmp_path / "videos")
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "videos").glob("*.mp4")}
    assert len(made) == 4 and not list((tmp_path / "videos").glob("*.part.mp4"))
    for stack in stacks:
        assert probe(tmp_path / "videos" / f"{stack.name}.mp4").duration_seconds == pytest.approx(stack.length_seconds)
    build(stacks, tmp_path / "videos")
    assert made == {path: path.stat().st_mtime_ns for path in (tmp_path / "videos").glob("*.mp4")}
    recipe = Recipe(videos=str(tmp_path / "videos"), encoder=colour_encoder, localizer="max-sum")
    evaluate(load_dataset("jsonl", annotations), recipe, tmp_path / "r.jsonl")
    rows = read_results(tmp_path / "r.jsonl")
    found = heat_map(annotations, rows)
    assert found.iou.shape == (2, 2) and (found.iou > 0.6).all() and found.needles == 1
    assert found.lengths_seconds == (6, 10) and found.depths == (0, 1)
    rows.pop(stacks[0].name)
    assert heat_map(annotations, rows).iou[0, 0] == 0
    assert "100%" in found.text() and json.loads(json.dumps(found.to_dict()))["needles"] == 1


def test_folders_of_pictures_are_clips_where_their_rate_is_given(folder, tmp_path):
    from videos import make_pictures

    make_scenes(tmp_path / "a.mp4", [(1.0, RED)])
    make_pictures(tmp_path / "walk", 10)
    make_scenes(tmp_path / "b.mp4", [(1.0, BLUE)])
    assert [Path(clip.path).name for clip in find_clips(tmp_path)] == ["a.mp4", "b.mp4"]
    clips = find_clips(tmp_path, picture_rate_hz=5)
    assert [(Path(clip.path).name, clip.seconds) for clip in clips] == [("a.mp4", 1), ("b.mp4", 1), ("walk", 2)]
    stacks = plan_haystacks(only_needle(clips, "walk", "numbers"), lengths_seconds=[4], depths=1)
    build(stacks, tmp_path / "out")
    assert probe(tmp_path / "out" / f"{stacks[0].name}.mp4").duration_seconds == pytest.approx(4)


def test_a_damaged_clip_is_left_out_of_the_hay(folder, tmp_path, monkeypatch):
    clips = find_clips(folder)
    stacks = plan_haystacks(clips, lengths_seconds=[6], depths=1)
    bad = stacks[0].hay[0].path
    monkeypatch.setattr("tfgrounding.evaluation.needle.videos.iter_frames", failing_for(bad))
    build(stacks, tmp_path / "out")
    assert probe(tmp_path / "out" / f"{stacks[0].name}.mp4").duration_seconds == pytest.approx(6)


def failing_for(path):
    from tfgrounding.media.frames import iter_frames

    def frames(source, **settings):
        if str(source) == path:
            raise ValueError("31 is not a valid Type")
        return iter_frames(source, **settings)

    return frames


def test_the_heat_map_is_drawn(folder, tmp_path):
    pytest.importorskip("matplotlib")
    annotations = build(plan_haystacks(find_clips(folder), lengths_seconds=[4, 5], depths=3), tmp_path / "v")
    found = heat_map(annotations, {})
    assert np.array_equal(found.iou, np.zeros((3, 2)))
    draw(tmp_path / "map.png", found, title="nothing found")
    assert (tmp_path / "map.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(DatasetError, match="cannot be written"):
        draw(tmp_path / "no" / "map.png", found, title="")
