"""Formulas as text: Python on one line or as a module that needs only ``math``, LaTeX, and SymPy. Source: ours."""

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from novacula.hypernet.formula.expression import (
    LOOPS,
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
    nodes,
    placed,
)

if TYPE_CHECKING:
    import sympy


def python_expression(expression: Expression) -> str:
    """Returns one line of Python in terms of `x` and `n`; it calls functions of `novacula.hypernet.formula.writers`."""
    return _PYTHON.write(expression)


def latex(expression: Expression) -> str:
    """Returns LaTeX for mathematical mode; inputs are counted from 1."""
    return _LATEX.write(expression)


class _Python:
    """A formula as Python writes it; other languages say the same parts in their words."""

    times, total, alternating = " * ", "sum(x)", "(-1) ** k"

    def number(self, value: float) -> str:
        """A constant."""
        return f"{value:.6g}"

    def entry(self, index: int | str, domain: Domain | None) -> str:
        """An input, within an index set or outside of all."""
        return f"x_{index}" if domain and isinstance(index, str) else f"x[{index}]"

    def call(self, function: FunctionName, argument: str) -> str:
        """A function's value."""
        return f"{function}({argument})"

    def extreme(self, kind: str, arguments: list[str]) -> str:
        """The largest or least of some values, or of all inputs."""
        return f"{kind}({', '.join(arguments) or 'x'})"

    def over(self, body: str, domain: Domain) -> str:
        """A sum over an index set."""
        if domain.name == "some":
            pairs = len(domain.members[0]) == 2
            places = (", ".join(f"x[{index}]" for index in member) for member in domain.members)
            listed = ", ".join(f"({place})" if pairs else place for place in places)
            return f"sum({body} for {'x_i, x_j' if pairs else 'x_i'} in ({listed},))"
        steps = f"k in range({domain.first}, n{domain.beyond + 1:+d})".replace("+0)", ")")
        return f"sum({body} for {LOOPS.get(domain.name, steps)})"

    def write(self, node: Expression, domain: Domain | None = None) -> str:
        """Returns a node as text, within an index set or outside of all."""
        match node:
            case Number(value):
                return self.number(value)
            case Entry(index):
                return self.entry(index, domain)
            case Total():
                return self.total
            case Stair():
                return "k"
            case Alternating():
                return self.alternating
            case Call(function, argument):
                return self.call(function, self.write(argument, domain))
            case Plus(terms):
                return _joined([self.write(term, domain) for term in terms])
            case Times(factors):
                return self._product(factors, domain)
            case Extreme(kind, arguments):
                return self.extreme(kind, [self.write(argument, domain) for argument in arguments])
            case Over(body, around):
                return self.over(self.write(body, around), around)
            case _:
                raise TypeError(f"{type(node).__name__} is no formula")

    def _product(self, factors: Sequence[Expression], domain: Domain | None) -> str:
        texts = [self.write(factor, domain) for factor in factors]
        texts = [f"({t})" if isinstance(factor, Plus) else t for factor, t in zip(factors, texts, strict=True)]
        if factors[0] == Number(-1):
            return "-" + self.times.join(texts[1:])
        return self.times.join(texts)


def _joined(texts: Sequence[str]) -> str:
    """Terms with their signs between them."""
    return texts[0] + "".join(f" - {text[1:]}" if text.startswith("-") else f" + {text}" for text in texts[1:])


