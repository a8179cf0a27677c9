"""The requests of one query: their order, their number at a time, their cost, and when they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from tfgrounding.engines.asking import Asking, Spent, counted
from tfgrounding.engines.looking import spread_windows
from tfgrounding.errors import ModelError
from tfgrounding.llm import RefusedError, Reply, Usage
from tfgrounding.vision import Clip, Jpeg, Part, TooMuchError

PICTURE = np.zeros((4, 4, 3), np.uint8)


class Model:
    """Answers with the text of its request; `wrong` holds what it raises for which text."""

    name = "model"

    def __init__(self, concurrency: int = 1, wrong: dict[str, Exception] | None = None) -> None:
        self.concurrency = concurrency
        self.wrong = wrong or {}
        self.asked: list[str] = []
        self.running = self.most_running = 0
        self._lock = threading.Lock()

    def capacity(self, pictures: Sequence[np.ndarray]) -> int:
        return 100

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        text = next(part for part in parts if isinstance(part, str))
        with self._lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            self.asked.append(text)
        time.sleep(0.02)
        with self._lock:
            self.running -= 1
        if text in self.wrong:
            raise self.wrong[text]
        return text

    def yes_probability(self, parts: Sequence[Part]) -> float:
        return 0.5


class Counting(Model):
    def reply(self, parts: Sequence[Part], *, max_tokens: int = 256) -> Reply:
        return Reply(self.ask(parts, max_tokens=max_tokens), "stop", "model", Usage(2, 30, 4))


@pytest.mark.parametrize("concurrency", [1, 3])
def test_results_come_in_order_and_a_failure_stays_in_its_place(concurrency: int) -> None:
    model = Model(concurrency, {"4": ModelError("out of order")})
    asking = Asking(model)
    results = asking.each([partial(asking.text, [str(i), PICTURE]) for i in range(9)])
    assert [str(result) for result in results] == ["0", "1", "2", "3", "out of order", "5", "6", "7", "8"]
    assert isinstance(results[4], ModelError)
    assert model.most_running == concurrency
    assert asking.spent == Spent(9, 9, 0, 0)


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("error", [RefusedError("wrong key"), ZeroDivisionError("a fault")])
def test_what_would_meet_every_request_ends_them_all(concurrency: int, error: Exception) -> None:
    model = Model(concurrency, {"0": error})
    asking = Asking(model)
    with pytest.raises(type(error)):
        asking.each([partial(asking.text, [str(i)]) for i in range(30)])
    assert len(model.asked) <= 2 * concurrency


def test_costs_are_counted_where_the_model_states_them() -> None:
    asking = Asking(Counting())
    clip = Clip(np.zeros((5, 4, 4, 3), np.uint8), np.arange(5.0))
    assert asking.text([PICTURE, "what?", Jpeg(b"..."), clip]) == "what?"
    assert asking.probability([PICTURE, "is it?"]) == 0.5
    assert asking.provenance == {
        "vlm_requests": 3,
        "vlm_pictures": 8,
        "vlm_prompt_tokens": 30,
        "vlm_completion_tokens": 4,
    }


class Small:
    """Takes `most` frames; the windows that it answered."""

    def __init__(self, most: int) -> None:
        self.most = most

    def ask(self, first: int, last: int) -> str:
        if last - first > self.most:
            raise TooMuchError("too many pictures")
        return f"{first}-{last}"

    def smaller(self, first: int, last: int) -> list[tuple[int, int]]:
        return [(first + a, first + b) for a, b in spread_windows(last - first, max(1, (last - first) // 2), 0)]


def test_a_window_that_is_too_much_is_cut_until_it_fits() -> None:
    server = Small(6)
    answered = Asking(Model()).windows([(0, 20), (20, 24)], server.ask, server.smaller)
    assert [result for _, result in answered] == ["0-5", "5-10", "10-15", "15-20", "20-24"]
    assert all(result == f"{window[0]}-{window[1]}" for window, result in answered)


def test_cutting_ends_where_the_server_takes_nothing_at_all() -> None:
    server = Small(0)
    answered = Asking(Model()).windows([(0, 6)], server.ask, server.smaller)
    assert len(answered) == 6
    assert all(isinstance(result, TooMuchError) for _, result in answered)
    stubborn = Asking(Model()).windows([(0, 6)], server.ask, lambda first, last: [(first, last), (first, last)])
    assert all(isinstance(result, TooMuchError) for _, result in stubborn)


def test_each_kind_of_warning_is_said_once() -> None:
    looks = [f"the reply names frame {i} to {i + 3.5}, but only 9 to 12 were shown: left out" for i in range(12)]
    assert counted([*looks, "something else", *looks]) == [f"{looks[0]} (and 11 more like this)", "something else"]
    assert counted(["same"] * 5) == ["same"] and counted([]) == []
