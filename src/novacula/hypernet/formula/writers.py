"""Formulas on one line: as Python, as LaTeX, and as the text that SymPy reads. Source: ours."""

from collections.abc import Sequence

from novacula.hypernet.formula.expression import (
    Alternating,
    Call,
    Domain,
    Entry,
    Expression,
    Extreme,
    Number,
    Over,
    Plus,
    Stair,
    Times,
    Total,
    placed,
)
from novacula.hypernet.formula.styles import LatexStyle, PythonStyle, Style, SympyStyle


def python_expression(expression: Expression) -> str:
    """One line of Python in terms of `x` and `n`; it calls functions of `novacula.hypernet.formula.source`."""
    return _write(expression, _PYTHON)


def latex(expression: Expression) -> str:
    """LaTeX, for mathematical mode; inputs are counted from 1."""
    return _write(expression, _TEX)


def sympy_text(expression: Expression, n: int) -> str:
    """What SymPy would read: `x` an `IndexedBase`, `n` and `i` symbols.

    Args:
        expression: the formula.
        n: inputs of the network, for the largest of all inputs, which SymPy writes out.
    """
    return _write(expression, SympyStyle(n))


_PYTHON, _TEX = PythonStyle(), LatexStyle()


def _write(node: Expression, writer: Style, domain: Domain | None = None) -> str:
    def inner(each: Expression) -> str:
        return _write(each, writer, domain)

    match node:
        case Number(value):
            return writer.number(value)
        case Entry(index):
            return writer.entry(index, domain)
        case Total():
            return writer.total
        case Stair():
            return writer.stair
        case Alternating():
            return writer.alternating
        case Call(function, argument):
            return writer.call(function, inner(argument))
        case Plus(terms):
            return _joined([inner(term) for term in terms])
        case Times(factors):
            texts = [
                f"({text})" if isinstance(each, Plus) else text
                for each, text in zip(factors, map(inner, factors), strict=True)
            ]
            if isinstance(factors[0], Number) and factors[0].value == -1:
                return "-" + writer.times.join(texts[1:])
            return writer.times.join(texts)
        case Extreme(kind, arguments):
            return writer.extreme(kind, [inner(each) for each in arguments])
        case Over(body, around) if around.name == "some" and isinstance(writer, SympyStyle):
            return _joined([_write(placed(body, member), writer) for member in around.members])
        case Over(body, around):
            return writer.over(_write(body, writer, around), around)
        case _:
            raise TypeError(f"{type(node).__name__} is no formula")


def _joined(texts: Sequence[str]) -> str:
    """Terms with their signs between them."""
    return texts[0] + "".join(f" - {text[1:]}" if text.startswith("-") else f" + {text}" for text in texts[1:])
