"""A program: integer variables, how one step changes them, what it puts out; and programs that differ in one place.

Source: ours.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

import numpy as np
from jaxtyping import Int, Shaped

from novacula.distill.program.expression import (
    ARITY,
    ON_ARRAYS,
    ON_INTEGERS,
    ON_INTERVALS,
    ON_OBJECTS,
    Column,
    Domain,
    Expression,
    Interval,
    Name,
    Number,
    Operation,
    Operator,
    Value,
    fold,
    names,
    nodes,
    substitute,
    walk,
)
from novacula.runs.notebook import Brief

EXACT_LIMIT = 2**30
"""States beyond this magnitude make `Program.run` compute in Python's integers, as products might leave 64 bits."""
_LIMITS = (EXACT_LIMIT, 2**20, 2**15, 2**10, 2**5, 1)  #: what is tried as the limit of a program


def _in_64_bits(values: Interval) -> Interval:
    if values[0] < -(2**63) or values[1] >= 2**63:
        raise OverflowError
    return values


def _checked(function: Callable[..., Interval]) -> Callable[..., Interval]:
    return lambda *operands: _in_64_bits(function(*operands))


_ON_64_BITS: Domain[Interval] = Domain(
    {name: _checked(function) for name, function in ON_INTERVALS.operators.items()},
    lambda value: _in_64_bits((value, value)),
)
"""Intervals, as long as 64 bits hold them."""


@dataclass(frozen=True)
class Program(Brief):
    """A transducer of integer sequences for any length.

    A step reads the inputs, computes `body` from top to bottom, then all of `update` and `outputs`. These read the old
    state, the inputs and the values of the body. The state starts at `start`.

    Raises:
        ValueError: names that repeat or are not defined where they are read, or lengths that differ.
    """

    inputs: tuple[str, ...]  #: a name for every input stream
    state: tuple[str, ...]  #: a name for every variable
    start: tuple[int, ...]  #: their first values
    body: tuple[tuple[str, Expression], ...]  #: named values that a step computes on its way, in order
    update: tuple[Expression, ...]  #: the variables' next values, one for each of `state`
    outputs: tuple[Expression, ...]  #: one for every output stream

    def __post_init__(self) -> None:
        if not len(self.state) == len(self.start) == len(self.update):
            raise ValueError(f"{len(self.state)} variables, {len(self.start)} starts, {len(self.update)} updates")
        known = list(self.inputs) + list(self.state)
        for name, value in self.body:
            _require(names(value), known, name)
            known.append(name)
        for value in (*self.update, *self.outputs):
            _require(names(value), known, "update or output")
        if len(set(known)) != len(known) or not all(name.isidentifier() for name in known):
            raise ValueError(f"names must be identifiers and differ: {', '.join(known)}")

    @property
    def nodes(self) -> int:
        """Number of syntax nodes: names, numbers and operators on the right-hand sides of the step."""
        return sum(map(nodes, self.values))

    @cached_property
    def exact_limit(self) -> int:
        """A magnitude of states and inputs up to which 64 bits hold all that a step computes; -1 if there is none."""
        for limit in _LIMITS:
            with suppress(OverflowError):
                self.evaluate(_ON_64_BITS, [(-limit, limit)] * len(self.state), [(-limit, limit)] * len(self.inputs))
                return limit
        return -1

    def exact(self, *values: np.ndarray) -> bool:
        """Returns whether a step of these states and inputs is exact, as 64 bits or Python's integers."""
        limit = self.exact_limit
        whole = (each for each in values if each.dtype != object)
        return all(-limit <= each.min(initial=0) and each.max(initial=0) <= limit for each in whole)

    def step(self, state: Sequence[int], x: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Returns the next state and the outputs, exactly, for one input of every stream."""
        update, outputs = self.evaluate(ON_INTEGERS, state, x)
        return tuple(update), tuple(outputs)

    def advance(
        self, states: Shaped[np.ndarray, "rows variables"], x: Shaped[np.ndarray, "rows streams"]
    ) -> tuple[Shaped[np.ndarray, "rows variables"], Shaped[np.ndarray, "rows outputs"]]:
        """Returns the next states and the outputs of many states at once.

        Args:
            states: int64, which wrap around, or Python's integers (dtype object), which have no limit.
            x: an input for each.
        """
        update, outputs = self.evaluate(ON_OBJECTS if states.dtype == object else ON_ARRAYS, states.T, x.T)
        return _columns(update, len(x), states.dtype), _columns(outputs, len(x), states.dtype)

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs for many input sequences at once.

        Raises:
            OverflowError: an output does not fit 64 bits.
        """
        states = np.tile(np.array(self.start, np.int64), (len(x), 1))
        if not self.exact(x):
            states, x = states.astype(object), x.astype(object)
        result = np.empty((*x.shape[:2], len(self.outputs)), np.int64)
        for time in range(x.shape[1]):
            if not self.exact(states):
                states, x = states.astype(object), x.astype(object)
            states, result[:, time] = self.advance(states, x[:, time])
        return result

    def evaluate(
        self, domain: Domain[Value], state: Iterable[Value], x: Iterable[Value]
    ) -> tuple[list[Value], list[Value]]:
        """Returns the next state and the outputs in any domain."""
        values = dict(zip(self.inputs + self.state, (*x, *state), strict=True))
        for name, value in self.body:
            values[name] = fold(value, values, domain)
        update = [fold(value, values, domain) for value in self.update]
        return update, [fold(value, values, domain) for value in self.outputs]

    def renamed(self, names: Mapping[str, str]) -> "Program":
        """Returns the same program with other names.

        Args:
            names: a new name for every input, variable and value of the body.
        """
        values = {old: Name(new) for old, new in names.items()}
        inputs, state = (tuple(names[name] for name in part) for part in (self.inputs, self.state))
        body = tuple((names[name], substitute(value, values)) for name, value in self.body)
        update, outputs = (tuple(substitute(one, values) for one in part) for part in (self.update, self.outputs))
        return Program(inputs, state, self.start, body, update, outputs)

    def computes(self, made: Operator) -> bool:
        """Whether an operator occurs in a step."""
        return any(isinstance(node, Operation) and node.operator == made for v in self.values for node in walk(v))

    @property
    def values(self) -> list[Expression]:
        """The right-hand sides of the step, in its order."""
        return [*(value for _, value in self.body), *self.update, *self.outputs]

    def with_values(self, values: Iterable[Expression]) -> "Program":
        """Returns the program with other right-hand sides, in the order of `values`."""
        rest = iter(values)
        body = tuple((name, next(rest)) for name, _ in self.body)
        update = tuple(islice(rest, len(self.update)))
        return replace(self, body=body, update=update, outputs=tuple(rest))

    def mapped(self, change: Callable[[Expression], Expression]) -> "Program":
        """Returns the program with every right-hand side changed."""
        return self.with_values(map(change, self.values))


def _columns(values: Sequence[Column], rows: int, dtype: np.dtype) -> np.ndarray:
    """Arrays and numbers as the columns of one array, each of them contiguous."""
    result = np.empty((rows, len(values)), dtype, order="F")
    for column, value in enumerate(values):
        result[:, column] = value
    return result


def _require(read: set[str], known: list[str], where: str) -> None:
    missing = sorted(read - set(known))
    if missing:
        raise ValueError(f"{where} reads {', '.join(missing)} before it is defined")


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
    values = program.values
    for index, value in enumerate(values):
        for other in change(value):
            yield program.with_values([*values[:index], other, *values[index + 1 :]])


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
