"""What is said in a video, recognised from its sound part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from ..errors import TrackError, one_line
from ..media import AnySource, VideoFile, open_source
from ..media.mono import read_mono
from ..media.sound import SoundDamage, has_sound
from ..types import Progress
from .kept_texts import KeptTexts, Parts
from .speech_models import Recogniser, check_speech_model, device_for_speech, find_speech_model, load_recogniser
from .spoken import SpokenWord, to_texts, without_inventions
from .text_track import TextTrack, TimedText

SETTINGS = 1  # raise it when the same model would give other texts
RATE_HZ = 16_000
PART_SECONDS = 180.0  # of sound that are worked on at a time, give or take PART_SLACK_SECONDS
PART_SLACK_SECONDS = 30.0
SHORTEST_PAUSE_SECONDS = 0.3  # that parts are cut in
# Pauses of half a second are left out before recognition: with the usual two seconds the times are twice as far off.
VOICE_ACTIVITY = {"min_silence_duration_ms": 500, "speech_pad_ms": 200}
TEMPERATURES = (0.0, 0.4, 0.8)  # the later ones where a text repeats itself or is improbable
SILENT = 1e-4  # part of full scale
PLACES_FOR_LANGUAGE, PLACE_SECONDS = 5, 30.0
LEAST_SPEECH_SECONDS = 2.0  # to judge the language by
DOUBTED_TRACK = 0.7  # mean probability of the words: of English 0.8 and more, of other languages read as English 0.5


def speech_track(
    source: AnySource,
    *,
    model: str = "auto",
    kept: KeptTexts,
    language: str = "",
    device: str = "auto",
    progress: Progress | None = None,
) -> TextTrack | None:
    """What is said in a video, as sentences with the times of their words.

    Args:
        source: the video.
        model: see `find_speech_model`; "auto" never downloads.
        kept: where the track is found again, and finished parts of it after a run that was ended early.
        language: spoken in the video, as ISO 639-1 says it; "" finds it out.
        device: "auto", "cpu" or "cuda".
        progress: called with the seconds that are done, and all.

    Returns:
        The track, of kind "said"; without texts where nobody speaks. None where the video has no sound.

    Raises:
        VideoError: the video cannot be read.
        TrackError: there is no such model, it does not know the language, or it cannot run.
        ImportError: faster-whisper is not installed.
    """
    source = open_source(source)
    if not isinstance(source, VideoFile):
        return None
    if model != "auto":
        check_speech_model(model)
    if not has_sound(source):
        return None
    device = device_for_speech(device)
    found = find_speech_model(model, device=device)
    made_by = {
        "by": "speech",
        "model": found.revision,
        "language": language,
        "settings": SETTINGS,
        "faster_whisper": version("faster-whisper"),
    }
    if (track := kept.find(source, "said", made_by)) is None:
        recogniser = load_recogniser(found, device)
        track = _recognise(source, recogniser, language, kept.parts(source, "said", made_by), progress)
        if warning := kept.keep(source, track, made_by):
            track = replace(track, warnings=(*track.warnings, warning))
    if progress is not None:
        progress(source.info.duration_seconds, source.info.duration_seconds)
    return track


def _recognise(
    file: VideoFile, recogniser: Recogniser, language: str, parts: Parts, progress: Progress | None
) -> TextTrack:
    duration = file.info.duration_seconds
    language = _language(file, recogniser, language, parts)
    texts: list[TimedText] = []
    counts: Counter[str] = Counter()
    at, number = 0.0, 0
    while (finished := parts.get(number)) is not None and "end_seconds" in finished[1]:
        texts += finished[0]
        at = float(finished[1]["end_seconds"])
        counts.update({name: int(count) for name, count in finished[1].get("counts", {}).items()})
        number += 1
    damage = SoundDamage()
    for part in _parts_of(file, at, damage):
        said, left_out = _texts_of(part, recogniser, language, duration, progress)
        lost, damage.packets = damage.packets, 0
        count = {"left out": left_out, "lost": lost, "ended early": int(damage.ended_early)}
        counts.update(count)
        parts.add(number, said, {"end_seconds": part.end_seconds, "counts": count, "language": language})
        texts += said
        number += 1
        if progress is not None:
            progress(min(part.end_seconds, duration), duration)
    return TextTrack(
        kind="said",
        texts=tuple(texts),
        source=f"speech, recognised by {recogniser.model.name}",
        revision=recogniser.model.revision,
        language=language,
        warnings=tuple(_warnings(texts, counts, recogniser, language)),
    )


class _Part(NamedTuple):
    start_seconds: float
    samples: np.ndarray  # (N,) float32 at RATE_HZ

    @property
    def end_seconds(self) -> float:
        return self.start_seconds + len(self.samples) / RATE_HZ


def _parts_of(file: VideoFile, start_seconds: float, damage: SoundDamage) -> Iterator[_Part]:
    """The sound from there on in stretches of about PART_SECONDS, cut in pauses."""
    waiting = np.zeros(0, dtype=np.float32)
    for block in read_mono(file, rate_hz=RATE_HZ, start_seconds=start_seconds, damage=damage):
        waiting = np.concatenate([waiting, block])
        if len(waiting) >= (PART_SECONDS + PART_SLACK_SECONDS) * RATE_HZ:
            part = _Part(start_seconds, waiting[: _pause_near(waiting)])
            yield part
            waiting, start_seconds = waiting[len(part.samples) :], part.end_seconds
    if len(waiting):
        yield _Part(start_seconds, waiting)


def _pause_near(samples: np.ndarray) -> int:
    """Where to cut: in the pause next to PART_SECONDS, or else at the quietest place around it."""
    middle, slack = round(PART_SECONDS * RATE_HZ), round(PART_SLACK_SECONDS * RATE_HZ)
    first = middle - slack
    around = samples[first : middle + slack]
    speech = _speech_in(around, round(SHORTEST_PAUSE_SECONDS * 1000))
    edges = np.array([0, *(edge for stretch in speech for edge in stretch), len(around)]).reshape(-1, 2)
    pauses = [(begins, ends) for begins, ends in edges if ends - begins >= SHORTEST_PAUSE_SECONDS * RATE_HZ]
    if pauses:
        margin = round(SHORTEST_PAUSE_SECONDS * RATE_HZ / 2)
        return first + min(
            (int(np.clip(slack, a + margin, b - margin)) for a, b in pauses), key=lambda c: abs(c - slack)
        )
    tenth = RATE_HZ // 10
    power = (around[: len(around) // tenth * tenth].reshape(-1, tenth) ** 2).mean(axis=1)
    return first + int(np.argmin(power)) * tenth + tenth // 2


def _speech_in(samples: np.ndarray, shortest_pause_ms: int) -> list[tuple[int, int]]:
    """(first, after) of the samples of each stretch in which somebody speaks."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    if not len(samples) or np.abs(samples).max() < SILENT:
        return []
    options = VadOptions(min_silence_duration_ms=shortest_pause_ms, speech_pad_ms=0)
    return [(found["start"], found["end"]) for found in get_speech_timestamps(samples, options)]


