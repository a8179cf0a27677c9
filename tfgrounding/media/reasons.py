"""Why a video cannot be read: encrypted, of a kind there is no decoder for, cut short, or damaged."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

LOOKED_AT_BYTES = 4 << 20  # of the beginning and of the end of a file
ANIMATED = 0x02  # in the flags of a WebP file
ASF_ENCRYPTION = (  # marks of the objects "content encryption" and "extended content encryption"
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
ENCRYPTED = "its pictures are encrypted (DRM), and no key is known; a copy without protection can be read"
DAMAGED = "no picture of its video stream could be decoded; is the file damaged or cut short?"
UNSUPPORTED = "there is no decoder here for its kind of pictures; convert it, to H.264 in MP4 for example"


def why_undecodable(path: Path) -> str:
    """Why no picture of a file with a video track could be decoded."""
    head, tail = _both_ends(path)
    if head[8:16] == b"WEBPVP8X" and head[20] & ANIMATED:
        return "it is an animated WebP picture, which cannot be read here; convert it, to GIF or MP4 for example"
    return ENCRYPTED if _is_encrypted(head, tail) else DAMAGED


def why_unreadable(path: Path, error: str) -> str:
    """Why a file could not be opened as a video, given what the library says."""
    head, tail = _both_ends(path)
    if _is_encrypted(head, tail):
        return ENCRYPTED
    if head[4:8] == b"ftyp" and b"moov" not in head and b"moov" not in tail:
        return f"not a video that can be read (its index is missing: it was cut short or never finished; {error})"
    return f"not a video that can be read ({error})"


def _both_ends(path: Path) -> tuple[bytes, bytes]:
    with suppress(OSError), path.open("rb") as file:
        head = file.read(LOOKED_AT_BYTES)
        file.seek(max(0, path.stat().st_size - LOOKED_AT_BYTES))
        return head, file.read(LOOKED_AT_BYTES)
    return b"", b""


def _is_encrypted(head: bytes, tail: bytes) -> bool:
    if head.startswith(bytes.fromhex("3026b2758e66cf11")):  # ASF
        return any(mark in head[: 1 << 16] for mark in ASF_ENCRYPTION)
    if head[4:8] == b"ftyp":
        return any(b"sinf" in part and (b"encv" in part or b"drmi" in part) for part in (head, tail))
    packets = [head[at : at + 4] for at in range(0, len(head) - 4, 188)]  # MPEG-TS
    scrambled = sum(packet[:1] == b"G" and packet[3] & 0xC0 != 0 for packet in packets)
    return scrambled > len(packets) / 10 and all(packet[:1] == b"G" for packet in packets)
