"""What a query in Chinese wants to hear or read; quotations in any other language."""

from __future__ import annotations

import re

from .asked_words import Asked, Asks
from .quotations import quotations

_SAYS = r"(?:说道?|講|讲|喊道?|叫道?|问道?|問|回答|答道|提到|提及|谈到|講到|讲到|说到|宣布|念|唱|读|表示|解释)"
_READS = r"(?:写着|寫著|写有|标题|標題|题为|字幕|文字|字样|显示|顯示|标语|标牌|招牌|牌子|横幅|屏幕上)"
_SAYS_BEFORE = re.compile(rf"{_SAYS}[了着过出到]{{0,2}}[::,, ]{{0,2}}$")
_READS_BEFORE = re.compile(rf"{_READS}[着是为的上有出现]{{0,3}}[::,, ]{{0,2}}$")
_READS_AFTER = re.compile(rf"[ 的]{{0,2}}(?:{_READS}|幻灯片|标志|出现在屏幕|这几个字|字样)")
_TOPIC = re.compile(
    r"(?:提到|提及|谈到|談到|讲到|講到|说到|談論|谈论|讨论|討論|解释|解釋|讲解|宣布)了?"
    r"(?P<words>[^,。,.!?!?、;;]{1,60}?)(?:的(?:时候|時候|地方|部分|片段|时刻|那一刻|时)|时|時)?(?=[,。,.!?!?;;]|$)"
)
_READING = re.compile(r"(?:写着|寫著|写有|题为)(?P<words>[^,。,.!?!?、;;的]{1,40})")


def asked_in_chinese(query: str) -> list[Asked]:
    """The words of a query that are said or written; of other languages its quotations, whose `asks` is ""."""
    found = []
    for one in quotations(query):
        before, after = query[max(0, one.start - 12) : one.start], query[one.end : one.end + 12]
        asks: Asks = ""
        if _READS_BEFORE.search(before) or _READS_AFTER.match(after):
            asks = "written"
        elif _SAYS_BEFORE.search(before):
            asks = "said"
        found.append(Asked(one.start, one.end, asks, one.text))
    if not found:
        patterns: tuple[tuple[re.Pattern[str], Asks], ...] = ((_TOPIC, "said"), (_READING, "written"))
        for pattern, asks in patterns:
            found += [
                Asked(m.start("words"), m.end("words"), asks, m["words"].strip()) for m in pattern.finditer(query)
            ]
    return sorted(one for one in found if one.words)
