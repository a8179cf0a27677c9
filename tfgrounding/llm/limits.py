"""What a server's refusal says: a limit that was exceeded, a model that is still loading, an error that stays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

LONGEST_WORDS = 4000  # characters of a refusal that are read
_NUMBER = r"(\d[\d,]{0,14})"

# A few words apart, in one sentence.
_NEAR = r"[^.;\n]{0,80}"
_MANY = r"(?:too many|too much|at most|max\w*|up to|limit\w*|exceed\w*|more than|only|single|multiple)"
_PICTURES = re.compile(
    rf"\b{_MANY}\b{_NEAR}(?:\b(?:images|pictures|videos)\b|\b(?:image|video)\(s\)|\b(?:one|single|1) image\b)"
    rf"|\b(?:images|pictures)\b{_NEAR}\b{_MANY}\b|limit-mm-per-prompt"
)
_TOKENS = re.compile(
    r"context.?(?:length|size|window|limit)|model(?:'s)? (?:maximum )?length|max_model_len|n_ctx|token count"
    r"|(?:input|prompt) (?:length|is too long|exceeds|too long)|too many tokens|number of tokens|tokens[^.;\n]{0,40}<="
    r"|request too large for"
)
_BYTES = re.compile(
    r"entity.?too.?large|(?:payload|body|content|request)[ _](?:size )?(?:is )?(?:too[ _]large|exceed)"
    r"|body size|exceeds the maximum size"
)
_ONE_PICTURE = re.compile(rf"\bimages?\b{_NEAR}(?:too (?:large|big)|exceed|should be less than|smaller than)")
_REPLY = re.compile(r"max_(?:\w{3,10}_)?tokens\W[^.;\n]{0,60}(?:too large|less than or equal|at most|maximum value)")
_MOST_TOKENS = (
    re.compile(rf"maximum (?:context|model|input) length (?:is|of) (?:only )?{_NUMBER}"),
    re.compile(rf"\d\)? ?(?:tokens)? ?(?:>|<=) ?{_NUMBER}"),
    re.compile(rf"(?:context (?:length|size|window|limit)|n_ctx|\blimit)[^\d.;]{{0,20}}{_NUMBER}"),
    re.compile(rf"(?:max\w*|allowed|<=)[^\d.;]{{0,40}}{_NUMBER}"),
)
_SUM = re.compile(rf"{_NUMBER} \+ {_NUMBER} > {_NUMBER}")
_RATE = re.compile(r"rate limit reached|try again in|retry in|retrydelay")
_PAUSE = re.compile(r"(?:try again|retry) in (?:(\d{1,3})h)?(?:(\d{1,3})m(?!s))? ?(?:(\d{1,6}(?:\.\d{1,9})?) ?(ms|s))?")
_LOADING = re.compile(
    r"load(?:ing)? (?:the )?model|(?:still|currently|is) loading|loading weights"
    r"|(?:server|model) is (?:still )?starting"
)
_TOO_SMALL = re.compile(rf"(?:image|height|width)\b{_NEAR}(?:too small|must be larger than|must be at least)")
_NO_PICTURES = re.compile(
    r"(?:image|vision|multi-?modal)(?: input| content)?s? (?:is|are) (?:not supported|unsupported)"
    r"|(?:not|n't) (?:a multimodal model|support (?:image|vision|multi))|support image input"
    r"|(?:unknown variant|content (?:part )?type)\W{0,6}image_url|no mmproj|configured with a mmproj|at most 0 image"
)
_NO_VIDEO = re.compile(r"at most 0 video")
_PERMANENT = re.compile(r"insufficient.quota|current quota|insufficient (?:credit|balance|fund)|billing|deactivated")
_CONTENT = re.compile(
    r"content.?(?:management|policy|filter)|safety (?:system|policy)|moderat|data.?inspection|inappropriate|flagged"
)
_NO_MODEL = re.compile(
    rf"\bmodels?\b{_NEAR}(?:not found|not exist|n't exist|unknown|no such|not available|not a valid|not loaded)"
    r"|(?:invalid|unknown|no) models?\b"
)
_UNITS = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9}

Kind = Literal["pictures", "tokens", "bytes", "picture", "reply"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that a request exceeded, with the numbers in the server's words.

    `kind`: "pictures" in a request; "tokens" of request and reply; "bytes" of a request; "picture", the size of one
    picture; "reply", the longest reply that may be asked for. `numbers`: of "tokens" (most, asked) or none; else all.
    """

    kind: Kind
    numbers: tuple[int, ...] = ()

    def below(self, sent: int) -> int | None:
        """The largest number in the words that is smaller than what was sent: the limit; None without one."""
        return max((number for number in self.numbers if 0 < number < sent), default=None)

    @property
    def share(self) -> float | None:
        """How much of the request there is room for, where the words say so."""
        return self.numbers[0] / self.numbers[1] if self.kind == "tokens" and len(self.numbers) == 2 else None


