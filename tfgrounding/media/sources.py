"""Whatever names a video becomes a source: a path, pictures, a source, or what a saved answer says of its source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import numpy as np

from ..errors import VideoError
from ..types import Shots, Source, VideoInfo
from .decode import VideoFile
from .pictures import Pictures

AnySource = str | os.PathLike[str] | Source | Mapping[str, Any]
NOT_STORED = {
    "array": "the pictures of this array are not stored; give the array again",
    "features": "only its features are given, not the video",
}


def open_source(source: AnySource, *, stream: int | None = None) -> Source:
    """The source that is meant. Nothing is read before it is asked for.

    Args:
        source: path of a video file, Pictures, any other Source, or what `Source.to_dict` gave.
        stream: of a file with several video tracks, the number of the one to read; see `VideoFile`.

    Raises:
        VideoError: something that names no video; or `stream` with anything but a file.
    """
    if isinstance(source, (str, os.PathLike)) and not isinstance(source, bytes):
        return VideoFile(source, stream=stream)
    if stream is not None:
        raise VideoError(f"a stream can be chosen only of a video file, not of {type(source).__name__}")
    if hasattr(type(source), "shots"):  # isinstance with a protocol would read `info` and `identity` of the source
        return cast(Source, source)
    if isinstance(source, Mapping):
        return _from_dict(source)
    if isinstance(source, (np.ndarray, list, tuple)):
        raise VideoError("pictures have no times: give their rate with Pictures(pictures, rate_hz=...)")
    raise VideoError(f"a video is given as a path or as Pictures, not as {type(source).__name__}")


def _from_dict(data: Mapping[str, Any]) -> Source:
    try:
        kind = data["kind"]
        if kind == "file":
            stream = data.get("stream")
            return VideoFile(
                _text(data["path"]),
                stream=None if stream is None else int(stream),
                name=_text(data.get("name", data["path"])),
            )
        if kind == "pictures":
            given = _text(data["folder"]) if "folder" in data else [_text(path) for path in data["files"]]
            try:
                return Pictures(given, data["rate_hz"])
            except VideoError as error:
                return NotStored(dict(data), str(error))
        if kind in NOT_STORED:
            return NotStored(dict(data), f"{data.get('name', kind)}: {NOT_STORED[kind]}")
    except (KeyError, TypeError, ValueError) as error:
        raise VideoError(f"this is no description of a video source: {error!r}") from error
    raise VideoError(f"a video source of kind {kind!r} is not known; known are file, pictures, array and features")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


@dataclass(frozen=True)
class NotStored:
    """A source that an answer was made from and that cannot be opened again: an array, or pictures that are gone.

    Args:
        description: what its `to_dict` gave.
        why: why it cannot be opened, in words.
    """

    description: dict[str, Any]
    why: str

    @property
    def name(self) -> str:
        return str(self.description.get("name", self.description.get("folder", self.description["kind"])))

    @property
    def info(self) -> VideoInfo:
        """Raises VideoError."""
        self._fail()

    @property
    def identity(self) -> tuple[Any, ...]:
        """Raises VideoError."""
        self._fail()

    def shots(
        self, *, rate_hz: float | None = None, start_seconds: float = 0.0, end_seconds: float | None = None
    ) -> Shots:
        """Raises VideoError."""
        self._fail()

    def digest(self) -> str:
        """Raises VideoError."""
        self._fail()

    def to_dict(self) -> dict[str, Any]:
        return dict(self.description)

    def _fail(self) -> NoReturn:
        raise VideoError(self.why)
