"""Intervals with outward rounding, boxes of inputs, and the slopes of activations on intervals. Source: ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor, log10

import numpy as np
from jaxtyping import Float
from scipy.special import erf

from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import Activation

EPS = 2.0**-52
Numbers = np.ndarray | np.float64 | float  #: an array, or a number as NumPy gives it for an array without axes


@dataclass(frozen=True, eq=False)
class Interval:
    """Numbers between two ends, element by element."""

    low: np.ndarray  #: the ends, of one shape
    high: np.ndarray  #: the ends, of one shape

    @classmethod
    def of(cls, value: Numbers) -> "Interval":
        """Returns floating-point numbers as intervals without width."""
        exact = np.asarray(value, np.float64)
        return cls(exact, exact)

    def __add__(self, other: "Interval") -> "Interval":
        return _outward(self.low + other.low, self.high + other.high)

    def __neg__(self) -> "Interval":
        return Interval(np.asarray(-self.high), np.asarray(-self.low))

    def __sub__(self, other: "Interval") -> "Interval":
        return self + -other

    def __mul__(self, other: "Interval") -> "Interval":
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return _outward(np.minimum.reduce(ends), np.maximum.reduce(ends))

    @property
    def column(self) -> "Interval":
        """The same numbers as a column."""
        return Interval(self.low[:, None], self.high[:, None])

    @property
    def middle(self) -> np.ndarray:
        """A number inside of each interval, about its middle."""
        return np.asarray((self.low + self.high) / 2)

    @property
    def radius(self) -> np.ndarray:
        """What the ends are from the middle, at most."""
        middle = self.middle
        return np.asarray(np.nextafter(np.maximum(self.high - middle, middle - self.low), np.inf))

    @property
    def magnitude(self) -> np.ndarray:
        """The largest absolute values."""
        return np.asarray(np.maximum(np.abs(self.low), np.abs(self.high)))


def _outward(low: Numbers, high: Numbers) -> Interval:
    return Interval(np.asarray(np.nextafter(low, -np.inf)), np.asarray(np.nextafter(high, np.inf)))


_DIGITS = 4
"""Digits of a box: its ends are rounded outward, so that the box that is printed is the one that is bounded."""


@dataclass(frozen=True)
class Box:
    """Inputs between two numbers, whose sum lies between two others."""

    low: float  #: the least value of each input
    high: float  #: the largest value of each input
    least: float  #: the least value of their sum
    most: float  #: the largest value of their sum
    bits: bool = False  #: whether inputs are 0 or 1, and what lies between does not matter

    @classmethod
    def around(cls, x: Float[np.ndarray, "batch inputs"], *, bits: bool = False) -> "Box":
        """Returns the smallest box that holds some points, its ends rounded outward to four digits; of bits, all."""
        if bits:
            return cls(0.0, 1.0, 0.0, float(x.shape[1]), bits=True)
        total = x.sum(1)
        low, least = (rounded_outward(float(values.min()), -1) for values in (x, total))
        high, most = (rounded_outward(float(values.max()), 1) for values in (x, total))
        return cls(low, high, least, most)

    def __str__(self) -> str:
        if self.bits:
            return "x_i in [0, 1], which holds all bits"
        return f"{self.entries} with sum in [{self.least:.4g}, {self.most:.4g}]"

    @property
    def entries(self) -> str:
        """The range of the inputs without that of their sum, which says nothing more of a single one."""
        return f"x_i in [{self.low:.4g}, {self.high:.4g}]"

    @property
    def farthest(self) -> float:
        """The largest |x_i|."""
        return max(abs(self.low), abs(self.high))

    def reach(self, rows: np.ndarray) -> np.ndarray:
        """Returns a bound of |row·x| for each row; what is alike in all its weights meets the sum of all inputs."""
        common, total = rows.mean(-1), min(max(abs(self.least), abs(self.most)), rows.shape[-1] * self.farthest)
        alone = np.abs(rows).sum(-1) * self.farthest
        shared = np.abs(rows - common[..., None]).sum(-1) * self.farthest + np.abs(common) * total
        return np.asarray(np.minimum(alone, shared))


def rounded_outward(value: float, side: int, digits: int = _DIGITS) -> float:
    """Returns a number of a few digits that is not below a value, or, for side -1, not above it."""
    near = float(f"{value:.{digits}g}")
    step = 10.0 ** (floor(log10(abs(value))) - digits + 1) if value else 0.0
    return near if (near - value) * side >= 0 else float(f"{near + side * step:.{digits}g}")


Elementwise = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class _Slope:
    """The first derivative of a smooth activation, and how it varies."""

    at: Elementwise  #: σ'(z)
    bend: Elementwise  #: a bound of |σ''| at all points at least as far from 0 as this distance; it nowhere grows
    left: float  #: what σ' tends to
    right: float  #: what σ' tends to
    away: Elementwise  #: a bound of |σ' - left| and |σ' - right| beyond this distance on their sides; it nowhere grows
    span: tuple[float, float]  #: the least and the largest σ', or numbers beyond them


def _logistic(z: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def _normal(z: np.ndarray) -> np.ndarray:
    return 0.3989422804014327 * np.exp(-0.5 * z * z)


_SLOPES: Mapping[str, _Slope] = {
    "swish": _Slope(
        lambda z: _logistic(z) * (1 + z * _logistic(-z)),
        lambda d: np.minimum(0.5, (2 + d) * np.exp(-d)),  # σ'' = s (1 - s) (2 + z (1 - 2 s))
        0.0,
        1.0,
        lambda d: np.minimum(0.5, (1 + d) * np.exp(-d)),
        (-0.1, 1.1),
    ),
    "gelu": _Slope(
        lambda z: 0.5 * (1 + erf(z / np.sqrt(2.0))) + z * _normal(z),
        lambda d: np.minimum(0.7979, 0.3990 * (2 + d * d) * np.exp(-0.5 * d * d)),  # σ'' = (2 - z²) N(z)
        0.0,
        1.0,
        lambda d: np.minimum(0.5, (0.5 + 0.4 * d) * np.exp(-0.5 * d * d)),
        (-0.13, 1.13),
    ),
    "softplus": _Slope(
        _logistic, lambda d: np.minimum(0.25, np.exp(-d)), 0.0, 1.0, lambda d: np.minimum(0.5, np.exp(-d)), (0.0, 1.0)
    ),
    "tanh": _Slope(
        lambda z: 1 - np.tanh(z) ** 2,
        lambda d: np.minimum(0.7699, 8 * np.exp(-2 * d)),  # |σ''| = 2 |tanh| / cosh²
        0.0,
        0.0,
        lambda d: np.minimum(1.0, 4 * np.exp(-2 * d)),
        (0.0, 1.0),
    ),
    "sin": _Slope(np.cos, np.ones_like, 0.0, 0.0, np.ones_like, (-1.0, 1.0)),
}


def bend(activation: Activation, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Returns a bound of |σ''| on every interval; of a rectifier, on either side of its kink."""
    if ACTIVATIONS[activation].kinked:
        return np.zeros_like(low)
    return _SLOPES[activation].bend(np.maximum(np.maximum(low, -high), 0.0))


def slopes(
    activation: Activation, low: np.ndarray, high: np.ndarray, loose: Numbers = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Returns a number for every interval, and how far σ' may be from it there.

    σ is a rectifier or smooth. A rectifier's interval may reach beyond the kink by `loose`, and is taken for one side.
    """
    if activation == "relu":
        on, off = low >= -loose, high <= loose
        return np.where(on, 1.0, np.where(off, 0.0, 0.5)), np.where(on | off, 0.0, 0.5)
    known, near = _SLOPES[activation], np.maximum(np.maximum(low, -high), 0.0)
    (least, most), side = known.span, np.where(low > 0, known.right, known.left)
    middle, away = known.at(0.5 * (low + high)), 0.5 * known.bend(near) * (high - low)
    for other, other_away in (
        (side, np.where(near > 0, known.away(near), np.inf)),
        (np.full_like(low, (least + most) / 2), np.full_like(low, (most - least) / 2)),
    ):
        closer = other_away < away
        middle, away = np.where(closer, other, middle), np.where(closer, other_away, away)
    return middle, away
