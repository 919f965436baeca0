"""Programs in the language of z3: unbounded integers.

The solver's budget is counted in its own units of work, not in seconds, so that a verdict is the same on every machine.
"""

from collections.abc import Callable, Sequence
from typing import Any

import z3

from novacula.distill.expression import Operator, fold
from novacula.distill.program import Program

Term = Any
"""A z3 integer: its stubs type every operator as returning something else."""


def _truth(test: Callable[..., Any]) -> Callable[..., Term]:
    return lambda *operands: z3.If(test(*operands), z3.IntVal(1), z3.IntVal(0))


MEANING: dict[Operator, Callable[..., Term]] = {
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
}
"""Every operator as Python means it, comparisons being 0 or 1."""


def step_terms(program: Program, state: Sequence[Term], x: Sequence[Term]) -> tuple[list[Term], list[Term]]:
    """The next state and the outputs of a program, as terms."""
    values: dict[str, Term] = dict(zip(program.inputs + program.state, [*x, *state], strict=True))
    for name, value in program.body:
        values[name] = fold(value, values, MEANING, z3.IntVal)
    update, outputs = (
        [fold(value, values, MEANING, z3.IntVal) for value in some] for some in (program.update, program.outputs)
    )
    return update, outputs


def make_solver(budget: int) -> z3.Solver:
    """A solver that gives up after so much work at each question."""
    solver = z3.Solver()
    solver.set("rlimit", budget)
    return solver


def value_in(model: z3.ModelRef, term: Term) -> int:
    """An integer term's value in a model."""
    value: Term = model.eval(term, model_completion=True)
    return value.as_long()
