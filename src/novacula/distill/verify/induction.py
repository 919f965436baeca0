"""Equality of two programs for every length, by induction with the solver z3 over unbounded integers.

To be shown is that outputs agree wherever an invariant of the joint state holds. The invariant begins as all guesses
that held in joint states that were seen. A guess is dropped when some step, from a state in which all guesses hold,
breaks it; this is repeated until none is. Few inputs are tried one by one: products with an input are linear then. The
solver's budget is counted in its own units of work, so that a verdict is the same on every machine.
Source: k-induction with k = 1, the invariant as in Houdini (Flanagan and Leino 2001).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import z3

from novacula.distill.program.expression import Domain
from novacula.distill.program.program import Program
from novacula.distill.verify.invariants import Guess, guess_invariants
from novacula.distill.verify.target import advance, list_symbols, structured, uniform
from novacula.runs import check_time, seconds_left

Term = Any  #: a z3 integer: its stubs type every operator as returning something else


def _truth(test: Callable[..., Term]) -> Callable[..., Term]:
    return lambda *operands: z3.If(test(*operands), z3.IntVal(1), z3.IntVal(0))


TERMS: Domain[Term] = Domain(
    {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "//": lambda a, b: a / b,  # of integers, with a remainder from 0: for positive divisors this rounds down
        "%": lambda a, b: a % b,
        "neg": lambda a: -a,
        "abs": lambda a: z3.If(a < 0, -a, a),
        "min": lambda a, b: z3.If(b < a, b, a),
        "max": lambda a, b: z3.If(b > a, b, a),
        "==": _truth(lambda a, b: a == b),
        "!=": _truth(lambda a, b: a != b),
        "<": _truth(lambda a, b: a < b),
        "<=": _truth(lambda a, b: a <= b),
        "and": lambda a, b: z3.If(a != 0, b, a),
        "or": lambda a, b: z3.If(a != 0, a, b),
        "not": _truth(lambda a: a == 0),
        "if": lambda condition, a, b: z3.If(condition != 0, a, b),
    },
    z3.IntVal,
)
"""Every operator as Python means it, comparisons being 0 or 1."""


_LONGEST_QUESTION = 3600.0


def make_solver(budget: int) -> z3.Solver:
    """Returns a solver that gives up when a question takes more than the budget."""
    solver = z3.Solver()
    solver.set("rlimit", budget)
    if (left := seconds_left()) < _LONGEST_QUESTION:
        solver.set("timeout", max(1, int(1000 * left)))  # what is cut short by it is asked again when time is left
    return solver


def ask(solver: z3.Solver) -> z3.CheckSatResult:
    """Returns what the solver finds, unless its time has passed."""
    said = solver.check()
    check_time()
    return said


QUESTION_BUDGET = 3_000_000  #: work that the solver may spend on one question, in its units; about a second
_MOST_QUESTIONS = 600
_CASES = 40
_WORDS, _STEPS = 60, 24


def prove_by_induction(left: Program, right: Program, low: int, high: int) -> list[Guess] | None:
    """Returns an invariant by which two programs agree for every length; None where none was found."""
    guesses = guess_invariants(joint_states(left, right, low, high))
    problem = _Problem(left, right, low, high, guesses)
    invariant = problem.keep_inductive()
    return invariant if invariant is not None and problem.implies_equality(invariant) else None


def joint_states(left: Program, right: Program, low: int, high: int) -> np.ndarray:
    """Returns distinct joint states along random words, in Python's integers: rows by variables."""
    streams = len(left.inputs)
    words = [
        sampler(low, high, streams)(_WORDS, _STEPS, np.random.default_rng(number)).astype(object)
        for number, sampler in enumerate((uniform, structured))
    ]
    x = np.concatenate(words)
    states = [np.tile(np.array(program.start, object), (len(x), 1)) for program in (left, right)]
    seen: dict[tuple[int, ...], None] = {}
    for time in range(_STEPS + 1):
        seen.update(dict.fromkeys(tuple(map(int, row)) for row in np.concatenate(states, axis=1)))
        if time < _STEPS:
            states = [advance(program, s, x[:, time])[0] for program, s in zip((left, right), states, strict=True)]
    return np.array(list(seen), object).reshape(len(seen), -1)


