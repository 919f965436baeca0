"""A formula of a network, in several languages, with its quality, and how its numbers depend on n. Source: ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.formula.expression import Expression, Number, Over, Plus, Times, evaluate, times
from novacula.hypernet.formula.interval import Box, rounded_outward
from novacula.hypernet.formula.writers import latex, python_expression, python_source, sympy_object, sympy_text
from novacula.hypernet.network import TargetNetwork
from novacula.runs.notebook import Brief

if TYPE_CHECKING:
    import sympy


Function = Callable[[np.ndarray], np.ndarray]

POINTS = 100_000
FAR = 10.0  #: times the inputs
_CHUNK = 20_000
_LOOSE = 10.0
_ROUNDING = 1e-5  #: the part of the size of the sums that counts as rounding


@dataclass(frozen=True)
class Check:
    """How closely a formula follows its network."""

    points: int  #: number of inputs
    mse: float  #: mean squared difference
    r2: float  #: 1 - mse / variance of the network's output; of several, the least
    largest: float  #: the largest difference
    far_r2: float  #: the same as `r2` on inputs ten times as large

    @property
    def holds(self) -> bool:
        """Whether the formula describes the network on inputs of the law."""
        return self.r2 >= THRESHOLDS.faithful

    @property
    def holds_far(self) -> bool:
        """Whether it does on inputs ten times as large."""
        return self.far_r2 >= THRESHOLDS.faithful


@np.errstate(over="ignore", invalid="ignore")  # far out a network may explode
def check(
    formula: Function, network: Function, x: Float[np.ndarray, "batch inputs"], outputs: Float[np.ndarray, "batch _"]
) -> Check:
    """Compares formula and network on some points, and on ten times the first of these."""
    got = np.concatenate([formula(x[start : start + _CHUNK]) for start in range(0, len(x), _CHUNK)])
    near, far = x[:_CHUNK], FAR * x[:_CHUNK]
    sizes = [network.size(each) if isinstance(network, TargetNetwork) else 0.0 for each in (near, far)]
    return Check(
        len(x),
        float(((got - outputs) ** 2).mean()),
        _least_explained(got, outputs, sizes[0]),
        float(np.abs(got - outputs).max()),
        _least_explained(formula(far), network(far), sizes[1]),
    )


def _least_explained(got: Float[np.ndarray, "batch _"], wanted: Float[np.ndarray, "batch _"], size: float) -> float:
    """R² of the output that is explained least; NaN if any is."""
    return float(np.min([explained(*pair, size) for pair in zip(got.T, wanted.T, strict=True)]))


@np.errstate(over="ignore", invalid="ignore")
def explained(got: Float[np.ndarray, "*shape"], wanted: Float[np.ndarray, "*shape"], size: float = 0.0) -> float:
    """Returns R²; where nothing varies beyond rounding, 1 without an error but that of six digits, and 0 otherwise.

    Args:
        got: the values of a formula.
        wanted: the values that it should have.
        size: the size of the numbers that these are sums of, if it is larger than theirs.
    """
    largest = float(np.abs(wanted).max(initial=0.0))
    scale = max(size, largest) or 1.0
    error = float((((got - wanted) / scale) ** 2).mean())
    variance = float((((wanted - wanted.mean(0)) / scale) ** 2).mean())
    if variance <= 1e-24:
        return 1.0 if error <= (1e-9 + 5e-6 * largest / scale) ** 2 else 0.0
    return 1 - error / variance


@dataclass(frozen=True)
class Formula(Brief):
    """What a network computes, in terms of the number of its inputs."""

    inputs: int  #: n of the network
    outputs: tuple[Expression, ...] = ()  #: a formula for each output; none where none was found
    accepted: bool = False
    """Whether the squared error is at most 1.1 times the network's, and the check on inputs of the law holds."""
    reason: str = ""  #: why there is no formula, or why it is not accepted; empty otherwise
    mse: float | None = None  #: the formula's squared error on the task
    network_mse: float | None = None  #: the network's squared error on the same points
    checked: Check | None = None  #: the formula beside its network; None where there is no formula
    limits: tuple[Expression, ...] = ()  #: the limit of each output's formula; none where there is none
    limit_checked: Check | None = None  #: the limit beside the network
    is_task: bool = False
    """Whether the limit, or the formula where there is no limit, is the task itself, symbol by symbol; of bits,
    input by input."""
    error_bound: float | None = None
    """Proved bound of |network - limit|, or of |network - formula| where there is no limit, over the box; of the
    output for which it is largest; None where no bound is known."""
    box: Box | None = None  #: the inputs for which the bound holds
    largest_seen: float | None = None
    """The largest difference that was seen there, on random inputs or by a search; None without one."""
    size: float = 0.0  #: the size of the numbers that an output of the network is a sum of: the scale of its rounding
    values: Mapping[str, float] = field(default_factory=dict)  #: the numbers of the formula by role, for size laws

    def __call__(self, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch outputs"]:
        """Returns the formula's values, for any number of inputs."""
        return columns(self.outputs, x)

    @property
    def python(self) -> str | None:
        """A Python module with the function ``f(x)``; None where there is no formula."""
        if not self.outputs:
            return None
        limit = f"; in the limit {self.limit_line}" if self.limits else ""
        return python_source(self.outputs, f"Found in a network of {self.inputs} inputs{limit}.")

    @property
    def line(self) -> str | None:
        """The formula on one line of Python."""
        return ", ".join(map(python_expression, self.outputs)) or None

    @property
    def limit_line(self) -> str | None:
        """The limit on one line of Python."""
        return ", ".join(map(python_expression, self.limits)) or None

    def _repr_latex_(self) -> str | None:
        return self.latex and f"$\\displaystyle {self.latex}$"

    @property
    def latex(self) -> str | None:
        """The formula in LaTeX, for mathematical mode."""
        return _equation(self.outputs)

    @property
    def limit_latex(self) -> str | None:
        """The limit in LaTeX."""
        return _equation(self.limits)

    @property
    def sympy_text(self) -> str | None:
        """What SymPy reads, `x` being an `IndexedBase`."""
        return ", ".join(sympy_text(output, self.inputs) for output in self.outputs) or None

    def sympy(self) -> "tuple[sympy.Expr, ...]":
        """Returns the formulas as expressions of SymPy."""
        return tuple(sympy_object(output, self.inputs) for output in self.outputs)

    @property
    def looseness(self) -> float | None:
        """The bound as a multiple of the largest difference that was seen, with room for rounding; None without both.

        A hundred-thousandth of `size` is added to each of them.
        """
        if self.error_bound is None or self.largest_seen is None:
            return None
        rounding = max(_ROUNDING * self.size, 1e-300)
        return (self.error_bound + rounding) / (self.largest_seen + rounding)

    @property
    def is_loose(self) -> bool:
        """Whether the bound is more than 10 times the largest difference that was seen."""
        return (self.looseness or 0.0) > _LOOSE

    @property
    def bound_says(self) -> str:
        """The bound in words; empty where there is none."""
        if self.error_bound is None or self.box is None:
            return ""
        what = "limit" if self.limits else "formula"
        at = f"all {self.box if self.inputs > 1 or self.box.bits else self.box.entries}"
        if self.is_task:  # of bits, the task is what the formula is at bits, not between them
            what, at = "task", "x_i in {0, 1}" if self.box.bits else at
        seen = "" if self.largest_seen is None else f"; {self.largest_seen:.3g} is the most that was seen"
        loose = ", so the bound is loose" if self.is_loose else ""
        return f"|network - {what}| <= {rounded_outward(self.error_bound, 1, 3):.3g} for {at}{seen}{loose}"


def columns(outputs: Sequence[Expression], x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch outputs"]:
    """Returns the values of some formulas, one column for each."""
    return np.column_stack([evaluate(output, x) for output in outputs])


def largest_term(outputs: Sequence[Expression], x: Float[np.ndarray, "batch inputs"]) -> float:
    """Returns the largest size, the root of the mean square, of a term of a sum or of its sum over inputs."""
    found = [(evaluate(term, x) ** 2).mean() ** 0.5 for output in outputs for term in _terms(output)]
    return float(max(found, default=0.0)) if len(found) > len(outputs) else 0.0


def _terms(node: Expression) -> list[Expression]:
    match node:
        case Plus(parts):
            return [term for part in parts for term in _terms(part)]
        case Over(body, domain):
            return [Over(part, domain) for part in _terms(body)]
        case Times((Number() as factor, Over() | Plus() as rest)):
            return [times(factor, part) for part in _terms(rest)]
        case _:
            return [node]


def _equation(outputs: Sequence[Expression]) -> str | None:
    names = ["y"] if len(outputs) == 1 else [f"y_{{{index + 1}}}" for index in range(len(outputs))]
    return r" \\ ".join(f"{name} = {latex(output)}" for name, output in zip(names, outputs, strict=True)) or None


_SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "{:.3g}/n": lambda n: 1 / n,
    "{:.3g}/sqrt(n)": lambda n: 1 / np.sqrt(n),
    "{:.3g}*sqrt(n)": np.sqrt,
    "{:.3g}*n": lambda n: n,
    "{:.3g}*log(n)": np.log,
}
"""How a number may depend on n, and how that is written of its factor."""
_FLOOR = 1e-6
"""Smallest relative scatter that counts: below it a model is exact, and the simplest of the exact ones is taken."""


@dataclass(frozen=True)
class SizeLaw:
    """The law of one number of a formula."""

    value: str  #: what it is, such as ``entry + slope``
    law: str  #: in terms of n, such as ``1.01`` or ``0.4 + 0.2*log(n)``
    scatter: float  #: root mean square of what the law leaves, relative to that of the values
    sizes: tuple[int, ...]  #: the sizes that it was fitted to, each counted once


def size_laws(values: Sequence[tuple[int, Mapping[str, float]]]) -> tuple[SizeLaw, ...]:
    """Fits each value that occurs at three sizes or more: a constant, a multiple of a power or of log n, or both.

    Among the laws that have as many numbers or fewer than sizes, that with the least Bayesian information criterion is
    taken: a law with one more number must earn it.

    Args:
        values: for every network its n, and its formula's values by role (`Formula.values`).
    """
    names = dict.fromkeys(name for _, numbers in values for name in numbers)
    found = []
    for name in names:
        pairs = [(n, numbers[name]) for n, numbers in values if name in numbers]
        sizes = tuple(sorted({n for n, _ in pairs}))
        if len(sizes) >= 3:
            found.append(_law(name, np.array([n for n, _ in pairs], float), np.array([v for _, v in pairs]), sizes))
    return tuple(found)


def _law(name: str, n: np.ndarray, value: np.ndarray, sizes: tuple[int, ...]) -> SizeLaw:
    size = max(float(np.sqrt((value**2).mean())), 1e-300)
    one, shapes = np.ones_like(n), [(shape, function(n)) for shape, function in _SHAPES.items()]
    models = [("{:.3g}", [one]), *((shape, [values]) for shape, values in shapes)]
    models += [(shape, [one, values]) for shape, values in shapes]
    best: tuple[float, str, list[float], float] | None = None
    for shape, columns in models:
        matrix = np.column_stack(columns)
        factors = np.linalg.lstsq(matrix, value, rcond=None)[0]
        scatter = float(np.sqrt(((matrix @ factors - value) ** 2).mean())) / size
        price = 2 * len(n) * log(max(scatter, _FLOOR)) + len(columns) * log(len(n))
        if best is None or price < best[0] - 1e-9:
            best = (price, shape, factors.tolist(), scatter)
    assert best
    _, shape, (*constant, factor), scatter = best
    text = f"{constant[0]:.3g} {'-' if factor < 0 else '+'} {shape.format(abs(factor))}" if constant else ""
    return SizeLaw(name, text or shape.format(factor), scatter, sizes)
