"""The check of a formula against its network, on fresh points and on inputs ten times as large. Source: ours."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from novacula.hypernet.analyst.thresholds import THRESHOLDS

Function = Callable[[np.ndarray], np.ndarray]

POINTS = 100_000
FAR = 10.0
"""Times the inputs."""
_CHUNK = 20_000


@dataclass(frozen=True)
class Check:
    """How closely a formula follows its network.

    Attributes:
        points: number of inputs.
        mse: mean squared difference.
        r2: 1 - mse / variance of the network's outputs.
        largest: the largest difference.
        far_r2: the same as `r2` on inputs ten times as large.
    """

    points: int
    mse: float
    r2: float
    largest: float
    far_r2: float

    @property
    def holds(self) -> bool:
        """Whether the formula describes the network on inputs of the law."""
        return self.r2 >= THRESHOLDS.faithful

    @property
    def holds_far(self) -> bool:
        """Whether it does on inputs ten times as large."""
        return self.far_r2 >= THRESHOLDS.faithful


def check(
    formula: Function, network: Function, x: Float[np.ndarray, "batch inputs"], outputs: Float[np.ndarray, "batch _"]
) -> Check:
    """Compares formula and network on some points, and on ten times the first of these.

    Args:
        formula: in question.
        network: what it must follow.
        x: the points.
        outputs: the network's at these.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _compared(formula, network, x, outputs)


def _compared(formula: Function, network: Function, x: np.ndarray, outputs: np.ndarray) -> Check:
    got = np.concatenate([formula(x[start : start + _CHUNK]) for start in range(0, len(x), _CHUNK)])
    far = FAR * x[:_CHUNK]
    return Check(
        len(x),
        float(((got - outputs) ** 2).mean()),
        explained(got, outputs),
        float(np.abs(got - outputs).max()),
        explained(formula(far), network(far)),
    )


def explained(got: Float[np.ndarray, "*shape"], wanted: Float[np.ndarray, "*shape"]) -> float:
    """Returns R²; where nothing varies, 1 without error and 0 otherwise."""
    with np.errstate(over="ignore", invalid="ignore"):  # far out a network may explode
        error, variance = float(((got - wanted) ** 2).mean()), float(((wanted - wanted.mean(0)) ** 2).mean())
    if variance <= 1e-24:
        return 1.0 if error <= 1e-18 * (1 + float((wanted**2).mean())) else 0.0
    return 1 - error / variance
