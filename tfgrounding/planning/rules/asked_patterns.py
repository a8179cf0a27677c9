"""The patterns of what is said or written, over a query whose quotations are hidden; see asked_words."""

from __future__ import annotations

import re

from . import lexicon
from .quotations import HIDDEN


def _forms(verbs: str) -> str:
    """All inflections of verbs, as a pattern."""
    every = {lexicon.inflect(verb, form) for verb in verbs.split() for form in lexicon.FORMS}
    return "(?:" + "|".join(sorted(every, key=len, reverse=True)) + ")"


Q = rf"{HIDDEN}+"
_GAP = r"(?:\s*[:,–—-]\s*|\s+)"
_NAME = r"(?!(?:that|if|about|of|for|to|how|why|what|whether|who|when|where)\b)"
# Who is spoken to: "tells [the man] that", "asks [her]".
_PERSON = rf"(?:\s+(?:him|her|them|us|me|you|it|everyone|everybody|someone|{_NAME}(?:[\w'-]+\s+){{0,3}}?[\w'-]+))"
_TO_PERSON = r"(?:\s+(?:to|with|at)\s+(?:the |a |an |his |her |their |our |my )?[\w'-]+(?:\s+[\w'-]+)?)"
WH = r"(?:that|whether|if|why|how|what|who|whom|whose|when|where|which)"
_CLAUSE = rf"(?={WH}\b)"

# After these follows what is said, whatever it is.
_SAYING = (
    rf"\b(?:{_forms('say pronounce utter exclaim declare announce chant recite quote')}|reads? out"
    rf"|{_forms('spell')} out)"
    rf"(?:\s+(?:loudly|quietly|softly|angrily|happily|again|out loud|aloud))?{_TO_PERSON}?(?:\s*[:,])?\s+"
)
_TOPIC = rf"\b{_forms('mention discuss explain describe criticize criticise summarize summarise')}\s+"
_ABOUT = (
    rf"\b(?:(?:{_forms('talk speak lecture chat argue debate joke complain rant brag sing')}"
    rf"|{_forms('tell')}{_PERSON}?"
    rf"|{_forms('tell ask')}{_PERSON}?\s+(?:a|an|the|some|his|her|their)\s+(?:\w+\s+)?(?:story|joke|stories"
    rf"|questions?|jokes))"
    rf"{_TO_PERSON}?\s+(?:about|regarding)|{_forms('talk speak')}\s+of|{_forms('refer')}\s+to"
    rf"|{_forms('comment report speak remark')}\s+on"
    rf"|{_forms('bring')}\s+up\s+the\s+(?:topic|subject|question|issue)\s+of"
    rf"|{_forms('apologize apologise')}\s+for)\s+"
)
_CLAUSAL = (
    rf"\b(?:{_forms('say mention explain announce declare state claim argue admit insist complain suggest')}"
    rf"|{_forms('reply answer respond remark predict confess report recommend describe discuss ask wonder shout')}"
    rf"|{_forms('promise warn yell whisper scream exclaim tell remind inform point')}(?:\s+out)?)"
    rf"{_TO_PERSON}?{_PERSON}?\s+{_CLAUSE}(?:that\s+)?"
)
_ASKING = rf"\b{_forms('ask')}{_PERSON}?\s+(?:for|about|to)\s+|\b{_forms('recommend suggest')}\s+(?=(?:the|a|an)\s)"
_TELLING = rf"\b{_forms('tell')}\s+(?:him|her|them|us|me|you|everyone)\s+(?=(?:he|she|they|we|i|you|it|there|to)\b)"
_CRYING = (
    rf"\b(?:{_forms('shout yell scream whisper mutter murmur cry call')})(?:\s+out)?\s+for\s+(?=help\b)"
    rf"|\b(?:{_forms('shout yell whisper mutter murmur')})(?:\s+out)?\s+(?!\w+ly\b|(?:at|to|in|into|on|with|and"
    rf"|while|as|from"
    r"|for|then|before|after|out|over|across|something|loud|back|toward|towards|by|near|behind|under|through)\b)"
)
_NOUNS = (
    r"\b(?:mentions? of|(?:discussions?|explanations?|descriptions?|conversations?|debates?|arguments?|speech(?:es)?"
    r"|talks?|lectures?|questions?|jokes?|remarks?|comments?|rants?|complaints?)\s+(?:about|regarding)"
    r"|(?:discussion|explanation) of|announcement (?:that|of|about)|(?:lecture|speech|debate|comment|remark)s? on)\s+"
)
# Who listens: "we hear that", "the audience learns about", "are told to".
_HEARING = (
    r"\b(?:we|you|one|viewers?|listeners?|the audience)\s+(?:first\s+)?(?:hears?|learns?)\s+"
    r"(?:about|of|(?=that\b|how\b|why\b|whether\b|what\b))(?:\s*that\s+)?\s*"
    r"|\b(?:(?:we|you|viewers|people)\s+(?:are|were)|(?:are|were)\s+(?:we|you|viewers|people))\s+"
    r"(?:told|informed|warned|advised|reminded)\s+"
    r"(?:about\s+|of\s+|that\s+|to\s+|(?=how\b|why\b|what\b))"
)
SAID = re.compile(
    "|".join((_HEARING, _NOUNS, _CLAUSAL, _SAYING, _TOPIC, _ABOUT, _ASKING, _TELLING, _CRYING)), re.IGNORECASE
)
SAID_PASSIVE = re.compile(
    r"(?:\b(?:is|are|was|were|gets?)\s+(?P<front>(?:(?!\b(?:is|are|was|were|being)\b)[^,.;?]){2,80}?)\s+"
    r"|(?:^|\b(?:when|where|moment|time|part|place|point)\s+)(?P<middle>(?:(?!\b(?:where"
    r"|when)\b)[^,.;?]){2,80}?)\s+(?:is|are|was|were|gets?)\s+)"
    r"(?:being\s+|first\s+|\w+ly\s+){0,2}"
    r"(?:mentioned|discussed|explained|described|reported|pointed out|talked about|spoken about|brought up|announced"
    r"|debated|referred to)\b",
    re.IGNORECASE,
)
# A verb beside a quotation that says that it is spoken.
_SPEECH = _forms(
    "say ask shout yell scream whisper tell reply answer respond explain mention announce exclaim declare state claim "
    "mutter murmur cry call sing chant recite quote remark add begin continue narrate utter pronounce spell joke warn "
    "promise hear speak talk order command greet mumble comment observe"
)
SPEECH_BEFORE = re.compile(
    rf"\b(?:{_SPEECH}|lyrics?|chorus|narrator|voice)\b(?:\s+(?!and\b|then\b)[\w'-]+){{0,6}}?{_GAP}(?:that\s+)?$"
    rf"|\b{_SPEECH}\s*[:,]?\s*$",
    re.IGNORECASE,
)
SPEECH_AFTER = re.compile(
    rf"\s*,?\s*(?:(?:[\w'-]+\s+){{1,4}}?{_SPEECH}\b|{_SPEECH}\s+(?:the|a|he|she)\b|(?:is|was|gets|being)\s+(?:said"
    rf"|spoken|heard|mentioned|shouted|sung))",
    re.IGNORECASE,
)

