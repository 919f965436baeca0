"""Whether a box is a machine, by the W-method: its answer holds for every box up to a number of states.

A machine of n states is right about every box of at most n + k states if both agree on all words that lead to a state,
read any k + 1 inputs or fewer, and end with a word that tells two states apart.
Source: Chow, Testing Software Design Modeled by Finite-State Machines, 1978; Vasilevskii 1973.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from novacula.distill.program.machine import UNKNOWN, Machine, difference
from novacula.distill.sources.behavior import Behavior, words


@dataclass(frozen=True)
class Conformance:
    """How a box and a machine compared."""

    words: int  #: the number of words
    longest: int  #: the length of the longest
    states: int  #: no box of at most this many states but the machine has these outputs; 0 where too few could be asked
    counterexample: Int[np.ndarray, "time streams"] | None = None
    """Inputs on which the box differs; None where there are none."""


def conform(behavior: Behavior, machine: Machine, most: int, length: int) -> Conformance:
    """Compares a box with a complete minimal machine by the W-method, with as many further states as words allow.

    At most `most` words are asked, none longer than `length`.
    """
    accesses, ends, symbols = [*access_words(machine).values()], _telling(machine), len(machine.symbols)
    deepest = max(map(len, accesses)) + max(map(len, ends))
    # An input that leads from one of these words to another makes no new word.
    beyond = [word for start in accesses for place in range(symbols) if (word := [*start, place]) not in accesses]
    room, middle, asked = length - deepest, 0, len(accesses) * len(ends)
    while middle < room and asked + (more := len(beyond) * len(ends) * symbols**middle) <= most:
        middle, asked = middle + 1, asked + more
    longest = deepest + middle
    for count in range(middle + 1):
        for places in _by_length(beyond if count else accesses, max(count - 1, 0), ends, symbols):
            x = machine.symbols[places]
            wrong = (machine.run(x) != behavior.run(x)).any(2)
            if wrong.any():
                times = np.where(wrong.any(1), wrong.argmax(1), x.shape[1])
                return Conformance(asked, longest, 0, x[times.argmin(), : times.min() + 1])
    return Conformance(asked, longest, machine.states + middle - 1 if middle else 0)


def access_words(machine: Machine) -> dict[int, list[int]]:
    """Returns for every state that can be reached a shortest word to it, as places in the alphabet, shortest first."""
    found: dict[int, list[int]] = {0: []}
    for state in (queue := [0]):
        for place, after in enumerate(machine.next[state].tolist()):
            if after != UNKNOWN and after not in found:
                found[after] = [*found[state], place]
                queue.append(after)
    return found


def _telling(machine: Machine) -> list[list[int]]:
    """Words that tell every two states apart by their outputs; the empty one where there is one state."""
    classes, words = np.zeros(machine.states, np.int64), []
    while len(np.unique(classes)) < machine.states:
        groups = (np.flatnonzero(classes == number) for number in np.unique(classes))
        first, second = next(group[:2].tolist() for group in groups if len(group) > 1)
        inputs = difference(_from(machine, first), _from(machine, second))
        assert inputs is not None, "a minimal machine has no two equal states"
        word = machine.indices(inputs)
        state, seen = np.arange(machine.states), [classes]
        for place in word:
            seen += list(machine.output[state, place].T)
            state = machine.next[state, place]
        classes = np.unique(np.column_stack(seen), axis=0, return_inverse=True)[1].reshape(-1)
        words.append(word.tolist())
    return words or [[]]


def _from(machine: Machine, state: int) -> Machine:
    """The machine that starts in another state."""
    swap = np.arange(machine.states)
    swap[[0, state]] = swap[[state, 0]]
    return Machine(machine.symbols, swap[machine.next][swap], machine.output[swap])


def _by_length(starts: list[list[int]], count: int, ends: list[list[int]], symbols: int) -> Iterator[np.ndarray]:
    """Yields all words that consist of a start, `count` inputs and an end; words of equal length come together."""
    middle = words(0, symbols - 1, 1, count)[:, :, 0]
    lengths: dict[int, list[np.ndarray]] = {}
    for start in starts:
        for end in ends:
            first, last = (np.tile(np.array(part, np.int64), (len(middle), 1)) for part in (start, end))
            word = np.concatenate([first, middle, last], axis=1)
            lengths.setdefault(word.shape[1], []).append(word)
    for length in sorted(lengths):
        if length:
            yield np.concatenate(lengths[length])
