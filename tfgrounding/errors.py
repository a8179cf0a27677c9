"""What can go wrong, in words that can be shown to a person: what was wrong, what is allowed, what to do."""

import re


class TFGroundingError(Exception):
    """Any error whose message is meant for the user; the command line prints it as one line and exits with 2."""


class VideoError(TFGroundingError):
    """A video that is missing, empty, without pictures or undecodable."""


class EncoderError(TFGroundingError):
    """An encoder that does not exist, whose weights are missing, or that cannot run where it was asked to."""


class PlanError(TFGroundingError):
    """A plan, or the curves that belong to it, that does not make sense."""


class ModelError(TFGroundingError):
    """A language or vision model that could not be reached or did not answer usably."""


class DatasetError(TFGroundingError):
    """A data set's file or folder that is missing or unreadable."""


class UndefinedAnswerError(TFGroundingError):
    """A curve for which TFVTG's public program has no answer ([0, 0], NaN, infinite, or a crash)."""


class TrackError(TFGroundingError):
    """A track (subtitles, speech, text on the screen, captions) that cannot be made or read."""


class AnswerError(TFGroundingError):
    """A saved answer that cannot be read."""


def reason_to_skip(error: Exception) -> str:
    """Why one of many items is left out, in one line.

    Raises:
        MemoryError: the error itself, where memory ran out: that is not the item's fault.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, of a GPU
        raise error
    words = str(error) if isinstance(error, TFGroundingError) else f"{type(error).__name__}: {error}"
    return " ".join(words.split())


def one_line(text: str, *, most: int = 300) -> str:
    """Words of others for a message: at most so many characters, without what a terminal obeys."""
    shown = "".join(character if character.isprintable() else " " for character in text[: 4 * most])
    return " ".join(shown.split())[:most]


def in_one_line(problem: BaseException) -> str:
    """An exception of anybody's code for a message: its class and its words, short, without what a terminal obeys."""
    return f"{type(problem).__name__}: {one_line(str(problem))}"


def without_secrets(text: str) -> str:
    """A text in which addresses are shown without user names, passwords and parameters, for messages and results."""
    text = re.sub(r"(?<=://)[^/\s?#]*@", "", text)
    return re.sub(r"(https?://[^\s?#'\"]*)[?#][^\s'\"]*", r"\1", text)
