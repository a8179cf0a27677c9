"""What benchmarks/captions.py computes itself: passages, and the figures of each query."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from words_encoder import WordsEncoder

from tfgrounding.encoders import load_sentences
from tfgrounding.engines.texts import TextsEngine
from tfgrounding.evaluation.metrics import qvhighlights
from tfgrounding.tracks.texts import timed_texts

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import captions
from benches.passages import Passages, PassagesEngine, joined_text, passages_of

TEXTS = ["a man opens a fridge", "milk is poured", "milk is poured", "a dog barks", "snow falls", "a car stops"] * 5


def rows(texts=TEXTS):
    return [(2.0 * n, 2.0 * n + 2, text) for n, text in enumerate(texts)]


def test_each_text_is_in_two_passages_of_the_wanted_length():
    texts = timed_texts(rows(), 60.0)
    found = passages_of(texts, 10.0)
    assert np.bincount(np.concatenate(found)).tolist() == [2] * len(TEXTS)
    for among in found:
        assert (np.diff(among) == 1).all()
        assert texts.end_seconds[among[-1]] - texts.start_seconds[among[0]] <= 10.0


def test_a_pause_longer_than_a_passage_makes_no_empty_one():
    texts = timed_texts([(0.0, 2.0, "one"), (50.0, 52.0, "two")], 60.0)
    assert [among.tolist() for among in passages_of(texts, 10.0)] == [[0], [1]]


def test_joined_texts_say_each_thing_once():
    texts = timed_texts([(0, 2, "A dog."), (2, 4, "A dog."), (4, 6, "it barks")], 6.0)
    assert joined_text(texts, np.arange(3)) == "A dog. it barks."


@pytest.mark.parametrize("is_joined", [False, True])
def test_passages_raise_the_texts_around(is_joined):
    def curve(passages):
        made = PassagesEngine(passages=passages, encoder=load_sentences(WordsEncoder()), cache=False)
        features = made.features(rows(), duration_seconds=60.0, name="v")
        return made.curves(features, ["a dog barks"])[0]

    engine = TextsEngine(encoder=load_sentences(WordsEncoder()), cache=False)
    alone = engine.curves(engine.features(rows(), duration_seconds=60.0, name="v"), ["a dog barks"])[0]
    assert np.allclose(curve(Passages(10.0, 0.0, is_joined)), alone, atol=1e-6)
    added = curve(Passages(4.0, 1.0, is_joined)) - alone
    dog, car = 3, 11  # "snow falls" follows the first; the car stops after it
    assert added[dog] > added[car] and added[dog + 1] > added[car]


def test_the_mean_over_queries_is_the_official_figure():
    truths = [
        {
            "qid": n,
            "duration": 40,
            "vid": f"v{n}",
            "relevant_windows": windows,
            "relevant_clip_ids": [0, 1],
            "saliency_scores": [[4, 4, 2], [3, 4, 4]],
        }
        for n, windows in enumerate([[[0, 4]], [[0, 20]], [[2, 8], [20, 40]]])
    ]
    random = np.random.default_rng(0)
    predictions = {
        row["qid"]: {
            "qid": row["qid"],
            "pred_relevant_windows": [[0, 4, 0.9], [0, 20, 0.8], [20, 38, 0.7]],
            "pred_saliency_scores": random.random(20).tolist(),
        }
        for row in truths
    }
    official = qvhighlights(list(predictions.values()), truths)
    found = captions.by_query(predictions, truths)
    assert np.isnan(found["mAP short"]).tolist() == [False, True, False]
    for name, key in captions.FIGURES.items():
        assert np.nanmean(found[name]) == pytest.approx(official[key], abs=0.011)


def test_rows_have_names_of_their_own_and_a_row_changes_what_it_says(tmp_path):
    by_group = captions.trials([10.0, 20.0], [0.5, 1.0])
    made = [captions.Trial(captions.AS_IT_IS), *(trial for some in by_group.values() for trial in some)]
    assert len({trial.name for trial in made}) == len(made)
    texts = tmp_path / "captions.jsonl"
    texts.write_text(json.dumps({"vid": "v", "texts": rows(["a dog barks", "snow falls", *["nothing"] * 8])}))
    asked = tmp_path / "queries.jsonl"
    asked.write_text(json.dumps({"qid": 1, "vid": "v", "query": "snow falls", "duration": 20}))
    dataset = captions.load_dataset("qvhighlights", asked)
    answers = {
        trial.name: captions.answered(trial, dataset, texts, WordsEncoder())[1]["pred_saliency_scores"]
        for trial in made
        if not (trial.passages and trial.passages.is_joined) and trial.has_rephrasings
    }
    assert len({tuple(scores) for scores in answers.values()}) == len(answers)
