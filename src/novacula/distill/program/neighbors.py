"""Programs that differ from one in a single place: simpler ones, and ones of the same size. Source: ours."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from novacula.distill.program.expression import ARITY, Expression, Name, Number, Operation
from novacula.distill.program.program import Program


def simpler(program: Program) -> Iterator[Program]:
    """Yields every program in which one operation is replaced by one of its operands."""
    yield from _with_one_value(program, _dropped)


def changed(program: Program) -> Iterator[Program]:
    """Yields every program that differs in one name, number, operator or start."""
    known = program.inputs + program.state
    yield from _with_one_value(program, lambda value: _changed(value, known))
    for index, value in enumerate(program.start):
        for start in (value + 1, value - 1):
            yield replace(program, start=(*program.start[:index], start, *program.start[index + 1 :]))


def _with_one_value(program: Program, change: Callable[[Expression], Iterator[Expression]]) -> Iterator[Program]:
    for index, (name, value) in enumerate(program.body):
        for other in change(value):
            yield replace(program, body=(*program.body[:index], (name, other), *program.body[index + 1 :]))
    for part, values in (("update", program.update), ("outputs", program.outputs)):
        for index, value in enumerate(values):
            for other in change(value):
                yield replace(program, **{part: (*values[:index], other, *values[index + 1 :])})


def _dropped(value: Expression) -> Iterator[Expression]:
    if isinstance(value, Operation):
        yield from value.operands
        yield from _with_one_operand(value, _dropped)


def _changed(value: Expression, known: tuple[str, ...]) -> Iterator[Expression]:
    if isinstance(value, Name):
        yield from (Name(other) for other in known if other != value.name)
    elif isinstance(value, Number):
        yield from (Number(value.value + 1), Number(value.value - 1))
    elif isinstance(value, Operation):
        for name, arity in ARITY.items():
            if arity == len(value.operands) and name not in (value.operator, "//", "%"):
                yield Operation(name, value.operands)
        yield from _with_one_operand(value, lambda operand: _changed(operand, known))


def _with_one_operand(value: Operation, change: Callable[[Expression], Iterator[Expression]]) -> Iterator[Expression]:
    for index, operand in enumerate(value.operands):
        for other in change(operand):
            operands = (*value.operands[:index], other, *value.operands[index + 1 :])
            divides = value.operator in ("//", "%")
            if not divides or (isinstance(operands[1], Number) and operands[1].value > 0):
                yield Operation(value.operator, operands)
