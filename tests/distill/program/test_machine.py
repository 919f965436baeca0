import numpy as np
import pytest

from novacula.distill.program.machine import UNKNOWN, Machine, difference
from novacula.distill.sources.behavior import Behavior, random_words, words
from tests.distill.machines import random_machine

BIT = np.array([[0], [1]])


def machine(after: list[list[int]], output: list[list[int]]) -> Machine:
    return Machine(BIT, np.array(after), np.array(output)[:, :, None])


PARITY = machine([[0, 1], [1, 0]], [[0, 1], [1, 0]])
DELAY = machine([[0, 1], [0, 1]], [[0, 0], [1, 1]])


def test_runs_words() -> None:
    x = np.array([[[1], [0], [1], [1]], [[0], [1], [1], [1]]])
    assert isinstance(PARITY, Behavior)
    np.testing.assert_array_equal(PARITY.run(x)[:, :, 0], np.cumsum(x[:, :, 0], axis=1) % 2)
    np.testing.assert_array_equal(DELAY.run(x)[:, 1:, 0], x[:, :-1, 0])
    np.testing.assert_array_equal(PARITY.path(x)[:, 1:], np.cumsum(x[:, :, 0], axis=1) % 2)


def test_symbols_of_several_streams_are_found() -> None:
    some = random_machine(np.random.default_rng(0), 3, 3, streams=2)
    np.testing.assert_array_equal(some.indices(some.symbols), np.arange(9))
    for stranger in ([[0, 3]], [[-1, 0]]):
        with pytest.raises(ValueError, match="none of the machine's symbols"):
            some.indices(np.array(stranger))
    gap = Machine(np.array([[0], [4]]), some.next[:, :2], some.output[:, :2])
    with pytest.raises(ValueError, match="none of the machine's symbols"):
        gap.indices(np.array([[2]]))


def test_unknown_transitions_are_not_run() -> None:
    partial = machine([[0, 1], [UNKNOWN, 0]], [[0, 1], [0, 0]])
    assert not partial.complete
    np.testing.assert_array_equal(partial.path(np.array([[[1], [0], [1]]])), [[0, 1, UNKNOWN, UNKNOWN]])
    with pytest.raises(ValueError, match="does not know"):
        partial.run(np.array([[[1], [0]]]))


@pytest.mark.parametrize("seed", range(20))
def test_minimal_machines_are_least_and_behave_alike(seed: int) -> None:
    generator = np.random.default_rng(seed)
    some = random_machine(generator, int(generator.integers(1, 12)), 2)
    least = some.minimal()
    x = random_words(0, 1, 1, 30, 50, generator)
    np.testing.assert_array_equal(some.run(x), least.run(x))
    assert difference(some, least) is None
    # No two of its states behave alike: by brute force over all words up to its number of states.
    behaviors = set()
    for state in range(least.states):
        order = np.r_[state, np.delete(np.arange(least.states), state)]
        moved = Machine(BIT, np.argsort(order)[least.next[order]], least.output[order])
        behaviors.add(moved.run(words(0, 1, 1, least.states)).tobytes())
    assert len(behaviors) == least.states


@pytest.mark.parametrize("seed", range(10))
def test_the_canonical_form_forgets_how_states_were_numbered(seed: int) -> None:
    generator = np.random.default_rng(seed)
    some = random_machine(generator, 8, 3)
    order = np.r_[0, 1 + generator.permutation(7)]
    shuffled = Machine(some.symbols, np.argsort(order)[some.next[order]], some.output[order])
    for form in (Machine.reachable, Machine.minimal):
        np.testing.assert_array_equal(form(some).next, form(shuffled).next)
        np.testing.assert_array_equal(form(some).output, form(shuffled).output)


@pytest.mark.parametrize("seed", range(20))
def test_the_distinguishing_word_is_a_shortest(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first, second = (random_machine(generator, 3, 2) for _ in range(2))
    word = difference(first, second)
    for length in range(1, 7):
        every = words(0, 1, 1, length)
        if (first.run(every) != second.run(every)).any():
            assert word is not None and len(word) == length
            assert (first.run(word[None]) != second.run(word[None])).any()
            return
    assert word is None


def test_machines_of_other_symbols_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different symbols"):
        difference(PARITY, random_machine(np.random.default_rng(0), 2, 3))


def test_moore_states_are_those_of_the_specification() -> None:
    carry = Machine(
        words(0, 1, 2, 1)[:, 0],
        np.array([[0, 0, 0, 1], [0, 1, 1, 1]]),
        np.array([[0, 1, 1, 0], [1, 0, 0, 1]])[:, :, None],
    )
    assert (carry.minimal().states, carry.moore_states) == (2, 4)
    assert (PARITY.moore_states, DELAY.moore_states) == (2, 4)
    never_again = machine([[1, 1], [1, 1]], [[1, 1], [0, 0]])
    assert never_again.moore_states == 3


def test_memory_is_how_many_inputs_determine_the_state() -> None:
    assert machine([[0, 0]], [[0, 1]]).memory() == 0
    assert DELAY.memory() == 1
    assert PARITY.memory() is None
    last_three = np.array([[(2 * state + bit) % 8 for bit in (0, 1)] for state in range(8)])
    assert Machine(BIT, last_three, np.zeros((8, 2, 1), int)).memory() == 3
    with pytest.raises(ValueError, match="complete"):
        machine([[0, UNKNOWN]], [[0, 0]]).memory()


def test_partial_machines_are_merged_where_nothing_speaks_against_it() -> None:
    # The tree of parity to depth 3: its leaves know nothing.
    tree_next, tree_output = [], []
    for node in range(15):
        inner, parity = node < 7, bin(node + 1)[3:].count("1") % 2
        tree_next.append([2 * node + 1, 2 * node + 2] if inner else [UNKNOWN, UNKNOWN])
        tree_output.append([parity, 1 - parity] if inner else [0, 0])
    tree = machine(tree_next, tree_output)
    merged = tree.merged()
    np.testing.assert_array_equal(merged.next, PARITY.next)
    np.testing.assert_array_equal(merged.output, PARITY.output)


@pytest.mark.parametrize("seed", range(20))
def test_merging_contradicts_nothing_known(seed: int) -> None:
    generator = np.random.default_rng(seed)
    some = random_machine(generator, 9, 3)
    holes = (generator.random(some.next.shape) < 0.4) & (np.arange(9)[:, None] > 0)
    after, output = np.where(holes, UNKNOWN, some.next), np.where(holes[:, :, None], 0, some.output)
    partial = Machine(some.symbols, after, output)
    merged = partial.merged()
    assert merged.states <= partial.reachable().states
    x = words(0, 2, 1, 3)
    known = (partial.path(x) != UNKNOWN).all(1)
    assert known.any()
    np.testing.assert_array_equal(merged.run(x[known]), partial.run(x[known]))
    assert difference(merged, partial) is None


def test_symbols_of_several_wide_streams_are_found() -> None:
    """Numbers up to 10^12 in two streams: a key of both at once leaves 64 bits."""
    symbols = np.unique(np.random.default_rng(0).integers(0, 10**12, (6, 2)), axis=0)
    wide = Machine(symbols, np.zeros((1, 6), np.int64), np.zeros((1, 6, 1), np.int64))
    np.testing.assert_array_equal(wide.indices(symbols[None, ::-1]), [[5, 4, 3, 2, 1, 0]])
    with pytest.raises(ValueError, match="none of the machine's symbols"):
        wide.indices(np.array([[symbols[0, 0], symbols[1, 1]]]))