def _language(file: VideoFile, recogniser: Recogniser, wanted: str, parts: Parts) -> str:
    """The language that the whole video is read in. Raises TrackError."""
    known = recogniser.whisper.supported_languages
    if wanted:
        if wanted not in known:
            raise TrackError(
                f"the model {one_line(recogniser.model.name)} does not know the language "
                f"{one_line(wanted, most=20)!r}; it knows {', '.join(sorted(known))}"
            )
        return wanted
    if not recogniser.is_multilingual:
        return "en"
    finished = parts.get(0)
    if finished is not None and finished[1].get("language") in known:
        return str(finished[1]["language"])
    votes: Counter[str] = Counter()
    duration = file.info.duration_seconds
    places = int(np.clip(duration / PLACE_SECONDS, 1, PLACES_FOR_LANGUAGE))
    for place in range(places):
        begins = max(0.0, (place + 0.5) / places * duration - PLACE_SECONDS / 2)
        blocks = list(read_mono(file, rate_hz=RATE_HZ, start_seconds=begins, end_seconds=begins + PLACE_SECONDS))
        samples = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)
        spoken = [
            samples[first:after] for first, after in _speech_in(samples, VOICE_ACTIVITY["min_silence_duration_ms"])
        ]
        if sum(map(len, spoken)) >= LEAST_SPEECH_SECONDS * RATE_HZ:
            with recogniser.lock:
                name, probability, _ = recogniser.whisper.detect_language(np.concatenate(spoken))
            votes[name] += probability
    return votes.most_common(1)[0][0] if votes else ""


def _texts_of(
    part: _Part, recogniser: Recogniser, language: str, duration_seconds: float, progress: Progress | None
) -> tuple[list[TimedText], int]:
    """The texts of a part, and how many were left out because nobody is likely to have said them."""
    if np.abs(part.samples).max() < SILENT:
        return [], 0
    words: list[SpokenWord] = []
    with recogniser.lock:
        for segment in _segments(part.samples, recogniser, language):
            for word in segment.words or ():
                start = part.start_seconds + float(word.start)
                end = min(part.start_seconds + float(word.end), duration_seconds)
                if 0 <= start < end and word.word.strip():
                    words.append(SpokenWord(round(start, 3), round(end, 3), word.word, float(word.probability)))
            if progress is not None:
                progress(min(part.start_seconds + segment.end, duration_seconds), duration_seconds)
    return without_inventions(to_texts(words))


def _segments(samples: np.ndarray, recogniser: Recogniser, language: str) -> Iterator[Any]:
    """What faster-whisper makes of the samples. Raises TrackError."""
    import ctranslate2

    ctranslate2.set_random_seed(0)
    try:
        segments, _ = recogniser.whisper.transcribe(
            samples,
            language=language or None,
            temperature=TEMPERATURES,
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=True,
            vad_parameters=VOICE_ACTIVITY,
        )
        yield from segments
    except (RuntimeError, ValueError) as error:
        where = "; device cpu works everywhere" if recogniser.device != "cpu" else ""
        raise TrackError(
            f"speech cannot be recognised by {one_line(recogniser.model.name)} on {recogniser.device} "
            f"({one_line(str(error))}){where}"
        ) from error


def _warnings(texts: Sequence[TimedText], counts: Counter[str], recogniser: Recogniser, language: str) -> Iterator[str]:
    if counts["lost"]:
        yield f"{counts['lost']} packets of the sound could not be decoded; what was said there is missing"
    if counts["ended early"]:
        yield "the sound could not be read to its end; what was said after that is missing"
    if counts["left out"]:
        yield f"{counts['left out']} recognised texts were left out: improbable, or repeated by the model"
    if not texts:
        yield "no speech was found in the sound"
        return
    words = sum(len(text.words) for text in texts)
    sure = sum((text.confidence or 0.0) * len(text.words) for text in texts) / max(1, words)
    if sure < DOUBTED_TRACK:
        another = (
            ", or another language is spoken"
            if recogniser.is_multilingual
            else "; it knows English only, and another language may be spoken"
        )
        yield (
            f"the recognised words are doubtful (mean probability {sure:.2f}): {recogniser.model.name} may be too small"
            f"{another}"
        )
