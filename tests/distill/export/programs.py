"""Programs that use all of the grammar, for the exports."""

import itertools

import numpy as np

from novacula.distill.program.expression import ARITY, Expression, Name, Number, Operation
from novacula.distill.program.program import Program
from tests.distill.verify.pairs import PAIRS


def random_expression(generator: np.random.Generator, names: tuple[str, ...], depth: int) -> Expression:
    if depth == 0 or generator.random() < 0.15:
        if generator.random() < 0.3:
            return Number(int(generator.integers(-4, 5)))
        return Name(str(generator.choice(names)))
    operator = list(ARITY)[generator.integers(len(ARITY))]
    operands = [random_expression(generator, names, depth - 1) for _ in range(ARITY[operator])]
    if operator in ("//", "%"):
        operands[1] = Number(int(generator.integers(1, 5)))
    return Operation(operator, tuple(operands))


def random_program(generator: np.random.Generator) -> Program:
    """States are kept small by a remainder, so that C's numbers and ours are the same."""
    inputs = ("x",) if generator.random() < 0.5 else ("while", "state")
    state = ("y", "class")[: generator.integers(0, 3)]
    body = (("int", random_expression(generator, inputs + state, 3)),)
    known = (*inputs, *state, "int")
    update = tuple(random_expression(generator, known, 3) % 7 for _ in state)
    outputs = tuple(random_expression(generator, known, 4) for _ in range(generator.integers(1, 3)))
    return Program(inputs, state, (2, -1)[: len(state)], body, update, outputs)


PROGRAMS = [random_program(np.random.default_rng(seed)) for seed in range(24)]
PROGRAMS += list(itertools.chain.from_iterable((pair.left, pair.right) for pair in PAIRS))
