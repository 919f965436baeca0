"""The closed grammar of what a program may compute: integers, a few operators, and choice.

An expression means what the same text means to Python, bit for bit: `and` and `or` give one of their operands, a
comparison counts as 0 or 1, `//` and `%` round down. The same tree is evaluated on integers and on arrays, handed to a
solver, and written in other languages; each of these is a `Domain`, and `fold` computes in it.
Source: ours; the operators extend those of the integer symbolic regression in arXiv 2402.05110.
"""

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np

Value = TypeVar("Value")
Operator = Literal[
    "+", "-", "*", "//", "%", "^", "neg", "abs", "min", "max", "==", "!=", "<", "<=", "and", "or", "not", "if"
]
ARITY: dict[Operator, int] = {
    **dict.fromkeys(("+", "-", "*", "//", "%", "^", "min", "max", "==", "!=", "<", "<=", "and", "or"), 2),
    **dict.fromkeys(("neg", "abs", "not"), 1),
    "if": 3,
}
TRUTHS: frozenset[Operator] = frozenset(("==", "!=", "<", "<=", "not"))
"""Operators whose value is 0 or 1 whatever their operands are."""


@dataclass(frozen=True)
class Expression:
    """A tree: a `Name`, a `Number`, or an `Operation`. Python's operators on expressions build larger ones."""

    def __add__(self, other: "Expression | int") -> "Operation":
        return Operation("+", (self, as_expression(other)))

    def __radd__(self, other: int) -> "Operation":
        return Operation("+", (Number(other), self))

    def __sub__(self, other: "Expression | int") -> "Operation":
        return Operation("-", (self, as_expression(other)))

    def __rsub__(self, other: int) -> "Operation":
        return Operation("-", (Number(other), self))

    def __mul__(self, other: "Expression | int") -> "Operation":
        return Operation("*", (self, as_expression(other)))

    def __rmul__(self, other: int) -> "Operation":
        return Operation("*", (Number(other), self))

    def __floordiv__(self, other: int) -> "Operation":
        return Operation("//", (self, Number(other)))

    def __mod__(self, other: int) -> "Operation":
        return Operation("%", (self, Number(other)))

    def __neg__(self) -> "Operation":
        return Operation("neg", (self,))

    def __abs__(self) -> "Operation":
        return Operation("abs", (self,))

    def __lt__(self, other: "Expression | int") -> "Operation":
        return Operation("<", (self, as_expression(other)))

    def __le__(self, other: "Expression | int") -> "Operation":
        return Operation("<=", (self, as_expression(other)))


@dataclass(frozen=True)
class Name(Expression):
    """A variable."""

    name: str


@dataclass(frozen=True)
class Number(Expression):
    """A constant."""

    value: int


@dataclass(frozen=True)
class Operation(Expression):
    """An operator and its operands: for `if` the condition, then what holds if it is true, then the rest.

    Raises:
        ValueError: wrong number of operands, or `//` or `%` by anything but a positive constant.
    """

    operator: Operator
    operands: tuple[Expression, ...]

    def __post_init__(self) -> None:
        if len(self.operands) != ARITY[self.operator]:
            raise ValueError(f"{self.operator} takes {ARITY[self.operator]} operands, not {len(self.operands)}")
        if self.operator in ("//", "%"):
            divisor = self.operands[1]
            if not isinstance(divisor, Number) or divisor.value <= 0:
                raise ValueError(f"{self.operator} is only defined for a positive constant divisor")


def as_expression(value: Expression | int) -> Expression:
    """Returns a number as an expression, and an expression as it is."""
    return value if isinstance(value, Expression) else Number(int(value))


def operation(name: Operator, *operands: Expression | int) -> Operation:
    """Returns an operation that Python does not let us write, such as `operation("if", a < b, a, 0)`."""
    return Operation(name, tuple(as_expression(operand) for operand in operands))


def nodes(expression: Expression) -> int:
    """Returns the number of names, numbers and operators in a tree."""
    return sum(1 for _ in walk(expression))


def names(expression: Expression) -> set[str]:
    """Returns the variables of a tree."""
    return {node.name for node in walk(expression) if isinstance(node, Name)}


def walk(expression: Expression) -> Iterator[Expression]:
    """Yields all nodes, each before its operands."""
    yield expression
    if isinstance(expression, Operation):
        for operand in expression.operands:
            yield from walk(operand)


