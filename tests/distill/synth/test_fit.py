"""Blanks of programs, filled from rows of values: planted formulas come back, also from incomplete tables."""

from collections.abc import Callable

import numpy as np
import pytest

from novacula.distill.program.expression import Name, nodes
from novacula.distill.synth.bank import Budget
from novacula.distill.synth.fit import Problem, distinct_rows, fit
from novacula.distill.synth.rewrite import shorten

Function = Callable[[np.ndarray, np.ndarray], np.ndarray]

PLANTED: dict[str, tuple[Function, int, int, int]] = {
    "difference": (lambda a, b: abs(a - b), -20, 20, 4),
    "larger": (lambda a, b: np.maximum(a, b), -20, 20, 3),
    "remainder": (lambda a, b: (a + b) % 7, 0, 20, 5),
    "carry": (lambda a, b: (a + b + 1) // 10, 0, 9, 7),
    "clipped": (lambda a, b: np.minimum(a + b, 12), 0, 12, 5),
    "choice": (lambda a, b: np.where(a < b, 3 * a, b), 0, 15, 8),
    "member": (lambda a, b: ((a - b) % 5 == 2).astype(int), 0, 19, 7),
    "affine": (lambda a, b: 17 * a - 23 * b + 40, -9, 9, 9),
}


def problem(function: Function, low: int, high: int, kept: float) -> tuple[Problem, np.ndarray]:
    every = np.array([(a, b) for a in range(low, high + 1) for b in range(low, high + 1)])
    seen = np.random.default_rng(0).random(len(every)) < kept
    seen[[0, -1]] = True  # or a shorter formula may do for all that is seen
    chosen = every[seen]
    columns = {"a": chosen[:, 0], "b": chosen[:, 1]}
    return Problem(("a", "b"), (), (), (), columns, [], [function(chosen[:, 0], chosen[:, 1])]), every


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("kept", [1.0, 0.6])
def test_a_planted_formula_is_recovered_beyond_the_rows_that_were_seen(name: str, kept: float) -> None:
    function, low, high, size = PLANTED[name]
    blank, every = problem(function, low, high, kept)
    program = fit(blank, Budget(10_000_000, 60))
    assert program is not None
    program = shorten(program)
    _, outputs = program.advance(np.zeros((len(every), 0), int), every)
    assert (outputs[:, 0] == function(every[:, 0], every[:, 1])).all()
    assert program.nodes <= size


def test_a_quotient_and_a_remainder_share_their_sum() -> None:
    rows = np.array([(a, b, c) for a in range(6) for b in range(6) for c in range(2)])
    total = rows.sum(1)
    columns = {"a": rows[:, 0], "b": rows[:, 1], "c": rows[:, 2]}
    blank = Problem(("a", "b"), ("c",), (0,), (None,), columns, [total // 6], [total % 6])
    program = fit(blank, Budget(10_000_000, 60))
    assert program is not None
    assert [nodes(value) for _, value in program.body] == [5]
    assert program.nodes == 11


def test_rows_that_contradict_each_other_are_refused() -> None:
    columns = {"a": np.array([1, 1, 2])}
    blank = Problem(("a",), (), (), (), columns, [], [np.array([0, 1, 0])])
    assert distinct_rows(blank) is None
    assert fit(blank, Budget(10_000_000, 60)) is None


def test_known_updates_stay_and_longer_programs_than_the_bound_are_dropped() -> None:
    rows = np.array([(a, b) for a in range(8) for b in range(8)])
    columns = {"x": rows[:, 0], "p": rows[:, 1]}
    blank = Problem(("x",), ("p",), (0,), (Name("x"),), columns, [], [(rows[:, 0] == rows[:, 1]).astype(int)])
    program = fit(blank, Budget(10_000_000, 60))
    assert program is not None
    assert program.update == (Name("x"),)
    assert program.nodes == 4
    assert fit(blank, Budget(10_000_000, 4)) is None


def test_without_work_only_algebra_finds_anything() -> None:
    function, low, high, _ = PLANTED["choice"]
    blank, _ = problem(function, low, high, 1.0)
    assert fit(blank, Budget(0, 60)) is None


def test_steps_that_stop_are_found_with_the_least_effort() -> None:
    """An elevator moves a floor a step toward x; another one goes up and down and stops at both ends."""
    a, x = np.array([(a, x) for a in range(4) for x in range(4)]).T
    toward = Problem(("a", "x"), (), (), (), {"a": a, "x": x}, [], [np.minimum(a + 1, np.maximum(a - 1, x))])
    found = fit(toward, Budget(10_000_000, 60), 1)
    assert found is not None and found.nodes == 9
    up = x % 2
    ends = np.where(up == 1, np.minimum(a + 1, 3), np.maximum(a - 1, 0))
    found = fit(Problem(("a", "up"), (), (), (), {"a": a, "up": up}, [], [ends]), Budget(10_000_000, 60), 1)
    assert found is not None and found.nodes <= 12
