"""The programs of all tasks: on bits, on digits one a step, and on numbers."""

from functools import reduce

from novacula.distill.program.expression import Expression, Name, Number, operation
from novacula.distill.program.program import Program

X, A, B = Name("x"), Name("a"), Name("b")


def _memoryless(inputs: tuple[str, ...], output: Expression) -> Program:
    return Program(inputs, (), (), (), (), (output,))


def _running(state: str, new: str, start: int, update: Expression, inputs: tuple[str, ...] = ("x",)) -> Program:
    """A program of one variable, which puts out its new value."""
    return Program(inputs, (state,), (start,), ((new, update),), (Name(new),), (Name(new),))


def delay_line(length: int, output: Expression, body: tuple[tuple[str, Expression], ...] = ()) -> Program:
    """Returns a program that remembers the last inputs: p1 is the one before the current x, p2 the one before p1, …"""
    state = tuple(f"p{lag}" for lag in range(1, length + 1))
    update = tuple(map(Name, ("x", *state)[:length]))
    return Program(("x",), state, (0,) * length, body, update, (output,))


def last(count: int) -> list[Expression]:
    """Returns the current input and those before it, `count` in all."""
    return [X, *(Name(f"p{lag}") for lag in range(1, count))]


def _parity_of_last(count: int) -> Program:
    return delay_line(count - 1, reduce(lambda a, b: a + b, last(count)) % 2)


def _alternating(count: int) -> Program:
    changes = [operation("!=", a, b) for a, b in zip(last(count), last(count)[1:], strict=False)]
    return delay_line(count - 1, reduce(lambda a, b: operation("and", a, b), changes))


def _palindrome() -> Program:
    """The bits read as a number forward and backward, and the place value of the next bit backward."""
    forward, backward, place = map(Name, ("forward", "backward", "place"))
    body = (("f", 2 * forward + X), ("r", backward + X * place))
    update = (Name("f"), Name("r"), 2 * place)
    output = operation("==", Name("f"), Name("r"))
    return Program(("x",), ("forward", "backward", "place"), (0, 0, 1), body, update, (output,))


def _balanced() -> Program:
    """How many brackets are open; -1 for good once one was closed that was not."""
    depth = operation("if", Name("depth") < 0, Name("depth"), Name("depth") + 1 - 2 * X)
    return Program(("x",), ("depth",), (0,), (("d", depth),), (Name("d"),), (operation("==", Name("d"), 0),))


PARITY = Name("p")

_BITS: dict[str, Program] = {
    "Bitwise_Xor": _memoryless(("a", "b"), operation("!=", A, B)),
    "Bitwise_Or": _memoryless(("a", "b"), operation("or", A, B)),
    "Bitwise_And": _memoryless(("a", "b"), operation("and", A, B)),
    "Bitwise_Not": _memoryless(("x",), 1 - X),
    "Parity_Last2": _parity_of_last(2),
    "Parity_Last3": _parity_of_last(3),
    "Parity_Last4": _parity_of_last(4),
    "Parity_All": _running("p", "q", 0, (PARITY + X) % 2),
    "Parity_Zeros": _running("p", "q", 0, (PARITY + 1 - X) % 2),
    "Parity_Bits_Mod2": Program(("x",), ("p",), (0,), (), (1 - PARITY,), (PARITY,)),
    "Bit_Dot_Prod_Mod2": _running("p", "q", 0, (PARITY + A * B) % 2, ("a", "b")),
    "Bit_Shift_Right": delay_line(1, Name("p1")),
    "Alternating_Last3": _alternating(3),
    "Alternating_Last4": _alternating(4),
    "Bit_Palindrome": _palindrome(),
    "Balanced_Parenthesis": _balanced(),
}


def _addition(base: int) -> Program:
    """Addition of two numbers, the least significant digit first, with the carry as state."""
    total = Name("a") + Name("b") + Name("carry")
    return Program(("a", "b"), ("carry",), (0,), (("total", total),), (Name("total") // base,), (Name("total") % base,))


def _division(divisor: int) -> Program:
    """Long division of a binary number, the most significant digit first, with the remainder as state."""
    value = 2 * Name("remainder") + Name("x")
    return Program(
        ("x",), ("remainder",), (0,), (("value", value),), (Name("value") % divisor,), (Name("value") // divisor,)
    )


def _delayed_division(divisor: int) -> Program:
    """The same, each digit of the quotient put out one step late."""
    value = 2 * Name("remainder") + Name("x")
    update = (Name("value") % divisor, Name("value") // divisor)
    return Program(("x",), ("remainder", "digit"), (0, 0), (("value", value),), update, (Name("digit"),))


def _dithering(full: int) -> Program:
    """The running sum's wholes of `full`, with what is left over as state."""
    value = Name("error") + Name("x")
    return Program(("x",), ("error",), (0,), (("value", value),), (Name("value") % full,), (Name("value") // full,))


_DIGITS: dict[str, Program] = {
    "Binary_Addition": _addition(2),
    **{f"Base_{base}_Addition": _addition(base) for base in range(3, 8)},
    **{f"Div_{divisor}": _division(divisor) for divisor in (3, 5, 7)},
    **{f"Add_Mod_{modulus}": _running("sum", "total", 0, (Name("sum") + X) % modulus) for modulus in range(3, 9)},
    "Dithering": _dithering(15),
}

DELAYED: dict[str, Program] = {f"Div_{divisor}_delayed": _delayed_division(divisor) for divisor in (3, 5, 7)}


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
    body = (("wx", vx + Name("a") - vy), ("wy", vy + Name("b") + vx), ("qx", px + Name("wx")), ("qy", py + Name("wy")))
    new = tuple(map(Name, ("wx", "wy", "qx", "qy")))
    return Program(("a", "b"), ("vx", "vy", "px", "py"), (0, 0, 0, 0), body, new, new[2:])


P1 = Name("p1")
IS_EVEN = operation("==", X % 2, 0)
SQUARES = (0, 1, 4, 9, 16)

_NUMBERS: dict[str, Program] = {
    "Current_Number": _memoryless(("x",), X),
    **{f"Prev{lag}": delay_line(lag, Name(f"p{lag}")) for lag in range(1, 6)},
    "Sum_All": _running("s", "t", 0, Name("s") + X),
    **{f"Sum_Last{n}": delay_line(n - 1, reduce(lambda a, b: a + b, last(n))) for n in range(2, 8)},
    "Previous_Equals_Current": delay_line(1, operation("==", X, P1)),
    "Diff_Last2": delay_line(1, X - P1),
    "Abs_Diff": delay_line(1, abs(X - P1)),
    "Abs_Current": _memoryless(("x",), abs(X)),
    "Diff_Abs_Values": delay_line(1, abs(X) - abs(P1)),
    "Min_Seen": _running("s", "t", 9, operation("min", Name("s"), X)),
    "Max_Seen": _running("s", "t", 0, operation("max", Name("s"), X)),
    "Evens_Counter": _running("s", "t", 0, Name("s") + IS_EVEN),
    "Evens_Detector": _memoryless(("x",), IS_EVEN),
    "Perfect_Square_Detector": _memoryless(
        ("x",), reduce(lambda a, b: operation("or", a, b), (operation("==", X, square) for square in SQUARES))
    ),
    **{f"Majority_0_{symbols - 1}": _majority(symbols) for symbols in (2, 3, 4)},
    "Newton_Freebody": _body(X),
    "Newton_Gravity": _body(X - 1),
    "Newton_Spring": _body(X - Name("p")),
    "Newton_Magnetic": _magnetic(),
}

PROGRAMS = _BITS | _DIGITS | _NUMBERS
