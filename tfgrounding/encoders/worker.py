"""Encoders that run in an environment of their own: a worker process there answers over pipes.

Some packages cannot be installed beside this one, as they need other versions of what it needs. Their Python runs a
program of `workers/`, which gets frames and texts and sends vectors back.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..errors import EncoderError
from .base import Batches, batch_frames
from .texts import bounded, notes_of_cuts
from .workers.messages import BrokenMessageError, receive, send

PROGRAMS = Path(__file__).with_name("workers")
SLOW_START_SECONDS = 20.0
LONGEST_START_SECONDS = 1800.0  # large weights may have to be downloaded
LONGEST_ANSWER_SECONDS = 600.0
LEAVE_SECONDS = 5.0
KEPT_ERRORS = 4096  # bytes of what the worker writes to stderr
BATCH_TEXTS = 64
LARGEST_FRAME = 8192  # pixels

_log = logging.getLogger(__name__)


class Worker:
    """A process of another Python that encodes. Threads may share it.

    Args:
        title: what the worker is for, for messages.
        python: path of that Python, or a name on PATH.
        program: a file of `workers/`.
        arguments: the program's command line.

    Attributes:
        hello: what the worker sent when its model was loaded.

    Raises:
        EncoderError: no such Python, or a worker that ended, sent something else or was not ready in time.
    """

    def __init__(self, title: str, python: str, program: str, *arguments: str) -> None:
        self.title = f"the {title} worker of {python}"
        if python.startswith("~"):
            python = str(Path(python).expanduser())
        self._turn = threading.Lock()
        self._end = ""  # why this side ended the worker
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
        try:
            self._process = subprocess.Popen(
                [python, str(PROGRAMS / program), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
        except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
            reason = getattr(error, "strerror", None) or error
            raise EncoderError(f"{python}: this Python cannot be started ({reason})") from error
        self._errors = bytearray()
        self._reader = threading.Thread(target=_keep_end, args=(self._process.stderr, self._errors), daemon=True)
        self._reader.start()
        slow = threading.Timer(
            SLOW_START_SECONDS,
            _log.warning,
            ("%s is still loading its model; weights that are not on this machine are downloaded first", self.title),
        )
        slow.daemon = True
        slow.start()
        try:
            self.hello = self._exchange(LONGEST_START_SECONDS, None, None)[0]
        except BaseException:
            self.close()
            raise
        finally:
            slow.cancel()
        self._errors.clear()  # warnings of loading would be taken for the reason of a later end

    def ask(self, words: dict[str, Any], array: np.ndarray | None = None) -> np.ndarray:
        """The worker's answer to one request.

        Raises:
            EncoderError: it could not answer, has ended, or took too long.
            MemoryError: its memory is too small for the request.
        """
        with self._turn:
            if self._process.poll() is not None:
                raise EncoderError(self._how_it_ended())
            return self._exchange(LONGEST_ANSWER_SECONDS, words, array)[1]

    def close(self) -> None:
        """End the worker."""
        self._end = self._end or ("was closed; load the encoder again" if self._process.poll() is None else "")
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None and answers is not None
        with contextlib.suppress(OSError):  # it ended before it had read everything
            requests.close()
        self._wait()
        answers.close()

    def _exchange(
        self, seconds: float, words: dict[str, Any] | None, array: np.ndarray | None
    ) -> tuple[dict[str, Any], np.ndarray]:
        """Send a request, if there is one, and read the answer."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None and answers is not None
        try:
            with self._at_most(seconds):
                if words is not None:
                    send(requests, words, array)
                message = receive(answers)
        except MemoryError:
            raise
        except BrokenMessageError as error:
            self._end = f"sent something that is not an answer ({str(error)[:200]})"
            self._process.kill()
            raise EncoderError(self._how_it_ended()) from error
        except (OSError, EOFError) as error:
            raise EncoderError(self._how_it_ended()) from error
        except BaseException:  # Ctrl-C: an answer that nobody waits for may be on its way
            self._end = "was ended when a call was interrupted; load the encoder again"
            self._process.kill()
            raise
        if message is None:
            raise EncoderError(self._how_it_ended())
        if "error" in message[0]:
            if message[0].get("memory"):
                raise MemoryError(str(message[0]["error"])[:500])
            raise EncoderError(f"{self.title}: {str(message[0]['error'])[:600]}")
        return message

    @contextlib.contextmanager
    def _at_most(self, seconds: float) -> Iterator[None]:
        """Kill the worker when that time is over: its pipes then close, and nobody waits for it any longer."""

        def too_late() -> None:
            self._end = f"did not answer within {seconds:g} s"
            self._process.kill()

        timer = threading.Timer(seconds, too_late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _wait(self) -> int:
        """The worker's exit code; one that does not end by itself is killed."""
        try:
            return self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _how_it_ended(self) -> str:
        """A sentence, once the worker has ended or has closed its pipes."""
        code = self._wait()
        if self._end:
            return f"{self.title} {self._end}"
        self._reader.join(LEAVE_SECONDS)
        lines = self._errors.decode(errors="replace").strip().splitlines()
        last = " ".join(lines[-1].split())[:500] if lines else "without a message"
        if code == -getattr(signal, "SIGKILL", 9):
            last += " (killed; perhaps the machine ran out of memory)"
        return f"{self.title} ended with code {code}: {last}"


class WorkerEncoder:
    """An Encoder whose model is in a worker. Subclasses say which.

    The worker's `hello` has `revision`, `scale`, `frame_size`, `batch_frames`, and `longest`: tokens of a text.

    Args:
        worker: the worker, ready.

    Raises:
        EncoderError: its `hello` is not that of an encoder.
    """

    name: str
    floor: float | None

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        hello = worker.hello
        try:
            self.revision = str(hello["revision"])[:1000]
            self.scale = float(hello["scale"])
            self.frame_size = _frame_size(hello["frame_size"])
            self.batch_frames = hello["batch_frames"]
            self._longest = int(hello["longest"])
            if not 0 < self.scale < math.inf or self._longest < 1:
                raise ValueError(hello)
        except (KeyError, TypeError, ValueError) as error:
            worker.close()
            raise EncoderError(f"{worker.title} sent a description that is not an encoder's: {hello!r:.300}") from error
        self._batches = Batches(batch_frames(self))

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames of any size -> (T, Q, D) float32 unit vectors."""
        if not len(pixels):
            return self.encode_frames(np.zeros((1, 8, 8, 3), dtype=np.uint8))[:0]
        return self._batches.run(lambda batch: self._answer({"do": "frames"}, batch, 3, len(batch)), pixels)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) float32 unit vectors. What is longer than the model reads is cut off: see `text_notes`."""
        if not texts:
            return self.encode_texts(["-"])[:0]
        return np.concatenate([self._of_texts("texts", batch, 2) for batch in _batches_of(texts)])

    def text_notes(self, texts: Sequence[str]) -> list[str]:
        """A sentence about each text of which only the beginning is read."""
        counts = [self._of_texts("lengths", batch, 1) for batch in _batches_of(texts)]
        return notes_of_cuts(texts, np.concatenate(counts).tolist() if counts else [], self._longest)

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def __del__(self) -> None:
        if hasattr(self, "_worker"):
            self._worker.close()

    def _of_texts(self, do: str, texts: Sequence[str], dimensions: int) -> np.ndarray:
        words = {"do": do, "texts": [bounded(text) for text in texts]}
        try:
            return self._answer(words, None, dimensions, len(texts))
        except MemoryError as error:
            raise EncoderError(f"{self._worker.title} has not enough memory for {len(texts)} texts") from error

    def _answer(self, words: dict[str, Any], array: np.ndarray | None, dimensions: int, count: int) -> np.ndarray:
        answer = self._worker.ask(words, array)
        if answer.ndim != dimensions or len(answer) != count:
            raise EncoderError(f"{self._worker.title} sent an array of shape {answer.shape} for {count} inputs")
        return answer


def _keep_end(stream: IO[bytes], end: bytearray) -> None:
    """Read what the worker writes to stderr, and keep the last of it."""
    with contextlib.suppress(OSError, ValueError), stream:
        while part := os.read(stream.fileno(), KEPT_ERRORS):
            end += part
            del end[:-KEPT_ERRORS]


def _batches_of(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(texts), BATCH_TEXTS):
        yield texts[first : first + BATCH_TEXTS]


def _frame_size(size: Any) -> int | tuple[int, int]:
    sides = [size] if isinstance(size, int) else list(size)
    if len(sides) not in (1, 2) or not all(type(side) is int and 1 <= side <= LARGEST_FRAME for side in sides):
        raise ValueError(size)
    return size if isinstance(size, int) else (sides[0], sides[1])
