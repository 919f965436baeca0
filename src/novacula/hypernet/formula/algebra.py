"""Formulas as expressions of SymPy. Source: ours."""

from typing import TYPE_CHECKING, Any

from novacula.hypernet.formula.expression import (
    Alternating,
    Call,
    Domain,
    Entry,
    Expression,
    Extreme,
    FunctionName,
    Number,
    Over,
    Plus,
    Stair,
    Times,
    Total,
    placed,
)

if TYPE_CHECKING:
    import sympy

Term = Any
"""An expression of SymPy, whose operators no type checker follows."""


def sympy_text(expression: Expression, n: int) -> str:
    """Returns what SymPy reads: `x` is an `IndexedBase`; `n`, `i`, `j` and `k` are symbols.

    Args:
        expression: the formula.
        n: inputs of the network, for the largest of all inputs, which SymPy writes out.
    """
    return str(sympy_object(expression, n))


def sympy_object(expression: Expression, n: int) -> "sympy.Expr":
    """Returns the formula as an expression of SymPy; arguments as `sympy_text`."""
    return _Algebra(n).build(expression, ())


class _Algebra:
    """The symbols of a formula."""

    def __init__(self, n: int) -> None:
        import sympy

        self._inputs = n
        self.x: Term = sympy.IndexedBase("x")
        self.n, self.i, self.j, self.k = (sympy.Symbol(name, integer=True) for name in "nijk")

    def build(self, node: Expression, indices: tuple[Term, ...]) -> Term:
        """The expression of a node; `indices` are those that a sum binds, i and j."""
        import sympy

        match node:
            case Number(value):
                return sympy.Float(value) if value != int(value) else sympy.Integer(int(value))
            case Entry(index):
                return self.x[index if isinstance(index, int) else indices["ij".index(index)]]
            case Total():
                return sympy.Sum(self.x[self.j], (self.j, 0, self.n - 1))
            case Stair():
                return self.k
            case Alternating():
                return sympy.Integer(-1) ** self.k
            case Call(function, argument):
                return _call(function, self.build(argument, indices))
            case Plus(terms):
                return sympy.Add(*(self.build(term, indices) for term in terms))
            case Times(factors):
                return sympy.Mul(*(self.build(factor, indices) for factor in factors))
            case Extreme(kind, arguments):
                values = [self.build(argument, indices) for argument in arguments]
                return (sympy.Max if kind == "max" else sympy.Min)(
                    *(values or [self.x[index] for index in range(self._inputs)])
                )
            case Over(body, domain) if domain.name == "some":
                return sympy.Add(*(self.build(placed(body, member), indices) for member in domain.members))
            case Over(body, domain):
                limits, bound = self._limits(domain)
                return sympy.Sum(self.build(body, bound), *limits)
            case _:
                raise TypeError(f"{type(node).__name__} is no formula")

    def _limits(self, domain: Domain) -> tuple[list[tuple[Term, Term, Term]], tuple[Term, ...]]:
        """The limits of a sum, the inner before the outer, and what its two indices are."""
        n, i, j = self.n, self.i, self.j
        match domain.name:
            case "pairs":
                return [(i, 0, j - 1), (j, 0, n - 1)], (i, j)
            case "neighbors":
                return [(i, 0, n - 2)], (i, i + 1)
            case "couples":
                return [(i, 0, n / 2 - 1)], (2 * i, 2 * i + 1)
            case "halves":
                return [(i, 0, n / 2 - 1)], (i, i + n / 2)
            case "steps":
                return [(self.k, domain.first, n + domain.beyond)], ()
            case _:
                return [(i, 0, n - 1)], (i,)


def _call(function: FunctionName, z: Term) -> Term:
    import sympy

    match function:
        case "swish":
            return z * (1 + sympy.tanh(z / 2)) / 2
        case "relu":
            return sympy.Max(0, z)
        case "gelu":
            return z * (1 + sympy.erf(z / sympy.sqrt(2))) / 2
        case "softplus":
            return sympy.log(1 + sympy.exp(z))
        case "square":
            return z**2
        case "abs":
            return sympy.Abs(z)
        case _:
            return getattr(sympy, function)(z)