BEARERS = (
    r"(?:(?:title|score|name|flash|price|report|business|post|credit)\s?(?:card|board|tag)s?|road sign|lower third"
    r"|license plate|number plate|"
    r"t-?shirts?|signs?|slides?|titles?|captions?|subtitles?|headlines?|headings?|banners?|posters?|labels?"
    r"|screens?|monitors?|texts?|score|"
    r"scoreboards?|stickers?|boards?|blackboards?|whiteboards?|chalkboards?|billboards?|charts?|logos?|menus?"
    r"|documents?|pages?|shirts?|sweaters?|"
    r"jackets?|hats?|caps?|mugs?|credits|tweets?|messages?|tickers?|placards?|notes?|cards?|displays?|clocks?"
    r"|timers?|counter|envelopes?|"
    r"chyrons?|graphics?|books?|covers?|newspapers?|letters?|packages?|boxes|box|bottles?|jars?|doors?|buttons?"
    r"|plaques?|tags?|websites?|pop-?ups?|"
    r"dialogs?|word|words|lettering|writing|inscription|print|overlay|infographic|email|window|stamp|ballot|map|poll)"
)
_FIGURES = (
    r"(?:score|scoreboard|clock|timer|counter|display|screen|speedometer|thermometer|scale|title|caption|text|board"
    r"|jumbotron|"
    r"sign|label|meter|stopwatch|countdown|scoreline)"
)
WRITTEN = re.compile(
    rf"\b{BEARERS}\s+(?:(?!that\b|which\b|who\b)\w+\s+)?(?P<relative>(?:that|which|who)\s+)?(?P<verb>reads?|says?"
    rf"|said|saying|reading|stating|states?|spells?|spelling)(?:\s*:)?\s+(?:that\s+)?"
    rf"|\b{BEARERS}\b[^,.;]{{0,60}}?\s(?P<finite>reads|says)(?:\s*:)?\s+"
    r"|\b(?:titled|entitled|labell?ed|captioned|headlined|inscribed|marked(?=\s(?-i:[A-Z])))\s+(?!with\b|by\b|for\b|in\b|on\b|and\b"
    r"|as\b)"
    r"|\bwith\s+the\s+(?:words?|text|title|caption|label|heading|headline|inscription|slogan|subtitle)\s+"
    r"|\b(?:slides?|headlines?|captions?|posters?|billboards?|infographics?|title cards?|signs?)\s+(?:is\s+"
    r"|are\s+)?(?:about|on the topic of)\s+"
    rf"|\b{_FIGURES}\s+(?P<figure>(?:now\s+)?(?:shows?|showing|is|reaches|becomes|displays?|displaying|at|of|hits"
    rf"|goes to))\s+"
    rf"(?=(?-i:[A-Z]{{2,}})|\d|{HIDDEN})",
    re.IGNORECASE,
)
SHOWN_TEXT = re.compile(
    r"\b(?:the|a)\s+(?:text|words?|title|caption|headline|phrase|slogan|subtitle)s?\s+"
    r"(?P<words>(?-i:[A-Z\d])[^,.;?]{0,80}?|(?<=words )(?!(?:of|in|on|at|for|that|which|are|appear|come|pop"
    r"|flash)\b)[^,.;?]{1,80}?)\s+"
    r"(?:appears?|appearing|comes? up|pops? up|flash(?:es)?|fades? in|is (?:shown|displayed|written|visible)"
    r"|are (?:shown|displayed|written|visible)"
    r"|(?:written |shown |displayed )?on (?:the |a )?(?:screen|slide|board|sign|wall|shirt|blackboard|whiteboard))\b"
    r"|\bwith\s+(?P<with>[^,.;?]{1,60}?)\s+(?:written|printed|painted|spelled out)\s+(?:on|across|in)\b",
    re.IGNORECASE,
)
WRITE_BEFORE = re.compile(
    rf"(?:\b{_forms('write type print paint spray display show')}|\b(?:written|{BEARERS}|labell?ed|titled"
    rf"|text)\b)(?:\s+(?:that\s+)?(?:reads?|says?|reading|saying|with|shows?|the|a|word|words|text|title|name"
    rf"|called|is|out)){{0,4}}\s*[:,]?\s*$",
    re.IGNORECASE,
)
WRITE_AFTER = re.compile(
    rf"\s*(?:{BEARERS}\b|(?:\w+\s+){{0,2}}?(?:appears?|pops? up|flash(?:es)?|fades? in|written|printed|painted"
    rf"|displayed|is shown|are shown)\b"
    rf"|(?:\w+\s+)?(?:on|across)\s+(?:\w+\s+){{0,2}}?{BEARERS}\b|on (?:it|the wall))",
    re.IGNORECASE,
)

