"""From a network to a formula: `describe`.

A network is read: units by what they look at (`shallow`), roles with one set of values each, fitted again (`roles`),
the first form that does no worse, and its limit (`limit`); networks of several hidden layers by `deep`. What was read
is judged by a check of what is written against the network (`formula`), and a proved bound (`bound`). Source: ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import can_be_measured, unit_of
from novacula.hypernet.formula.bound import Bound, error_bound, largest_difference
from novacula.hypernet.formula.deep import Deep, TooLarge, deep_bound, read_deep
from novacula.hypernet.formula.expression import Expression, evaluate, nodes, parse
from novacula.hypernet.formula.form import Form
from novacula.hypernet.formula.formula import POINTS, Formula, check, columns, explained, largest_term
from novacula.hypernet.formula.interval import Box
from novacula.hypernet.formula.limit import is_known, limit_expression, nearest_limit
from novacula.hypernet.formula.roles import forms
from novacula.hypernet.formula.shallow import Reading, read_output, split
from novacula.hypernet.formula.writers import python_expression
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task
from novacula.options import percent

_FIT_POINTS = 1500
_LIMIT_POINTS = 20_000
_MOST_NUMBERS = 30_000_000  #: numbers of a layer on all points: wide networks are checked on fewer


@dataclass(frozen=True)
class Draft:
    """What was read from the weights."""

    outputs: tuple[Expression, ...]  #: a formula for each output
    limits: tuple[Expression, ...] = ()  #: the limit of each; none where one of them has none
    deep: Deep | None = None  #: a deeper network as it was read
    values: Mapping[str, float] = field(default_factory=dict)  #: the numbers of the formulas by role
    caveat: str = ""  #: why the formulas cannot be accepted, whatever the check says


def describe(
    network: TargetNetwork, task: Task, *, points: int = POINTS, seed: int = 0, attack: bool = False
) -> Formula:
    """Finds a formula of a network, and checks it.

    Args:
        network: any; those with one hidden layer are read by their roles, deeper ones if their weights are simple.
        task: what it should compute, and the law of the inputs.
        points: inputs on which formula and network are compared; fewer where layers are wider than 300 units.
        seed: of the inputs.
        attack: whether a search goes for the largest difference between network and formula, which checks the bound.

    Returns:
        A formula, accepted or not; or the reason why there is none.

    Source: arXiv 2312.03051 reads formulas from drawings; the method here is ours.
    """
    n = network.architecture.inputs
    points = max(1000, min(points, _MOST_NUMBERS // max(network.architecture.sizes)))
    generator = torch.Generator().manual_seed(seed)
    drawn = task.law.draw((points + _FIT_POINTS, n), generator).double().numpy()
    fit_x, x = drawn[:_FIT_POINTS], drawn[_FIT_POINTS:]
    if not can_be_measured(network) or not np.isfinite(network(fit_x)).all():
        return Formula(n, reason="the network explodes, or has weights beyond 10^30")
    try:
        draft = read_formula(network, task, fit_x)
    except TooLarge:
        return Formula(n, reason="the formula is too large to read")
    if draft is None:
        return Formula(n, reason="the weights fall into no roles: every unit would need a term of its own")
    return _judged(network, task, draft, x, seed if attack else None)


def _judged(network: TargetNetwork, task: Task, draft: Draft, x: np.ndarray, attack: int | None) -> Formula:
    n, limits = x.shape[1], draft.limits
    y = np.concatenate([network(part) for part in np.array_split(x, max(1, len(x) // 20_000))])
    checked = check(lambda inputs: columns(draft.outputs, inputs), network, x, y)
    terms, size = largest_term(draft.outputs, x[:_FIT_POINTS]), float((y**2).mean(0).max() ** 0.5)
    if terms > THRESHOLDS.most_cancel * size > 0:
        return Formula(n, reason=f"terms of size {terms:.2g} would cancel to an output of size {size:.2g}")
    if not checked.r2 >= THRESHOLDS.half:
        return Formula(
            n,
            reason=draft.caveat
            or f"the best form explains only {percent(max(0.0, checked.r2), 1)} of the network's output",
        )
    limit_checked = None
    if limits:
        limit_checked = check(lambda inputs: columns(limits, inputs), network, x[:_LIMIT_POINTS], y[:_LIMIT_POINTS])
    wanted = task.function(torch.from_numpy(x)).double().numpy().reshape(len(x), -1)
    got = columns(draft.outputs, x)
    errors, network_errors = (((each - wanted) ** 2).mean(0) for each in (got, y))
    reason = draft.caveat
    worse = errors > THRESHOLDS.rise * network_errors + task.slack * wanted.var(0)
    worse &= [explained(*pair) < 1 for pair in zip(got.T, wanted.T, strict=True)]  # a constant has six digits
    if worse.any():
        of, place = f" of output {worse.argmax()}" if len(worse) > 1 else "", worse.argmax()
        said = f"the formula's squared error{of} is {errors[place]:.3g}, the network's {network_errors[place]:.3g}"
        reason = reason or said
    elif not checked.holds:
        reason = reason or f"the formula explains {percent(checked.r2, 1)} of the network's output"
    box = Box.around(x, bits=task.law.name == "bits")
    largest = (limit_checked or checked).largest
    bound, found = _bound(network, draft, box, largest)
    largest = max(largest, found)
    if attack is not None:
        shown = limits or draft.outputs
        found, _ = largest_difference(lambda at: network(at) - columns(shown, at), box, n, attack)
        largest = max(largest, found)
    if bound is not None and not largest <= bound * (1 + 1e-9):
        raise RuntimeError(f"the bound {bound:.6g} is below the error {largest:.6g} that was seen: a fault of novacula")
    return Formula(
        n,
        draft.outputs,
        accepted=not reason,
        reason=reason,
        mse=float(errors.mean()),
        network_mse=float(network_errors.mean()),
        checked=checked,
        limits=limits,
        limit_checked=limit_checked,
        is_task=is_known(limits or draft.outputs, task, n),
        error_bound=bound,
        box=box,
        size=network.size(x[:_FIT_POINTS]),
        largest_seen=largest,
        values=draft.values,
    )


_MOST_NODES = 8000  #: numbers, inputs and functions of a formula: Python itself does not read many more
_TRIED = 20  #: forms that are fitted before the nearest of them is taken


def _bound(network: TargetNetwork, draft: Draft, box: Box, seen: float) -> tuple[float | None, float]:
    """The bound of the lines that are printed, limits or else formulas, and the largest difference that it met."""
    lines = list(map(python_expression, draft.limits or draft.outputs))
    if draft.deep:
        return deep_bound(network, draft.deep, lines, box.farthest), seen
    bounds: list[Bound] = []
    for output, line in zip(() if draft.caveat else split(network), lines, strict=bool(not draft.caveat)):
        if (bound := error_bound(output, line, box, seen)) is None:
            return None, seen
        bounds.append(bound)
        seen = max(seen, bound.seen)
    return max((bound.value for bound in bounds), default=None), seen


def read_formula(network: TargetNetwork, task: Task, x: np.ndarray) -> Draft | None:
    """Reads a network; None where nobody could read its formula."""
    draft = _read_shallow(network, task, x)
    if draft is None and (deep := read_deep(network)):
        return Draft(deep.outputs, deep.outputs, deep=deep)
    return draft


def _read_shallow(network: TargetNetwork, task: Task, x: np.ndarray) -> Draft | None:
    """Reads a network of at most one hidden layer, output by output."""
    outputs, limits, values = [], [], {}
    wanted = task.function(torch.from_numpy(x)).double().numpy().reshape(len(x), -1)
    split_outputs = split(network)
    for index, output in enumerate(split_outputs):
        reading = read_output(output, x)
        if reading.looseness > THRESHOLDS.loose:
            return _read_bowl(reading, x) if len(split_outputs) == 1 else None
        form = _first_that_does(reading, x, wanted[:, index], task.slack)
        if form is None:
            return None
        outputs.append(form.expression(x.shape[1]))
        if len(nodes(outputs[-1])) > _MOST_NODES:
            raise TooLarge
        limit = nearest_limit(form, x)
        limits += [limit_expression(limit, x.shape[1])] if limit else []
        values |= _values(form, f"y{index} " if len(split_outputs) > 1 else "")
    if not outputs:
        return None
    return Draft(tuple(outputs), tuple(limits) if len(limits) == len(outputs) else (), values=values)


def _first_that_does(reading: Reading, x: np.ndarray, wanted: np.ndarray, slack: float) -> Form | None:
    """The simplest form whose error is at most 1.1 times the network's; else the one of least error that is near it."""
    y = reading.output(x)
    allowed = THRESHOLDS.rise * float(((y - wanted) ** 2).mean()) + slack * float(wanted.var())
    best, least = None, np.inf
    for form in islice(forms(reading, x), _TRIED):
        value = evaluate(form.expression(x.shape[1]), x)
        away = float(((value - y) ** 2).mean())
        near = float(((value - wanted) ** 2).mean()) <= allowed or explained(value, wanted) == 1
        if explained(value, y) >= THRESHOLDS.follows and near:
            return form
        if away < least:
            best, least = form, away
    return best


