"""Constants chosen by all benches but some: all constants together, and one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from functools import partial
from multiprocessing import get_context

import numpy as np

from tfgrounding.localizers.default import CONSTANTS, Constants, DefaultLocalizer

from .bench import Bench, figures, points, scores
from .load import GROUPS

FACTOR = 1.65  # each constant is drawn between ours divided and multiplied by it, evenly in its logarithm
FACTORS = (0.5, 0.71, 1.41, 2.0)  # of one constant, the others as they are
BEST_SHARE = 0.1  # of the settings: their geometric mean is the choice, as the best one alone would be best by luck
Figures = list[dict[str, float]]  # of each bench
FOLDS: tuple[frozenset[str], ...] = (  # groups that have no say together; the last two share queries and truths
    *(frozenset({group}) for group in GROUPS),
    frozenset({"L/14", "B/32"}),
)


def numbers() -> dict[str, float]:
    """The constants that a factor can change, by name."""
    values = {field.name: getattr(CONSTANTS, field.name) for field in fields(CONSTANTS)}
    return {name: value for name, value in values.items() if isinstance(value, float) and value != 0}


def drawn_settings(count: int, seed: int = 0) -> list[Constants]:
    """That many settings around ours."""
    rng = np.random.default_rng(seed)
    ours = numbers()
    factors = np.exp(rng.uniform(-1, 1, size=(count, len(ours))) * np.log(FACTOR))
    return [_with(np.array(list(ours.values())) * row) for row in factors]


def mean_setting(settings: Sequence[Constants]) -> Constants:
    """The geometric mean of settings."""
    return _with(np.exp(np.mean([[np.log(getattr(s, name)) for name in numbers()] for s in settings], axis=0)))


def varied() -> dict[tuple[str, float], Constants]:
    """Each constant times each of FACTORS."""
    ours = numbers()
    return {(name, x): replace(CONSTANTS, **{name: ours[name] * x}) for name in ours for x in FACTORS}


def _with(values: np.ndarray) -> Constants:
    return replace(CONSTANTS, **dict(zip(numbers(), values.tolist(), strict=True)))


def votes(gains: np.ndarray, groups: Sequence[str], left_out: Collection[str] = frozenset()) -> np.ndarray:
    """What the benches of all groups but some think of each setting.

    Every group counts alike, and within it every bench: a bench's points are counted from their mean over all settings
    and in their standard deviations, as a point is worth less where settings differ more.

    Args:
        gains: (S, B) points of each setting on each bench.
        groups: (B,) the benches' groups.
        left_out: groups that have no say.

    Returns:
        (S,) mean standard deviations above the mean setting.
    """
    standard = (gains - gains.mean(axis=0)) / np.maximum(gains.std(axis=0), 1e-12)
    kept = [group for group in dict.fromkeys(groups) if group not in left_out]
    return np.mean([standard[:, [g == group for g in groups]].mean(axis=1) for group in kept], axis=0)


def choose(gains: np.ndarray, groups: Sequence[str], left_out: Collection[str] = frozenset()) -> list[int]:
    """The indices of BEST_SHARE of the settings, at least one, best first. Arguments as for `votes`."""
    best = max(1, round(BEST_SHARE * len(gains)))
    return np.argsort(-votes(gains, groups, left_out), kind="stable")[:best].tolist()


def all_points(benches: Sequence[Bench], measured: Sequence[Figures]) -> np.ndarray:
    """(S, B) points of each measured setting on each bench."""
    return np.array([[points(bench, of) for bench, of in zip(benches, row, strict=True)] for row in measured])


def folds_of(benches: Sequence[Bench]) -> list[frozenset[str]]:
    """Those of FOLDS that these benches have, as far as other benches are left to choose."""
    groups = {bench.group for bench in benches}
    return [fold for fold in FOLDS if fold <= groups and not groups <= fold]


def chosen_settings(
    benches: Sequence[Bench], settings: Sequence[Constants], measured: Sequence[Figures]
) -> dict[frozenset[str], Constants]:
    """The choice without each fold of the benches, and under the empty set that of all benches."""
    groups, gains = [bench.group for bench in benches], all_points(benches, measured)
    folds = [frozenset[str](), *folds_of(benches)]
    return {fold: mean_setting([settings[i] for i in choose(gains, groups, fold)]) for fold in folds}


def factors_chosen(
    gains: np.ndarray, names: Sequence[tuple[str, float]], groups: Sequence[str], left_out: Collection[str]
) -> dict[str, int]:
    """For each constant the row of the factor that the others choose; row 0 where they leave it as it is.

    Args:
        gains: (1 + len(names), B) points of our constants, then with each constant varied.
        names: constant and factor of each row but the first.
        groups, left_out: as for `votes`.
    """
    value = votes(gains, groups, left_out)
    rows: dict[str, list[int]] = {}
    for row, (name, _) in enumerate(names, 1):
        rows.setdefault(name, [0]).append(row)
    return {name: some[int(value[some].argmax())] for name, some in rows.items()}


def measure(benches: Sequence[Bench], settings: Sequence[Constants], jobs: int = 1) -> list[Figures]:
    """The figures of `default` with each setting on each bench."""
    one = partial(_figures, benches)
    found = [one(setting) for setting in settings[:1]]  # here, so that kernels are compiled once
    if jobs == 1:
        return found + [one(setting) for setting in settings[1:]]
    global _ONE
    _ONE = one  # the workers are forks: they share the curves' memory
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        return found + list(pool.map(_in_a_worker, settings[1:], chunksize=4))


_ONE: Callable[[Constants], Figures]


def _in_a_worker(setting: Constants) -> Figures:
    return _ONE(setting)


def _figures(benches: Sequence[Bench], setting: Constants) -> Figures:
    localizer = DefaultLocalizer(constants=setting)
    return [figures(scores(bench, bench.answers(localizer))) for bench in benches]
