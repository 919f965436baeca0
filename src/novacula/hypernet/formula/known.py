"""Tasks in the words of formulas, to tell whether a limit is the task itself. Source: ours."""

from itertools import product

import numpy as np
import torch

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
    evaluate,
)
from novacula.hypernet.tasks import Task
from novacula.hypernet.tasks.given import DATA, NONE

_DIFFERENCE = Plus((Entry("i"), Times((Number(-1.0), Entry("j")))))
_KNOWN: dict[str, Expression] = {
    "l1-norm": Over(Call("abs", Entry("i")), INPUTS),
    "total-variation": Over(Call("abs", _DIFFERENCE), Domain("neighbors")),
    "max": Extreme("max"),
    "min": Extreme("min"),
    "range": Plus((Times((Number(-1.0), Extreme("min"))), Extreme("max"))),
    "squared-l2": Over(Call("square", Entry("i")), INPUTS),
    "dot-product": Over(Times((Entry("i"), Entry("j"))), Domain("halves")),
    "sum": Total(),
}
_MIDDLE = Times((Number(0.5), Total()))
_GAP = Call("abs", Plus((Entry(0), Times((Number(-1.0), Entry(1))))))
_LESS, _MORE = (Plus((Times((Number(sign / 2), _GAP)), _MIDDLE)) for sign in (-1, 1))
_OF_TWO: dict[str, tuple[Expression, ...]] = {
    "max": (_MORE,),
    "min": (_LESS,),
    "range": (_GAP,),
    "sort": (_LESS, _MORE),
    "total-variation": (_GAP,),
    "product": (Times((Entry(0), Entry(1))),),
    "dot-product": (Times((Entry(0), Entry(1))),),
}
_ABOVE, _BELOW, _FROM_ABOVE = (
    Call("relu", Plus((inside, Number(kink))))
    for inside, kink in ((Entry("i"), -1.0), (Entry("i"), 1.0), (Times((Number(-1.0), Entry("i"))), 1.0))
)
_CLIPPED = Over(Plus((Times((Number(-1.0), _ABOVE)), _BELOW)), INPUTS)
_CLIPPED_BOTH_WAYS = Over(Plus((Times((Number(-1.0), _FROM_ABOVE)), _BELOW)), INPUTS)
_MOST_BITS = 12


def is_known(found: tuple[Expression, ...], task: Task, n: int) -> bool:
    """Whether formulas of the outputs are a task of n inputs: as limits are written; of bits, at every input."""
    if task.name in (NONE, DATA):
        return False
    if task.law.name == "bits":
        return n <= _MOST_BITS and _same_on_bits(found, task, n)
    return tuple(map(_in_order, found)) in [tuple(map(_in_order, way)) for way in _written(task.name, n)]


def _in_order(node: Expression) -> Expression:
    """The same with all terms and factors in one order."""
    match node:
        case Plus(terms):
            return Plus(tuple(sorted(map(_in_order, terms), key=repr)))
        case Times(factors):
            return Times(tuple(sorted(map(_in_order, factors), key=repr)))
        case Call(function, argument):
            return Call(function, _in_order(argument))
        case Over(body, domain):
            return Over(_in_order(body), domain)
        case _:
            return node


def _same_on_bits(found: tuple[Expression, ...], task: Task, n: int) -> bool:
    bits = np.array(list(product((0.0, 1.0), repeat=n)))
    wanted = task.function(torch.from_numpy(bits)).numpy()
    return float(np.abs(np.column_stack([evaluate(output, bits) for output in found]) - wanted).max()) < 1e-9


def _written(task: str, n: int) -> list[tuple[Expression, ...]]:
    """The ways in which a task's outputs are written; none where it is unknown."""
    ways: list[tuple[Expression, ...]] = [(_KNOWN[task],)] if task in _KNOWN else []
    if n == 2 and task in _OF_TWO:
        ways.append(_OF_TWO[task])
    if task == "clip":
        ways.append((Plus((_CLIPPED, Number(-float(n)))),))
        ways.append((Plus((_CLIPPED_BOTH_WAYS, Times((Number(-1.0), Total())))),))
    return ways
