"""Programs in the language of z3: unbounded integers.

The solver's budget is counted in its own units of work, not in seconds, so that a verdict is the same on every machine.
Source: ours.
"""

from collections.abc import Callable, Sequence
from typing import Any

import z3

from novacula.distill.expression import Domain
from novacula.distill.program import Program

Term = Any
"""A z3 integer: its stubs type every operator as returning something else."""


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


def step_terms(program: Program, state: Sequence[Term], x: Sequence[Term]) -> tuple[list[Term], list[Term]]:
    """Returns the next state and the outputs of a program, as terms."""
    return program.evaluate(TERMS, state, x)


def make_solver(budget: int) -> z3.Solver:
    """Returns a solver that gives up when a question takes more than the budget."""
    solver = z3.Solver()
    solver.set("rlimit", budget)
    return solver


def value_in(model: z3.ModelRef, term: Term) -> int:
    """Returns an integer term's value in a model."""
    value: Term = model.eval(term, model_completion=True)
    return value.as_long()
