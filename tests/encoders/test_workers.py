"""A worker and its encoder: messages, starting, failing, hanging, ending. The programs here need no PyTorch."""

from __future__ import annotations

import ast
import gc
import io
import json
import os
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tfgrounding.encoders import worker
from tfgrounding.encoders.worker import PROGRAMS, Worker, WorkerEncoder
from tfgrounding.encoders.workers import messages
from tfgrounding.errors import EncoderError

MODEL = f"""
import sys, time
sys.path.insert(0, {str(PROGRAMS)!r})
import numpy as np
from serving import serve

class Model:
    hello = {{"revision": "1", "scale": 2.0, "frame_size": 8, "batch_frames": 4, "longest": 5}}
    def frames(self, pixels):
        if len(pixels) > 2:
            raise MemoryError("too many")
        return np.full((len(pixels), 1, 3), pixels.mean(), dtype=np.float32)
    def texts(self, texts):
        if texts == ["sleep"]:
            time.sleep(60)
        if texts == ["exit"]:
            sys.stderr.write("first line\\nlast words\\n"); sys.stderr.flush(); import os; os._exit(3)
        return np.array([[len(text), 1, 2] for text in texts], dtype=np.float32)
    def lengths(self, texts):
        return np.array([len(text.split()) for text in texts], dtype=np.int32)
"""


class Encoder(WorkerEncoder):
    name, floor = "test", 0.0


@pytest.fixture
def start(tmp_path):
    """Start an encoder whose worker runs these lines behind MODEL; end them all afterwards."""
    started = []

    def run(lines: str = "serve(Model)", model: str = MODEL) -> Encoder:
        program = tmp_path / "program.py"
        program.write_text(model + textwrap.dedent(lines))
        started.append(Encoder(Worker("test", sys.executable, str(program))))
        return started[-1]

    yield run
    for encoder in started:
        encoder.close()


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether the process ends within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("array", [None, np.zeros((0, 3), np.float32), np.arange(24, dtype=np.uint8).reshape(2, 3, 4)])
def test_a_message_arrives_as_it_was_sent(array):
    from safetensors.numpy import load

    stream = io.BytesIO()
    messages.send(stream, {"texts": ["größer", "\ud800", "\0"]}, array)
    stream.seek(0)
    words, read = messages.receive(stream)
    assert words == {"texts": ["größer", "\ud800", "\0"]} and messages.receive(stream) is None
    if array is not None:
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)
        np.testing.assert_array_equal(load(stream.getvalue()[8:])["array"], array)


