"""Unbounded variables: programs that count come back from words, and decide longer words too."""

from collections.abc import Callable

import numpy as np
import pytest

from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import random_words, words
from novacula.distill.synth.bank import Budget
from novacula.distill.synth.counters import counter_programs
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


def negative(x: np.ndarray) -> np.ndarray:
    return x.cumsum(1) < 0


def sign(x: np.ndarray) -> np.ndarray:
    return np.sign(x.cumsum(1))


def finished_run(x: np.ndarray) -> np.ndarray:
    """At a change the length of the run that ends, else 0."""
    return by_step(x, (0, None), lambda s, v: ((s[0] + 1, v), 0) if v == s[1] else ((1, v), s[0]))


def longest_run(x: np.ndarray) -> np.ndarray:
    def step(s: tuple, v: int) -> tuple[tuple, int]:
        run = s[0] + 1 if v == s[1] else 1
        return (run, v, max(s[2], run)), max(s[2], run)

    return by_step(x, (0, None, 0), step)


def account(x: np.ndarray) -> np.ndarray:
    """Whether a withdrawal from an account that may go down to -5 is refused; it then is not made."""
    return by_step(x, 0, lambda s, v: (s, 1) if s + v < -5 else (s + v, 0))


def since_one(x: np.ndarray) -> np.ndarray:
    return by_step(x, 0, lambda s, v: (0, s) if v == 1 else (s + 1, 0))


def by_step(x: np.ndarray, start: object, step: Callable) -> np.ndarray:
    y = np.zeros(x.shape, np.int64)
    for row, inputs in enumerate(x.tolist()):
        state = start
        for time, value in enumerate(inputs):
            state, y[row, time] = step(state, value)
    return y


@pytest.mark.parametrize(
    ("behavior", "low", "high"),
    [(negative, -5, 5), (sign, -9, 9), (finished_run, 0, 1), (finished_run, 0, 9), (longest_run, 0, 2),
     (account, -3, 3), (account, -8, 20), (since_one, 0, 1)],
)  # fmt: skip
def test_sums_runs_and_steps_since_are_found_and_right_on_longer_words(
    behavior: Callable[[np.ndarray], np.ndarray], low: int, high: int
) -> None:
    x = random_words(low, high, 1, 10, 1500, np.random.default_rng(0))
    known = Words(x, np.asarray(behavior(x[:, :, 0]), np.int64)[:, :, None], np.ones(x.shape[:2], bool))
    program = next(counter_programs(known, Budget(20_000_000, 61), 2), None)
    assert program is not None and program.nodes <= 20
    x = random_words(low, high, 1, 30, 300, np.random.default_rng(1))
    np.testing.assert_array_equal(program.run(x)[:, :, 0], behavior(x[:, :, 0]))


def test_the_difference_of_two_streams_is_a_balance() -> None:
    x = random_words(0, 5, 2, 10, 800, np.random.default_rng(0))
    ahead = (x[:, :, 0] - x[:, :, 1]).cumsum(1) > 0
    program = next(counter_programs(Words(x, ahead[:, :, None].astype(int), np.ones(x.shape[:2], bool)),
                                    Budget(10**6, 61), 1))  # fmt: skip
    assert (program.run(x)[:, :, 0] == ahead).all() and program.nodes <= 9


def test_words_of_three_streams_have_none() -> None:
    x = words(0, 1, 3, 2)
    known = Words(x, np.zeros((*x.shape[:2], 1), np.int64), np.ones(x.shape[:2], bool))
    assert not list(counter_programs(known, Budget(10**6, 61), 1))