@dataclass(frozen=True)
class _Case:
    """One step of both programs for some inputs."""

    constraints: list[Term]  #: on the inputs
    after: list[Term]  #: the next joint state
    outputs: list[Term]  #: the outputs of the left program
    others: list[Term]  #: outputs of the other


class _Problem:
    """What a step of both programs does to guesses about their joint state."""

    def __init__(self, left: Program, right: Program, low: int, high: int, guesses: list[Guess]) -> None:
        size = len(left.state) + len(right.state)
        self._state, self._next = ([z3.Int(f"{name}{number}") for number in range(size)] for name in "st")
        self._before, self._after = (
            {guess: _formula(guess, state) for guess in guesses} for state in (self._state, self._next)
        )
        self._cases = list(self._steps(left, right, low, high))
        self._questions = 0

    def _steps(self, left: Program, right: Program, low: int, high: int) -> Iterator[_Case]:
        symbols = list_symbols(low, high, len(left.inputs))
        split = len(left.state)
        if symbols is not None and len(symbols) <= _CASES:
            inputs = [([], [z3.IntVal(int(value)) for value in symbol]) for symbol in symbols]
        else:
            x = [z3.Int(f"x{number}") for number in range(len(left.inputs))]
            inputs = [([term >= low for term in x] + [term <= high for term in x], x)]
        for constraints, x in inputs:
            update, outputs = left.evaluate(TERMS, self._state[:split], x)
            more, others = right.evaluate(TERMS, self._state[split:], x)
            yield _Case(constraints, update + more, outputs, others)

    def keep_inductive(self) -> list[Guess] | None:
        """The largest set of guesses that every step preserves; None where the solver gave up."""
        kept = list(self._before)
        while True:
            before = len(kept)
            for case in self._cases:
                found = self._drop(kept, case)
                if found is None:
                    return None
                kept = found
            if len(kept) == before:
                return kept

    def _drop(self, kept: list[Guess], case: _Case) -> list[Guess] | None:
        """Drop what a step of this case can break, assuming all that is kept."""
        while kept:
            solver = self._solver(kept, case)
            solver.add(*(name == term for name, term in zip(self._next, case.after, strict=True)))
            solver.add(z3.Not(z3.And([self._after[guess] for guess in kept])))
            answer = self._ask(solver)
            if answer == z3.unsat:
                break
            if answer != z3.sat:
                return None
            values: list[Term] = [solver.model().eval(term, model_completion=True) for term in self._next]
            state = [value.as_long() for value in values]
            kept = [guess for guess in kept if guess.holds(state)]
        return kept

    def implies_equality(self, invariant: list[Guess]) -> bool:
        """Whether the outputs agree on every step from a state of the invariant."""
        for case in self._cases:
            solver = self._solver(invariant, case)
            solver.add(z3.Or([left != right for left, right in zip(case.outputs, case.others, strict=True)]))
            if self._ask(solver) != z3.unsat:
                return False
        return True

    def _solver(self, assumed: list[Guess], case: _Case) -> z3.Solver:
        solver = make_solver(QUESTION_BUDGET)
        solver.add(*case.constraints, *(self._before[guess] for guess in assumed))
        return solver

    def _ask(self, solver: z3.Solver) -> z3.CheckSatResult:
        self._questions += 1
        return z3.unknown if self._questions > _MOST_QUESTIONS else ask(solver)


def _formula(guess: Guess, state: list[Term]) -> Term:
    value = guess.value(state)
    conclusion = value == 0 if guess.relation == "== 0" else value >= 0
    return conclusion if guess.guard.kind == "always" else z3.Implies(guess.guard.holds(state), conclusion)


def prove_bounded(left: Program, right: Program, low: int, high: int, length: int, budget: int) -> bool:
    """Returns whether the solver shows that two programs agree on all inputs up to a length."""
    states = [[z3.IntVal(value) for value in program.start] for program in (left, right)]
    constraints: list[Term] = []
    for time in range(length):
        x = [z3.Int(f"x{time}_{number}") for number in range(len(left.inputs))]
        constraints += [term >= low for term in x] + [term <= high for term in x]
        (first, outputs), (second, others) = (
            program.evaluate(TERMS, s, x) for program, s in zip((left, right), states, strict=True)
        )
        solver = make_solver(budget)
        solver.add(*constraints, z3.Or([p != q for p, q in zip(outputs, others, strict=True)]))
        if ask(solver) != z3.unsat:
            return False
        states = [first, second]
    return True
