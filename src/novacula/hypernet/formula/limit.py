"""The limit of a formula: what it becomes where its units are sharp, or where they are shallow.

Sharp: swish(kz)/k, gelu(kz)/k and softplus(kz)/k tend to max(z, 0) as k grows. Shallow: swish(z) = z/2 + z²/4 + O(z⁴),
gelu(z) = z/2 + z²/√(2π) + O(z⁴), softplus(z) = ln 2 + z/2 + z²/8 + O(z⁴), so that pairs of units square. Pairs of kinks
in opposite senses are |z|, since a max(z, 0) + b max(-z, 0) = (a+b)/2 |z| + (a-b)/2 z. Source: ours.

`is_known` tells whether a limit is the task itself, which stands here in the words of formulas.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from jaxtyping import Float

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import Direction, Pattern, unit_of
from novacula.hypernet.architecture import ACTIVATIONS, RECTIFIERS
from novacula.hypernet.config import Activation
from novacula.hypernet.formula.expression import Call, Expression, Over, Plus, Times, domain_of, evaluate, parse, plus
from novacula.hypernet.formula.form import Form, Line, Role, summed
from novacula.hypernet.formula.formula import explained
from novacula.hypernet.tasks import Task
from novacula.hypernet.tasks.given import DATA, NONE


def _sharp_limit(form: Form, n: int, unit: float) -> Form | None:
    """The form for infinite slopes, its values taken for the simple ones that they are near; None where it has none.

    `unit` is that of the inputs.
    """
    simple = THRESHOLDS.simple * unit
    if any(role.function not in (*RECTIFIERS, "abs") for role in form.roles) or not form.roles:
        return None
    rises: dict[Direction, list[float]] = defaultdict(lambda: [0.0, 0.0])
    kept: list[Role] = []
    slopes = dict.fromkeys(range(n), 0.0) | _slopes(form)
    for role in form.roles:
        slope = role.out * abs(role.weight)
        kink = -role.bias / role.weight
        if role.straight:
            # It is on the rising side, where φ(z) tends to z: on the falling side it would be dead.
            slopes = {index: value + role.out * role.weight for index, value in slopes.items()}
        elif role.function == "abs" and abs(kink) < simple:
            for member in role.members:
                rises[Direction(role.pattern, member)][0] += slope
                rises[Direction(role.pattern, member)][1] += slope
        elif role.function == "abs":
            kept.append(replace(role, weight=1.0, out=_simple(slope), bias=-_simple(kink), background=0.0))
        elif role.pattern != "total" and abs(kink) < 2 * simple:
            for member in role.members:
                for sense in (0, 1) if role.mirrored else ((0,) if role.weight > 0 else (1,)):
                    rises[Direction(role.pattern, member)][sense] += slope
        else:
            kept.append(_kinked(role, slope, _simple(kink) if abs(kink) > simple else 0.0))
    return _gathered(rises, kept, slopes)


def _shallow_limit(form: Form) -> Form | None:
    """The form with every function replaced by its power series to second order; None where it has none.

    A square is its own series, so that a form of squares stays what it is, with simple values.
    """
    squares: dict[Direction, float] = defaultdict(float)
    slopes: dict[int, float] = defaultdict(float, _slopes(form))
    for role in form.roles:
        series = ACTIVATIONS[role.function].series
        if series is None or role.bias or role.background or (role.pattern == "total" and role.function != "square"):
            return None
        slope, square = series
        for member in role.members:
            direction = Direction(role.pattern, member)
            squares[direction] += role.out * role.weight**2 * square * (2 if role.mirrored else 1)
            if not role.mirrored:
                for sign, index in direction.signed:
                    slopes[index] += sign * role.out * role.weight * slope
    roles = _grouped("square", squares)
    return Form(roles, _linear(slopes, max(abs(role.out) for role in roles)), 0.0) if roles else None


def _slopes(form: Form) -> dict[int, float]:
    """The coefficient of each input in the linear part."""
    slopes: dict[int, float] = defaultdict(float)
    for line in form.lines:
        for (index,) in line.members:
            slopes[index] += line.slope
    return slopes


def nearest_limit(form: Form, x: Float[np.ndarray, "batch inputs"]) -> Form | None:
    """Returns the limit that is nearest to the formula at some points; None where none is near."""
    n = x.shape[1]
    y = evaluate(form.expression(n), x)
    made = [limit for limit in (_sharp_limit(form, n, unit_of(x)), _shallow_limit(form)) if limit]
    values = [evaluate(limit_expression(limit, n), x) for limit in made]
    # That rounded corners lift the output is a matter of the error bound.
    near = [explained(value - value.mean(), y - y.mean()) for value in values]
    if not made or max(near) < THRESHOLDS.limit:
        return None
    best = int(np.argmax(near))
    scale = max(float(y.std()), abs(float(values[best].mean())))
    return _leveled(made[best], form, float((y - values[best]).mean()), scale)


def _leveled(limit: Form, form: Form, offset: float, scale: float) -> Form:
    """The limit with the constant that makes its mean that of the formula; none where that is small.

    The formula is higher by `offset` in the mean, of which what was taken for simple numbers may have moved `scale`.
    """
    corners = 0.0
    if not any(role.function == "square" for role in limit.roles):
        # Rounded corners lift or lower the output by up to 0.28 for every unit of v: an error, not a constant.
        rounded = [role for role in form.roles if not ACTIVATIONS[role.function].kinked]
        corners = 0.28 * sum(abs(role.out) * len(role.members) * (2 if role.mirrored else 1) for role in rounded)
    return replace(limit, constant=0.0 if abs(offset) <= max(corners, THRESHOLDS.simple * scale) else _simple(offset))


def limit_expression(form: Form, n: int) -> Expression:
    """Returns a limit as people write it: squares that leave only products, such as (x+y)² - (x-y)², are products."""
    squares = [role for role in form.roles if role.function == "square" and role.pattern != "total"]
    products, alone = _expanded(squares)
    if not products or any(
        abs(value) > THRESHOLDS.simple * max(map(abs, products.values())) for value in alone.values()
    ):
        return form.expression(n)
    groups: dict[float, list[tuple[int, ...]]] = defaultdict(list)
    for member, value in sorted(products.items()):
        groups[_simple(value)].append(member)
    sums = [
        summed(f"{value:.6g} * x_i * x_j", domain_of(tuple(members), n), n) for value, members in sorted(groups.items())
    ]
    return plus(*sums, replace(form, roles=tuple(role for role in form.roles if role not in squares)).expression(n))


def _expanded(squares: Sequence[Role]) -> tuple[dict[tuple[int, ...], float], dict[int, float]]:
    """The coefficients of x_i x_j and of x_i² in Σ out (x_i ± x_j)² and Σ out x_i²."""
    products: dict[tuple[int, ...], float] = defaultdict(float)
    alone: dict[int, float] = defaultdict(float)
    for role in squares:
        for member in role.members:
            for index in member:
                alone[index] += role.out
            if len(member) == 2:
                products[member] += 2 * role.out * (1 if role.pattern == "pair+" else -1)
    return products, alone


def _gathered(rises: Mapping[Direction, list[float]], kept: list[Role], slopes: Mapping[int, float]) -> Form:
    bends = {direction: (up + down) / 2 for direction, (up, down) in rises.items()}
    tilts: dict[int, float] = defaultdict(float, slopes)
    for direction, (up, down) in rises.items():
        for sign, index in direction.signed:
            tilts[index] += sign * (up - down) / 2
    single: dict[float, dict[Direction, float]] = {1.0: {}, -1.0: {}}
    for direction, bend in list(bends.items()):  # b |z| ± b z is 2b max(±z, 0)
        tilt = [sign * tilts[index] for sign, index in direction.signed]
        if (
            bend
            and tilt
            and max(abs(abs(t) - abs(bend)) + abs(t - tilt[0]) for t in tilt) <= THRESHOLDS.simple * abs(bend)
        ):
            single[float(np.sign(tilt[0] * bend))][direction] = 2 * bends.pop(direction)
            tilts.update(dict.fromkeys(direction.member, 0.0))
    roles = _grouped("abs", bends) + tuple(
        replace(role, weight=sense) for sense, found in single.items() for role in _grouped("relu", found)
    )
    scale = max((abs(role.out) for role in (*roles, *kept)), default=max(map(abs, tilts.values()), default=0.0))
    return Form((*roles, *kept), _linear(tilts, scale), 0.0)


def _kinked(role: Role, slope: float, place: float) -> Role:
    """A unit of infinite slope whose kink is not at 0, or that stands on the sum of all inputs."""
    sense = 1.0 if role.weight > 0 else -1.0
    step = _simple(role.step / abs(role.weight)) if role.stairs else 0.0
    return replace(
        role, function="relu", weight=sense, background=0.0, bias=-sense * place, out=_simple(slope), step=step
    )


def _grouped(function: Activation, values: Mapping[Direction, float]) -> tuple[Role, ...]:
    """One role for each pattern and value, values that are small left out."""
    largest = max((abs(value) for value in values.values()), default=0.0)
    groups: dict[tuple[Pattern, float], list[tuple[int, ...]]] = defaultdict(list)
    for direction, value in values.items():
        if abs(value) > THRESHOLDS.simple * largest:
            groups[(direction.pattern, _simple(value))].append(direction.member)
    return tuple(
        Role(function, pattern, tuple(sorted(members)), 1.0, 0.0, 0.0, value)
        for (pattern, value), members in sorted(groups.items())
    )


def _linear(slopes: Mapping[int, float], scale: float) -> tuple[Line, ...]:
    groups: dict[float, list[tuple[int, ...]]] = defaultdict(list)
    for index, slope in sorted(slopes.items()):
        if abs(slope) > THRESHOLDS.simple * scale:
            groups[_simple(slope)].append((index,))
    return tuple(Line(tuple(members), slope) for slope, members in sorted(groups.items()))


def _simple(value: float) -> float:
    """The nearest of the simple numbers k/4, where it is near; else the value to two digits."""
    for parts in (1, 2, 4):
        nearest = round(value * parts) / parts
        if nearest and abs(value - nearest) <= THRESHOLDS.simple * abs(nearest):
            return nearest
    return float(f"{value:.2g}")


_KNOWN: Mapping[str, tuple[str, ...]] = {
    "l1-norm": ("sum(abs(x_i) for x_i in x)",),
    "total-variation": ("sum(abs(x_i - x_j) for x_i, x_j in zip(x, x[1:]))",),
    "max": ("max(x)",),
    "min": ("min(x)",),
    "range": ("max(x) - min(x)",),
    "squared-l2": ("sum(square(x_i) for x_i in x)",),
    "dot-product": ("sum(x_i * x_j for x_i, x_j in zip(x, x[n // 2:]))",),
    "sum": ("sum(x)",),
    "clip": (
        "sum(relu(x_i + 1) - relu(x_i - 1) for x_i in x) - {n}",
        "sum(relu(x_i + 1) - relu(-x_i + 1) for x_i in x) - sum(x)",
    ),
}
"""The ways in which tasks of one output are written as limits."""
_GAP, _PRODUCT = "abs(x[0] - x[1])", "x[0] * x[1]"
_LESS, _MORE = (f"{sign}0.5 * {_GAP} + 0.5 * sum(x)" for sign in ("-", ""))
_OF_TWO: Mapping[str, tuple[str, ...]] = {
    "max": (_MORE,),
    "min": (_LESS,),
    "range": (_GAP,),
    "sort": (_LESS, _MORE),
    "total-variation": (_GAP,),
    "product": (_PRODUCT,),
    "dot-product": (_PRODUCT,),
}
"""The same for two inputs, a line for each output."""
_MOST_BITS = 12


def is_known(found: tuple[Expression, ...], task: Task, n: int) -> bool:
    """Whether formulas of the outputs are a task of n inputs: as limits are written; of bits, at every input."""
    if task.name in (NONE, DATA):
        return False
    if task.law.name == "bits":
        if n > _MOST_BITS:
            return False
        bits = np.array(list(product((0.0, 1.0), repeat=n)))
        wanted = task.function(torch.from_numpy(bits)).numpy()
        return float(np.abs(np.column_stack([evaluate(output, bits) for output in found]) - wanted).max()) < 1e-9
    ways = [(line.format(n=n),) for line in _KNOWN.get(task.name, ())]
    ways += [_OF_TWO[task.name]] if n == 2 and task.name in _OF_TWO else []
    return tuple(map(_in_order, found)) in [tuple(_in_order(parse(line)) for line in way) for way in ways]


def _in_order(node: Expression) -> Expression:
    """The same with all terms and factors in one order."""
    match node:
        case Plus(terms):
            return Plus(tuple(sorted(map(_in_order, terms), key=repr)))
        case Times(factors):
            return Times(tuple(sorted(map(_in_order, factors), key=repr)))
        case Call(function, argument):
            return Call(function, _in_order(argument))
        case Over(body, domain):
            return Over(_in_order(body), domain)
        case _:
            return node
