"""Languages by any of their names."""

import pytest

from tfgrounding.tracks.languages import language_code, language_name


@pytest.mark.parametrize("name", ["de", "DE", "ger", "deu", "German", "deutsch", "de-AT", "de_DE", " de "])
def test_one_language_has_many_names(name):
    assert language_code(name) == "de"


@pytest.mark.parametrize("name", ["", "und", "xx", "sdh", "forced", "part2", "-", "d"])
def test_what_is_no_language_has_no_code(name):
    assert language_code(name) == ""


def test_codes_have_english_names():
    assert language_name("pt") == "Portuguese" and language_name("qq") == "qq"
    assert language_code("pt-BR") == "pt" and language_code("zh-Hans") == "zh" and language_code("nob") == "no"
