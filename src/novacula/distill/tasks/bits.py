"""Tasks on bits: logic of the current ones, parities, patterns of the last ones, palindromes and brackets."""

from functools import reduce

from novacula.distill.expression import Expression, Name, operation
from novacula.distill.program import Program

X, A, B = Name("x"), Name("a"), Name("b")


def _memoryless(inputs: tuple[str, ...], output: Expression) -> Program:
    return Program(inputs, (), (), (), (), (output,))


def _one_bit(start: int, update: Expression, inputs: tuple[str, ...] = ("x",)) -> Program:
    """A program whose state p is also its output."""
    return Program(inputs, ("p",), (start,), (("q", update),), (Name("q"),), (Name("q"),))


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

PROGRAMS: dict[str, Program] = {
    "Bitwise_Xor": _memoryless(("a", "b"), operation("!=", A, B)),
    "Bitwise_Or": _memoryless(("a", "b"), operation("or", A, B)),
    "Bitwise_And": _memoryless(("a", "b"), operation("and", A, B)),
    "Bitwise_Not": _memoryless(("x",), 1 - X),
    "Parity_Last2": _parity_of_last(2),
    "Parity_Last3": _parity_of_last(3),
    "Parity_Last4": _parity_of_last(4),
    "Parity_All": _one_bit(0, (PARITY + X) % 2),
    "Parity_Zeros": _one_bit(0, (PARITY + 1 - X) % 2),
    "Parity_Bits_Mod2": Program(("x",), ("p",), (0,), (), (1 - PARITY,), (PARITY,)),
    "Bit_Dot_Prod_Mod2": _one_bit(0, (PARITY + A * B) % 2, ("a", "b")),
    "Bit_Shift_Right": delay_line(1, Name("p1")),
    "Alternating_Last3": _alternating(3),
    "Alternating_Last4": _alternating(4),
    "Bit_Palindrome": _palindrome(),
    "Balanced_Parenthesis": _balanced(),
}
