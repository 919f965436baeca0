import numpy as np
import pytest

from novacula.distill.program.machine import UNKNOWN, Machine
from novacula.distill.states.counts import find_counts, smith
from tests.distill.machines import random_machine


def adding(moduli: list[int], steps: list[list[int]], seed: int = 0) -> Machine:
    """The machine that adds steps modulo moduli; its state is put out as a random number each."""
    elements = np.array(np.unravel_index(np.arange(np.prod(moduli)), moduli)).T
    after = np.array(
        [np.ravel_multi_index(tuple(((elements + step) % moduli).T), tuple(moduli)) for step in np.array(steps)]
    ).T
    output = np.random.default_rng(seed).permutation(len(elements))[after][:, :, None]
    return Machine(np.arange(len(steps))[:, None], after, output).reachable()


GROUPS = {
    "cycle": ([5], [[0], [1], [3]], [5]),
    "cycle of another unit": ([7], [[0], [3]], [7]),
    "two cycles": ([2, 4], [[1, 0], [0, 1]], [2, 4]),
    "hidden cycle": ([2, 3], [[1, 0], [0, 1]], [6]),
}


@pytest.mark.parametrize("group", GROUPS)
def test_cyclic_groups_are_found(group: str) -> None:
    moduli, steps, invariants = GROUPS[group]
    machine = adding(moduli, steps)
    counts = find_counts(machine)
    assert counts is not None
    assert sorted(counts.moduli.tolist()) == invariants
    after = (counts.codes[:, None] + counts.steps[None]) % counts.moduli
    np.testing.assert_array_equal(after, counts.codes[machine.next])
    assert not counts.codes[0].any()


def test_a_partial_machine_that_counts_without_bound() -> None:
    depth = 6
    codes = [(a, b) for total in range(depth + 1) for a in range(total + 1) for b in [total - a]]
    places = {code: place for place, code in enumerate(codes)}
    after = np.array([[places.get((a + 1, b), UNKNOWN), places.get((a, b + 1), UNKNOWN)] for a, b in codes])
    machine = Machine(np.array([[0], [1]]), after, np.zeros((*after.shape, 1), np.int64))
    counts = find_counts(machine)
    assert counts is not None and counts.moduli.tolist() == [0, 0]
    assert abs(round(np.linalg.det(counts.steps))) == 1
    known = after != UNKNOWN
    moved = counts.codes[:, None] + counts.steps[None]
    np.testing.assert_array_equal(moved[known], counts.codes[after[known]])


def test_machines_that_do_not_add_have_no_group() -> None:
    assert find_counts(random_machine(np.random.default_rng(0), 6, 3).minimal()) is None
    saturating = Machine(np.array([[0], [1]]), np.array([[0, 1], [1, 2], [2, 2]]), np.zeros((3, 2, 1), np.int64))
    assert find_counts(saturating) is None


@pytest.mark.parametrize("seed", range(20))
def test_smith_gives_the_structure_of_the_quotient(seed: int) -> None:
    generator = np.random.default_rng(seed)
    relations = generator.integers(-5, 6, (int(generator.integers(1, 6)), 3))
    orders, change = smith(relations)
    assert abs(round(float(np.linalg.det(change.astype(float))))) == 1
    # Every relation holds among the images, and the product of the orders is the index.
    images = relations @ change
    assert all(
        (images[:, k] % order == 0).all() if order else (images[:, k] == 0).all() for k, order in enumerate(orders)
    )
    from itertools import combinations

    minors = [round(abs(np.linalg.det(relations[list(rows)]))) for rows in combinations(range(len(relations)), 3)]
    assert abs(int(orders.prod())) == (np.gcd.reduce(minors) if minors else 0)