def substitute(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """Returns the tree with the given variables replaced."""
    if isinstance(expression, Name):
        return values.get(expression.name, expression)
    if isinstance(expression, Operation):
        return Operation(expression.operator, tuple(substitute(operand, values) for operand in expression.operands))
    return expression


@dataclass(frozen=True)
class Domain(Generic[Value]):
    """A kind of values, and what expressions mean for them."""

    operators: Mapping[Operator, Callable[..., Value]]  #: what each operator makes of its operands
    number: Callable[[int], Value]  #: the value of a constant


def fold(expression: Expression, values: Mapping[str, Value], domain: Domain[Value]) -> Value:
    """Returns the value of a tree."""
    if isinstance(expression, Name):
        return values[expression.name]
    if isinstance(expression, Number):
        return domain.number(expression.value)
    assert isinstance(expression, Operation)
    operands = (fold(operand, values, domain) for operand in expression.operands)
    return domain.operators[expression.operator](*operands)


def _truth(test: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda a, b: np.asarray(test(a, b)).astype(np.int64)


_PYTHON: dict[Operator, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "^": operator.xor,
    "neg": operator.neg,
}

ON_INTEGERS: Domain[int] = Domain(
    {
        **_PYTHON,
        "abs": lambda a: abs(a),
        "min": min,
        "max": max,
        "==": lambda a, b: int(a == b),
        "!=": lambda a, b: int(a != b),
        "<": lambda a, b: int(a < b),
        "<=": lambda a, b: int(a <= b),
        "and": lambda a, b: b if a else a,
        "or": lambda a, b: a if a else b,
        "not": lambda a: int(not a),
        "if": lambda condition, a, b: a if condition else b,
    },
    int,
)
"""Python's integers: never wrong, one value at a time."""

Column = np.ndarray | np.integer | int  #: values on many rows, or one number for all of them

ON_ARRAYS: Domain[Column] = Domain(
    {
        **_PYTHON,
        "abs": lambda a: np.abs(a),
        "min": np.minimum,
        "max": np.maximum,
        "==": _truth(operator.eq),
        "!=": _truth(operator.ne),
        "<": _truth(operator.lt),
        "<=": _truth(operator.le),
        "and": lambda a, b: np.where(np.asarray(a) != 0, b, a),
        "or": lambda a, b: np.where(np.asarray(a) != 0, a, b),
        "not": lambda a: (np.asarray(a) == 0).astype(np.int64),
        "if": lambda condition, a, b: np.where(np.asarray(condition) != 0, a, b),
    },
    int,
)
"""Arrays of int64, elementwise; they wrap around."""

ON_OBJECTS: Domain[Any] = Domain(
    {name: np.frompyfunc(made, ARITY[name], 1) for name, made in ON_INTEGERS.operators.items()}, int
)
"""Arrays of Python's integers (dtype object), elementwise: never wrong."""

Interval = tuple[float, float]
"""The least value and the largest, which may be infinite."""


def _hull(*parts: Interval) -> Interval:
    return min(low for low, _ in parts), max(high for _, high in parts)


def _of_ends(made: Callable[[float, float], float]) -> Callable[[Interval, Interval], Interval]:
    """What an operation makes of intervals if its extremes are at ends; 0 times infinity is 0."""

    def of(a: Interval, b: Interval) -> Interval:
        values = [0 if math.isnan(value) else value for value in (made(left, right) for left in a for right in b)]
        return min(values), max(values)

    return of


def _remainder(a: Interval, b: Interval) -> Interval:
    return a if a[0] >= 0 and a[1] < b[0] else (0, b[0] - 1)


def _exclusive(a: Interval, b: Interval) -> Interval:
    if not all(map(math.isfinite, a + b)):
        return -math.inf, math.inf
    power = 2 ** max(int(abs(end)).bit_length() for end in a + b)
    return (0 if min(a + b) >= 0 else -power), power - 1


ON_INTERVALS: Domain[Interval] = Domain(
    {
        **dict.fromkeys(("==", "!=", "<", "<="), lambda a, b: (0, 1)),
        "+": lambda a, b: (a[0] + b[0], a[1] + b[1]),
        "-": lambda a, b: (a[0] - b[1], a[1] - b[0]),
        "*": _of_ends(operator.mul),
        "//": _of_ends(lambda a, b: a // b if math.isfinite(a) else a),
        "%": _remainder,
        "^": _exclusive,
        "neg": lambda a: (-a[1], -a[0]),
        "abs": lambda a: (max(0, a[0], -a[1]), max(-a[0], a[1])),
        "min": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
        "max": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
        "and": lambda a, b: _hull((0, 0), b),
        "or": _hull,
        "not": lambda a: (0, 1),
        "if": lambda condition, a, b: _hull(a, b),
    },
    lambda value: (value, value),
)
"""Intervals that hold every value, and often more."""
