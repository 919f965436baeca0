"""Relations between the states of two programs, guessed from joint states that were seen.

A guess is an implication: a guard, such as "variable 2 is 0" or "variable 1 is negative", and an affine relation that
held wherever the guard did: an equality, from the exact null space of the joint states, or a bound of a variable or of
the difference of two. Which guesses are true for good is for the solver to find (`novacula.distill.verify.induction`).
Source: ours, after Flanagan and Leino, "Houdini, an annotation assistant" (2001).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from novacula.distill.states.lll import integer_matrix

Relation = Literal["== 0", ">= 0"]
Number = Any  #: an integer, an array of integers, or a solver's term
State = Sequence[Number] | np.ndarray  #: a joint state: a number for every variable
_FEW = 4


@dataclass(frozen=True)
class Guard:
    """Where a guess applies: everywhere, where a variable has a value, or where it has a sign."""

    kind: Literal["always", "equals", "negative", "natural"]
    """Which of these; ``negative`` and ``natural`` (not negative) are the signs."""
    variable: int = 0  #: the index of the variable in the joint state
    value: int = 0  #: what it equals

    def holds(self, state: State) -> Number:
        """Returns whether it applies to a joint state."""
        if self.kind == "always":
            return True
        value = state[self.variable]
        if self.kind == "equals":
            return value == self.value
        return value < 0 if self.kind == "negative" else value >= 0


@dataclass(frozen=True)
class Guess:
    """Where the guard holds, coefficients · (state, 1) is 0, or at least 0."""

    guard: Guard  #: where
    coefficients: tuple[int, ...]  #: one for every variable of the joint state, and the constant
    relation: Relation  #: which of the two

    def value(self, state: State) -> Number:
        """Returns coefficients · (state, 1)."""
        terms = [c * v for c, v in zip(self.coefficients, state, strict=False) if c]
        return sum(terms[1:], terms[0]) + self.coefficients[-1]

    def holds(self, state: list[int]) -> bool:
        """Returns whether it is true of a joint state."""
        value = self.value(state)
        return not self.guard.holds(state) or (value == 0 if self.relation == "== 0" else value >= 0)


def guess_invariants(states: np.ndarray) -> list[Guess]:
    """Returns all guesses of our kinds that hold in joint states that were seen."""
    guesses: dict[Guess, None] = {}
    for guard in _guards(states):
        chosen = states if guard.kind == "always" else states[guard.holds(states.T).astype(bool)]
        if not len(chosen):
            continue
        for coefficients in _null_space(chosen):
            guesses[Guess(guard, coefficients, "== 0")] = None
        for coefficients in _bounds(chosen):
            guesses[Guess(guard, coefficients, ">= 0")] = None
    return list(guesses)


def _guards(states: np.ndarray) -> list[Guard]:
    guards = [Guard("always")]
    for variable in range(states.shape[1]):
        values = sorted(set(states[:, variable]))
        if 1 < len(values) <= _FEW:
            guards += [Guard("equals", variable, value) for value in values]
        elif len(values) > _FEW and values[0] < 0 <= values[-1]:
            guards += [Guard("negative", variable), Guard("natural", variable)]
    return guards


def _null_space(states: np.ndarray) -> list[tuple[int, ...]]:
    """Integer vectors that span what is orthogonal to all (state, 1)."""
    rows = np.concatenate([states, np.ones((len(states), 1), object)], axis=1)
    used = [0]
    while True:
        # A row that contradicts the vectors so far is independent of those used: at most as many rounds as columns.
        vectors = _orthogonal([[int(value) for value in rows[index]] for index in used])
        against = (rows.dot(np.array(vectors, object).T.reshape(rows.shape[1], -1)) != 0).any(axis=1)
        if not against.any():
            return vectors
        used.append(int(against.argmax()))


def _orthogonal(rows: list[list[int]]) -> list[tuple[int, ...]]:
    """Integer vectors that span what is orthogonal to rows."""
    kernel = integer_matrix(rows, len(rows[0])).to_field().nullspace(divide_last=True)
    _, vectors = kernel.clear_denoms_rowwise(convert=True)
    return [tuple(int(value) for value in vector) for vector in vectors.to_list()]


def _bounds(states: np.ndarray) -> list[tuple[int, ...]]:
    """The least and largest values of the variables and of their differences, each as value - least >= 0."""
    count = states.shape[1]
    directions = []
    for first in range(count):
        directions.append({first: 1})
        directions += [{first: 1, second: -1} for second in range(first)]
        directions += [{first: 1, second: 1} for second in range(first)]
    bounds = []
    for direction in directions:
        for sign in (1, -1):
            coefficients = [sign * direction.get(variable, 0) for variable in range(count)]
            bounds.append((*coefficients, -min(states.dot(np.array(coefficients, object)))))
    return bounds
