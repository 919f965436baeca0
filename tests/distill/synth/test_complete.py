"""The last steps to a target: every kind of root is found, is right on all rows, and is shorter than the bound."""

from collections.abc import Callable

import numpy as np
import pytest

from novacula.distill.program.expression import ON_INTEGERS, Expression, Name, fold, nodes
from novacula.distill.synth.bank import Bank, Budget
from novacula.distill.synth.complete import express

GRID = np.array([(a, b) for a in range(-3, 4) for b in range(-3, 4)])
A, B = GRID.T

TARGETS: dict[str, tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], int]] = {
    "a constant": (lambda a, b: 0 * a + 7, 1),
    "an entry": (lambda a, b: b, 1),
    "a sum": (lambda a, b: np.abs(a) + np.abs(b), 5),
    "a difference": (lambda a, b: np.abs(a) - np.abs(b), 5),
    "a remainder": (lambda a, b: (a + b) % 5, 5),
    "a quotient": (lambda a, b: (a + b) // 4, 5),
    "a threshold": (lambda a, b: a + b < 3, 5),
    "a threshold from above": (lambda a, b: a - b > 2, 5),
    "a value": (lambda a, b: a - b == 4, 5),
    "a residue": (lambda a, b: (a + b) % 3 == 2, 7),
    "a comparison": (lambda a, b: np.abs(a) < np.abs(b), 5),
    "a conjunction": (lambda a, b: (a < b) & (a + b == 1), 9),
    "a disjunction": (lambda a, b: (a < b) | (a == 2), 7),
    "the larger": (lambda a, b: np.maximum(a + a, b), 5),
    "the smaller": (lambda a, b: np.minimum(a, b + b), 5),
    "a clipped sum": (lambda a, b: np.clip(a + b, -1, 2), 7),
    "a choice": (lambda a, b: np.where(a < b, a + b, 2), 8),
}


def bank() -> Bank:
    made = Bank({"a": A, "b": B}, (0, 1, 2), len(A), Budget(10**9, 60))
    assert made.grow(3)
    return made


def values_of(expression: Expression) -> list[int]:
    return [fold(expression, {"a": a, "b": b}, ON_INTEGERS) for a, b in GRID.tolist()]


@pytest.mark.parametrize("name", TARGETS)
def test_each_kind_of_root_is_found_and_right(name: str) -> None:
    function, size = TARGETS[name]
    target = np.asarray(function(A, B), np.int64)
    found = express(bank(), target, 60, deep=True)
    assert found is not None and nodes(found) <= size
    assert values_of(found) == target.tolist()
    assert express(bank(), target, nodes(found), deep=True) is None, "an expression must be smaller than its bound"


def test_what_the_bank_cannot_reach_is_not_made_up() -> None:
    noise = np.random.default_rng(0).integers(-(10**6), 10**6, len(A))
    assert express(bank(), noise, 10**6, deep=True) is None


def test_one_wrong_row_is_enough_to_refuse() -> None:
    target = np.abs(A) + np.abs(B)
    target[17] += 1000
    found = express(bank(), target, 60, deep=False)
    assert found is None or values_of(found) == target.tolist()
    assert found != Name("a")