class _Latex(_Python):
    times, total, alternating = r" \, ", r"\sum_{m=1}^{n} x_m", "(-1)^k"

    @override
    def number(self, value: float) -> str:
        mantissa, _, exponent = f"{value:.6g}".partition("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa

    @override
    def entry(self, index: int | str, domain: Domain | None) -> str:
        if isinstance(index, int):
            return f"x_{{{index + 1}}}"
        second = {"neighbors": "i+1", "couples": "2i", "halves": "i+n/2"}
        if domain and index == "j" and domain.name in second:
            return f"x_{{{second[domain.name]}}}"
        return "x_{2i-1}" if domain and domain.name == "couples" else f"x_{index}"

    @override
    def call(self, function: FunctionName, argument: str) -> str:
        named = rf"\operatorname{{{function}}}\left(%s\right)"
        forms = {"abs": r"\left\lvert %s \right\rvert", "square": r"\left(%s\right)^2", "sqrt": r"\sqrt{%s}"}
        forms |= {"tanh": r"\tanh\left(%s\right)", "sin": r"\sin\left(%s\right)"}
        return forms.get(function, named) % argument

    @override
    def extreme(self, kind: str, arguments: list[str]) -> str:
        return rf"\{kind}\left({', '.join(arguments)}\right)" if arguments else rf"\{kind}_i x_i"

    @override
    def over(self, body: str, domain: Domain) -> str:
        if domain.name == "some":
            single = len(domain.members[0]) == 1
            places = (", ".join(str(index + 1) for index in member) for member in domain.members)
            listed = ", ".join(place if single else f"({place})" for place in places)
            return rf"\sum_{{{'i' if single else '(i, j)'} \in \{{{listed}\}}}} \left({body}\right)"
        ranges = {
            "inputs": "_{i=1}^{n}",
            "pairs": "_{i<j}",
            "neighbors": "_{i=1}^{n-1}",
            "couples": r"_{i=1}^{\lfloor n/2 \rfloor}",
            "halves": "_{i=1}^{n/2}",
            "steps": f"_{{k={domain.first}}}^{{n{domain.beyond:+d}}}".replace("n+0", "n"),
        }
        return rf"\sum{ranges[domain.name]} \left({body}\right)"


_PYTHON, _LATEX = _Python(), _Latex()


Term = Any  #: an expression of SymPy, whose operators no type checker follows


def sympy_text(expression: Expression, n: int) -> str:
    """Returns what SymPy reads: `x` is an `IndexedBase`; `n`, `i`, `j` and `k` are symbols."""
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
        import sympy

        n, i, j = self.n, self.i, self.j
        match domain.name:
            case "pairs":
                return [(i, 0, j - 1), (j, 0, n - 1)], (i, j)
            case "neighbors":
                return [(i, 0, n - 2)], (i, i + 1)
            case "couples":
                return [(i, 0, sympy.floor(n / 2) - 1)], (2 * i, 2 * i + 1)
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


_DEFINITIONS: dict[str, str] = {
    "swish": "z * (1 + tanh(z / 2)) / 2",
    "relu": "max(z, 0)",
    "gelu": "z * (1 + erf(z / sqrt(2))) / 2",
    "softplus": "max(z, 0) + log1p(exp(-abs(z)))",
    "square": "z * z",
}
_FROM_MATH = ("tanh", "erf", "sqrt", "log1p", "exp", "sin")
_ALLOWED = (
    *(ast.Module, ast.ImportFrom, ast.alias, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.Expr),
    *(ast.Name, ast.Load, ast.Store, ast.Constant, ast.Tuple, ast.Subscript, ast.Slice, ast.Call),
    *(ast.GeneratorExp, ast.comprehension, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Pow),
    *(ast.UnaryOp, ast.USub),
)
_CALLS = {*_DEFINITIONS, *_FROM_MATH, "sum", "max", "min", "abs", "len", "zip", "range", "combinations"}


def python_source(outputs: Sequence[Expression], docstring: str = "") -> str:
    """A Python module of one function, ``f(x)``, for a sequence of any number of inputs; it needs only ``math``."""
    texts = [python_expression(output) for output in outputs]
    tree = [node for output in outputs for node in nodes(output)]
    safe = docstring.replace("\\", "\\\\").replace('"', "'")
    body = [f'    """{safe}"""'] if docstring else []
    if any(isinstance(node, Over) and node.domain.name in ("steps", "halves") for node in tree):
        body.append("    n = len(x)")
    body.append(f"    return {texts[0] if len(texts) == 1 else '(' + ', '.join(texts) + ')'}")
    defined = sorted({node.function for node in tree if isinstance(node, Call) and node.function in _DEFINITIONS})
    everything = " ".join([*texts, *(_DEFINITIONS[name] for name in defined)])
    lines = ["from itertools import combinations"] if "combinations(" in everything else []
    imported = sorted(name for name in _FROM_MATH if f"{name}(" in everything)
    lines += [f"from math import {', '.join(imported)}"] if imported else []
    lines += [""] if lines else []
    for name in defined:
        lines += ["", f"def {name}(z):", f"    return {_DEFINITIONS[name]}", ""]
    source = "\n".join([*lines, "", "def f(x):", *body]).lstrip("\n") + "\n"
    _check(source)
    return source


def _check(source: str) -> None:
    """Make sure that a module does nothing but compute with numbers."""
    for node in ast.walk(ast.parse(source)):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS
        imports = isinstance(node, ast.ImportFrom) and node.module in ("math", "itertools")
        if not isinstance(node, _ALLOWED) or (isinstance(node, ast.Call | ast.ImportFrom) and not (named or imports)):
            raise ValueError(f"line {getattr(node, 'lineno', '?')}: {type(node).__name__} is not allowed in a formula")
