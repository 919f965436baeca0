"""From a network to a formula: `describe`.

The stages: units by what they look at (`units`), roles with one set of values each, fitted again (`roles`), the first
form that does no worse (here), its limit (`limit`), a proved bound (`bound`), and the check of what is written against
the network (`check`). Networks of several hidden layers are read by `deep`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float

from novacula.hypernet.analyst.units import can_be_measured
from novacula.hypernet.formula.algebra import sympy_object, sympy_text
from novacula.hypernet.formula.bound import Box, error_bound
from novacula.hypernet.formula.check import POINTS, Check, check, explained
from novacula.hypernet.formula.deep import Deep, deep_bound, read_deep
from novacula.hypernet.formula.expression import (
    INPUTS,
    Call,
    Entry,
    Expression,
    Number,
    Over,
    evaluate,
    plus,
    rounded,
    times,
)
from novacula.hypernet.formula.form import Form
from novacula.hypernet.formula.known import is_known
from novacula.hypernet.formula.limit import exact_limit, level, limit_expression, shallow_limit, sharp_limit
from novacula.hypernet.formula.roles import forms
from novacula.hypernet.formula.source import python_source
from novacula.hypernet.formula.units import Reading, Shallow, read_output
from novacula.hypernet.formula.writers import latex, python_expression
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task

if TYPE_CHECKING:
    import sympy

RISE = 1.1
"""Times the network's squared error that a formula may have."""
_LOOSE = 0.05
"""Share of strength in units without a pattern, from which there are no roles."""
_FIT_POINTS = 1500
_LIMIT_POINTS = 20_000
_MOST_NUMBERS = 30_000_000
"""Numbers of a layer on all points: wide networks are checked on fewer."""
_TRIED = 20
"""Forms that are fitted before the nearest of them is taken."""
_LIMIT_R2 = 0.98


@dataclass(frozen=True)
class Formula:
    """What a network computes, in terms of the number of its inputs.

    Attributes:
        outputs: a formula for each output; none where none was found.
        inputs: n of the network.
        accepted: whether the squared error is at most 1.1 times the network's, and the check on inputs of the law
            holds.
        reason: why there is no formula, or why it is not accepted; empty otherwise.
        mse: of the formula on the task.
        network_mse: of the network on the same points.
        checked: the formula beside its network; None where there is no formula.
        limits: the limit of each output's formula; none where there is none.
        limit_checked: the limit beside the network.
        is_task: whether the limit, or the formula where there is no limit, is the task itself, symbol by symbol; of
            bits, input by input.
        error_bound: proved bound of |network - limit|, or of |network - formula| where there is no limit, over the box;
            of the output for which it is largest; None where no bound is known.
        box: the inputs for which the bound holds.
        values: the numbers of the formula by role, for size laws.
    """

    inputs: int
    outputs: tuple[Expression, ...] = ()
    accepted: bool = False
    reason: str = ""
    mse: float | None = None
    network_mse: float | None = None
    checked: Check | None = None
    limits: tuple[Expression, ...] = ()
    limit_checked: Check | None = None
    is_task: bool = False
    error_bound: float | None = None
    box: Box | None = None
    values: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch outputs"]:
        """The formula's values, for any number of inputs."""
        return _columns(self.outputs, x)

    @property
    def python(self) -> str | None:
        """A Python module with the function ``f(x)``; None where there is no formula."""
        if not self.outputs:
            return None
        limit = f"; in the limit {', '.join(map(python_expression, self.limits))}" if self.limits else ""
        return python_source(self.outputs, f"Found in a network of {self.inputs} inputs{limit}.")

    @property
    def line(self) -> str | None:
        """The formula on one line of Python."""
        return ", ".join(map(python_expression, self.outputs)) or None

    @property
    def limit_line(self) -> str | None:
        """The limit on one line of Python."""
        return ", ".join(map(python_expression, self.limits)) or None

    @property
    def latex(self) -> str | None:
        """LaTeX for mathematical mode."""
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
        """The formulas as expressions of SymPy."""
        return tuple(sympy_object(output, self.inputs) for output in self.outputs)

    @property
    def bound_says(self) -> str:
        """The bound in words; empty where there is none."""
        if self.error_bound is None or self.box is None:
            return ""
        what = "task" if self.is_task else "limit" if self.limits else "formula"
        return f"|network - {what}| <= {self.error_bound:.3g} for all {self.box}"


