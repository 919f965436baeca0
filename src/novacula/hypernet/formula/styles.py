"""How Python, LaTeX and SymPy write each kind of node of a formula. Source: ours."""

from typing import Protocol, runtime_checkable

from novacula.hypernet.formula.expression import Domain, FunctionName

_LATEX: dict[FunctionName, str] = {"abs": r"\left\lvert %s \right\rvert", "square": r"\left(%s\right)^2"}
_LATEX |= {"tanh": r"\tanh\left(%s\right)", "sin": r"\sin\left(%s\right)", "sqrt": r"\sqrt{%s}"}
_SYMPY: dict[FunctionName, str] = {
    "swish": "(%s)*(1 + tanh((%s)/2))/2",
    "relu": "Max(0, %s)",
    "gelu": "(%s)*(1 + erf((%s)/sqrt(2)))/2",
    "softplus": "log(1 + exp(%s))",
    "tanh": "tanh(%s)",
    "square": "(%s)**2",
    "abs": "Abs(%s)",
    "sin": "sin(%s)",
    "sqrt": "sqrt(%s)",
}


@runtime_checkable
class Style(Protocol):
    """A language for formulas."""

    times: str
    total: str
    stair: str
    alternating: str

    def number(self, value: float) -> str:
        """A constant."""
        ...

    def entry(self, index: int | str, domain: Domain | None) -> str:
        """An input, within an index set or outside of all."""
        ...

    def call(self, function: FunctionName, argument: str) -> str:
        """A function's value."""
        ...

    def extreme(self, kind: str, arguments: list[str]) -> str:
        """The largest or least of some values, or of all inputs."""
        ...

    def over(self, body: str, domain: Domain) -> str:
        """A sum over an index set."""
        ...


class PythonStyle:
    """How Python writes each kind of node."""

    times = " * "

    def number(self, value: float) -> str:
        """As `Style`."""
        return f"{value:.6g}"

    total, stair, alternating = "sum(x)", "k", "(-1) ** k"

    def entry(self, index: int | str, domain: Domain | None) -> str:
        """As `Style`."""
        return f"x_{index}" if domain and isinstance(index, str) else f"x[{index}]"

    def call(self, function: FunctionName, argument: str) -> str:
        """As `Style`."""
        return f"{function}({argument})"

    def extreme(self, kind: str, arguments: list[str]) -> str:
        """As `Style`."""
        return f"{kind}({', '.join(arguments) or 'x'})"

    def over(self, body: str, domain: Domain) -> str:
        """As `Style`."""
        sources = {
            "inputs": "x_i in x",
            "pairs": "x_i, x_j in combinations(x, 2)",
            "neighbors": "x_i, x_j in zip(x, x[1:])",
            "couples": "x_i, x_j in zip(x[::2], x[1::2])",
            "halves": "x_i, x_j in zip(x, x[n // 2:])",
            "steps": f"k in range({domain.first}, n{domain.beyond + 1:+d})".replace("+0)", ")"),
        }
        if domain.name != "some":
            return f"sum({body} for {sources[domain.name]})"
        pairs = len(domain.members[0]) == 2
        listed = ", ".join(
            f"(x[{member[0]}], x[{member[1]}])" if pairs else f"x[{member[0]}]" for member in domain.members
        )
        return f"sum({body} for {'x_i, x_j' if pairs else 'x_i'} in ({listed},))"


class LatexStyle:
    """How LaTeX writes each kind of node; inputs are counted from 1."""

    times = r" \, "
    stair, alternating = "k", "(-1)^k"
    total = r"\sum_{m=1}^{n} x_m"

    def number(self, value: float) -> str:
        """As `Style`."""
        text = f"{value:.6g}"
        if "e" not in text:
            return text
        mantissa, exponent = text.split("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"

    def entry(self, index: int | str, domain: Domain | None) -> str:
        """As `Style`."""
        if isinstance(index, int):
            return f"x_{{{index + 1}}}"
        second = {"neighbors": "i+1", "couples": "2i", "halves": "i+n/2"}
        if domain and index == "j" and domain.name in second:
            return f"x_{{{second[domain.name]}}}"
        return "x_{2i-1}" if domain and domain.name == "couples" else f"x_{index}"

    def call(self, function: FunctionName, argument: str) -> str:
        """As `Style`."""
        pattern = _LATEX.get(function)
        return pattern % argument if pattern else rf"\operatorname{{{function}}}\left({argument}\right)"

    def extreme(self, kind: str, arguments: list[str]) -> str:
        """As `Style`."""
        return rf"\{kind}\left({', '.join(arguments)}\right)" if arguments else rf"\{kind}_i x_i"

    def over(self, body: str, domain: Domain) -> str:
        """As `Style`."""
        ranges = {
            "inputs": "_{i=1}^{n}",
            "pairs": "_{i<j}",
            "neighbors": "_{i=1}^{n-1}",
            "couples": "_{i=1}^{n/2}",
            "halves": "_{i=1}^{n/2}",
            "steps": f"_{{k={domain.first}}}^{{n{domain.beyond:+d}}}".replace("n+0", "n"),
        }
        if domain.name != "some":
            return rf"\sum{ranges[domain.name]} \left({body}\right)"
        one = len(domain.members[0]) == 1
        listed = ", ".join(
            str(member[0] + 1) if one else f"({member[0] + 1}, {member[1] + 1})" for member in domain.members
        )
        return rf"\sum_{{{'i' if one else '(i, j)'} \in \{{{listed}\}}}} \left({body}\right)"


class SympyStyle:
    """How SymPy writes each kind of node."""

    times = "*"
    stair, alternating = "k", "(-1)**k"
    total = "Sum(x[j], (j, 0, n - 1))"

    def __init__(self, n: int) -> None:
        self._n = n

    def number(self, value: float) -> str:
        """As `Style`."""
        return f"{value:.6g}"

    def entry(self, index: int | str, domain: Domain | None) -> str:
        """As `Style`."""
        if isinstance(index, str) and domain and domain.name != "some":
            second = {"neighbors": "i + 1", "couples": "2*i + 1", "halves": "i + n/2"}
            first = {"couples": "2*i"}
            return f"x[{(second if index == 'j' else first).get(domain.name, index)}]"
        return f"x[{index}]"

    def call(self, function: FunctionName, argument: str) -> str:
        """As `Style`."""
        return _SYMPY[function].replace("%s", argument)

    def extreme(self, kind: str, arguments: list[str]) -> str:
        """As `Style`."""
        return f"{kind.capitalize()}({', '.join(arguments or [f'x[{i}]' for i in range(self._n)])})"

    def over(self, body: str, domain: Domain) -> str:
        """As `Style`."""
        limits = {
            "inputs": "(i, 0, n - 1)",
            "pairs": "(j, 0, n - 1)",
            "neighbors": "(i, 0, n - 2)",
            "couples": "(i, 0, n/2 - 1)",
            "halves": "(i, 0, n/2 - 1)",
            "steps": f"(k, {domain.first}, n{domain.beyond:+d})".replace("n+0", "n"),
        }
        inside = f"Sum({body}, (i, 0, j - 1))" if domain.name == "pairs" else body
        return f"Sum({inside}, {limits[domain.name]})"