def message(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<QQ", 8 + len(text) + len(data), len(text)) + text + data


def described(**entry: object) -> dict:
    return {"__metadata__": {"words": "{}"}, "array": {"dtype": "F32", "shape": [1], **entry}}


@pytest.mark.parametrize(
    "data",
    [
        b"\x01",
        b"Welcome to this computer\n",
        struct.pack("<Q", 2**62),
        struct.pack("<Q", 7) + b"1234567",
        struct.pack("<QQ", 20, 2**40),
        struct.pack("<QQ", 100, 10) + b"{}",
        message(b"not JSON"),
        message(b"[" * 100_000),
        message([]),
        message({}),
        message({"__metadata__": {"words": "[]"}, "array": {"dtype": "F32", "shape": [0]}}),
        message(described(dtype="I64"), b"12345678"),
        message(described(shape=[2]), b"1234"),
        message(described(shape=[1.0]), b"1234"),
        message(described(shape=[True]), b"1234"),
        message(described(shape=[1] * 40), b"1234"),
        message(described(shape=[2**62, 2**62]), b"1234"),
        message(described(shape=7), b"1234"),
        message(described(), b"123"),
    ],
)
def test_what_is_no_message_is_said_to_be_none(data):
    with pytest.raises((messages.BrokenMessageError, EOFError)):
        messages.receive(io.BytesIO(data))


def test_an_array_that_is_too_long_is_not_sent(monkeypatch):
    monkeypatch.setattr(messages, "LONGEST_MESSAGE", messages.LONGEST_HEADER + 10)
    stream = io.BytesIO()
    with pytest.raises(MemoryError):
        messages.send(stream, {}, np.zeros(11, np.uint8))
    assert stream.getvalue() == b""


def test_an_encoder_answers_from_its_worker(start):
    lines = """
    def load():
        print("noise")
        try:
            input()  # as a library that asks the user
        except EOFError:
            return Model()
    serve(load)
    """
    encoder = start(lines)
    assert (encoder.revision, encoder.scale, encoder.frame_size, encoder.batch_frames) == ("1", 2.0, 8, 4)
    pixels = np.full((7, 8, 8, 3), 5, np.uint8)
    np.testing.assert_array_equal(encoder.encode_frames(pixels), np.full((7, 1, 3), 5, np.float32))  # 4, then 2 at once
    assert encoder.encode_frames(pixels[:0]).shape == (0, 1, 3)
    texts = ["a " * length for length in range(1, 151)]
    np.testing.assert_array_equal(encoder.encode_texts(texts)[:, 0], np.arange(2, 302, 2))
    assert encoder.encode_texts([]).shape == (0, 3)
    assert encoder.text_notes([]) == [] == encoder.text_notes(["a b c d e"])
    (note,) = encoder.text_notes(["short", "a b c d e f g"])
    assert "first 5 of 7 tokens of 'a b c d e f g'" in note
    assert encoder.encode_texts(["x" * 3_000_000]).shape == (1, 3)


def test_threads_share_a_worker(start):
    encoder, wrong = start(), []

    def ask(number: int) -> None:
        for _ in range(20):
            if encoder.encode_texts(["x" * number])[0, 0] != number:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("print('Welcome to this computer')", "sent something that is not an answer (not a message: b'Welcome ')"),
        ("raise SystemExit('no licence')", "ended with code 1: no licence"),
        ("1 / 0", "ended with code 1: ZeroDivisionError: division by zero"),
        ("import os; os.kill(os.getpid(), 9)", "ended with code -9: without a message (killed; perhaps the machine"),
        ("sys.stdout.buffer.write(bytes([99] + [0] * 20)); sys.exit('full')", "ended with code 1: full"),
        ("time.sleep(60)", "did not answer within 1 s"),
        ("serve(lambda: 1 / 0)", "the model could not be loaded: ZeroDivisionError: division by zero"),
        ("serve(lambda: sys.exit('no licence'))", "the model could not be loaded: SystemExit: no licence"),
        ("serve(lambda: __import__('nothing_there'))", "import failed in that environment: No module named 'nothing"),
        ("Model.hello = {}; serve(Model)", "sent a description that is not an encoder's"),
        ("Model.hello['scale'] = float('nan'); serve(Model)", "sent a description that is not an encoder's"),
        ("Model.hello['frame_size'] = [8, -1]; serve(Model)", "sent a description that is not an encoder's"),
        ("Model.hello['batch_frames'] = 'all'; serve(Model)", "batch_frames must be a whole number"),
        ("sys.stderr.write('x' * 10**7 + '\\n\\ud800'); sys.exit(2)", "ended with code 2: "),
    ],
)
def test_a_worker_that_does_not_start_is_one_sentence(start, monkeypatch, lines, says):
    monkeypatch.setattr(worker, "LONGEST_START_SECONDS", 1.0 if "time.sleep" in lines else 60.0)
    begin = time.monotonic()
    with pytest.raises(EncoderError) as error:
        start(lines)
    said = str(error.value)
    assert f"the test worker of {sys.executable}" in said or "batch_frames" in says
    assert says in said and "\n" not in said and len(said) < 900 and time.monotonic() - begin < 10


@pytest.mark.parametrize("python", ["/no/such/python", "no-such-python", "~/no/such/python", "a\0b", "/tmp"])
def test_a_python_that_cannot_be_started_is_one_sentence(python):
    with pytest.raises(EncoderError, match="this Python cannot be started"):
        Worker("test", python, "lavis_worker.py")


def test_a_worker_that_ends_says_its_last_words_every_time(start):
    encoder = start()
    for _ in range(2):
        with pytest.raises(EncoderError, match=r"ended with code 3: last words$"):
            encoder.encode_texts(["exit"])


def test_an_error_in_the_worker_leaves_it_running(start):
    encoder = start("Model.texts = lambda self, texts: 1 / 0 if texts == ['bad'] else np.ones((1, 3), np.float32)\n"
                    "serve(Model)")  # fmt: skip
    with pytest.raises(EncoderError, match="ZeroDivisionError: division by zero"):
        encoder.encode_texts(["bad"])
    assert encoder.encode_texts(["good"]).shape == (1, 3)


