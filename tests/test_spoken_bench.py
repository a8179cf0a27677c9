"""The videos with known lines: every line sounds at the times that are given for it, and nothing sounds between."""

import shutil
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from videos import make_video

from tfgrounding.media import open_source

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from benches.spoken_lines import RATE_HZ, build, read_lines

needs_a_voice = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def sound_of(path):
    with av.open(str(path)) as source:
        return np.concatenate([frame.to_ndarray()[0] for frame in source.decode(audio=0)]) / 32768


def test_the_lines_differ_and_each_has_a_query_in_other_words():
    lines = read_lines()
    assert len(lines) == 120 and {line.kind for line in lines} == {"talk", "tutorial", "meeting", "news", "game"}
    assert len({line.text for line in lines}) == len({line.asked for line in lines}) == 120
    assert all(line.text.lower() not in line.asked.lower() for line in lines)


@needs_a_voice
@pytest.mark.parametrize("with_footage", [False, True])
def test_lines_sound_when_they_should(tmp_path, with_footage):
    footage = [make_video(tmp_path / "footage.mp4", seconds=2)] if with_footage else []
    texts = [line.text for line in read_lines()[:5]]
    videos = build(tmp_path / "spoken", texts, footage=footage, lines_a_video=3)
    assert [text for _, spoken in videos for _, _, text in spoken] == texts
    for path, spoken in videos:
        sound = sound_of(path)
        seconds = np.arange(len(sound)) / RATE_HZ
        inside = np.zeros(len(sound), dtype=bool)
        for start, end, _ in spoken:
            line = (seconds >= start - 1e-6) & (seconds < end)
            inside |= line
            assert np.abs(sound[line][:160]).max() > 1e-3 and np.abs(sound[line][-160:]).max() > 1e-3
        assert not sound[~inside].any()
        info = open_source(path).info
        assert spoken[-1][1] < info.duration_seconds < spoken[-1][1] + 4 and not info.warnings
