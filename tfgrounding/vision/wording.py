"""Bring the many ways to write a reply to one: lower case, plain digits and dashes, no thoughts, no mark-up."""

from __future__ import annotations

import re
import unicodedata

from ..errors import ModelError
from ..llm.replies import without_thoughts

LONGEST_REPLY = 20_000  # characters
# fmt: off
_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = [
    "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
    "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
]
# fmt: on
_NUMBERS = {word: value for value, word in enumerate(_ONES)} | {
    word: value for value, word in zip(range(20, 100, 10), _TENS, strict=True)
}
_BELOW_100 = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_ONES[1:10])}))?|{'|'.join(reversed(_ONES))})"
_SPELLED = re.compile(rf"\b(?:(?:{'|'.join(_ONES[1:10])}) hundred(?:(?: and)? {_BELOW_100})?|{_BELOW_100})\b")
_ORDINAL = re.compile(rf"\b({'|'.join(_ORDINALS)}) (frame|image|picture)\b")
_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
_HAN = re.compile(
    rf"(?<![后後])[{''.join(_HAN_DIGITS)}{''.join(_HAN_SCALES)}]{{1,9}}(?=[帧秒分到至])|(?<=[第到至])[一二三四五六七八九十百千两]{{1,9}}"
)
_TIME_COLUMN = r"frame|image|picture|sec|time|start|begin|from|end|^to$"
_TRANSLATED = (
    {ord(mark): "-" for mark in "‐‑‒–—―−─－"}
    | {ord(mark): "~" for mark in "〜∼～"}
    | {ord(mark): " to " for mark in "→⇒➔⟶➜"}
    | {
        ord("’"): "'",
        ord("‘"): "'",
        ord("“"): '"',
        ord("”"): '"',
        ord("。"): ". ",
        ord("。"): ". ",
        ord("٫"): ".",
        ord("№"): " ",
    }
    | {number: " " for number in range(ord("①"), ord("⑳") + 1)}
)


def plain(text: str) -> str:
    """A reply in lower case, without hidden thoughts and mark-up, every dash as '-', numbers in digits 0-9.

    Digits of all scripts, Chinese numerals beside 第, 帧, 秒 or 分, and English number words become digits, the last
    with a '^' before them; "the third frame" becomes "frame 3"; a row of a table gets the names of its columns.

    Raises:
        ModelError: the reply is too long to be an answer.
    """
    text = without_thoughts(text)
    if len(text) > LONGEST_REPLY:
        raise ModelError(f"the reply has {len(text):,} characters: no answer is so long")
    text = unicodedata.normalize("NFKC", text.translate(_TRANSLATED)).translate(_TRANSLATED)
    text = "".join(_plain_character(character) for character in text).lower()
    text = re.sub(r"\x1b\[[\d;]{0,20}m", "", text)  # colours of a terminal
    text = re.sub(r"[^\S\n]+", " ", text)
    text = re.sub(r" ?(?:\n ?)+", "\n", text).strip()
    text = re.sub(r"<\|[^|<>\n]{0,40}\|>|</?[a-z_]+(?:[:|][a-z_]*)*/?>|\[/?inst\]|\\[a-z]+", " ", text)
    text = _rows("\n".join(_without_list_marks(text.split("\n"))))
    text = re.sub(r"[*`#_]+|\$(?!\d[\d.,]{0,9}(?![\d.,$]))", " ", text)
    text = re.sub(r"<([^<>\n]{1,40})>", r" \1 ", text)
    text = re.sub(
        r"(?:(?<=^)|(?<=[\s,;]))\(?\d{1,2}\) (?=frames?\b|from\b|\d)", "; ", text
    )  # "(1) frames 3-5, (2) ..."
    text = re.sub(r"(?<=\d)\.(?= (?:sekunde|bild|einzelbild))|(?<=[帧秒分\d])开始", " ", text)
    text = re.sub(r"\b(all (?:of )?(?:the )?frames|every frame) but\b", r"\1 except", text)
    text = re.sub(r"-+>|=>", " to ", re.sub(r"\bno\. ?(?=\d)", " ", text))
    text = _HAN.sub(lambda match: str(_han_value(match[0])), text)
    text = _ORDINAL.sub(lambda match: f"{match[2]} {_ORDINALS.index(match[1]) + 2}", text)
    text = _SPELLED.sub(lambda match: f"^{_english_value(match[0])}", text)
    return re.sub(r" {2,}", " ", text).strip()


def _plain_character(character: str) -> str:
    digit = None if character.isascii() else unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def _without_list_marks(lines: list[str]) -> list[str]:
    """The lines without bullets, and without "1.", "2." ... where they count up."""
    count = 0
    for at, line in enumerate(lines):
        number = re.match(r"\W{0,4}(\d{1,3})[.)] (?=.*\w)", line)
        if number and int(number[1]) == count + 1:
            count += 1
            lines[at] = line[number.end() :]
        else:
            lines[at] = re.sub(r"^ ?[-*•>] (?=.*\w)", "", line)
    return lines


def _rows(text: str) -> str:
    """Each row of a table as "column: cell, column: cell"."""
    lines, header, count = list[str](), list[str](), 0
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.strip(" |").split("|")] if line.count("|") >= 2 else []
        if not cells:
            header, count = [], 0
        elif not header and not re.search(r"\d", line):
            header, cells = cells, []
        if cells and len(cells) == len(header):
            count += any(re.search(r"\w", cell) for cell in cells)
            numbered = cells[0] == str(count) and len(cells) > 1 and not re.search(_TIME_COLUMN, header[0])
            line = ", ".join(f"{name}: {cell}" for name, cell in list(zip(header, cells, strict=True))[numbered:])
        if not header or any(re.search(r"\w", cell) for cell in cells):
            lines.append(line)
    return "\n".join(lines)


def _han_value(numeral: str) -> int:
    if not any(scale in numeral for scale in _HAN_SCALES):
        return int("".join(str(_HAN_DIGITS[digit]) for digit in numeral))
    total, digit = 0, -1
    for character in numeral:
        if character in _HAN_SCALES:
            total += abs(digit) * _HAN_SCALES[character]  # without a digit before it, the scale counts once
            digit = 0
        else:
            digit = _HAN_DIGITS[character]
    return total + digit


def _english_value(words: str) -> int:
    total = 0
    for word in re.split(r"[ -]", words):
        if word == "hundred":
            total *= 100
        elif word != "and":
            total += _NUMBERS[word]
    return total
