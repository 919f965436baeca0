"""The limit of a formula: what it becomes where its units are sharp, or where they are shallow.

Sharp: swish(kz)/k, gelu(kz)/k and softplus(kz)/k tend to max(z, 0) as k grows. Shallow: swish(z) = z/2 + z²/4 + O(z⁴),
gelu(z) = z/2 + z²/√(2π) + O(z⁴), softplus(z) = ln 2 + z/2 + z²/8 + O(z⁴), so that pairs of units square. Pairs of kinks
in opposite senses are |z|, since a max(z, 0) + b max(-z, 0) = (a+b)/2 |z| + (a-b)/2 z. Source: ours.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from math import log, pi, sqrt

from novacula.hypernet.formula.expression import Entry, Expression, FunctionName, domain_of, plus, rounded, times
from novacula.hypernet.formula.form import Form, Line, Role, summed
from novacula.hypernet.formula.units import Pattern

SHALLOW: dict[FunctionName, tuple[float, float, float]] = {
    "swish": (0.0, 0.5, 0.25),
    "gelu": (0.0, 0.5, 1 / sqrt(2 * pi)),
    "softplus": (log(2), 0.5, 0.125),
}
"""The first three coefficients of the power series at 0; the next term is of fourth order."""
_SHARP = ("swish", "gelu", "softplus", "relu", "abs")
_NEAR = 0.08
"""How far a value may be from a simple one, relative to the largest of its kind, to be taken for it."""

Direction = tuple[Pattern, tuple[int, ...]]


def sharp_limit(form: Form, n: int) -> Form | None:
    """The form for infinite slopes, its values taken for the simple ones that they are near; None where it has none."""
    if any(role.function not in _SHARP for role in form.roles) or not form.roles:
        return None
    rises: dict[Direction, list[float]] = defaultdict(lambda: [0.0, 0.0])
    kept: list[Role] = []
    slopes = dict.fromkeys(range(n), 0.0) | {member[0]: line.slope for line in form.lines for member in line.members}
    constant = form.constant
    for role in form.roles:
        slope = role.out * abs(role.weight)
        kink = -role.bias / role.weight
        if role.straight:
            # It is on the rising side, where φ(z) tends to z: on the falling side it would be dead.
            slopes = {index: value + role.out * role.weight for index, value in slopes.items()}
            constant += role.out * role.bias
        elif role.function == "abs" and abs(kink) < _NEAR:
            for member in role.members:
                rises[(role.pattern, member)][0] += slope
                rises[(role.pattern, member)][1] += slope
        elif role.function == "abs":
            kept.append(replace(role, weight=1.0, out=_simple(slope), bias=-_simple(kink), background=0.0))
        elif role.pattern != "total" and abs(kink) < 2 * _NEAR:
            for member in role.members:
                for sense in (0, 1) if role.mirrored else ((0,) if role.weight > 0 else (1,)):
                    rises[(role.pattern, member)][sense] += slope
        else:
            kept.append(_kinked(role, slope, kink))
    return _gathered(replace(form, constant=constant), rises, kept, slopes)


def shallow_limit(form: Form) -> Form | None:
    """The form with every function replaced by its power series to second order; None where it has none."""
    if any(role.function not in SHALLOW or role.pattern == "total" for role in form.roles) or not form.roles:
        return None
    squares: dict[Direction, float] = defaultdict(float)
    slopes: dict[int, float] = defaultdict(float, {m[0]: line.slope for line in form.lines for m in line.members})
    constant = form.constant
    for role in form.roles:
        at_0, slope, square = SHALLOW[role.function]
        if role.bias or role.background:
            return None
        for member in role.members:
            constant += role.out * at_0 * (2 if role.mirrored else 1)
            squares[(role.pattern, member)] += role.out * role.weight**2 * square * (2 if role.mirrored else 1)
            if not role.mirrored:
                signs = (1.0, -1.0) if role.pattern == "pair-" else (1.0, 1.0)
                for sign, index in zip(signs, member, strict=False):
                    slopes[index] += sign * role.out * role.weight * slope
    return _of_squares(squares, slopes, constant)


def exact_limit(form: Form) -> Form | None:
    """A form of squares with its values taken for the simple ones that they are near."""
    if not form.roles or any(role.function != "square" or role.bias or role.background for role in form.roles):
        return None
    squares: dict[Direction, float] = defaultdict(float)
    for role in form.roles:
        for member in role.members:
            squares[(role.pattern, member)] += role.out * role.weight**2
    slopes = {member[0]: line.slope for line in form.lines for member in line.members}
    return _of_squares(squares, slopes, form.constant)


def _of_squares(squares: Mapping[Direction, float], slopes: Mapping[int, float], constant: float) -> Form | None:
    roles = _grouped("square", squares)
    if not roles:
        return None
    scale = max(abs(role.out) for role in roles)
    return Form(roles, _linear(slopes, scale), 0.0 if abs(constant) < _NEAR * scale else constant)


def limit_expression(form: Form, n: int) -> Expression:
    """A limit as people write it: a (x_i + x_j)² - a (x_i - x_j)² is 4 a x_i x_j."""
    plain: list[Role] = []
    products: list[Expression] = []
    for role in form.roles:
        twin = next((r for r in plain if _opposed(r, role)), None)
        if twin is None:
            plain.append(role)
            continue
        plain.remove(twin)
        positive = role if role.pattern == "pair+" else twin
        domain = domain_of(role.members, n)
        products.append(summed([times(rounded(4 * positive.out), times(Entry("i"), Entry("j")))], domain, n))
    return plus(*products, replace(form, roles=tuple(plain)).expression(n))


def _opposed(one: Role, two: Role) -> bool:
    patterns = {one.pattern, two.pattern} == {"pair+", "pair-"} and one.members == two.members
    return patterns and one.function == two.function == "square" and abs(one.out + two.out) < 1e-9


def _gathered(
    form: Form, rises: Mapping[Direction, list[float]], kept: list[Role], slopes: Mapping[int, float]
) -> Form:
    bends = {key: (up + down) / 2 for key, (up, down) in rises.items()}
    tilts: dict[int, float] = defaultdict(float, slopes)
    for (pattern, member), (up, down) in rises.items():
        for sign, index in zip((1, -1) if pattern == "pair-" else (1, 1), member, strict=False):
            tilts[index] += sign * (up - down) / 2
    roles = _grouped("abs", bends)
    scale = max([abs(role.out) for role in (*roles, *kept)], default=1.0)
    # Rounded corners lift or lower the output by up to 0.28 for every unit of v; that is an error, not a constant.
    slack = 0.28 * sum(abs(role.out) * max(len(role.members), 1) * (2 if role.mirrored else 1) for role in form.roles)
    constant = 0.0 if abs(form.constant) <= max(slack, _NEAR * scale) else _simple(form.constant)
    return Form((*roles, *kept), _linear(tilts, scale), constant)


def _kinked(role: Role, slope: float, kink: float) -> Role:
    """A unit of infinite slope whose kink is not at 0, or that stands on the sum of all inputs."""
    sense = 1.0 if role.weight > 0 else -1.0
    step = _simple(role.step / abs(role.weight)) if role.stairs else 0.0
    place = _simple(kink) if abs(kink) > _NEAR else 0.0
    return replace(
        role, function="relu", weight=sense, background=0.0, bias=-sense * place, out=_simple(slope), step=step
    )


def _grouped(function: FunctionName, values: Mapping[Direction, float]) -> tuple[Role, ...]:
    """One role for each pattern and value, values that are small left out."""
    largest = max((abs(value) for value in values.values()), default=0.0)
    groups: dict[tuple[Pattern, float], list[tuple[int, ...]]] = defaultdict(list)
    for (pattern, member), value in values.items():
        if abs(value) > _NEAR * largest:
            groups[(pattern, _simple(value))].append(member)
    return tuple(
        Role(function, pattern, tuple(sorted(members)), 1.0, 0.0, 0.0, value)
        for (pattern, value), members in sorted(groups.items())
    )


def _linear(slopes: Mapping[int, float], scale: float) -> tuple[Line, ...]:
    groups: dict[float, list[tuple[int, ...]]] = defaultdict(list)
    for index, slope in sorted(slopes.items()):
        if abs(slope) > _NEAR * scale:
            groups[_simple(slope)].append((index,))
    return tuple(Line(tuple(members), slope) for slope, members in sorted(groups.items()))


def _simple(value: float) -> float:
    """The nearest of the simple numbers k/4, where it is near; else the value to two digits."""
    for parts in (1, 2, 4):
        nearest = round(value * parts) / parts
        if nearest and abs(value - nearest) <= _NEAR * abs(nearest):
            return nearest
    return float(f"{value:.2g}")
