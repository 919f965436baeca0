"""The table of activations: what each computes, and what the analyst and the bounds of formulas know of it.

Source: the usual definitions; the bounds are numerical maxima, rounded up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.special import erf

from novacula.hypernet.config import Activation

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Nonlinearity:
    """An activation σ and its constants.

    Attributes:
        function: σ of every element of an array.
        steepness: a bound of |σ'|; infinite for the square.
        curvature: a bound of |σ''| away from kinks.
        corner: a bound of |σ(z) - max(z, 0)|; None unless σ(kz)/k approaches the rectifier as k grows.
        series: the coefficients of z and z² at 0, where the next term is of fourth order; None for others.
        degree: the k for which |σ(z)| grows as |z|^k; 0 for bounded activations.
        homogeneous: whether σ(λz) = λ^k σ(z) for every λ > 0, k being the degree.
        even: whether σ(-z) = σ(z), so that one unit has both sides.
        kinked: whether σ has a kink at 0.
    """

    function: Callable[[Float[np.ndarray, "*shape"]], Float[np.ndarray, "*shape"]]
    steepness: float
    curvature: float
    corner: float | None = None
    series: tuple[float, float] | None = None
    degree: int = 1
    homogeneous: bool = False
    even: bool = False
    kinked: bool = False


ACTIVATIONS: Mapping[Activation, Nonlinearity] = {
    "swish": Nonlinearity(lambda z: 0.5 * z * (1 + np.tanh(0.5 * z)), 1.0999, 0.5, 0.27847, (0.5, 0.25)),
    "relu": Nonlinearity(lambda z: np.maximum(z, 0.0), 1.0, 0.0, 0.0, homogeneous=True, kinked=True),
    "gelu": Nonlinearity(
        lambda z: 0.5 * z * (1 + erf(z / np.sqrt(2.0))), 1.1290, 0.7979, 0.17005, (0.5, 1 / sqrt(2 * pi))
    ),
    "softplus": Nonlinearity(lambda z: np.logaddexp(z, 0.0), 1.0, 0.25, 0.69315, (0.5, 0.125)),
    "tanh": Nonlinearity(np.tanh, 1.0, 0.7699, degree=0),
    "square": Nonlinearity(np.square, inf, 2.0, degree=2, homogeneous=True, even=True),
    "abs": Nonlinearity(np.abs, 1.0, 0.0, homogeneous=True, even=True, kinked=True),
    "sin": Nonlinearity(np.sin, 1.0, 1.0, degree=0),
}
"""What is known of every activation."""

RECTIFIERS: frozenset[Activation] = frozenset(name for name, it in ACTIVATIONS.items() if it.corner is not None)
"""The activations that approach a rectifier: σ(kz)/k → max(z, 0) as k → ∞."""


def activation_torch(name: Activation) -> "Callable[[torch.Tensor], torch.Tensor]":
    """Returns the same function of tensors, differentiable."""
    import torch
    from torch.nn import functional

    return {
        "swish": functional.silu,
        "relu": torch.relu,
        "gelu": functional.gelu,
        "softplus": functional.softplus,
        "tanh": torch.tanh,
        "square": torch.square,
        "abs": torch.abs,
        "sin": torch.sin,
    }[name]
