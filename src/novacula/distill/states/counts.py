"""States that are sums: counters and cyclic groups, read off a machine.

Where the order of the inputs does not matter, a state is an element of the abelian group that the symbols generate,
with a relation wherever two words lead to the same state. By the Smith normal form such an element is a list of
integers, each of them unbounded or modulo something. Source: ours; Smith 1861.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Num

from novacula.distill.program.machine import UNKNOWN, Machine, Transitions
from novacula.distill.states.conformance import access_words
from novacula.distill.states.explore import Exploration
from novacula.distill.states.lll import integer_basis, integer_matrix, to_array
from novacula.distill.states.reading import Code, Reading
from novacula.distill.states.walks import Walk


@dataclass(frozen=True)
class Counts:
    """A group element for every state of a machine."""

    moduli: Int[np.ndarray, " codes"]  #: the modulus of each coordinate; 0 for one without bound
    steps: Int[np.ndarray, "symbols codes"]  #: what each symbol adds
    codes: Int[np.ndarray, "states codes"]  #: the coordinates of each state, the start's being 0


_MOST_SYMBOLS = 64  #: the largest alphabet that is tried


def find_counts(machine: Machine) -> Counts | None:
    """Returns the group of a machine that only adds up its inputs; None if it does something else.

    Args:
        machine: minimal; it may be partial, and what is unknown may then be anything.
    """
    symbols = len(machine.symbols)
    if symbols > _MOST_SYMBOLS or machine.states < 2:
        return None
    words = {state: np.bincount(word, minlength=symbols) for state, word in access_words(machine).items()}
    relations = []
    for state, word in words.items():
        for symbol, after in enumerate(machine.next[state].tolist()):
            if after in words:
                relations.append(word + np.eye(symbols, dtype=np.int64)[symbol] - words[after])
    moduli, change = smith(np.unique(np.array(relations), axis=0))
    keep = moduli != 1
    moduli, steps = moduli[keep], change[:, keep]
    steps = np.where(moduli > 0, steps % np.maximum(moduli, 1), steps)
    codes = np.array([words[state] for state in range(machine.states)]) @ steps
    codes = np.where(moduli > 0, codes % np.maximum(moduli, 1), codes)
    if not len(moduli) or len(np.unique(codes, axis=0)) < machine.states:
        return None
    return _canonical(Counts(moduli, steps, codes))


class CountCode(Code):
    """The group elements of an exploration's states; a state is recognized by its outputs over the probes."""

    def __init__(self, walk: Walk, found: Exploration, counts: Counts) -> None:
        self.walk, self.found, self.counts = walk, found, counts
        self._places = {row.tobytes(): place for place, row in enumerate(self._answers(found.states))}

    def encode(self, states: Num[np.ndarray, "rows size"]) -> Int[np.ndarray, "rows codes"]:
        """Returns the integers of every state.

        Raises:
            ValueError: a state that the exploration did not find.
        """
        places = [self._places.get(row.tobytes(), UNKNOWN) for row in self._answers(states)]
        if UNKNOWN in places:
            raise ValueError("a state that was not found before")
        return self.counts.codes[places]

    def _answers(self, states: np.ndarray) -> np.ndarray:
        outputs = [self.walk.probe(states, word).reshape(len(states), -1) for word in self.found.probes]
        return np.concatenate(outputs, axis=1)


def counts_reading(walk: Walk, found: Exploration) -> Reading | None:
    """Returns the transitions of an explored machine in terms of its group; None if it has none."""
    counts = find_counts(found.machine)
    if counts is None:
        return None
    machine = found.machine
    states, places = np.nonzero(machine.next != UNKNOWN)
    rows = Transitions(
        counts.codes[0],
        counts.codes[states],
        machine.symbols[places],
        counts.codes[machine.next[states, places]],
        machine.output[states, places],
    )
    return Reading("counts", CountCode(walk, found, counts), rows, len(states), 0, len(states) / machine.next.size)


def smith(relations: Int[np.ndarray, "relations n"]) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, "n n"]]:
    """Returns the structure of the abelian group of n generators with relations.

    Returns:
        The order of each cyclic factor, 0 for an infinite one, and the unimodular matrix whose row i writes generator i
        in terms of the factors.
    """
    from sympy.polys.matrices.normalforms import smith_normal_decomp

    size = relations.shape[1]
    independent = integer_basis(relations)
    form, _, change = smith_normal_decomp(integer_matrix(independent, size))
    orders = np.zeros(size, np.int64)
    orders[: len(independent)] = np.abs(np.diagonal(to_array(form)))
    return orders, to_array(change)


def _canonical(counts: Counts) -> Counts:
    """The same group with signs and units by which the first symbol that counts at all counts as little as it can."""
    steps, codes = counts.steps.copy(), counts.codes.copy()
    for column, modulus in enumerate(counts.moduli.tolist()):
        first = steps[np.flatnonzero(steps[:, column])[0], column] if steps[:, column].any() else 1
        if modulus:
            units = [unit for unit in range(1, modulus) if np.gcd(unit, modulus) == 1]
            unit = min(units, key=lambda unit: (first * unit) % modulus)
            steps[:, column], codes[:, column] = steps[:, column] * unit % modulus, codes[:, column] * unit % modulus
        elif first < 0:
            steps[:, column], codes[:, column] = -steps[:, column], -codes[:, column]
    return Counts(counts.moduli, steps, codes)
