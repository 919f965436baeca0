"""Tasks in the words of formulas, to tell whether a limit is the task itself. Source: ours."""

from novacula.hypernet.formula.expression import (
    INPUTS,
    Call,
    Domain,
    Entry,
    Expression,
    Extreme,
    Number,
    Over,
    Plus,
    Times,
    Total,
)

_DIFFERENCE = Plus((Entry("i"), Times((Number(-1.0), Entry("j")))))
_KNOWN: dict[str, Expression] = {
    "l1-norm": Over(Call("abs", Entry("i")), INPUTS),
    "total-variation": Over(Call("abs", _DIFFERENCE), Domain("neighbors")),
    "max": Extreme("max"),
    "min": Extreme("min"),
    "range": Plus((Times((Number(-1.0), Extreme("min"))), Extreme("max"))),
    "squared-l2": Over(Call("square", Entry("i")), INPUTS),
    "sum": Total(),
}


def known_expression(task: str, n: int) -> tuple[Expression, ...] | None:
    """The formulas of a task's outputs for n inputs, as limits are written; None: unknown."""
    if task == "product" and n == 2:
        return (Times((Entry(0), Entry(1))),)
    return (_KNOWN[task],) if task in _KNOWN else None
