"""Expressions as text with as few parentheses as their language needs.

SymPy's printers do not serve. It knows no `and`, `or` and `if` of integers, which 28 of the 62 benchmark programs have.
It reorders sums, and writes `total // 3` as `math.floor((1/3)*total)`, which is wrong for large numbers. Source: ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from novacula.distill.program.expression import TRUTHS, Expression, Name, Number, Operation, Operator
from novacula.distill.program.program import Program


@dataclass(frozen=True)
class Text:
    """The text of an expression, and how tightly its outermost operator binds; a larger number binds tighter."""

    text: str
    binds: int

    def within(self, binds: int) -> str:
        """Returns the text as an operand of something that needs at least this."""
        return self.text if self.binds >= binds else f"({self.text})"


Writer = Callable[..., Text]
ATOM = 100


def write(
    expression: Expression, writers: Mapping[Operator, Writer], negative: int = ATOM, number: Callable[[int], str] = str
) -> Text:
    """Returns the text of an expression."""
    if isinstance(expression, Name):
        return Text(expression.name, ATOM)
    if isinstance(expression, Number):
        return Text(number(expression.value), ATOM if expression.value >= 0 else negative)
    assert isinstance(expression, Operation)
    return writers[expression.operator](*(write(operand, writers, negative, number) for operand in expression.operands))


def printable_lines(text: str) -> list[str]:
    """Returns the lines of a text for a comment, with a space in place of every character that is not printable."""
    return ["".join(letter if letter.isprintable() else " " for letter in line) for line in text.strip().splitlines()]


def infix(sign: str, binds: int) -> Writer:
    """Returns a writer of a binary operator that groups to the left."""
    return lambda a, b: Text(f"{a.within(binds)} {sign} {b.within(binds + 1)}", binds)


def call(name: str) -> Writer:
    """Returns a writer of a function."""
    return lambda *operands: Text(f"{name}({', '.join(operand.text for operand in operands)})", ATOM)


def is_truth(expression: Expression) -> bool:
    """Returns whether Python gives True or False, or may do so, where we say 1 or 0."""
    if not isinstance(expression, Operation):
        return False
    if expression.operator in TRUTHS:
        return True
    if expression.operator == "^":
        return all(map(is_truth, expression.operands))
    chosen = expression.operands[1:] if expression.operator == "if" else expression.operands
    return expression.operator in ("and", "or", "if", "min", "max") and any(map(is_truth, chosen))


def renamed(program: Program, taken: Sequence[str]) -> Program:
    """Returns the program with an underscore behind every name that its new language needs for itself."""
    known = [*program.inputs, *program.state, *(name for name, _ in program.body)]
    names: dict[str, str] = {}
    for name in known:
        new = name
        while new in taken or (new != name and new in known):
            new += "_"
        names[name] = new
    return program.renamed(names)