def describe(network: TargetNetwork, task: Task, *, points: int = POINTS, seed: int = 0) -> Formula:
    """Find a formula of a network, and check it.

    Args:
        network: any; those with one hidden layer are read by their roles, deeper ones if their weights are simple.
        task: what it should compute, and the law of the inputs.
        points: inputs on which formula and network are compared; fewer where layers are wider than 300 units.
        seed: of the inputs.

    Returns:
        A formula, accepted or not; or the reason why there is none.

    Source: arXiv 2312.03051 reads formulas from drawings; the method here is ours.
    """
    n = network.architecture.inputs
    points = max(1000, min(points, _MOST_NUMBERS // max(network.architecture.sizes)))
    generator = torch.Generator().manual_seed(seed)
    draw = task.law.draw((points + _FIT_POINTS, n), generator).double().numpy()
    fit_x, x = draw[:_FIT_POINTS], draw[_FIT_POINTS:]
    if not can_be_measured(network) or not np.isfinite(network(fit_x)).all():
        return Formula(n, reason="the network explodes, or has weights beyond 10^30")
    found = _shallow(network, task, fit_x) or _deep(network)
    if found is None:
        return Formula(n, reason="the weights fall into no roles: every unit would need a term of its own")
    return _judged(network, task, found, x)


@dataclass(frozen=True)
class _Found:
    """What was read from the weights, before it is judged."""

    outputs: tuple[Expression, ...]
    limits: tuple[Expression, ...] = ()
    parts: tuple[tuple[Reading, Form], ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    caveat: str = ""
    deep: Deep | None = None


def _judged(network: TargetNetwork, task: Task, found: _Found, x: np.ndarray) -> Formula:
    n = x.shape[1]
    y = np.concatenate([network(part) for part in np.array_split(x, max(1, len(x) // 20_000))])
    checked = check(lambda inputs: _columns(found.outputs, inputs), network, x, y)
    wanted = task.function(torch.from_numpy(x)).double().numpy().reshape(len(x), -1)
    own, theirs = _error(_columns(found.outputs, x), wanted), _error(y, wanted)
    variance = float(((wanted - wanted.mean(0)) ** 2).mean())
    reason = found.caveat
    if own > RISE * theirs + 1e-9 * variance:
        reason = reason or f"the formula's squared error is {own:.3g}, the network's {theirs:.3g}"
    elif not checked.holds:
        reason = reason or f"the formula explains {checked.r2:.1%} of the network's output"
    limits, limit_checked = found.limits, None
    if limits:
        limit_checked = check(lambda inputs: _columns(limits, inputs), network, x[:_LIMIT_POINTS], y[:_LIMIT_POINTS])
    box = Box.around(x)
    bounds = [error_bound(*part, box) for part in found.parts]
    bounds += [deep_bound(network, found.deep, box.farthest)] if found.deep else []
    return Formula(
        n,
        found.outputs,
        accepted=not reason,
        reason=reason,
        mse=own,
        network_mse=theirs,
        checked=checked,
        limits=limits,
        limit_checked=limit_checked,
        is_task=is_known(limits or found.outputs, task, n),
        error_bound=max(bounds) if bounds and not found.caveat else None,
        box=box,
        values=found.values,
    )


def _shallow(network: TargetNetwork, task: Task, x: np.ndarray) -> _Found | None:
    """Reads a network of at most one hidden layer, output by output."""
    parts = split(network)
    if parts is None:
        return None
    outputs, limits, proved, values = [], [], [], {}
    wanted = task.function(torch.from_numpy(x)).double().numpy().reshape(len(x), -1)
    for index, part in enumerate(parts):
        reading = read_output(part, x)
        if reading.looseness > _LOOSE:
            return _radial(reading, x) if len(parts) == 1 else None
        form = _first_that_does(reading, x, wanted[:, index])
        if form is None:
            return None
        limit = _limit(form, x)
        outputs.append(form.expression(x.shape[1]))
        limits.append(limit_expression(limit, x.shape[1]) if limit else None)
        proved.append((reading, limit or form))
        values |= _values(form, f"y{index} " if len(parts) > 1 else "")
    complete = tuple(limit for limit in limits if limit is not None)
    return _Found(tuple(outputs), complete if len(complete) == len(limits) else (), tuple(proved), values)


def split(network: TargetNetwork) -> list[Shallow] | None:
    """The outputs of a network of at most one hidden layer, each by itself; None for a deeper one."""
    if len(network.weights) > 2 or network.architecture.residual:
        return None
    inputs, activation = network.architecture.sizes[0], network.architecture.activation
    *hidden, last = zip(network.weights, network.biases, strict=True)
    rows, biases = hidden[0] if hidden else (np.zeros((0, inputs)), np.zeros(0))
    found = []
    for index, (outs, constant) in enumerate(zip(last[0], last[1].tolist(), strict=True)):
        direct = np.zeros(inputs) if network.bypass is None else network.bypass[index]
        direct, outs = (direct, outs) if hidden else (direct + outs, np.zeros(0))
        found.append(Shallow(activation, rows, biases, outs, direct, constant))
    return found


def _first_that_does(reading: Reading, x: np.ndarray, wanted: np.ndarray) -> Form | None:
    """The simplest form whose error is at most 1.1 times the network's; else the one of least error that is near it."""
    y = reading.output(x)
    allowed = RISE * float(((y - wanted) ** 2).mean()) + 1e-9 * float(wanted.var())
    best, least = None, np.inf
    for form in islice(forms(reading, x), _TRIED):
        value = evaluate(form.expression(x.shape[1]), x)
        away = float(((value - y) ** 2).mean())
        if explained(value, y) >= 0.95 and float(((value - wanted) ** 2).mean()) <= allowed:
            return form
        if away < least:
            best, least = form, away
    return best


def _limit(form: Form, x: np.ndarray) -> Form | None:
    """The limit that is nearest to the formula."""
    n = x.shape[1]
    y = evaluate(form.expression(n), x)
    made = [limit for limit in (sharp_limit(form, n), shallow_limit(form), exact_limit(form)) if limit]
    values = [evaluate(limit_expression(each, n), x) for each in made]
    # That rounded corners lift the output is a matter of the error bound.
    near = [explained(value - value.mean(), y - y.mean()) for value in values]
    if not made or max(near) < _LIMIT_R2:
        return None
    limit, value = max(zip(made, values, near, strict=True), key=lambda each: each[2])[:2]
    return level(limit, form, float((y - value).mean()), max(float(y.std()), abs(float(value.mean()))))


def _radial(reading: Reading, x: np.ndarray) -> _Found | None:
    """Random rows with one sign of v are, on average over their law, a bowl: a (Σ x² + e²)^½ + c."""
    outs, strength = reading.output.outs, reading.strength
    if abs(outs @ strength) <= 0.9 * float(np.abs(outs) @ strength) or len(reading.units) > len(reading.loose):
        return None
    from scipy.optimize import least_squares

    y, square = reading.output(x), (x**2).sum(1)

    def solved(soft: float) -> tuple[np.ndarray, np.ndarray]:
        columns = np.column_stack([np.sqrt(square + soft**2), np.ones(len(x))])
        outer = np.linalg.lstsq(columns, y, rcond=None)[0]
        return outer, columns @ outer - y

    soft = float(least_squares(lambda v: solved(float(v[0]))[1], [1.0], max_nfev=15).x[0])
    (slope, constant), _ = solved(soft)
    inside = plus(Over(Call("square", Entry("i")), INPUTS), rounded(soft**2))
    expression = plus(times(rounded(float(slope)), Call("sqrt", inside)), rounded(float(constant)))
    if slope <= 0 or expression == Number(0.0):
        return None
    caveat = "the rows are random: the formula is the mean over networks of this kind, not this network"
    return _Found((expression,), caveat=caveat, values={"radius": float(slope)})


def _deep(network: TargetNetwork) -> _Found | None:
    """Reads a network whose weights are simple numbers."""
    read = read_deep(network)
    return _Found(read.outputs, read.outputs, deep=read) if read else None


def _values(form: Form, prefix: str) -> dict[str, float]:
    """The numbers of a form by the roles that they belong to."""
    found = {}
    for role in form.roles:
        sense = "±" if role.mirrored else "+" if role.weight > 0 else "-"
        name = f"{prefix}{role.pattern} {sense}"
        if f"{name} slope" in found:
            continue
        found[f"{name} slope"] = role.out * abs(role.weight)
        found[f"{name} weight"] = role.weight
        for what in ("bias", "background", "step"):
            if value := getattr(role, what):
                found[f"{name} {what}"] = value
    if len(form.lines) == 1:
        found[f"{prefix}linear"] = form.lines[0].slope
    return {**found, f"{prefix}constant": form.constant}


def _columns(outputs: Sequence[Expression], x: np.ndarray) -> np.ndarray:
    return np.column_stack([evaluate(output, x) for output in outputs])


def _error(got: np.ndarray, wanted: np.ndarray) -> float:
    return float(((got - wanted) ** 2).mean())


def _equation(outputs: Sequence[Expression]) -> str | None:
    if not outputs:
        return None
    names = ["y"] if len(outputs) == 1 else [f"y_{{{index + 1}}}" for index in range(len(outputs))]
    return r" \\ ".join(f"{name} = {latex(output)}" for name, output in zip(names, outputs, strict=True))
