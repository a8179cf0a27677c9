"""Sound is read as one row of samples that stands on the time line of the pictures."""

from __future__ import annotations

import av
import numpy as np
import pytest
from sounds import make_sounding, tone
from videos import make_video

from tfgrounding.media import VideoFile
from tfgrounding.media.mono import read_mono
from tfgrounding.media.sound import SoundDamage, has_sound

RATE_HZ = 16_000


def whole(path, **options):
    blocks = list(read_mono(VideoFile(path), rate_hz=RATE_HZ, **options))
    return np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)


def loud_stretches(samples, *, join_seconds=0.1):
    """(start, end) in seconds of what is loud."""
    loud = np.flatnonzero(np.abs(samples) > 0.1)
    if not len(loud):
        return []
    breaks = np.flatnonzero(np.diff(loud) > join_seconds * RATE_HZ)
    firsts, lasts = loud[np.append(0, breaks + 1)], loud[np.append(breaks, len(loud) - 1)]
    return [(first / RATE_HZ, (last + 1) / RATE_HZ) for first, last in zip(firsts, lasts, strict=True)]


@pytest.mark.parametrize(
    "suffix, codec, rate_hz, layout",
    [(".mkv", "pcm_s16le", 16_000, "mono"), (".mp4", "aac", 44_100, "stereo"), (".ts", "aac", 48_000, "mono")],
)
def test_a_tone_is_where_it_was_put(tmp_path, suffix, codec, rate_hz, layout):
    sound = np.zeros(6 * rate_hz, dtype=np.float32)
    sound[2 * rate_hz : 3 * rate_hz] = tone(1, rate_hz=rate_hz)
    path = make_sounding(
        tmp_path / f"a{suffix}", [(0.0, sound)], seconds=6, rate_hz=rate_hz, codec=codec, layout=layout
    )
    ((start, end),) = loud_stretches(whole(path))
    assert start == pytest.approx(2, abs=0.03) and end == pytest.approx(3, abs=0.03)


def test_gaps_become_silence_and_times_count_from_the_first_picture(tmp_path):
    pieces = [(1.0, tone(1)), (4.0, tone(1)), (8.5, tone(0.5))]
    path = make_sounding(tmp_path / "a.mkv", pieces, seconds=10, pictures_start_seconds=1.5)
    found = loud_stretches(whole(path))
    assert np.allclose(found, [(0, 0.5), (2.5, 3.5), (7, 7.5)], atol=0.01)


def test_blocks_are_of_one_length_and_join_without_a_hole(tmp_path):
    path = make_sounding(tmp_path / "a.mkv", [(0.0, tone(5)), (7.0, tone(1))], seconds=9)
    blocks = list(read_mono(VideoFile(path), rate_hz=RATE_HZ, block_seconds=0.7))
    assert {len(block) for block in blocks[:-1]} == {round(0.7 * RATE_HZ)}
    assert np.array_equal(np.concatenate(blocks), whole(path))
    assert sum(map(len, blocks)) == 8 * RATE_HZ


@pytest.mark.parametrize("suffix, codec", [(".mkv", "pcm_s16le"), (".mp4", "aac"), (".ts", "aac")])
def test_reading_can_start_anywhere(tmp_path, suffix, codec):
    chirp = tone(1) * np.linspace(0, 1, RATE_HZ, dtype=np.float32)
    path = make_sounding(tmp_path / f"a{suffix}", [(0.0, np.tile(chirp, 12))], seconds=12, codec=codec)
    everything = whole(path)
    part = whole(path, start_seconds=6.4, end_seconds=8.0)
    assert len(part) == round(1.6 * RATE_HZ)
    assert np.abs(part - everything[round(6.4 * RATE_HZ) :][: len(part)]).max() < 0.02


def test_sound_after_the_pictures_is_not_read(tmp_path):
    path = make_sounding(tmp_path / "a.mkv", [(0.0, tone(5))], seconds=2)
    assert len(whole(path)) == 2 * RATE_HZ


def test_a_video_without_sound_has_none(tmp_path):
    path = make_video(tmp_path / "a.mp4", seconds=1)
    assert not has_sound(VideoFile(path)) and not len(whole(path))


def test_what_cannot_be_decoded_is_counted_and_the_rest_stays_in_its_place(tmp_path):
    quiet_then_loud = np.concatenate([np.zeros(6 * RATE_HZ, dtype=np.float32), tone(2)])
    path = make_sounding(tmp_path / "a.mp4", [(0.0, quiet_then_loud)], seconds=8, codec="aac")
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    data = bytearray(path.read_bytes())
    for position, size in places[5 : len(places) // 2 : 3]:
        data[position : position + size] = b"\xff" * size
    path.write_bytes(data)
    damage = SoundDamage()
    ends = loud_stretches(whole(path, damage=damage)[-3 * RATE_HZ :])[-1][1]
    assert damage.packets > 0 and ends == pytest.approx(3, abs=0.1)


def test_a_file_that_ends_too_early_says_so_or_is_short(tmp_path):
    path = make_sounding(tmp_path / "a.mkv", [(0.0, tone(8))], seconds=8)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert 0 < len(whole(path)) < 8 * RATE_HZ
