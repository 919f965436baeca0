"""The bank: every entry is what it says, none is missing, and each is as short as brute force finds it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.distill.program.expression import ON_INTEGERS, Expression, Name, Number, fold, nodes, operation
from novacula.distill.synth.bank import MAX_ROWS, Bank, Budget, row_sets

PLENTY = 10**9
A = np.array([0, 1, 2, 5, -3, 7])
B = np.array([1, 1, 0, 4, 2, -6])


def bank_of(columns: dict[str, np.ndarray], constants: tuple[int, ...] = (0, 1, 2), size: int = 4) -> Bank:
    bank = Bank(columns, constants, len(next(iter(columns.values()))), Budget(PLENTY, 60))
    assert bank.grow(size)
    return bank


def values_of(expression: Expression, columns: dict[str, np.ndarray]) -> tuple[int, ...]:
    """By Python's integers, row by row: independent of how the bank computes."""
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return tuple(fold(expression, dict(zip(columns, row, strict=True)), ON_INTEGERS) for row in rows)


@pytest.fixture(scope="module")
def two_columns() -> Bank:
    return bank_of({"a": A, "b": B}, size=5)


def test_every_entry_has_the_values_and_the_size_of_its_expression(two_columns: Bank) -> None:
    for entry in range(len(two_columns.values)):
        expression = two_columns.expression(entry)
        assert values_of(expression, {"a": A, "b": B}) == tuple(two_columns.values[entry].tolist())
        assert nodes(expression) == two_columns.sizes[entry]


def test_no_two_entries_have_the_same_values_and_sizes_grow(two_columns: Bank) -> None:
    assert len(np.unique(two_columns.values, axis=0)) == len(two_columns.values)
    assert (np.diff(two_columns.sizes) >= 0).all() and two_columns.sizes.max() == 5


def everything(columns: dict[str, np.ndarray], constants: tuple[int, ...], size: int) -> dict[tuple[int, ...], int]:
    """The least size of every list of values, by building all trees of the same operators; nothing is left out."""
    levels: list[list[Expression]] = [[], [*map(Name, columns), *map(Number, constants)]]
    for total in range(2, size + 1):
        level: list[Expression] = [operation(made, one) for made in ("not", "neg", "abs") for one in levels[total - 1]]
        for left_size in range(1, total - 1):
            for left, right in product(levels[left_size], levels[total - 1 - left_size]):
                level += [operation(made, left, right) for made in ("+", "-", "*", "min", "max", "==", "!=", "<", "<=")]
                level += [operation(made, left, right) for made in ("and", "or")]
                if isinstance(right, Number) and right.value > 1:
                    level += [operation(made, left, right) for made in ("//", "%")]
        levels.append(level)
    least: dict[tuple[int, ...], int] = {}
    for total, level in enumerate(levels):
        for expression in level:
            least.setdefault(values_of(expression, columns), total)
    return least


def test_no_entry_is_longer_than_brute_force_finds_among_small_ones() -> None:
    columns = {"a": np.array([0, 1, 2, -3]), "b": np.array([1, 1, 0, 2])}
    bank = bank_of(columns, (0, 1, 2), size=4)
    least = everything(columns, (0, 1, 2), 4)
    kept = {tuple(row): int(size) for row, size in zip(bank.values.tolist(), bank.sizes, strict=True)}
    assert all(least[values] <= size for values, size in kept.items())
    assert all(least[values] == size for values, size in kept.items() if size <= 3)


def test_an_entry_is_found_by_its_values_only(two_columns: Bank) -> None:
    wanted = two_columns.values[[0, 7, 20]]
    assert two_columns.find(two_columns.hash(wanted)).tolist() == [0, 7, 20]
    assert two_columns.find(two_columns.hash(wanted + 1000)).tolist() == [-1, -1, -1]


def test_the_hash_of_a_sum_is_the_sum_of_the_hashes(two_columns: Bank) -> None:
    generator = np.random.default_rng(0)
    left, right = generator.integers(-(2**20), 2**20, (2, 50, len(A)))
    np.testing.assert_array_equal(two_columns.hash(left + right), two_columns.hash(left) + two_columns.hash(right))
    np.testing.assert_array_equal(two_columns.hash(left - right), two_columns.hash(left) - two_columns.hash(right))


def test_sums_with_small_factors_join_whatever_their_length() -> None:
    columns = {"a": A, "b": B}
    bank = Bank(columns, (0, 1), len(A), Budget(PLENTY, 60))
    bank.add_sums()
    for factor, times, constant in product((0, 1, -1, 2), (0, 1, -1, 2), (0, 1, -1)):
        values = factor * A + times * B + constant
        entry = int(bank.find(bank.hash(values)[None])[0])
        if factor or times:
            assert entry >= 0 and nodes(bank.expression(entry)) == bank.sizes[entry] <= 9


def test_where_the_work_runs_out_the_bank_stays_as_it_was() -> None:
    bank = Bank({"a": A, "b": B}, (0, 1), len(A), Budget(40, 60))
    before = len(bank.values)
    assert not bank.grow(6)
    assert bank.size < 6 and len(bank.values) >= before
    grown, left = len(bank.values), bank.budget.left
    assert not bank.grow(6)
    assert (len(bank.values), bank.budget.left) == (grown, left)


def test_entries_too_large_to_be_of_use_are_left_out() -> None:
    bank = bank_of({"a": np.array([2, 3000, 5])}, (0, 1), size=5)
    assert np.abs(bank.values).max() < 2**24 and (bank.values == np.array([4, 9_000_000, 25])).all(1).any()


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=MAX_ROWS), min_size=1, max_size=5))
def test_sets_of_rows_are_bits(rows: list[list[bool]]) -> None:
    width = len(rows[0])
    truth = np.array([(row * width)[:width] for row in rows])
    expected = [sum(1 << at for at in np.flatnonzero(row).tolist()) for row in truth]
    assert row_sets(truth).tolist() == expected
