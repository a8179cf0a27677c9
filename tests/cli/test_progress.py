"""Progress in plain units on a terminal, and nothing anywhere else."""

from __future__ import annotations

import io
import sys

import pytest

from tfgrounding.cli import progress
from tfgrounding.cli.progress import progress_in_words, video_progress


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((12.3, 70.3, 12.3, 8.2), "12.3 of 70.3 s, 1.5 x real time, 0:38 left"),
        ((12.3, 70.3, 12.3, 0.5), "12.3 of 70.3 s"),  # too early to say
        ((60.0, 3600.0, 6.0, 12.0), "60.0 of 3600.0 s, 0.5 x real time, 1:58:00 left"),  # most came from before
        ((71.0, 70.3, 71.0, 10.0), "70.3 of 70.3 s, 7.1 x real time, 0:00 left"),
        ((0.0, 70.3, 0.0, 10.0), "0.0 of 70.3 s"),
    ],
)
def test_how_far_how_fast_how_long(numbers, words):
    assert progress_in_words(*numbers) == words


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_line_is_renewed_and_gone_at_the_end(monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setattr(progress, "SECONDS_BETWEEN", 0.0)
    with video_progress("/somewhere/a\x1b[31m video.mp4") as report:
        report(1.0, 4.0)
        report(2.0, 4.0)
    text = screen.getvalue()
    assert "1.0 of 4.0 s" in text and "2.0 of 4.0 s" in text and text.endswith("\r\x1b[K")
    assert "\x1b[31m" not in text and "somewhere" not in text and "\n" not in text


def test_nothing_in_a_pipe(capsys):
    with video_progress("a.mp4") as report:
        report(1.0, 4.0)
    assert capsys.readouterr() == ("", "")
