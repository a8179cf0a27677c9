"""The encoding of a file of texts: stated, or found by its bytes and the language of its texts."""

from __future__ import annotations

import re

CYRILLIC = ("cp1251", "koi8_r", "koi8_u", "cp866")
CENTRAL_EUROPEAN = ("cp1250", "iso8859_2")
WESTERN = ("cp1252",)
# The usual ones by the languages written in them; all others are Western European.
USUAL = {
    "ru uk be bg sr mk kk": CYRILLIC,
    "zh": ("gb18030", "big5"),
    "ja": ("cp932", "euc_jp"),
    "ko": ("cp949",),
    "pl cs sk hu ro hr sl bs sq": CENTRAL_EUROPEAN,
    "el": ("cp1253",),
    "tr az": ("cp1254",),
    "he yi": ("cp1255",),
    "ar fa ur": ("cp1256",),
    "lt lv et": ("cp1257",),
    "vi": ("cp1258",),
    "th": ("cp874",),
}
WESTERN_LETTERS = "àáâãäåæçèéêëìíîïñòóôõöøùúûüÿßœ"  # others, as ð, þ and ž, are more often those of other encodings
WESTERN_SIGNS = "¿¡«»“”„‘’‚…–—·°€£§©®™ªº\xa0\xad"
MOST_NEIGHBOURS = 0.25  # of the letters beyond ASCII in a Western text that follow another one
ALL = tuple(dict.fromkeys((*WESTERN, *(one for some in USUAL.values() for one in some))))
HEBREW_LETTERS = bytes(range(0xE0, 0xFB))  # in Windows-1255
HEBREW_FINALS = "ךםןףץ".encode("cp1255")
HEBREW_SHARE, FEWEST_HEBREW = 0.98, 12  # of the letters of words; and how many there have to be
_BEYOND = re.compile(rb"[\xc0-\xff]+")
SAMPLE_BYTES = 64 << 10  # of the lines that are not ASCII, by which the encoding is found


def decoded(data: bytes, language: str = "") -> tuple[str, list[str]]:
    """Text from bytes of a stated or guessed encoding, with a warning where it is a guess.

    Bytes that are UTF-8 for the most part are damaged UTF-8: by chance few bytes of other encodings are valid there.

    Args:
        data: the bytes.
        language: of the text, as ISO 639-1 says it; "" where it is not known.
    """
    for mark, encoding in (
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, "replace"), []
    zeros_even, zeros_odd = data[:4000:2].count(0), data[1:4000:2].count(0)
    if max(zeros_even, zeros_odd) > len(data[:4000]) / 8:
        encoding = "utf-16-be" if zeros_even > zeros_odd else "utf-16-le"
        return data.decode(encoding, "replace"), ["its encoding is not stated; it was read as UTF-16"]
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        text = data.decode("utf-8-sig", "replace")
    wrong, beyond = text.count("\ufffd"), sum(character > "\x7f" for character in text)
    if wrong <= beyond - wrong:
        return text, [f"{wrong:,} of its characters are damaged"]
    encoding = _likely(data, language)
    name = encoding.replace("cp125", "Windows-125").replace("_", "-")
    return data.decode(encoding, "replace"), [
        f"its encoding is not stated; it was read as {name}: where its letters are wrong, convert the file to UTF-8"
    ]


def _likely(data: bytes, language: str) -> str:
    """The most likely encoding, of those that are usual for the language if one of them fits."""
    sample = b"\n".join(line for line in data.splitlines() if not line.isascii())[:SAMPLE_BYTES]
    usual = next((some for languages, some in USUAL.items() if language in languages.split()), WESTERN)
    if language and (found := _fitting(sample, usual)):
        return found
    if _is_hebrew(sample):
        return "cp1255"
    return WESTERN[0] if _is_western(sample) else _fitting(sample, ALL) or WESTERN[0]


def _is_western(sample: bytes) -> bool:
    """Whether bytes read as Western European have its usual letters and signs, and the letters stand singly."""
    text = sample.decode("cp1252", "replace").lower()
    beyond = [at for at, letter in enumerate(text) if letter > "\x7f"]
    letters = [at for at in beyond if text[at] in WESTERN_LETTERS]
    neighbours = sum(text[at - 1] > "\x7f" for at in letters if at)
    return all(text[at] in WESTERN_LETTERS + WESTERN_SIGNS for at in beyond) and (
        neighbours <= MOST_NEIGHBOURS * len(letters)
    )


def _is_hebrew(sample: bytes) -> bool:
    """Whether bytes are Hebrew in Windows-1255: its letters alone, and the five that end words only at their ends."""
    words = [word for word in _BEYOND.findall(sample) if len(word) > 1]
    letters = b"".join(words)
    usual = sum(letter in HEBREW_LETTERS for letter in letters)
    inside = sum(letter in HEBREW_FINALS for word in words for letter in word[:-1])
    at_end = sum(word[-1] in HEBREW_FINALS for word in words)
    return usual >= max(FEWEST_HEBREW, HEBREW_SHARE * len(letters)) and inside <= (1 - HEBREW_SHARE) * at_end


def _fitting(sample: bytes, encodings: tuple[str, ...]) -> str:
    """The encoding in which the bytes look most like a text; "" where they look like none in all of them."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=list(encodings), preemptive_behaviour=False, enable_fallback=False).best()
    if best is None:
        return ""
    return next((one for one in encodings if one in best.could_be_from_charset), best.encoding)
