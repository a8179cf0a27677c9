"""The patterns of a request for moments: what is asked for, and the words around it; see requests."""

from __future__ import annotations

import re

from . import lexicon

_VIDEO = (
    r"(?:the|this|that|my|our)\s+(?:whole\s+|entire\s+)?"
    r"(?:video|clip|film|movie|footage|recording|episode|show|match|game)"
)
_IN_VIDEO = rf"(?:\s+(?:in|of|from|into|during)\s+{_VIDEO})"
POLITE = re.compile(
    r"^(?:(?:please|pls|plz|hi|hello|hey|ok|okay|thanks|sorry|excuse me)\b[\s,!:.]*"
    r"|(?:so|well|um|now|and)\b[\s,]*(?=(?:when|where|what|who|how|at\s+what|at\s+which|find|show|skip|can|could|please)\b)"
    r"|(?:can|could|would|will)\s+(?:you|u)\s+(?:please\s+|kindly\s+|maybe\s+|help\s+me\s+)?"
    r"(?=(?:find|show|skip|jump|go|get|give|take|search|look|locate|tell|point|bring|play|seek|fast|rewind|identify)\b)"
    r"|(?:i\s+(?:really\s+)?(?:want|need|wish|would\s+like|wanna)|i'?d\s+(?:like|love))(?:\s+you)?(?:\s+to)?\s+"
    r"(?=(?:find|see|show|watch|know|skip|jump|go|get|locate|look|search|the|a)\b)"
    r"|(?:help\s+me|try\s+to|i'?m\s+trying\s+to|i\s+am\s+trying\s+to|let\s+me|let'?s)\s+(?:to\s+)?"
    r"(?=(?:find|see|show|locate|look|skip|jump|go|get|watch)\b))",
    re.IGNORECASE,
)
POLITE_END = re.compile(
    r"[\s,]+(?:please|pls|plz|thanks|thank\s+you|thx)(?:\s+a\s+lot|\s+in\s+advance)?$", re.IGNORECASE
)
ENDING = re.compile(r"[\s?!.,;:]+$")
_SCENES = (
    r"(?:moment|part|bit|scene|section|clip|point|time|place|spot|segment|instant|second|frame|shot|sequence|passage"
    r"|portion|time\s?stamp|time\s?code|occurrence|instance|occasion|footage|video|position)s?"
)
_LINK = (
    r"(?:when|where|whenever|(?:in|at|on|during)\s+which|that\s+(?:shows?|has|have|contains?|features?)"
    r"|which\s+(?:shows?|has|have)|showing|containing|featuring|with|of|for)"
)
_WHICH = (
    r"(?:(?:exactly|just|only)\s+)?(?:(?:the|an?|any|all|every|each|some|that|this|those)\s+)?(?:of\s+the\s+|the\s+)?"
    r"(?:(?:exact|precise|very|specific|right|short|whole)\s+)?"
)
SCENE = re.compile(
    rf"^{_WHICH}{_SCENES}{_IN_VIDEO}?\s+(?:{_LINK}|that(?=\s+(?:he|she|it|they|the|a)\b))\s+", re.IGNORECASE
)
# Without a verb that asks, "a bit of sugar" and "a place with trees" are things to see.
BARE_SCENE = re.compile(
    rf"^(?:the|any|every|all(?:\s+the)?)\s+(?:(?:exact|precise|very|specific)\s+)?(?:moment|part|bit|scene|section|clip|segment|time\s?stamp|shot|point|time)s?"
    rf"{_IN_VIDEO}?\s+(?:when|where|(?:in|at|on|during)\s+which|(?:that|which)\s+(?:shows?|has)|showing|with)\s+",
    re.IGNORECASE,
)
SCENE_CLAUSE = re.compile(
    rf"^{_WHICH}(?:moment|instant|second|time|part|bit|scene){_IN_VIDEO}?\s+(?=(?:he|she|it|they|we|i|the|an?|his|her|their|someone|somebody|people)\s+\S+)",
    re.IGNORECASE,
)
REQUEST = re.compile(
    r"^(?:(?:find|show|get|give|bring|tell|point|navigate)\s+(?:me|us)(?:\s+(?:to|at|out))?"
    r"|(?:i'?m|i\s+am|we'?re|we\s+are)\s+(?:looking|searching)\s+for|(?:looking|searching)\s+for|(?:search|look)\s+for"
    r"|find(?:\s+out)?|locate|identify|spot|see|watch|know"
    r"|(?:skip|jump|go|seek|scroll|move|cut|rewind|fast[\s-]?forward|forward|navigate)(?:\s+(?:ahead|back|forward|straight|right|me))*\s+to"
    r"|take\s+(?:me|us)\s+to|show|give|play|get|what'?s|what\s+(?:is|are)|(?:do|did)\s+you\s+know)\s*[:,]?\s+",
    re.IGNORECASE,
)
# These verbs ask whatever follows them; after others ("show", "go to") the part, scene or moment must be named.
SURE_REQUEST = re.compile(
    r"^(?:(?:find|show|get|give|bring)\s+(?:me|us)\b(?!\s+to)|.*(?:looking|searching)\s+for|(?:search|look)\s+for"
    r"|find\s+(?=(?:the|an?|all|any|every|where|when)\b)|locate|identify|skip\s|seek\s|navigate\s"
    r"|(?:see|watch)\s+(?=the\b|an?\b)|fast[\s-]?forward|rewind|jump\s+to\s+(?!the\s+(?:ground|floor|water|other|top|left|right|side|next)\b))",
    re.IGNORECASE,
)
WHEN = re.compile(
    rf"^(?:(?:and\s+)?(?:exactly\s+|just\s+)?(?:when|where(?:abouts)?)(?:\s+exactly)?|what\s+time|at\s+what\s+time"
    rf"|(?:at|in|on|during|from)\s+(?:what|which)\s+(?:exact\s+)?{_SCENES}|(?:which|what)\s+{_SCENES}){_IN_VIDEO}?"
    r"(?P<short>['’]s)?\s+(?=(?P<first>[\w'’]+))",
    re.IGNORECASE,
)
NUMBER = re.compile(
    rf"^(?:count\s+|tell\s+me\s+)?(?:the\s+)?(?:how\s+many\s+times|how\s+often|how\s+frequently|(?:number|count)\s+of\s+times|on\s+how\s+many\s+occasions)"
    rf"{_IN_VIDEO}?(?:\s+(?:that|when))?\s+",
    re.IGNORECASE,
)
HOW_MANY = re.compile(r"^(?:count\s+)?(?:how\s+many|the\s+number\s+of)\s+", re.IGNORECASE)
UNTIL = re.compile(
    r"^(?:how\s+(?:long|much\s+time|many\s+(?:seconds|minutes)|soon)\b(?:\s+(?:does\s+it\s+take|is\s+it|will\s+it\s+(?:be|take)|passes|goes\s+by|is\s+there"
    r"|do\s+(?:i|we)\s+(?:have\s+to\s+)?wait|to\s+wait))?|(?:the\s+)?time)\s+(?:until|till|'til|til|before)\s+",
    re.IGNORECASE,
)
LENGTH = re.compile(r"^(?:for\s+)?how\s+long\s+|^(?:the\s+)?(?:duration|length)\s+of\s+(?:time\s+)?", re.IGNORECASE)
TAKES = re.compile(
    r"^(?:does|did)\s+it\s+take\s+(?:for\s+)?(?P<who>him|her|them|(?:the|an?|his|her)\s+(?:[\w-]+\s+){1,4}?|\w+)\s*\bto\s+(?P<what>.+)",
    re.IGNORECASE,
)
SUBJECTS = {"him": "he", "her": "she", "them": "they"}
HAPPENS = re.compile(
    r"^(?:and\s+)?what\s+(?:(?:else\s+)?(?:happens|happened|comes|goes\s+on)|is\s+(?:happening|going\s+on))(?:\s+(?:right|just|immediately|next|shortly))?"
    r"\s+(?P<link>after|before|when|while|as|once|during)\s+",
    re.IGNORECASE,
)
DOES = re.compile(
    r"^what\s+(?:does|do|did|is|are|was|were)\s+[^,]{1,60}?\s+(?:do|doing)\s+(?:(?:right|just|immediately|next|shortly)\s+)?"
    r"(?P<link>after|before|when|while|as|once|during)\s+",
    re.IGNORECASE,
)
WHO = re.compile(r"^who(?P<short>['’]s)?\s+(?=(?P<verb>[\w'’]+))", re.IGNORECASE)
WHAT = re.compile(
    r"^(?P<word>what|why|which|how|whose|whom)\b(?:\s+(?:(?:colou?r|kind|sort|type|size)(?:\s+of\s+\w+)?))?(?P<short>['’]s)?\s+",
    re.IGNORECASE,
)
_ORDINAL = r"(?:very\s+)?(?:first|second|third|fourth|fifth|sixth|last|final|next|2nd|3rd|4th|5th|1st)"
ORDINAL_TIME = re.compile(
    rf"^(?:the\s+)?(?P<which>{_ORDINAL})\s+(?:time|occasion|occurrence|instance)s?(?:\s+(?:that|when|where|of))?\s+",
    re.IGNORECASE,
)
ORDINAL_END = re.compile(rf"\s+(?:for\s+)?(?:the|a)\s+(?P<which>{_ORDINAL})\s+time$", re.IGNORECASE)
ORDINAL_NOUN = re.compile(
    r"^(?:the\s+)(?P<which>first|second|third|fourth|fifth|last|final|2nd|3rd|4th|1st)\s+(?P<noun>[\w-]+)",
    re.IGNORECASE,
)
NOT_COUNTED = (
    lexicon.MALE | lexicon.FEMALE | lexicon.PERSONS | lexicon.word_set("one two few half individual then step")
)
AGAIN = re.compile(r"(?<!\bover)\s+(?P<which>(?:once|yet)\s+(?:again|more)|again)$", re.IGNORECASE)
EVERY = re.compile(
    r"^(?:every|each|any|all(?:\s+(?:of\s+)?the)?)\s+(?:single\s+)?(?:times?|moments?|occasions?|occurrences?|instances?)(?:\s+(?:that|when|where|of))?\s+",
    re.IGNORECASE,
)
PLACE = re.compile(
    rf"\s+(?P<which>(?:right\s+)?(?:at|in|near|towards?)\s+the\s+(?:very\s+)?(?:beginning|start|end|middle)(?:\s+of\s+{_VIDEO})"
    rf"|at\s+the\s+(?:very\s+)?(?:beginning|start)|in\s+the\s+(?:first|last)\s+(?:\w+\s+)?(?:half|seconds?|minutes?)(?:\s+of\s+{_VIDEO})?)$",
    re.IGNORECASE,
)
TAIL_VIDEO = re.compile(rf"(?:\s+in\s+{_VIDEO}|\s+(?:here|in\s+here))$", re.IGNORECASE)
NEXT_CLAUSE = re.compile(
    r",\s*(?:then\s+)?(?:the|an?|he|she|it|they|his|her|we|i|you|someone|people|another)\s", re.IGNORECASE
)
HASHTAG = re.compile(r"#(?=[^\W\d_])([\w-]+)")
YOU = re.compile(r"^((?:\w+[\s,]+)?(?:can|could|would|will|do))\s+u\s+", re.IGNORECASE)
FRAME_WORDS = lexicon.word_set(
    "when where what find show skip jump moment part scene does many times long until please give the how look search"
)
COMMON = lexicon.word_set(
    "then there they were was with than that this here hear her him his them shown slow fine kind pant party port part"
)
