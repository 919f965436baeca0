"""Random machines, as noisy points and as black boxes, are recovered exactly and minimal."""

import numpy as np
import pytest

from novacula.distill.program.machine import UNKNOWN, Machine, difference
from novacula.distill.sources.behavior import random_words
from novacula.distill.states.explore import ExplorationLimits, explore
from novacula.distill.states.queried import query
from novacula.distill.states.walks import PrefixWalk, Walk
from tests.distill.embedding import CloudWalk
from tests.distill.machines import random_machine

LENGTH = 20


def planted(seed: int) -> tuple[Machine, np.ndarray, np.random.Generator]:
    generator = np.random.default_rng(seed)
    machine = random_machine(generator, int(generator.integers(2, 31)), int(generator.integers(2, 11))).minimal()
    return machine, random_words(0, len(machine.symbols) - 1, 1, LENGTH, 100, generator), generator


def is_same(found: Machine, machine: Machine) -> bool:
    return found.states == machine.states and difference(found, machine) is None


@pytest.mark.parametrize("seed", range(5))
def test_points_with_noise_give_the_machine(seed: int) -> None:
    machine, visits, generator = planted(seed)
    walk = CloudWalk(machine, int(generator.integers(2, 5)), 0.02, generator)
    assert isinstance(walk, Walk)
    found = explore(walk, machine.symbols, visits, ExplorationLimits(LENGTH))
    assert (found.stopped, found.contradictions) == ("", 0)
    assert found.checked > 0
    assert is_same(found.machine.minimal(), machine) and found.machine.states == machine.states


@pytest.mark.parametrize("seed", range(5))
def test_black_boxes_give_the_machine_in_both_ways(seed: int) -> None:
    machine, visits, _ = planted(seed)
    learned = query(machine, machine.symbols, visits, ExplorationLimits(LENGTH))
    assert learned.machine is not None and is_same(learned.machine, machine)
    found = explore(PrefixWalk(machine, 1, LENGTH), machine.symbols, visits, ExplorationLimits(LENGTH))
    assert is_same(found.machine.minimal(), machine)


def test_a_large_alphabet_is_learned_many_questions_at_a_time() -> None:
    symbols = np.arange(60)[:, None]
    after, output = np.maximum.outer(np.arange(60), np.arange(60)), np.maximum.outer(np.arange(60), np.arange(60))
    machine = Machine(symbols, after, output[:, :, None])
    learned = query(machine, symbols, random_words(0, 59, 1, 8, 50, np.random.default_rng(0)), ExplorationLimits(8))
    assert learned.machine is not None and is_same(learned.machine, machine)


def counter(states: int) -> Machine:
    """Counts ones and tells when the count is a multiple of what can only be seen late."""
    after = np.column_stack([np.arange(states), (np.arange(states) + 1) % states])
    output = np.zeros((states, 2, 1), np.int64)
    output[0] = 1
    return Machine(np.array([[0], [1]]), after, output)


def test_what_takes_longer_words_than_allowed_is_not_guessed() -> None:
    machine = counter(30)
    visits = random_words(0, 1, 1, 12, 100, np.random.default_rng(0))
    learned = query(machine, machine.symbols, visits, ExplorationLimits(12))
    assert learned.machine is None or (learned.machine.run(visits) == machine.run(visits)).all()
    limited = query(
        machine, machine.symbols, random_words(0, 1, 1, 70, 30, np.random.default_rng(0)), ExplorationLimits(70, 10)
    )
    assert limited.machine is None and "more than 10 states" in limited.stopped


def test_machines_that_grow_end_partial_and_say_so() -> None:
    machine = Machine(
        np.array([[0], [1]]),
        np.column_stack([np.arange(40), np.minimum(np.arange(40) + 1, 39)]),
        np.stack([np.arange(40), np.minimum(np.arange(40) + 1, 39)], axis=1)[:, :, None],
    )
    visits = random_words(0, 1, 1, 10, 50, np.random.default_rng(0))
    found = explore(PrefixWalk(machine, 1, 10), machine.symbols, visits, ExplorationLimits(10))
    assert found.stopped == "new states after 9 inputs"
    assert found.new_states == (1,) * 10
    assert (found.machine.next[-1] == UNKNOWN).all() and found.contradictions == 0
    many = explore(PrefixWalk(machine, 1, 30), machine.symbols, visits, ExplorationLimits(30, states=5))
    assert many.stopped == "more than 5 states"


def test_a_behavior_that_no_machine_has_shows_contradictions() -> None:
    class Erratic:
        """Parity, but wrong after one word in fifty of full length."""

        def run(self, x: np.ndarray) -> np.ndarray:
            y = np.cumsum(x, axis=1) % 2
            strange = (x[:, :, 0] @ 3 ** np.arange(x.shape[1])) % 50 == 7
            y[strange, -1] ^= 1
            return y

    symbols = np.array([[0], [1]])
    visits = random_words(0, 1, 1, 10, 400, np.random.default_rng(0))
    learned = query(Erratic(), symbols, visits, ExplorationLimits(10))
    found = explore(PrefixWalk(Erratic(), 1, 10), symbols, visits, ExplorationLimits(10))
    assert learned.machine is None or learned.machine.states > 2
    assert found.stopped or found.contradictions or found.machine.states > 2
