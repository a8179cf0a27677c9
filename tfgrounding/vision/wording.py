"""Bring the many ways to write numbers in a reply to one: plain digits, plain dashes, plain unit words."""

from __future__ import annotations

import re
import unicodedata

from ..llm.replies import without_thoughts

# fmt: off
ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
]
# fmt: on
NUMBER_WORDS = {word: value for value, word in enumerate(ONES)} | {
    word: value for value, word in zip(range(20, 100, 10), TENS, strict=True)
}
_WORD = rf"(?:{'|'.join(sorted(NUMBER_WORDS, key=len, reverse=True))})"
_SPELLED = rf"(?:{_WORD}\s+hundred(?:\s+and)?(?:[\s-]+{_WORD}(?:[\s-]+{_WORD})?)?|{_WORD}(?:[\s-]+{_WORD})?)"
_LEADS_A_NUMBER = r"(?:frames?|images?|pictures?|seconds?|numbers?|from|to|through|until|till|between|at|is|^|[-:,])"
_BEFORE_A_NOUN = (  # a spelled number that is followed by another word counts things, unless it is one of these
    r"(?=\s*(?:$|[^\sa-z]|(?:to|through|until|till|and|or|in|of|is|are|show|shows|when|where|while|as|it|the|inclusive|"
    r"onwards?|seconds?|percent)\b))"
)

HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
_HAN = "[零〇一二三四五六七八九十百千两]{1,9}"
LONGEST_REPLY = 20_000  # characters; the answer is at the end
LONGEST_NUMBER = 9  # digits; longer numbers are no frame, second or percentage


def plain(text: str) -> str:
    """A reply in lower case, without hidden thoughts and mark-up, every dash as '-', numbers in digits 0-9.

    Digits of all scripts, Chinese numerals beside 帧 / 秒 / 第, and English number words and ordinals that name a frame
    or a time ("frame three", "the third frame") become decimal digits; words that count things do not change.
    """
    text = without_thoughts(text)[-LONGEST_REPLY:]
    text = re.sub(r"</?[a-zA-Z_|]+>", " ", text)
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\s*\n\s*", "\n", re.sub(r"[^\S\n]+", " ", text))
    text = "".join(_plain_character(character) for character in text).lower()
    text = re.sub(rf"\d{{{LONGEST_NUMBER + 1},}}", " ", text)
    text = re.sub(r"[‐‑‒–—―−~∼〜]", "-", text)
    text = re.sub(r"\s*(?:->|=>|→|⇒|➔|⟶)\s*", " to ", text)
    text = re.sub(r"(?<=\d)\s*(?:\.{2,}|…)\s*(?=(?:frame\s*)?\d)", " to ", text)
    text = re.sub(r"[*`#_]+", " ", text)
    text = text.replace("’", "'").replace("“", '"').replace("”", '"')
    text = _han_numerals(text)
    text = re.sub(r"\bno\.\s*(?=\d)|\bn[º°]\s*(?=\d)|№\s*", " ", text)
    return _number_words(text)


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def _han_numerals(text: str) -> str:
    beside = rf"(?<=第){_HAN}|{_HAN}(?=\s*(?:帧|秒|到|至))|(?<=[到至]){_HAN}"
    return re.sub(beside, lambda match: str(_han_value(match[0])), text)


def _han_value(numeral: str) -> int:
    if not any(scale in numeral for scale in HAN_SCALES):
        return int("".join(str(HAN_DIGITS[digit]) for digit in numeral))
    total, digit = 0, None
    for character in numeral:
        if character in HAN_SCALES:
            total += (1 if digit is None else digit) * HAN_SCALES[character]
            digit = None
        else:
            digit = HAN_DIGITS[character]
    return total + (digit or 0)


def _number_words(text: str) -> str:
    ordinal = {word: value for value, word in enumerate(ORDINALS, start=1)}
    text = re.sub(
        rf"\b(?:the\s+)?({'|'.join(ORDINALS[1:])})\s+(frame|image|picture)\b",  # "the first frame" has its own meaning
        lambda match: f"{match[2]} {ordinal[match[1]]}",
        text,
    )
    text = re.sub(r"\b(?:the\s+)?(\d+)(?:st|nd|rd|th)\b(?:\s+(frame|image|picture)s?\b)?", r"frame \1", text)
    spelled = re.compile(rf"(?P<lead>{_LEADS_A_NUMBER}\s*)(?P<number>{_SPELLED})\b{_BEFORE_A_NOUN}", re.MULTILINE)
    listed = re.compile(rf"(?P<lead>\d\s*(?:,|and|or|,\s*and)\s+)(?P<number>{_SPELLED})\b{_BEFORE_A_NOUN}")
    text = spelled.sub(_spelled_value, text)
    while (once := listed.sub(_spelled_value, text)) != text:
        text = once
    return text


def _spelled_value(match: re.Match[str]) -> str:
    total = 0
    for word in re.split(r"[\s-]+", match["number"]):
        if word == "hundred":
            total *= 100
        elif word != "and":
            total += NUMBER_WORDS[word]
    return f"{match['lead']}{total}"
