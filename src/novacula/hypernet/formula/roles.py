"""From units to roles: units that do the same at different inputs share one set of values, which is fitted again.

Forms are tried from simple to complex; `describe` takes the first that does no worse. Source: ours (clustering and
refitting of weights; the form of the result is what arXiv 2312.03051 reads from drawings by eye).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Float

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import Pattern, is_enough, unit_of
from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import Activation
from novacula.hypernet.formula.expression import Domain
from novacula.hypernet.formula.form import Form, Line, Role
from novacula.hypernet.formula.shallow import Reading, Unit

Grain = Literal["one", "gaps", "each"]

_GRAINS: tuple[Grain, ...] = ("one", "gaps", "each")


_Kinks = dict[tuple[Pattern, bool, bool, bool, int], list[Unit]]
"""Units, those of one direction merged, by pattern, sense, sign of v, whether they are straight, and kink."""


def forms(reading: Reading, x: Float[np.ndarray, "batch inputs"]) -> Iterator[Form]:
    """Forms of an output from simple to complex, each fitted to its values at some points."""
    target, activation, unit = reading.output(x), reading.output.activation, unit_of(x)
    kinks = _kinks(activation, reading.units, unit)
    seen = set()
    if is_enough(x):
        plane = np.linalg.lstsq(np.column_stack([x / unit, np.ones(len(x))]), target, rcond=None)[0][:-1] / unit
    else:
        plane = reading.output.direct + (reading.output.outs * reading.lines[:, 0]) @ reading.output.rows
    for lines in ((), *(_lines(plane, grain) for grain in _GRAINS)):
        yield fit(Form((), lines, float((target - x @ plane).mean())), x, target, (False, False))
    for grain in _GRAINS:
        for thrifty in (True, False):
            roles = _staircase(_roles(activation, kinks, grain, thrifty), x.shape[1])
            if len(roles) > THRESHOLDS.most_roles:
                continue
            linear = _lines(reading.slopes, grain)
            tried = _LEVELS if grain == "one" else _FINE_LEVELS
            levels = product(((), linear) if grain == "one" and thrifty and roles else (linear,), tried)
            for lines, (bias, background, mirrored) in levels:
                start = [_simplified(role, bias, background) for role in roles]
                start = _mirror(start) if mirrored else start
                told = ((r.pattern, r.members, r.weight > 0, r.bias != 0, r.background != 0, r.mirrored) for r in start)
                plan = (*told, len(lines))  # what distinguishes forms before they are fitted
                if plan in seen or (mirrored and not any(role.mirrored for role in start)):
                    continue
                seen.add(plan)
                yield fit(Form(tuple(start), lines, reading.offset), x, target, (bias, background))


_LEVELS = (
    (False, False, True),
    (False, False, False),
    (True, False, True),
    (True, False, False),
    (True, True, True),
    (True, True, False),
)
"""Whether there are biases, backgrounds, and pairs of mirrored units with the same values."""
_FINE_LEVELS = ((False, False, False), (True, False, False))  #: the levels where inputs already differ


def fit(
    form: Form, x: Float[np.ndarray, "batch inputs"], target: Float[np.ndarray, " batch"], free: tuple[bool, bool]
) -> Form:
    """The form with the values of least squared error at x, found from its own; `free` fits biases and backgrounds.

    What stands outside of φ is solved for exactly at every trial of what stands inside. With more of it than half the
    points, the form keeps its own values.
    """
    if 2 * (len(form.roles) + len(form.lines)) > len(x):
        return form.pruned()
    from scipy.optimize import least_squares

    places, unit = _places(form, free), unit_of(x)
    start = np.array([getattr(form.roles[role], name) for role, name in places])

    def placed(values: np.ndarray) -> list[Role]:
        changes: list[dict[str, float]] = [{} for _ in form.roles]
        for (role, name), value in zip(places, values, strict=True):
            changes[role][name] = float(value)
        return [replace(role, **change) for role, change in zip(form.roles, changes, strict=True)]

    fixed = np.column_stack([*(x[:, [m[0] for m in line.members]].sum(1) for line in form.lines), np.ones(len(x))])
    units = np.array([*(_units(role, unit)[0] for role in form.roles), *(unit for _ in form.lines), 1.0])

    def solved(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        columns = np.column_stack([*(role.feature(x) for role in placed(values)), fixed]) / units
        outer = np.linalg.lstsq(columns, target, rcond=1e-10)[0]
        return outer / units, columns @ outer - target

    if len(places):
        least = [_units(form.roles[role], unit)[1 if name in ("bias", "step") else 2] for role, name in places]
        scale, size = np.maximum(np.abs(start), 0.1 * np.array(least)), max(float(target.std()), 1e-300)
        best = least_squares(lambda v: solved(v * scale)[1] / size, start / scale, max_nfev=10, xtol=1e-6)
        start = best.x * scale
    outer, _ = solved(start)
    outer[-1] = 0.0 if abs(outer[-1]) < 1e-9 * np.abs(target).max(initial=0.0) else outer[-1]
    roles = [replace(role, out=float(out)) for role, out in zip(placed(start), outer, strict=False)]
    slopes = outer[len(roles) : -1]
    # Roles that others make superfluous.
    roles = [role for role in roles if abs(role.out) * role.feature(x).std() > 1e-6 * target.std()]
    lines = tuple(replace(line, slope=float(slope)) for line, slope in zip(form.lines, slopes, strict=True))
    found = Form(tuple(roles), lines, float(outer[-1])).pruned()
    flat = [role for role in found.roles if _is_plane(role, x, float(target.std()))]
    if not flat:
        return found
    more = tuple(Line(role.members, 0.0) for role in flat)
    lines = (*found.lines, *(line for line in more if line.members not in [known.members for known in found.lines]))
    return fit(replace(found, roles=tuple(r for r in found.roles if r not in flat), lines=lines), x, target, free)


def _units(role: Role, unit: float) -> tuple[float, float, float]:
    """The units of what a role adds, of its bias, and of its weights, where `unit` is that of the inputs."""
    activation = ACTIVATIONS[role.function]
    return (unit**activation.degree, unit, 1.0) if activation.homogeneous else (1.0, 1.0, 1 / unit)


def _is_plane(role: Role, x: np.ndarray, spread: float) -> bool:
    """Whether a role on single inputs has been fitted so shallow that it is a coefficient on them."""
    if role.pattern != "entry" or role.mirrored or role.background:
        return False
    design = np.column_stack([x[:, [m[0] for m in role.members]].sum(1) / unit_of(x), np.ones(len(x))])
    value = role.out * role.feature(x)
    return float((value - design @ np.linalg.lstsq(design, value, rcond=None)[0]).std()) < THRESHOLDS.plane * spread


def _places(form: Form, free: tuple[bool, bool]) -> list[tuple[int, str]]:
    places = []
    for index, role in enumerate(form.roles):
        if role.straight:
            continue
        if not ACTIVATIONS[role.function].homogeneous:
            places.append((index, "weight"))
        if (free[0] and role.bias) or role.pattern == "total":
            places.append((index, "bias"))
        if free[1] and role.background:
            places.append((index, "background"))
        if role.stairs:
            places.append((index, "step"))
    return places


def _simplified(role: Role, bias: bool, background: bool) -> Role:
    if role.pattern == "total":
        return role
    return replace(role, bias=role.bias if bias else 0.0, background=role.background if background else 0.0)


def _mirror(roles: list[Role]) -> list[Role]:
    """Pairs of roles that differ in the sense of their direction become one."""
    kept: list[Role] = []
    for role in roles:
        for index, twin in enumerate(kept):
            alike = (twin.pattern, twin.members) == (role.pattern, role.members) and not twin.mirrored
            if alike and twin.weight * role.weight < 0 < twin.out * role.out and role.pattern != "total":
                kept[index] = replace(twin, weight=abs(twin.weight), mirrored=True)
                break
        else:
            kept.append(role)
    return kept


def _kinks(activation: Activation, units: tuple[Unit, ...], unit_of_inputs: float) -> _Kinks:
    """Units by pattern, sense, sign of v and kink; within each, those of one direction merged."""
    even = ACTIVATIONS[activation].even
    keyed: dict[tuple[Pattern, bool, bool, bool], list[Unit]] = defaultdict(list)
    for unit in units:
        if even and unit.weight < 0:
            unit = replace(unit, weight=-unit.weight, background=-unit.background, bias=-unit.bias)
        keyed[(unit.direction.pattern, unit.weight > 0, unit.out > 0, unit.straight)].append(unit)
    found: _Kinks = {}
    for key, group in keyed.items():
        kinks = np.array([-unit.bias / unit.weight for unit in group]) / unit_of_inputs
        # The place of a bend that no input reaches is of no matter.
        for label, places in enumerate(_clusters(np.arcsinh(kinks) if key[-1] else kinks, THRESHOLDS.same_kink)):
            by_member: dict[tuple[int, ...], list[Unit]] = defaultdict(list)
            for place in places:
                by_member[group[place].direction.member].append(group[place])
            found[(*key, label)] = [_merged(activation, alike) for _, alike in sorted(by_member.items())]
    return found


def _merged(activation: Activation, units: list[Unit]) -> Unit:
    degree = ACTIVATIONS[activation].degree
    weights = np.array([unit.weight for unit in units])
    slopes = np.array([unit.out for unit in units]) * np.abs(weights) ** degree
    share = slopes / slopes.sum()
    weight = float(share @ weights)
    background = float(share @ np.array([unit.background for unit in units]))
    kink = float(share @ np.array([-unit.bias for unit in units]) / weight)
    if ACTIVATIONS[activation].homogeneous:
        background, weight = background / abs(weight), float(np.sign(weight))
    out = float(slopes.sum() / abs(weight) ** degree)
    return replace(units[0], weight=weight, background=background, bias=-kink * weight, out=out)


def _roles(activation: Activation, kinks: _Kinks, grain: Grain, thrifty: bool) -> list[Role]:
    """Roles for the clusters of every kink's values, the strongest first."""
    roles: list[Role] = []
    for (pattern, _, _, straight, _), merged in kinks.items():
        slopes = np.array([unit.out * abs(unit.weight) for unit in merged])
        for places in _grouped(slopes, grain):
            alike = [merged[i] for i in places]
            means = np.mean([(m.weight, m.background, m.bias, m.out) for m in alike], axis=0).tolist()
            members = tuple(sorted(unit.direction.member for unit in alike))
            roles.append(Role(activation, pattern, members, *means, straight=straight))
    power = np.array([abs(role.out * role.weight) * len(role.members) for role in roles])
    order = np.argsort(-power, kind="stable")
    return [roles[i] for i in order if not thrifty or power[i] > THRESHOLDS.minor * power.sum()]


