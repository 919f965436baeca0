"""A formula's form: roles that units play, each with one set of values for all units that play it. Source: ours."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from novacula.hypernet.analyst.units import Pattern
from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import Activation
from novacula.hypernet.formula.expression import (
    Domain,
    Expression,
    Number,
    Over,
    Times,
    domain_of,
    parse,
    placed,
    plus,
    rounded,
    times,
)

_DIRECTIONS: Mapping[Pattern, str] = {"total": "sum(x)", "entry": "x_i", "pair+": "(x_i + x_j)", "pair-": "(x_i - x_j)"}
_FEW = 3  #: members of an index set without a name, up to which a sum is written out


@dataclass(frozen=True)
class Role:
    """out · Σ φ(weight · direction + background · Σx + bias), summed over directions, or over stairs."""

    function: Activation  #: φ
    pattern: Pattern  #: what the directions look at
    members: tuple[tuple[int, ...], ...]  #: their indices; for the sum of all inputs ``((),)``
    weight: float  #: the weight along the direction
    background: float  #: the weight on every input
    bias: float  #: the bias inside φ
    out: float  #: the factor outside φ
    mirrored: bool = False  #: whether φ(-weight · direction + …) is added to φ
    stairs: Domain | None = None
    """Numbers k over which the role is summed, the bias falling by `step` with each; None: no stairs."""
    step: float = 0.0  #: by how much the bias falls from stair to stair
    alternating: bool = False  #: whether the sign of stair k is (-1)^k
    straight: bool = False  #: whether it is linear wherever inputs are, so that nothing inside φ can be fitted

    def feature(self, x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, " batch"]:
        """What the role adds for out = 1."""
        along = _along(self.pattern, self.members, x)
        rest = self.background * x.sum(1, keepdims=True) + self.bias
        signs = (1.0, -1.0) if self.mirrored else (1.0,)
        phi = ACTIVATIONS[self.function].function
        if self.stairs is None:
            return sum((phi(sign * self.weight * along + rest).sum(1) for sign in signs), np.zeros(len(x)))
        k = np.array(self.stairs.indices(x.shape[1]), np.float64).reshape(-1)
        turns = 1 - 2 * (k % 2) if self.alternating else np.ones_like(k)
        return phi(self.weight * along + rest - self.step * k) @ turns

    @property
    def line(self) -> str:
        """The role without its sum over members as a line of Python; `parse` leaves out zeros, and factors of 1."""
        rest = f"{self.background:.6g} * sum(x) + {self.bias:.6g} + {-self.step:.6g} * k"
        inside = " + ".join(
            f"{self.function}({sign * self.weight:.6g} * {_DIRECTIONS[self.pattern]} + {rest})"
            for sign in ((1.0, -1.0) if self.mirrored else (1.0,))
        )
        return f"{self.out:.6g} * {'(-1) ** k * ' if self.alternating else ''}({inside})"

    def domain(self, n: int) -> Domain | None:
        """What the role is summed over; None for a single term."""
        return self.stairs or (None if self.pattern == "total" else domain_of(self.members, n))


@dataclass(frozen=True)
class Line:
    """A coefficient on some inputs."""

    members: tuple[tuple[int, ...], ...]
    slope: float


@dataclass(frozen=True)
class Form:
    """A formula in its roles."""

    roles: tuple[Role, ...]  #: in order of importance
    lines: tuple[Line, ...]  #: the linear part
    constant: float  #: what is added

    def expression(self, n: int) -> Expression:
        """The formula; roles over the same index set stand in one sum."""
        terms: list[str] = []
        sums: dict[Domain, list[str]] = {}
        for role in self.roles:
            domain = role.domain(n)
            (terms if domain is None else sums.setdefault(domain, [])).append(role.line)
        for line in self.lines:
            domain = domain_of(line.members, n)
            if domain.name == "inputs":
                terms.append(f"{line.slope:.6g} * sum(x)")
            else:
                sums.setdefault(domain, []).append(f"{line.slope:.6g} * x_i")
        gathered = [summed(" + ".join(inside), domain, n) for domain, inside in sums.items()]
        return plus(*gathered, parse(" + ".join([*terms, f"{self.constant:.6g}"])))

    def pruned(self) -> "Form":
        """Without parts that are 0 as written."""
        roles = tuple(role for role in self.roles if rounded(role.out) != Number(0.0))
        return replace(self, roles=roles, lines=tuple(line for line in self.lines if rounded(line.slope) != Number(0)))


def summed(line: str, domain: Domain, n: int) -> Expression:
    """The sum of a line over an index set, a constant factor in front; few listed members are written out."""
    body = parse(line)
    members = domain.indices(n)
    if len(members) == 1 or (domain.name == "some" and len(members) <= _FEW):
        return plus(*(placed(body, member) for member in members))
    factors = body.factors if isinstance(body, Times) else (body,)
    constants = [factor for factor in factors if isinstance(factor, Number)]
    rest = [factor for factor in factors if not isinstance(factor, Number)]
    return times(*constants, Over(times(*rest), domain))


def _along(pattern: Pattern, members: tuple[tuple[int, ...], ...], x: np.ndarray) -> np.ndarray:
    if pattern == "total":
        return x.sum(1, keepdims=True)
    columns = np.array(members).T
    if pattern == "entry":
        return x[:, columns[0]]
    return x[:, columns[0]] + (1 if pattern == "pair+" else -1) * x[:, columns[1]]
