"""The machine of a black box, learned by asking: Kearns and Vazirani's algorithm, as `aalpy` implements it.

A hypothesis is accepted only if it agrees with the box on all short words from each of its states, and on all the words
given. No word is longer than the length that the box is known for. Alphabets that are too large for single questions
are left to `explore`, which asks many at a time.
Source: Kearns and Vazirani, An Introduction to Computational Learning Theory, 1994, chapter 8; the oracle is ours.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from novacula.distill.program.machine import UNKNOWN, Machine
from novacula.distill.sources.behavior import Behavior, words
from novacula.distill.states.conformance import access_words
from novacula.distill.states.explore import ExplorationLimits, explore
from novacula.distill.states.walks import PrefixWalk

if TYPE_CHECKING:
    import aalpy

_QUESTIONS = 4000  #: the most words that are asked one at a time
MOST_SYMBOLS = 50  #: the largest alphabet that is learned with single questions
_TESTS_PER_STATE = 300


@dataclass(frozen=True)
class BoxMachine:
    """What was learned of a black box."""

    machine: Machine | None  #: minimal, in canonical form; None where the limits ended the learning
    stopped: str  #: why there is none; empty if there is one


def query(
    behavior: Behavior,
    symbols: Int[np.ndarray, "symbols streams"],
    visits: Int[np.ndarray, "rows time streams"],
    limits: ExplorationLimits,
) -> BoxMachine:
    """Learns the least machine that a black box shows within a length."""
    if len(symbols) > MOST_SYMBOLS:
        walk = PrefixWalk(behavior, symbols.shape[1], limits.length)
        found = explore(walk, symbols, visits, limits)
        stopped = found.stopped or ("it contradicts itself" if found.contradictions else "")
        return BoxMachine(None if stopped else found.machine.minimal(), stopped)
    from aalpy.learning_algs import run_KV

    box = _Box(behavior, symbols, limits)
    teacher = _Teacher(box, visits[:, : limits.length])
    alphabet = list(range(len(symbols)))
    try:
        # They do what aalpy asks without its base classes.
        parties: Any = {"sul": box, "eq_oracle": teacher}
        learned: Any = run_KV(alphabet, **parties, automaton_type="mealy", cache_and_non_det_check=False, print_level=0)
    except _BeyondLimitsError as error:
        return BoxMachine(None, str(error))
    return BoxMachine(machine_of(learned, symbols).minimal(), "")


class _BeyondLimitsError(Exception):
    """The learner asked for more than it may."""


class _Box:
    """A box as `aalpy` asks it, a word of places in the alphabet at a time."""

    def __init__(self, behavior: Behavior, symbols: np.ndarray, limits: ExplorationLimits) -> None:
        self.behavior, self.symbols, self.limits = behavior, symbols, limits
        self.num_queries = self.num_steps = self.num_cached_queries = self.asked = 0
        self._known: dict[tuple[int, ...], list[tuple[int, ...]]] = {}

    def query(self, word: tuple[int, ...]) -> list[tuple[int, ...]]:
        if len(word) > self.limits.length:
            raise _BeyondLimitsError(f"states differ only after words of more than {self.limits.length} inputs")
        if word not in self._known:
            self.asked += 1
            if self.asked > _QUESTIONS:
                raise _BeyondLimitsError(f"more than {_QUESTIONS} questions")
            outputs = self.behavior.run(self.symbols[list(word)][None])[0]
            self._known[word] = [tuple(row) for row in outputs.tolist()]
        return self._known[word]


class _Teacher:
    """Finds a word, as short as it can, on which a hypothesis and the box differ."""

    def __init__(self, box: _Box, visits: np.ndarray) -> None:
        self.sul, self.visits = box, visits
        self.num_queries = self.num_steps = 0
        self.right = box.behavior.run(visits)

    def find_cex(self, hypothesis: "aalpy.MealyMachine") -> tuple[int, ...] | None:
        if len(hypothesis.states) > self.sul.limits.states:
            raise _BeyondLimitsError(f"more than {self.sul.limits.states} states")
        machine = machine_of(hypothesis, self.sul.symbols)
        for x in self._tests(machine):
            if (word := self._difference(machine, x, self.sul.behavior.run(x))) is not None:
                return word
        return self._difference(machine, self.visits, self.right)

    def _tests(self, machine: Machine) -> list[np.ndarray]:
        """All words of one length from every state, the longest length of which there are few; by total length."""
        count, length = len(self.sul.symbols), 1
        while count > 1 and count ** (length + 1) <= _TESTS_PER_STATE:
            length += 1
        endings = self.sul.symbols[words(0, count - 1, 1, length)[:, :, 0]]
        tests: dict[int, list[np.ndarray]] = {}
        for access in access_words(machine).values():
            start = np.broadcast_to(self.sul.symbols[access], (len(endings), len(access), endings.shape[2]))
            x = np.concatenate([start, endings], axis=1)[:, : self.sul.limits.length]
            tests.setdefault(x.shape[1], []).append(x)
        return [np.concatenate(tests[total]) for total in sorted(tests)]

    def _difference(self, machine: Machine, x: np.ndarray, right: np.ndarray) -> tuple[int, ...] | None:
        wrong = (machine.run(x) != right).any(2)
        if not wrong.any():
            return None
        ends = np.where(wrong.any(1), wrong.argmax(1), x.shape[1])
        row = int(ends.argmin())
        return tuple(machine.indices(x[row, : ends[row] + 1]).tolist())


def machine_of(learned: "aalpy.MealyMachine", symbols: np.ndarray) -> Machine:
    """The machine of an automaton of `aalpy`; what that does not know is unknown."""
    states = [learned.initial_state, *(state for state in learned.states if state is not learned.initial_state)]
    numbers = {id(state): number for number, state in enumerate(states)}
    places = range(len(symbols))
    after = [[numbers.get(id(state.transitions.get(place)), UNKNOWN) for place in places] for state in states]
    width = len(next(iter(states[0].output_fun.values())))
    output = [[state.output_fun.get(place, (0,) * width) for place in places] for state in states]
    return Machine(symbols, np.array(after), np.array(output))
