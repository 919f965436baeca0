"""Tasks on numbers: delays, sums, differences, absolute values, extremes, counts, and bodies that move."""

from functools import reduce

from novacula.distill.expression import Expression, Name, Number, operation
from novacula.distill.program import Program
from novacula.distill.tasks.bits import X, delay_line, last


def _memoryless(output: Expression) -> Program:
    return Program(("x",), (), (), (), (), (output,))


def _running(start: int, update: Expression) -> Program:
    """A program whose state s is also its output."""
    return Program(("x",), ("s",), (start,), (("t", update),), (Name("t"),), (Name("t"),))


def _sum_of_last(count: int) -> Program:
    return delay_line(count - 1, reduce(lambda a, b: a + b, last(count)))


def _majority(symbols: int) -> Program:
    """The symbol that was seen most often, the smallest of those that tie; the state counts each."""
    counts = tuple(f"n{symbol}" for symbol in range(symbols))
    new = [(f"m{symbol}", Name(n) + operation("==", X, symbol)) for symbol, n in enumerate(counts)]
    most = reduce(lambda a, b: operation("max", a, b), (Name(name) for name, _ in new))
    answer: Expression = Number(symbols - 1)
    for symbol in reversed(range(symbols - 1)):
        answer = operation("if", operation("==", Name(f"m{symbol}"), Name("most")), symbol, answer)
    update = tuple(Name(name) for name, _ in new)
    return Program(("x",), counts, (0,) * symbols, (*new, ("most", most)), update, (answer,))


def _body(force: Expression) -> Program:
    """A point on a line, at `p` with velocity `v`, which feels a force; the output is the position."""
    body = (("w", Name("v") + force), ("q", Name("p") + Name("w")))
    return Program(("x",), ("v", "p"), (0, 0), body, (Name("w"), Name("q")), (Name("q"),))


def _magnetic() -> Program:
    """A point in the plane: the magnetic force is the velocity turned by a right angle."""
    vx, vy, px, py = map(Name, ("vx", "vy", "px", "py"))
    body = (
        ("wx", vx + Name("a") - vy),
        ("wy", vy + Name("b") + vx),
        ("qx", px + Name("wx")),
        ("qy", py + Name("wy")),
    )
    new = tuple(map(Name, ("wx", "wy", "qx", "qy")))
    return Program(("a", "b"), ("vx", "vy", "px", "py"), (0, 0, 0, 0), body, new, new[2:])


P1 = Name("p1")
IS_EVEN = operation("==", X % 2, 0)
SQUARES = (0, 1, 4, 9, 16)

PROGRAMS: dict[str, Program] = {
    "Current_Number": _memoryless(X),
    **{f"Prev{lag}": delay_line(lag, Name(f"p{lag}")) for lag in range(1, 6)},
    "Sum_All": _running(0, Name("s") + X),
    **{f"Sum_Last{count}": _sum_of_last(count) for count in range(2, 8)},
    "Previous_Equals_Current": delay_line(1, operation("==", X, P1)),
    "Diff_Last2": delay_line(1, X - P1),
    "Abs_Diff": delay_line(1, abs(X - P1)),
    "Abs_Current": _memoryless(abs(X)),
    "Diff_Abs_Values": delay_line(1, abs(X) - abs(P1)),
    "Min_Seen": _running(9, operation("min", Name("s"), X)),
    "Max_Seen": _running(0, operation("max", Name("s"), X)),
    "Evens_Counter": _running(0, Name("s") + IS_EVEN),
    "Evens_Detector": _memoryless(IS_EVEN),
    "Perfect_Square_Detector": _memoryless(
        reduce(lambda a, b: operation("or", a, b), (operation("==", X, square) for square in SQUARES))
    ),
    **{f"Majority_0_{symbols - 1}": _majority(symbols) for symbols in (2, 3, 4)},
    "Newton_Freebody": _body(X),
    "Newton_Gravity": _body(X - 1),
    "Newton_Spring": _body(X - Name("p")),
    "Newton_Magnetic": _magnetic(),
}
