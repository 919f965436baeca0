"""Unbounded variables: programs that count come back from words, and decide longer words too."""

from collections.abc import Callable

import numpy as np
import pytest

from novacula.distill.behavior import random_words, words
from novacula.distill.program import Program
from novacula.distill.synth.counters import counter_programs
from novacula.distill.synth.limits import Budget
from novacula.distill.synth.table import Words


def balanced(x: np.ndarray) -> np.ndarray:
    depths = np.cumsum(1 - 2 * x, axis=1)
    return (depths == 0) & (np.minimum.accumulate(depths, axis=1) >= 0)


def even(x: np.ndarray) -> np.ndarray:
    return np.cumsum(1 - 2 * x, axis=1) == 0


def palindrome(x: np.ndarray) -> np.ndarray:
    prefixes = [x[:, : time + 1] for time in range(x.shape[1])]
    return np.stack([(prefix == prefix[:, ::-1]).all(axis=1) for prefix in prefixes], axis=1)


def majority(x: np.ndarray) -> np.ndarray:
    return np.cumsum(2 * x - 1, axis=1) > 0


def first(behavior: Callable[[np.ndarray], np.ndarray], length: int) -> Program | None:
    x = words(0, 1, 1, length)
    y = np.asarray(behavior(x[:, :, 0]), np.int64)[:, :, None]
    known = Words(x, y, np.ones(x.shape[:2], bool))
    return next(counter_programs(known, Budget(20_000_000, 61), 2), None)


@pytest.mark.parametrize("behavior", [balanced, even, palindrome, majority])
def test_what_counts_is_found_and_right_on_longer_words(behavior: Callable[[np.ndarray], np.ndarray]) -> None:
    program = first(behavior, 9)
    assert program is not None
    x = random_words(0, 1, 1, 25, 300, np.random.default_rng(1))
    np.testing.assert_array_equal(program.run(x)[:, :, 0], behavior(x[:, :, 0]))


def test_words_of_several_streams_or_many_symbols_have_none() -> None:
    for x in (words(0, 1, 2, 3), np.arange(60).reshape(10, 6, 1)):
        known = Words(x, np.zeros((*x.shape[:2], 1), np.int64), np.ones(x.shape[:2], bool))
        assert not list(counter_programs(known, Budget(10**6, 61), 1))