# Where unquoted words end.
SUBJECT = r"(?:he|she|they|it|we|the|a|an|his|her|their|someone|everyone)"
ENDS = re.compile(
    r"[.;!?](?=\s|$)|\s*[,–—-]*\s+(?:and|but)\s+then\b|\s*[,;]\s*then\b|\s+then\s+(?=\w+s\b)|\s*,?\s+(?:followed by"
    r"|meanwhile|at the same time|afterwards)\b"
    r"|(?P<side>\s*,?\s+(?:(?:before|after|as|when|until|once)\s+(?=(?:he|she|they|it|the|a|an|his|her|their|some"
    r"|several|other|people)\s|\w+ing\b)|(?:while|whilst)\s))"
    rf"|(?P<verb>(?:\s*,)?\s+(?:and|but)\s+(?:\w+ly\s+)?(?={SUBJECT}\s+\w+s\b|\w+s\b)|\s*,\s*(?=\w+s\b|\w+ing\b))",
    re.IGNORECASE,
)
CAPITALS = re.compile(r"[A-Z\d][\w':%.-]*(?:\s+(?:[A-Z\d][\w':%.-]*|&|-|of|the|and(?=\s[A-Z\d])))*")
TAIL = re.compile(
    r"(?:\s+(?:in|of|during|throughout)\s+(?:the|this)\s+(?:video|clip|film|movie|talk|lecture|episode|footage"
    r"|recording|show|interview)"
    r"|\s+(?:for the (?:first|last|second|third) time|again|out loud|aloud|on (?:the )?(?:microphone|stage"
    r"|camera)))+\s*$",
    re.IGNORECASE,
)
GREETING = re.compile(
    r"^((?:hello|hi|hey|good ?bye|bye|good ?(?:morning|night|evening)|yes|no|thanks|thank you|sorry|welcome|cheers"
    r"|congratulations|please|farewell)\b.{0,20}?)"
    r"\s+(?:to|with|in|into|at|on)\s.*$",
    re.IGNORECASE | re.DOTALL,
)
ABOUT = re.compile(r"(?:about|regarding|concerning|of(?!\s+course\b))\s+(?=\S)", re.IGNORECASE)
NOTHING = lexicon.word_set(
    """it this that him her them us me you something anything nothing everything things so himself herself themselves
    each other one another stuff hers his theirs what few some word words prayer grace text writing
    instructions letters numbers names"""
)
EMPTY = lexicon.word_set("a an the few some his her their little more few of other another")
TEXTS = lexicon.word_set(
    """text texts words letters lettering paragraph caption captions subtitle subtitles title titles message slide
    slides sign signs headline screen scroll banner website article document"""
)
PERSON_AHEAD = re.compile(r"\b(?:he|she|they|i|we|who)\b", re.IGNORECASE)
PREPOSITION = re.compile(
    r"(?:to|with|into|in|on|at|from|off|out|over|up|down|by|and|while|as|before|after|then|or|but)\b", re.IGNORECASE
)
