"""Formulas on one line: as Python, and as LaTeX. SymPy writes its own (`algebra`). Source: ours."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from typing_extensions import override

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


def python_expression(expression: Expression) -> str:
    """Returns one line of Python in terms of `x` and `n`; it calls functions of `novacula.hypernet.formula.source`."""
    return _PYTHON.write(expression)


def latex(expression: Expression) -> str:
    """Returns LaTeX for mathematical mode; inputs are counted from 1."""
    return _LATEX.write(expression)


class _Writer(ABC):
    """A language for formulas."""

    times: str
    total: str
    stair: str = "k"
    alternating: str

    @abstractmethod
    def number(self, value: float) -> str:
        """A constant."""

    @abstractmethod
    def entry(self, index: int | str, domain: Domain | None) -> str:
        """An input, within an index set or outside of all."""

    @abstractmethod
    def call(self, function: FunctionName, argument: str) -> str:
        """A function's value."""

    @abstractmethod
    def extreme(self, kind: str, arguments: list[str]) -> str:
        """The largest or least of some values, or of all inputs."""

    @abstractmethod
    def over(self, body: str, domain: Domain) -> str:
        """A sum over an index set."""

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
                return self.stair
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


class _Python(_Writer):
    times, total, alternating = " * ", "sum(x)", "(-1) ** k"

    @override
    def number(self, value: float) -> str:
        return f"{value:.6g}"

    @override
    def entry(self, index: int | str, domain: Domain | None) -> str:
        return f"x_{index}" if domain and isinstance(index, str) else f"x[{index}]"

    @override
    def call(self, function: FunctionName, argument: str) -> str:
        return f"{function}({argument})"

    @override
    def extreme(self, kind: str, arguments: list[str]) -> str:
        return f"{kind}({', '.join(arguments) or 'x'})"

    @override
    def over(self, body: str, domain: Domain) -> str:
        if domain.name == "some":
            pairs = len(domain.members[0]) == 2
            places = (", ".join(f"x[{index}]" for index in member) for member in domain.members)
            listed = ", ".join(f"({place})" if pairs else place for place in places)
            return f"sum({body} for {'x_i, x_j' if pairs else 'x_i'} in ({listed},))"
        sources = {
            "inputs": "x_i in x",
            "pairs": "x_i, x_j in combinations(x, 2)",
            "neighbors": "x_i, x_j in zip(x, x[1:])",
            "couples": "x_i, x_j in zip(x[::2], x[1::2])",
            "halves": "x_i, x_j in zip(x, x[n // 2:])",
            "steps": f"k in range({domain.first}, n{domain.beyond + 1:+d})".replace("+0)", ")"),
        }
        return f"sum({body} for {sources[domain.name]})"


class _Latex(_Writer):
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
            "couples": "_{i=1}^{n/2}",
            "halves": "_{i=1}^{n/2}",
            "steps": f"_{{k={domain.first}}}^{{n{domain.beyond:+d}}}".replace("n+0", "n"),
        }
        return rf"\sum{ranges[domain.name]} \left({body}\right)"


_PYTHON, _LATEX = _Python(), _Latex()
