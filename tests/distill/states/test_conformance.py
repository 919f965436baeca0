"""The W-method: no machine of as many states as it says is taken for another one."""

import numpy as np
import pytest

from novacula.distill.program.machine import Machine, difference
from novacula.distill.states.conformance import access_words, conform
from tests.distill.machines import random_machine


@pytest.mark.parametrize("seed", range(8))
def test_no_machine_of_the_stated_number_of_states_passes_for_another(seed: int) -> None:
    generator = np.random.default_rng(seed)
    machine = random_machine(generator, 4, 2).minimal()
    passed = conform(machine, machine, 500, 50)
    assert passed.counterexample is None and passed.states > machine.states
    for _ in range(40):
        other = random_machine(generator, passed.states, 2)
        others = [other, _changed(machine, generator)]
        for box in others:
            found = conform(box, machine, 500, 50).counterexample
            assert (found is None) == (difference(machine, box) is None)
            if found is not None:
                assert (machine.run(found[None])[0, -1] != box.run(found[None])[0, -1]).any()


def _changed(machine: Machine, generator: np.random.Generator) -> Machine:
    """The machine with one transition that leads elsewhere."""
    after = machine.next.copy()
    after[generator.integers(machine.states), generator.integers(2)] = generator.integers(machine.states)
    return Machine(machine.symbols, after, machine.output)


def test_a_lock_that_opens_after_nine_inputs_is_found_by_a_machine_of_one_state() -> None:
    lock = np.array([1, 0, 0, 1, 1, 1, 0, 1, 0])
    after = np.zeros((9, 2), np.int64)
    after[np.arange(8), lock[:8]] = np.arange(1, 9)
    output = np.zeros((9, 2, 1), np.int64)
    output[8, lock[8]] = 1
    symbols = np.array([[0], [1]])
    never = Machine(symbols, np.zeros((1, 2), np.int64), np.zeros((1, 2, 1), np.int64))
    found = conform(Machine(symbols, after, output), never, 2000, 50)
    assert found.counterexample is not None and (found.counterexample[:, 0] == lock).all()
    few = conform(Machine(symbols, after, output), never, 200, 50)
    assert few.counterexample is None and few.states < 9
    assert len(access_words(Machine(symbols, after, output))) == 9


def test_nothing_is_said_where_not_even_one_more_input_can_be_asked() -> None:
    machine = random_machine(np.random.default_rng(0), 6, 3).minimal()
    assert conform(machine, machine, 10, 50).states == 0
    assert conform(machine, machine, 10**4, 2).states == 0
