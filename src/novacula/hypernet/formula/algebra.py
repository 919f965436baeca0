"""Formulas as objects of SymPy, which comes with the extra ``distill``. Source: ours."""

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
)

if TYPE_CHECKING:
    import sympy


def sympy_object(expression: Expression, n: int) -> "sympy.Expr":
    """The formula as an object of SymPy, which comes with the extra ``distill``.

    Args:
        expression: the formula.
        n: inputs of the network, for the largest of all inputs, which SymPy writes out.

    Raises:
        ImportError: SymPy is not installed.
    """
    import sympy

    symbols: dict[str, Any] = {"x": sympy.IndexedBase("x"), **{k: sympy.Symbol(k, integer=True) for k in "nijk"}}

    def build(node: Expression, names: dict[str, Any]) -> Any:
        match node:
            case Number(value):
                return sympy.Float(value) if value != int(value) else sympy.Integer(int(value))
            case Entry(index):
                return symbols["x"][names.get(str(index), index)]
            case Total():
                return sympy.Sum(symbols["x"][symbols["j"]], (symbols["j"], 0, symbols["n"] - 1))
            case Stair():
                return symbols["k"]
            case Alternating():
                return sympy.Integer(-1) ** symbols["k"]
            case Call(function, argument):
                return _sympy_call(function, build(argument, names))
            case Plus(terms):
                return sympy.Add(*(build(term, names) for term in terms))
            case Times(factors):
                return sympy.Mul(*(build(factor, names) for factor in factors))
            case Extreme(kind, arguments):
                values = [build(each, names) for each in arguments] or [symbols["x"][i] for i in range(n)]
                return (sympy.Max if kind == "max" else sympy.Min)(*values)
            case Over(body, domain) if domain.name == "some":
                named = [dict(zip("ij", member, strict=False)) for member in domain.members]
                return sympy.Add(*(build(body, {**names, **each}) for each in named))
            case Over(body, domain):
                limits, named = _sympy_limits(domain, symbols)
                total = build(body, {**names, **named})
                for limit in limits:
                    total = sympy.Sum(total, limit)
                return total
            case _:
                raise TypeError(f"{type(node).__name__} is no formula")

    return build(expression, {})


def _sympy_call(function: FunctionName, z: Any) -> Any:
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


def _sympy_limits(domain: Domain, symbols: dict[str, Any]) -> tuple[list[tuple[Any, Any, Any]], dict[str, Any]]:
    """The limits of a sum, the inner before the outer, and what its two indices are."""
    n, i, j, k = (symbols[name] for name in "nijk")
    match domain.name:
        case "pairs":
            return [(i, 0, j - 1), (j, 0, n - 1)], {"i": i, "j": j}
        case "neighbors":
            return [(i, 0, n - 2)], {"i": i, "j": i + 1}
        case "couples":
            return [(i, 0, n / 2 - 1)], {"i": 2 * i, "j": 2 * i + 1}
        case "halves":
            return [(i, 0, n / 2 - 1)], {"i": i, "j": i + n / 2}
        case "steps":
            return [(k, domain.first, n + domain.beyond)], {}
        case _:
            return [(i, 0, n - 1)], {"i": i}
