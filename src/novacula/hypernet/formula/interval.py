"""Interval arithmetic with outward rounding: the true value of every step lies between the two ends. Source: ours."""

from dataclasses import dataclass

import numpy as np

from novacula.hypernet.architecture import ACTIVATIONS
from novacula.hypernet.config import Activation

EPS = 2.0**-52
Numbers = np.ndarray | np.float64 | float
"""An array, or a number as NumPy gives it for an array without axes."""


@dataclass(frozen=True, eq=False)
class Interval:
    """Numbers between two ends, element by element.

    Attributes:
        low, high: the ends, of one shape.
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, value: Numbers) -> "Interval":
        """Returns floating-point numbers as intervals without width."""
        exact = np.asarray(value, np.float64)
        return cls(exact, exact)

    @classmethod
    def within(cls, low: float, high: float) -> "Interval":
        """Returns the interval between two numbers."""
        return cls(np.asarray(low), np.asarray(high))

    def __add__(self, other: "Interval") -> "Interval":
        return _outward(self.low + other.low, self.high + other.high)

    def __neg__(self) -> "Interval":
        return Interval(np.asarray(-self.high), np.asarray(-self.low))

    def __sub__(self, other: "Interval") -> "Interval":
        return self + -other

    def __mul__(self, other: "Interval") -> "Interval":
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        return _outward(np.minimum.reduce(ends), np.maximum.reduce(ends))

    def __getitem__(self, index: int | np.integer) -> "Interval":
        return Interval(np.asarray(self.low[index]), np.asarray(self.high[index]))

    def total(self) -> "Interval":
        """Returns the sum over all elements, whatever the order in which they are added."""
        slack = self.low.size * EPS * (np.abs(self.low).sum() + np.abs(self.high).sum())
        return _outward(np.asarray(self.low.sum() - slack), np.asarray(self.high.sum() + slack))

    @property
    def magnitude(self) -> np.ndarray:
        """The largest absolute values."""
        return np.asarray(np.maximum(np.abs(self.low), np.abs(self.high)))


def image(activation: Activation, z: Interval) -> Interval:
    """Returns values of an activation for narrow intervals: those of the middle, as far as its slope may lead away."""
    known, middle = ACTIVATIONS[activation], 0.5 * (z.low + z.high)
    value = known.function(np.asarray(middle))
    steepness = 2 * z.magnitude if activation == "square" else known.steepness
    # NumPy's and SciPy's functions are right to a few units in the last place of the argument or of the value.
    away = steepness * np.asarray(z.high - z.low) + 16 * EPS * (np.abs(value) + np.abs(middle)) + 1e-300
    return _outward(value - away, value + away)


def _outward(low: Numbers, high: Numbers) -> Interval:
    return Interval(np.asarray(np.nextafter(low, -np.inf)), np.asarray(np.nextafter(high, np.inf)))
