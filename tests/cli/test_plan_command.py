"""`tfgrounding plan` shows which words a query asks for."""

import json


def test_words_are_shown_with_the_track_that_is_asked_first(run):
    code, out, _ = run("plan", "he says 'stop', then the sign reads EXIT")
    assert code == 0 and "asks for the words 'stop', said" in out
    assert "asks for the words 'EXIT', written" in out
    code, out, _ = run("plan", "«bonjour»")
    assert code == 0 and "asks for the words 'bonjour', said or written" in out


def test_json_has_them_and_visual_queries_have_none(run):
    plan = json.loads(run("plan", "when does she mention taxes", "--json")[1])
    assert (plan["asks"], plan["words"]) == ("said", "taxes")
    assert not {"asks", "words"} & json.loads(run("plan", "a man talks to a woman", "--json")[1]).keys()
