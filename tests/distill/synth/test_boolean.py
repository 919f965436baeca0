"""Shortest Boolean formulas, against a fixed point computed in another way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.distill.program.expression import ON_INTEGERS, fold, nodes
from novacula.distill.synth.boolean import UNKNOWN, FormulaTable, bit_formula, formula_table

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def brute_force() -> np.ndarray:
    """Formula sizes of all 256 functions: any bound is lowered by every operator on all operands until none changes."""
    size = np.full(256, 10**6)
    size[[0, 255, 0b10101010, 0b11001100, 0b11110000]] = 1
    every = np.arange(256)
    p, q = every[:, None], every[None]
    pairs = [p & q, p | q, p ^ q, 255 ^ p ^ q, (255 ^ p) & q, (255 ^ p) | q]
    while True:
        before = size.copy()
        np.minimum.at(size, 255 ^ every, size + 1)
        for result in pairs:
            np.minimum.at(size, result, 1 + size[:, None] + size[None])
        for condition in every:
            chosen = (condition & p) | ((255 ^ condition) & q)
            np.minimum.at(size, chosen, 1 + size[condition] + size[:, None] + size[None])
        if (size == before).all():
            return size


def test_every_function_of_three_variables_is_minimal(brute_force: np.ndarray) -> None:
    table = FormulaTable(3)
    table.grow(20)
    assert (table.sizes == brute_force).all()


def test_formulas_compute_their_functions_in_their_size() -> None:
    table = FormulaTable(3)
    table.grow(20)
    for function in range(256):
        formula = table.formula(function, NAMES)
        assert nodes(formula) == table.sizes[function]
        for row in range(8):
            values = {name: row >> at & 1 for at, name in enumerate(NAMES)}
            assert fold(formula, values, ON_INTEGERS) == function >> row & 1


def test_four_variables_hold_the_three_and_known_formulas() -> None:
    three, four = FormulaTable(3), FormulaTable(4)
    three.grow(7)
    four.grow(7)
    doubled = np.arange(256) | np.arange(256) << 8
    known = three.sizes != UNKNOWN
    assert (four.sizes[doubled[known]] == three.sizes[known]).all()
    assert four.sizes[0b0110100110010110] == 7  # a != b != c != d


@given(st.integers(0, 255), st.integers(0, 255))
def test_free_rows_take_whatever_is_shortest(wanted: int, free: int) -> None:
    table = formula_table(3)
    table.grow(20)
    best = table.smallest(wanted & ~free, free, 100)
    agreeing = [function for function in range(256) if (function ^ wanted) & ~free & 255 == 0]
    assert best in agreeing
    assert table.sizes[best] == min(table.sizes[function] for function in agreeing)


def test_only_bits_are_taken_and_the_bound_is_kept() -> None:
    rows = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    columns = {"a": rows[0], "b": rows[1]}
    assert bit_formula({"a": rows[0] + 1, "b": rows[1]}, rows[0], 9) is None
    assert bit_formula(columns, rows[0] ^ rows[1], 3) is None
    assert nodes(bit_formula(columns, rows[0] ^ rows[1], 4) or pytest.fail("none found")) == 3
