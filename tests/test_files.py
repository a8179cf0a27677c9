"""Files are written whole or not at all."""

from __future__ import annotations

import os

import pytest

from tfgrounding.files import draft, write_atomically


def test_a_file_appears_whole_in_a_folder_that_is_made(tmp_path):
    write_atomically(tmp_path / "a" / "b" / "f.txt", "one é")
    assert (tmp_path / "a" / "b" / "f.txt").read_text(encoding="utf-8") == "one é"
    write_atomically(tmp_path / "a" / "b" / "f.txt", b"two")
    assert (tmp_path / "a" / "b" / "f.txt").read_bytes() == b"two"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["f.txt"]
    assert (tmp_path / "a" / "b" / "f.txt").stat().st_mode & 0o444 == 0o444


def test_what_was_there_stays_when_writing_fails(tmp_path):
    (tmp_path / "f.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), draft(tmp_path / "f.txt") as place:
        place.write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "f.txt").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_link_stays_a_link_and_the_mode_stays(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "real.txt").chmod(0o600)
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_atomically(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "real.txt").read_text() == "new"
    assert (tmp_path / "real.txt").stat().st_mode & 0o777 == 0o600


def test_text_that_is_not_utf_8_is_written_visibly(tmp_path):
    write_atomically(tmp_path / "f.txt", os.fsdecode(b"caf\xe9"))
    assert (tmp_path / "f.txt").read_bytes() == b"caf\\udce9"


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    write_atomically("/dev/null", "gone")
    with pytest.raises(OSError, match="No space left"):
        write_atomically("/dev/full", "x" * 100_000)
    with pytest.raises(OSError):
        (tmp_path / "f").write_text("a file in the way")
        write_atomically(tmp_path / "f" / "g.txt", "x")