def test_answers_of_another_shape_are_refused(start):
    encoder = start("Model.frames = Model.texts = lambda self, items: np.ones((9, 3), np.float32)\nserve(Model)")
    for ask, items in ((encoder.encode_frames, np.zeros((2, 8, 8, 3), np.uint8)), (encoder.encode_texts, ["a"])):
        with pytest.raises(EncoderError, match=r"sent an array of shape \(9, 3\)"):
            ask(items)


def test_memory_that_is_too_small_for_one_frame_is_one_sentence(start):
    lines = """
    def full(self, items):
        raise RuntimeError("CUDA out of memory. Tried to allocate 9 GiB")
    Model.frames = Model.texts = full
    serve(Model)
    """
    encoder = start(lines)
    with pytest.raises(EncoderError, match="not enough memory for a single frame"):
        encoder.encode_frames(np.zeros((5, 8, 8, 3), np.uint8))
    with pytest.raises(EncoderError, match="not enough memory for 1 texts"):
        encoder.encode_texts(["a"])


def test_a_worker_that_hangs_is_ended(start, monkeypatch):
    encoder = start()
    monkeypatch.setattr(worker, "LONGEST_ANSWER_SECONDS", 0.5)
    with pytest.raises(EncoderError, match=r"did not answer within 0.5 s"):
        encoder.encode_texts(["sleep"])
    encoder = start()
    os.kill(encoder._worker._process.pid, signal.SIGSTOP)  # it reads nothing any more
    with pytest.raises(EncoderError, match=r"did not answer within 0.5 s"):
        encoder.encode_frames(np.zeros((1, 1000, 1000, 3), np.uint8))


def test_an_interrupted_call_ends_the_worker_and_later_calls_say_so(start):
    encoder = start()
    os.kill(encoder._worker._process.pid, signal.SIGINT)  # a terminal sends Ctrl-C to both: only one acts on it
    assert encoder.encode_texts(["a"]).shape == (1, 3)
    timer = threading.Timer(0.3, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        encoder.encode_texts(["sleep"])
    with pytest.raises(EncoderError, match="was ended when a call was interrupted; load the encoder again"):
        encoder.encode_texts(["a"])


def test_a_worker_ends_with_its_encoder_even_while_it_works(start):
    encoder = start()
    process = encoder._worker._process
    encoder.close()
    assert process.returncode == 0
    program = Path(process.args[1])
    dropped = Encoder(Worker("test", sys.executable, str(program)))
    pid = dropped._worker._process.pid
    errors = []

    def ask(busy: Encoder) -> None:
        try:
            busy.encode_texts(["sleep"])
        except EncoderError as error:
            errors.append(str(error))

    thread = threading.Thread(target=ask, args=(dropped,))
    thread.start()
    time.sleep(0.2)
    begin = time.monotonic()
    dropped.close()
    thread.join()
    assert gone(pid) and time.monotonic() - begin < worker.LEAVE_SECONDS and "was closed" in errors[0]
    dropped = Encoder(Worker("test", sys.executable, str(program)))
    pid = dropped._worker._process.pid
    del dropped
    gc.collect()
    assert gone(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_worker_ends_when_the_program_that_started_it_is_killed(tmp_path):
    program = tmp_path / "program.py"
    pid_file = tmp_path / "pid"
    program.write_text(MODEL + f"import os; open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
                       "serve(lambda: time.sleep(60))")  # fmt: skip
    code = f"from tfgrounding.encoders.worker import Worker; Worker('test', {sys.executable!r}, {str(program)!r})"
    parent = subprocess.Popen([sys.executable, "-c", code])
    end = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    assert gone(int(pid_file.read_text()))


def test_programs_for_other_environments_need_python_3_8_and_nothing_of_this_package():
    assert not {path.stem for path in PROGRAMS.glob("*.py")} & sys.stdlib_module_names
    for path in PROGRAMS.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
        for node in ast.walk(tree):
            assert not isinstance(node, ast.ImportFrom) or (node.level == 0 and "tfgrounding" not in str(node.module))
            assert not isinstance(node, ast.Import) or all("tfgrounding" not in alias.name for alias in node.names)
