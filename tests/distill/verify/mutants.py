"""Programs with one thing changed."""

from collections.abc import Iterator
from dataclasses import replace

from novacula.distill.expression import ARITY, Expression, Name, Number, Operation
from novacula.distill.program import Program


def mutants(program: Program) -> Iterator[Program]:
    """Every program that differs in one name, number, operator or start."""
    known = program.inputs + program.state
    for place in ("update", "outputs"):
        values: tuple[Expression, ...] = getattr(program, place)
        for index, value in enumerate(values):
            for changed in _changed(value, known):
                yield replace(program, **{place: (*values[:index], changed, *values[index + 1 :])})
    for index, value in enumerate(program.start):
        yield replace(program, start=(*program.start[:index], value + 1, *program.start[index + 1 :]))


def _changed(value: Expression, known: tuple[str, ...]) -> Iterator[Expression]:
    if isinstance(value, Name):
        yield from (Name(other) for other in known if other != value.name)
    elif isinstance(value, Number):
        yield from (Number(value.value + 1), Number(value.value - 1))
    elif isinstance(value, Operation):
        for name, arity in ARITY.items():
            if arity == len(value.operands) and name not in (value.operator, "//", "%"):
                yield Operation(name, value.operands)
        for index, operand in enumerate(value.operands):
            for changed in _changed(operand, known):
                operands = (*value.operands[:index], changed, *value.operands[index + 1 :])
                if value.operator in ("//", "%") and (not isinstance(operands[1], Number) or operands[1].value < 1):
                    continue
                yield Operation(value.operator, operands)