def _staircase(roles: list[Role], n: int) -> list[Role]:
    """Three or more units on the sum of all inputs whose kinks are equally far apart become one role of stairs."""
    steps = sorted(
        (role for role in roles if role.pattern == "total" and not role.straight),
        key=lambda role: -role.bias / role.weight,
    )
    if len(steps) < 3 or len({role.weight > 0 for role in steps}) > 1:
        return roles
    kinks = np.array([-role.bias / role.weight for role in steps])
    outs = np.array([role.out for role in steps])
    gaps = np.diff(kinks)
    tail = outs[1:] / outs[1]
    turns = (-1.0) ** np.arange(len(tail))
    alternating = bool(np.abs(tail - turns).max() < 0.15)
    if gaps.std() > 0.1 * gaps.mean() or not (alternating or np.abs(tail - 1).max() < 0.15):
        return roles
    first = 0 if abs(outs[0] / outs[1] - (-1 if alternating else 1)) < 0.15 else 1
    shift = round(kinks[0] / gaps.mean())
    sign = -1.0 if alternating and (first + shift) % 2 else 1.0
    weight = float(np.mean([role.weight for role in steps]))
    stairs = Domain("steps", first=first + shift, beyond=len(steps) - 1 + shift - n)
    role = replace(
        steps[0],
        weight=weight,
        bias=float((shift * gaps.mean() - kinks[0]) * weight),
        out=float(sign * outs[first]),
        stairs=stairs,
        step=float(gaps.mean() * weight),
        alternating=alternating,
    )
    return [role for role in roles if role not in steps] + steps[:first] + [role]


def _lines(slopes: np.ndarray, grain: Grain) -> tuple[Line, ...]:
    """The linear part: one coefficient for all inputs, one for each cluster, or each its own."""
    if not slopes.any():
        return ()
    return tuple(Line(tuple((i,) for i in places), float(slopes[places].mean())) for places in _grouped(slopes, grain))


def _grouped(values: np.ndarray, grain: Grain) -> list[list[int]]:
    """The places of values that share a number: all of them, those in a cluster, or each its own."""
    if grain == "gaps":
        return _clusters(values / np.abs(values).max(), THRESHOLDS.same_value)
    return [[i] for i in range(len(values))] if grain == "each" else [list(range(len(values)))]


def _clusters(values: np.ndarray, gap: float) -> list[list[int]]:
    """The places of values by cluster: sorted, a new cluster begins after each gap that is wider than `gap`."""
    order = np.argsort(values, kind="stable")
    return [sorted(part.tolist()) for part in np.split(order, np.flatnonzero(np.diff(values[order]) > gap) + 1)]
