"""Texts in the encodings that files of subtitles have: stated, usual for their language, damaged."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.tracks.encodings import decoded

SRT = "1\n00:00:01,000 --> 00:00:02,500\nGrüße an alle\n\n2\n00:01:00,000 --> 01:00:00,000\nzwei\nZeilen\n"
TIMES = "\n\n2\n00:00:05,000 --> 00:00:07,500\n"
NATIONAL = [
    ("cp1251", "ru", "Он сел в машину и уехал.", "Я не знаю, что сказать."),
    ("koi8_r", "ru", "Он сел в машину и уехал.", "Я не знаю, что сказать."),
    ("gb18030", "zh", "他上了车就开走了。", "我不知道该对你说什么。"),
    ("big5", "zh", "他上了車就開走了。", "我不知道該對你說什麼。"),
    ("cp932", "ja", "彼は車に乗って走り去った。", "何を言えばいいのか分かりません。"),
    ("cp949", "ko", "그는 차를 타고 떠났어요.", "무슨 말을 해야 할지 모르겠어요."),
    ("cp1250", "pl", "Zażółć gęślą jaźń.", "Część z nich już wyjechała, więc zostaliśmy sami."),
    ("cp1253", "el", "Μπήκε στο αυτοκίνητο και έφυγε.", "Δεν ξέρω τι να σου πω."),
    ("cp1254", "tr", "Arabaya bindi ve uzaklaştı.", "Çocuk ağaca çıktı, şimdi inemiyor."),
    ("cp1255", "he", "הוא נכנס למכונית ונסע.", "אני לא יודע מה להגיד לך."),
    ("cp1256", "ar", "ركب السيارة وذهب بعيدا.", "لا أعرف ماذا أقول لك."),
]


def national(first, second):
    return "1\n00:00:01,000 --> 00:00:03,500\n" + first + TIMES + second + "\n"


@pytest.mark.parametrize(("encoding", "language", "first", "second"), NATIONAL)
def test_national_encodings_are_found_with_the_language(encoding, language, first, second):
    text, (warning,) = decoded(national(first, second).encode(encoding), language)
    assert text == national(first, second) and "convert the file to UTF-8" in warning


@pytest.mark.parametrize(("encoding", "language", "first", "second"), NATIONAL)
def test_national_encodings_are_found_without_the_language(encoding, language, first, second):
    text, (warning,) = decoded(national(first, second).encode(encoding))
    assert text == national(first, second) and "convert the file to UTF-8" in warning


def test_short_texts_in_capitals_of_other_alphabets_are_no_hebrew():
    for encoding, text in (("koi8_r", "ОН СЕЛ В МАШИНУ И УЕХАЛ"), ("cp1253", "δεν εχω τιποτα να σου πω για αυτο")):
        assert not any("\u05d0" <= letter <= "\u05ea" for letter in decoded(text.encode(encoding))[0])


@pytest.mark.parametrize(
    "text",
    [
        "Où êtes-vous allés hier soir ?\nÇa va, j'ai déjà mangé.\nNoël à l'hôtel, c'est drôle.",
        "¿Dónde está el niño?\nMañana será otro día.\n¡Qué lástima, señor!",
        "Não sei o que é isso.\nA ação começa amanhã às três.",
        "Jag är så trött på att köra.\nÅh nej!",
        "Jeg ønsker at gå på en ø.",
        "Perché non è così?\nPiù tardi andrò in città.",
        "Tür zu!",
        "It’s a “quote” – café\nNaïve résumé…",
    ],
)
def test_western_texts_need_no_language(text):
    for some in (text, text.splitlines()[0]):
        assert decoded(some.encode("cp1252"))[0] == some


def test_a_language_that_does_not_fit_is_no_harm():
    for language in ("en", "ja"):
        assert decoded(national(*NATIONAL[0][2:]).encode("cp1251"), language)[0] == national(*NATIONAL[0][2:])


def test_finding_the_encoding_of_a_large_file_takes_seconds():
    begin = time.process_time()
    decoded(national(*NATIONAL[0][2:]).encode("cp1251") * 100_000)
    decoded(bytes(range(128, 256)) * 80_000)
    assert time.process_time() - begin < 8


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_stated_encodings(encoding):
    assert decoded(SRT.encode(encoding)) == (SRT, [])


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("cp1252", "1252"), ("latin-1", "1252")]
)
def test_guessed_encodings_are_said(encoding, said):
    text, (warning,) = decoded(SRT.encode(encoding))
    assert text == SRT and said in warning


def test_a_few_damaged_bytes_do_not_change_the_encoding():
    data = ("äöü" * 20).encode() + b"\xff" + "ß".encode()
    text, (warning,) = decoded(data)
    assert text == "äöü" * 20 + "\ufffdß" and "1 of its characters" in warning


def test_one_damaged_byte_among_few_letters_does_not_change_the_encoding():
    text, (warning,) = decoded("A café in Paris.".encode() + b" \xff.")
    assert text == "A café in Paris. \ufffd." and "1 of its characters" in warning


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded(data):
    text, warnings = decoded(data)
    assert isinstance(text, str) and len(warnings) <= 1
