import numpy as np

from novacula.distill.sources.behavior import random_words, words
from novacula.distill.states.reading import Code, Moves, collisions, moves_of, narrow_words, output_codes, tabulate
from novacula.distill.states.walks import HiddenWalk, PrefixWalk
from tests.distill.planted import planted_network


class Chosen(Code):
    """Some of the coordinates of an integer state."""

    def __init__(self, *columns: int) -> None:
        self.columns = list(columns)

    def encode(self, states: np.ndarray) -> np.ndarray:
        return np.rint(states[:, self.columns]).astype(np.int64)


BITS = words(0, 1, 1, 1)[:, 0]


def test_a_code_that_tells_enough_has_no_collisions_and_full_coverage() -> None:
    walk = HiddenWalk(planted_network("Parity_Last3"))
    moves = moves_of(walk, random_words(0, 1, 1, 10, 3, np.random.default_rng(0)))
    reading = tabulate("lattice", Chosen(0, 1, 2), walk, moves, BITS)
    assert (reading.collisions, reading.coverage) == (0, 1.0)
    rows = reading.transitions
    np.testing.assert_array_equal(rows.next[:, 0], rows.x[:, 0])
    np.testing.assert_array_equal(rows.next[:, 1:], rows.state[:, :2])
    np.testing.assert_array_equal(rows.y[:, 0], (rows.x[:, 0] + rows.state[:, 0] + rows.state[:, 1]) % 2)
    assert len(np.unique(np.column_stack([rows.state, rows.x]), axis=0)) == len(rows.x)


def test_without_moves_there_is_a_reading_of_none() -> None:
    walk = HiddenWalk(planted_network("Parity_Last3"))
    moves = moves_of(walk, words(0, 1, 1, 1))
    none = Moves(moves.before[:0], moves.x[:0], moves.after[:0], moves.y[:0])
    reading = tabulate("lattice", Chosen(0), walk, none, BITS)
    assert (reading.moves, reading.coverage) == (0, None)


def test_a_code_that_tells_too_little_is_reported() -> None:
    walk = HiddenWalk(planted_network("Parity_Last3"))
    moves = moves_of(walk, words(0, 1, 1, 8))
    reading = tabulate("lattice", Chosen(0), walk, moves, BITS)
    # What follows the last bit depends on the one before: of each key nearly half the moves contradict.
    assert 0.3 * reading.moves < reading.collisions < 0.5 * reading.moves
    assert len(reading.transitions.x) == 4


def test_collisions_are_counted_as_by_brute_force() -> None:
    generator = np.random.default_rng(0)
    keys, values = generator.integers(0, 4, (300, 2)), generator.integers(0, 3, (300, 2))
    wrong = 0
    for key in np.unique(keys, axis=0):
        _, counts = np.unique(values[(keys == key).all(1)], axis=0, return_counts=True)
        wrong += counts.sum() - counts.max()
    assert collisions(keys, values) == wrong


def test_outputs_of_a_delay_line_are_what_it_remembers() -> None:
    network = planted_network("Prev3")
    walk, generator = HiddenWalk(network), np.random.default_rng(0)
    x = np.concatenate([random_words(0, 99, 1, 10, 50, generator), narrow_words(0, 99, 1, 10, 50, generator)])
    moves = moves_of(walk, x)
    code = next(output_codes(walk, moves, np.array([[0], [99]]), 5))
    assert [len(word) for word, _ in code.words] == [1, 2, 3]
    np.testing.assert_array_equal(code.encode(moves.before), np.rint(moves.before[:, [2, 1, 0]]))


def test_both_kinds_of_walk_agree() -> None:
    network = planted_network("Binary_Addition")
    x = random_words(0, 1, 2, 6, 20, np.random.default_rng(0))
    hidden, prefix = HiddenWalk(network), PrefixWalk(network, 2, 10)
    (opened, y), (asked, answers) = hidden.trace(x), prefix.trace(x)
    np.testing.assert_array_equal(y, answers)
    word = np.array([[1, 1], [0, 0]])
    for time in (0, 3):
        np.testing.assert_array_equal(hidden.probe(opened[:, time], word), prefix.probe(asked[:, time], word))
        stepped = prefix.step(asked[:, time], x[:, time])
        np.testing.assert_array_equal(stepped, asked[:, time + 1])
    mixed = np.concatenate([asked[:4, 5], asked[:4, 2]])
    both = np.concatenate([opened[:4, 5], opened[:4, 2]])
    np.testing.assert_array_equal(prefix.probe(mixed, word), hidden.probe(both, word))
