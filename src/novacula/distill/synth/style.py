"""How well a program reads, beside its length, and rewritings that make it read better.

Of programs of one length people prefer comparisons with constants, `min` and `max`, and no arithmetic on `not`. A
program may become longer by two nodes for that, no more. All rewritings hold for all integers. Source: ours.
"""

from collections import Counter
from collections.abc import Iterator
from math import gcd

from novacula.distill.program.expression import (
    Expression,
    Number,
    Operation,
    Operator,
    nodes,
    operation,
    substitute,
    walk,
)
from novacula.distill.program.program import Program
from novacula.distill.synth.linear import affine
from novacula.distill.synth.rewrite import collect

LONGER = 2  #: the most nodes by which a program may grow to read better
_COMPARISONS = ("==", "!=", "<", "<=")
_ARITHMETIC = ("+", "-", "*", "//", "%", "^", "neg", "abs")
_SWAPPED = ("+", "min", "max", "==", "!=", "^")
_ROUNDS = 20


def awkwardness(program: Program) -> int:
    """Returns what makes a program hard to read, in points; `_points` says for what."""
    return sum(map(expression_awkwardness, program.values))


def expression_awkwardness(expression: Expression) -> int:
    """Returns the same of an expression."""
    return sum(map(_points, walk(expression)))


def _points(node: Expression) -> int:
    """Arithmetic on `not` 3; a comparison of two long sides 2, of a long side with a variable 1; a sign 1, and 2 more
    in a comparison; `a + a` 1; a constant where one expects the variable 1; `not not` 1.
    """
    if not isinstance(node, Operation):
        return 0
    made, operands = node.operator, node.operands
    points = int(made == "neg")
    if made in _ARITHMETIC:
        points += 3 * sum(isinstance(part, Operation) and part.operator == "not" for part in operands)
    if made in _COMPARISONS:
        long = sum(isinstance(part, Operation) for part in operands)
        points += 0 if any(isinstance(part, Number) for part in operands) else long
        points += 2 * sum(isinstance(part, Operation) and part.operator == "neg" for part in operands)
    points += made == "+" and operands[0] == operands[1]
    points += made in _SWAPPED and isinstance(operands[0], Number)
    points += made == "*" and isinstance(operands[1], Number)
    points += made == "not" and isinstance(operands[0], Operation) and operands[0].operator == "not"
    return points


def styled(program: Program) -> Program:
    """Returns a program of the same function that reads better, and is at most two nodes longer."""
    most = program.nodes + LONGER
    values, named = program.values, len(program.body)
    for place in (*range(named, len(values)), *range(named)):  # the body last, which others read
        values[place] = _better(values[place], most - program.nodes + nodes(values[place]))
        program = program.with_values(values)
    return program


def _better(expression: Expression, most: int) -> Expression:
    """The best that single rewritings lead to, one after another, within a number of nodes."""
    for _ in range(_ROUNDS):
        options = [other for other in _rewritten(expression) if nodes(other) <= most]
        best = min(options, key=_rank, default=expression)
        if _rank(best) >= _rank(expression):
            break
        expression = best
    return expression


def _rank(expression: Expression) -> tuple[int, int]:
    return expression_awkwardness(expression), nodes(expression)


def _rewritten(expression: Expression) -> Iterator[Expression]:
    """All trees that differ by one rewriting in one place."""
    if not isinstance(expression, Operation):
        return
    yield from _here(expression)
    for place, operand in enumerate(expression.operands):
        for other in _rewritten(operand):
            operands = (*expression.operands[:place], other, *expression.operands[place + 1 :])
            yield Operation(expression.operator, operands)


def _here(expression: Operation) -> Iterator[Expression]:
    made, operands = expression.operator, expression.operands
    if made in _SWAPPED or made == "*":
        yield Operation(made, operands[::-1])
    if made in _COMPARISONS:
        yield from _solved(made, *operands)
    if made in _ARITHMETIC:
        for place, part in enumerate(operands):
            if isinstance(part, Operation) and part.operator == "not":
                equal = operation("==", part.operands[0], 0)
                yield Operation(made, (*operands[:place], equal, *operands[place + 1 :]))
    match made, operands:
        case "+", (a, b) if a == b:
            yield 2 * a
        case "not", (Operation("not", (a,)),):
            yield operation("!=", a, 0)
        case "not", (Operation("==" | "!=" | "<" | "<=" as test, (a, b)),):
            opposite: dict[str, tuple[Operator, bool]] = {
                "==": ("!=", False),
                "!=": ("==", False),
                "<": ("<=", True),
                "<=": ("<", True),
            }
            sign, swaps = opposite[test]
            yield operation(sign, *((b, a) if swaps else (a, b)))
        case "if", (Operation("<" | "<=", (a, b)), c, d) if {a, b} == {c, d} and a != b:
            yield operation("min" if a == c else "max", a, b)
        case "and" | "if", (Operation("<", (Number(0), a)), Operation("-", (b, Number(1))), *other) if a == b:
            if other in ([], [Number(0)]):
                yield operation("max", a - 1, 0)


def _solved(made: Operator, left: Expression, right: Expression) -> Iterator[Expression]:
    """A comparison of sums, solved for every term that occurs once: `x <= 3 * a + 3`."""
    terms: Counter[Expression] = Counter()
    constant = collect(left, 1, terms) + collect(right, -1, terms) + (made == "<")
    factors = {term: factor for term, factor in terms.items() if factor}
    shared = gcd(*factors.values())
    if not factors or (made in ("==", "!=") and constant % shared):
        return
    factors = {term: factor // shared for term, factor in factors.items()}
    constant = -(-constant // shared)  # of integers, so that a bound may be rounded
    if shared > 1:
        yield operation("<=" if made == "<" else made, _sum(factors, 0), -constant)
    for term, factor in factors.items():
        if abs(factor) != 1:
            continue
        rest = {other: -factor * times for other, times in factors.items() if other != term}
        if made in ("==", "!="):
            yield operation(made, term, _sum(rest, -factor * constant))
        elif factor == 1:  # term <= rest
            yield operation("<=", term, _sum(rest, -constant))
            yield operation("<", term, _sum(rest, 1 - constant))
        else:
            yield operation("<=", _sum(rest, constant), term)
            yield operation("<", _sum(rest, constant - 1), term)


def _sum(factors: dict[Expression, int], constant: int) -> Expression:
    names = {f"t{place}": term for place, term in enumerate(factors)}
    return substitute(affine({name: factors[term] for name, term in names.items()}, constant), names)
