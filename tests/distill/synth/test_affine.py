"""Affine machines from words alone."""

import tracemalloc

import numpy as np
import pytest

from novacula.distill.program.expression import ON_ARRAYS, fold, nodes
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import random_words
from novacula.distill.states.lll import integer_basis
from novacula.distill.synth.affine import Affine, affine_program, realize
from novacula.distill.synth.linear import hinged_expression, independent, solve
from novacula.distill.synth.table import Words, words_of_behavior
from tests.distill.synth.plain_tasks import TASKS
from tests.distill.synth.sources import PlainBehavior, symbols


def words_of(machine: Affine, length: int, seed: int) -> Words:
    """Outputs of random words, by the definition."""
    streams = machine.b.shape[1] - 1
    x = random_words(-5, 5, streams, length, 400, np.random.default_rng(seed))
    with_one = np.concatenate([x, np.ones((*x.shape[:2], 1), int)], axis=2)
    z, outputs = np.zeros((len(x), len(machine.a)), int), []
    for time in range(length):
        outputs.append(z @ machine.c.T + with_one[:, time] @ machine.d.T)
        z = z @ machine.a.T + with_one[:, time] @ machine.b.T
    return Words(x, np.stack(outputs, axis=1), np.ones(x.shape[:2], bool))


def planted(seed: int, size: int, streams: int, outputs: int) -> Affine:
    rng = np.random.default_rng(seed)
    shapes = ((size, size), (size, streams + 1), (outputs, size), (outputs, streams + 1))
    return Affine(*(rng.integers(-1, 2, shape) for shape in shapes))


@pytest.mark.parametrize("seed", range(8))
def test_a_planted_machine_comes_back_no_larger(seed: int) -> None:
    machine = planted(seed, 1 + seed % 3, 1 + seed % 2, 1 + seed // 4)
    found = realize(words_of(machine, 12, seed))
    assert found
    for realized in found:
        assert len(realized.a) <= len(machine.a)
        program = affine_program(realized)
        assert words_of(machine, 20, seed + 100).agrees(program)


@pytest.mark.parametrize(("task", "nodes"), [("Prev3", 4), ("Newton_Freebody", 9), ("Newton_Magnetic", 22)])
def test_tasks_reach_their_known_sizes(task: str, nodes: int) -> None:
    plain = TASKS[task]
    words = words_of_behavior(PlainBehavior(plain), symbols(plain), 500, plain.length, np.random.default_rng(0))
    programs: list[Program] = [affine_program(machine) for machine in realize(words)]
    assert min(program.nodes for program in programs) <= nodes
    assert all(words.agrees(program) and not any(program.start) for program in programs)


@pytest.mark.parametrize("task", ["Abs_Diff", "Parity_All", "Max_Seen"])
def test_other_machines_have_no_realization(task: str) -> None:
    plain = TASKS[task]
    words = words_of_behavior(PlainBehavior(plain), symbols(plain), 500, 10, np.random.default_rng(0))
    assert realize(words) == []


def test_integer_solutions_are_exact_or_none() -> None:
    matrix = np.array([[1, 2, 3], [4, 5, 9], [7, 8, 15], [1, 0, 1]])  # the third column is the sum of the others
    assert independent(matrix) == [0, 1]
    solution = solve(matrix, matrix @ np.array([2, -1, 3]))
    assert solution is not None
    assert (matrix @ solution == matrix @ np.array([2, -1, 3])).all()
    assert solve(2 * matrix, np.array([1, 0, 0, 0])) is None


@pytest.mark.parametrize("top", [10, 10**12])
def test_large_factors_and_constants_beside_large_numbers_are_found(top: int) -> None:
    x = np.random.default_rng(0).integers(0, top, (3000, 3))
    matrix, factors = np.column_stack([x, np.ones(3000, np.int64)]), np.array([1500, -1, 0, 27315])
    np.testing.assert_array_equal(solve(matrix, matrix @ factors), factors)
    assert solve(matrix[:4], matrix[:4] @ factors) is None  # as four numbers may be anything


def test_long_words_take_little_memory() -> None:
    x = np.random.default_rng(0).integers(0, 2, (300, 400, 1))
    words = Words(x, np.cumsum(x, axis=1) % 2, np.ones((300, 400), bool))
    tracemalloc.start()
    assert realize(words) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert realize(Words(x, np.cumsum(x, axis=1), words.known))


def test_the_lattice_keeps_its_index() -> None:
    basis = integer_basis(np.array([[4, 0], [0, 6], [2, 3]]))
    assert abs(round(np.linalg.det(basis))) == 12
    assert len(integer_basis(np.array([[2, 4], [3, 6]]))) == 1


@pytest.mark.parametrize(("slope", "more", "knee"), [(15, -4, 10), (2, 7, 3), (-1, 5, -2)])
def test_a_line_with_a_knee_is_found(slope: int, more: int, knee: int) -> None:
    columns = {"s": np.repeat(np.arange(-5, 25), 4), "x": np.tile(np.arange(4), 30)}
    target = slope * columns["s"] + more * np.minimum(columns["s"], knee) - 3 * columns["x"] + 1
    found = hinged_expression(columns, target)
    assert found is not None and nodes(found) <= 16
    assert (fold(found, columns, ON_ARRAYS) == target).all()
    assert hinged_expression(columns, columns["s"] ** 2) is None