def _read_bowl(reading: Reading, x: np.ndarray) -> Draft | None:
    """Random rows with one sign of v are, on average over their law, a bowl: a (Σ x² + e²)^½ + c."""
    outs, strength = reading.output.outs, reading.strength
    one_sign = abs(outs @ strength) > THRESHOLDS.one_sign * float(np.abs(outs) @ strength)
    if not one_sign or len(reading.units) > len(reading.loose):
        return None
    from scipy.optimize import least_squares

    unit = unit_of(x)
    y, square = reading.output(x), ((x / unit) ** 2).sum(1)

    def solved(soft: float) -> tuple[np.ndarray, np.ndarray]:
        design = np.column_stack([np.sqrt(square + soft**2), np.ones(len(x))])
        outer = np.linalg.lstsq(design, y, rcond=None)[0]
        return outer, design @ outer - y

    soft = float(least_squares(lambda v: solved(float(v[0]))[1], [1.0], max_nfev=15).x[0])
    (slope, constant), soft = solved(soft)[0] / (unit, 1.0), soft * unit
    if slope <= 0:
        return None
    line = f"{slope:.6g} * sqrt(sum(square(x_i) for x_i in x) + {soft**2:.6g}) + {constant:.6g}"
    caveat = "the rows are random: a formula is the mean over networks of this kind, not this network"
    return Draft((parse(line),), values={"radius": float(slope)}, caveat=caveat)


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