def limit_in(words: str, code: int) -> Limit | None:
    """The limit that a refusal names, None where it is about something else.

    Args:
        words: what the server said.
        code: its HTTP status.
    """
    text = _plain(words)
    numbers = tuple(int(found.replace(",", "")) for found in re.findall(_NUMBER, text))
    if _RATE.search(text):
        return None
    if _REPLY.search(text) and "context length is" not in text:
        return Limit("reply", numbers)
    if _PICTURES.search(text) and not re.search("dimension|pixels|bytes| mb", text):
        return Limit("pictures", (*numbers, 1) if re.search(r"\b(?:single|one) (?:image|picture)\b", text) else numbers)
    if _TOKENS.search(text):
        return Limit("tokens", _most_and_asked(text, numbers))
    if _ONE_PICTURE.search(text):
        return Limit("picture", numbers)
    if code == 413 or _BYTES.search(text):
        sizes = re.findall(r"(\d{1,12}(?:\.\d{1,3})?) ?([kmg]?)i?b?(?:ytes)?\b", text)
        return Limit("bytes", tuple(int(float(number) * _UNITS[unit]) for number, unit in sizes))
    return None


def stays(words: str, code: int) -> str | None:
    """Why every further request would be refused as well, in a few words; None where it may not be."""
    text = _plain(words)
    if _NO_PICTURES.search(text):
        return "takes no pictures: name a vision model"
    if _NO_VIDEO.search(text):
        return "takes no video: use another view"
    if _TOO_SMALL.search(text):
        return "needs larger pictures"
    if code == 402 or (_PERMANENT.search(text) and not named_pause(words)):
        return "asks for payment"
    if code in (400, 404, 422) and _NO_MODEL.search(text):
        return "has no such model"
    return None


def is_about_content(words: str) -> bool:
    """Whether the server refuses what this request shows or asks, so that another one may be accepted."""
    return bool(_CONTENT.search(_plain(words)))


def is_loading(words: str) -> bool:
    """Whether the model will be there in a while."""
    return bool(_LOADING.search(_plain(words)))


def named_pause(words: str) -> float:
    """The seconds after which to try again by the words of a refusal; 0 where they say nothing."""
    for found in _PAUSE.finditer(_plain(words)):
        hours, minutes, seconds, unit = found.groups()
        pause = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0) / (1000 if unit == "ms" else 1)
        if pause:
            return pause
    return 0.0


def _plain(words: str) -> str:
    return " ".join(words[:LONGEST_WORDS].lower().split())


def _most_and_asked(text: str, numbers: tuple[int, ...]) -> tuple[int, ...]:
    """(most, asked) tokens, or nothing where one of them is not said."""
    if found := _SUM.search(text):
        first, second, most = (int(number.replace(",", "")) for number in found.groups())
        return most, first + second
    for pattern in _MOST_TOKENS:
        for found in pattern.finditer(text):
            most = int(found[1].replace(",", ""))
            asked = [number for number in numbers if most < number < 100 * most]
            if most >= 128 and asked:
                return most, max(asked)
            if pattern is _MOST_TOKENS[0]:  # the limit, and what was asked for only in parts
                return ()
    return ()
