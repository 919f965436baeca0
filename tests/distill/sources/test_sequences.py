"""Data sets: padding, and finding outputs that are no causal function of the inputs."""

import numpy as np
import pytest

from novacula.distill.sources.sequences import Conflict, Sequences, check_function, conflicts, padded
from novacula.errors import InputError


def of(*rows: tuple[list[int], list[int]]) -> Sequences:
    return padded([(np.array(x)[:, None], np.array(y)[:, None]) for x, y in rows], "somewhere")


def test_rows_of_different_lengths_are_padded() -> None:
    data = of(([5, 6, 7], [1, 2, 3]), ([-4], [9]))
    assert data.x[:, :, 0].tolist() == [[5, 6, 7], [-4, 0, 0]]
    assert data.inside.tolist() == [[True, True, True], [True, False, False]]
    assert (data.low, data.high) == (-4, 7)
    only = data.rows(np.array([0]))
    assert (only.low, only.source) == (5, "somewhere")


def test_a_causal_function_has_no_conflicts() -> None:
    x = np.random.default_rng(0).integers(0, 2, (300, 6, 2))
    data = Sequences(x, np.cumsum(x, axis=1), np.full(300, 6), "")
    assert list(conflicts(data)) == []
    check_function(data, [str(row) for row in range(300)])


def test_rows_that_contradict_each_other_are_told_from_outputs_that_know_the_future() -> None:
    data = of(([1, 2], [0, 0]), ([1, 3], [7, 0]), ([1, 2], [0, 5]), ([4], [0]))
    assert list(conflicts(data)) == [Conflict(0, 1, 0, same=False), Conflict(0, 2, 1, same=True)]
    with pytest.raises(InputError) as caught:
        check_function(data, ["row a", "row b", "row c", "row d"])
    future, contradiction = caught.value.problems
    assert future.startswith("row a and row b have the same inputs up to step 0, but outputs [0] and [7]")
    assert contradiction.startswith("row a and row c contradict each other: the same inputs, but outputs [0] and [5]")


def test_a_shorter_row_with_the_same_beginning_is_no_contradiction_unless_its_outputs_differ() -> None:
    assert list(conflicts(of(([1, 2], [3, 4]), ([1], [3])))) == []
    assert list(conflicts(of(([1, 2], [3, 4]), ([1], [5])))) == [Conflict(0, 1, 0, same=False)]


def test_padding_is_no_data() -> None:
    assert list(conflicts(of(([0, 0], [1, 9]), ([0], [1])))) == []


def test_an_error_lists_only_so_many_rows() -> None:
    x = np.random.default_rng(0).integers(0, 2, (300, 6, 1))
    reverse = Sequences(x, x[:, ::-1].copy(), np.full(300, 6), "f")
    with pytest.raises(InputError) as caught:
        check_function(reverse, [f"line {row + 1}" for row in range(300)])
    assert len(caught.value.problems) == 11
    assert caught.value.problems[-1] == "and more"
