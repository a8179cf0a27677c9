"""What this package and its workers send each other: words and one array, as safetensors behind their length.

Both sides import this file. It needs numpy only, and Python 3.8.
"""

import json
import struct

import numpy as np

LONGEST_MESSAGE = 2**30  # bytes
LONGEST_HEADER = 2**26
MOST_DIMENSIONS = 4
DTYPES = {"U8": np.uint8, "I32": np.int32, "F32": np.float32}
NAMES = {np.dtype(kind): name for name, kind in DTYPES.items()}


class BrokenMessageError(ValueError):
    """What was read is not a message."""


def send(stream, words, array=None):
    """Write one message.

    Args:
        stream: a binary stream.
        words: a dict that JSON can hold.
        array: uint8, int32 or float32, or None.

    Raises:
        MemoryError: the array is too long for a message; nothing was written.
    """
    array = np.zeros(0, dtype=np.uint8) if array is None else np.ascontiguousarray(array)
    if array.nbytes > LONGEST_MESSAGE - LONGEST_HEADER:
        raise MemoryError(f"{array.nbytes} bytes are too many for one message")
    entry = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [0, array.nbytes]}
    header = json.dumps({"__metadata__": {"words": json.dumps(words)}, "array": entry}).encode()
    header += b" " * (-len(header) % 8)
    stream.write(struct.pack("<QQ", 8 + len(header) + array.nbytes, len(header)) + header)
    stream.write(array.tobytes())
    stream.flush()


def receive(stream):
    """Read one message.

    Args:
        stream: a binary stream.

    Returns:
        (words, array), or None where the stream ends before a message begins.

    Raises:
        BrokenMessageError: it is not a message, or is too long.
        EOFError: it ends too early.
    """
    begin = stream.read(8)
    if not begin:
        return None
    length = _number(begin)
    if not 8 <= length <= LONGEST_MESSAGE:
        raise BrokenMessageError(f"not a message: {begin!r}")
    header_length = _number(stream.read(8))
    if header_length > min(length - 8, LONGEST_HEADER):
        raise BrokenMessageError("the header is too long")
    try:
        header, data = stream.read(header_length), stream.read(length - 8 - header_length)
        if len(header) + len(data) < length - 8:
            raise EOFError("the message ends too early")
        header = json.loads(header.decode())
        words = json.loads(header["__metadata__"]["words"])
        dtype, shape = DTYPES[header["array"]["dtype"]], header["array"]["shape"]
        if not isinstance(words, dict) or len(shape) > MOST_DIMENSIONS or not all(type(n) is int for n in shape):
            raise BrokenMessageError("the header is not that of a message")
        return words, np.frombuffer(data, dtype=dtype).reshape(shape)
    except BrokenMessageError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise BrokenMessageError(f"not a message ({type(error).__name__}: {error})") from error


def _number(data):
    if len(data) < 8:
        raise EOFError("the message ends too early")
    return struct.unpack("<Q", data)[0]
