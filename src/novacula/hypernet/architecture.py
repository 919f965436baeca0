"""The shape of a target network, and the table of activations. Source: the usual definitions."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import pi, sqrt
from typing import TYPE_CHECKING, get_args

import numpy as np
from jaxtyping import Float
from scipy.special import erf

from novacula.errors import refuse
from novacula.hypernet.config import Activation

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Nonlinearity:
    """An activation σ and its constants."""

    function: Callable[[Float[np.ndarray, "*shape"]], Float[np.ndarray, "*shape"]]  #: σ of every element of an array
    corner: float | None = None
    """A bound of |σ(z) - max(z, 0)|; None unless σ(kz)/k approaches the rectifier as k grows."""
    series: tuple[float, float] | None = None
    """The coefficients of z and z² at 0, where the next term is of fourth order; None for others."""
    degree: int = 1  #: the k for which |σ(z)| grows as |z|^k; 0 for bounded activations
    homogeneous: bool = False  #: whether σ(λz) = λ^k σ(z) for every λ > 0, k being the degree
    even: bool = False  #: whether σ(-z) = σ(z), so that one unit has both sides
    kinked: bool = False  #: whether σ has a kink at 0


ACTIVATIONS: Mapping[Activation, Nonlinearity] = {
    "swish": Nonlinearity(lambda z: 0.5 * z * (1 + np.tanh(0.5 * z)), 0.27847, (0.5, 0.25)),
    "relu": Nonlinearity(lambda z: np.maximum(z, 0.0), 0.0, homogeneous=True, kinked=True),
    "gelu": Nonlinearity(lambda z: 0.5 * z * (1 + erf(z / np.sqrt(2.0))), 0.17005, (0.5, 1 / sqrt(2 * pi))),
    "softplus": Nonlinearity(lambda z: np.logaddexp(z, 0.0), 0.69315, (0.5, 0.125)),
    "tanh": Nonlinearity(np.tanh, degree=0),
    "square": Nonlinearity(np.square, series=(0.0, 1.0), degree=2, homogeneous=True, even=True),
    "abs": Nonlinearity(np.abs, homogeneous=True, even=True, kinked=True),
    "sin": Nonlinearity(np.sin, degree=0),
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


WIDEST = 65_536  #: most units of a layer
DEEPEST = 100  #: most layers of weights


@dataclass(frozen=True)
class Architecture:
    """A multilayer perceptron: hidden layers of one activation, a linear output. Source: ours, from arXiv 2312.03051.

    Raises:
        InputError: fewer than two sizes, a size that is no whole number from 1 to 65,536, or an unknown activation.
    """

    sizes: tuple[int, ...]  #: inputs, hidden units of every layer, outputs
    activation: Activation = "swish"  #: the activation of every hidden unit
    biases: bool = True  #: whether hidden units have them
    output_bias: bool = True  #: whether outputs have them
    residual: bool = False
    """Whether a hidden layer adds its input to its output, where that input is a hidden layer as wide."""
    bypass: bool = False  #: whether a direct linear map leads from the inputs to the outputs

    def __post_init__(self) -> None:
        problems = []
        if not 2 <= len(self.sizes) <= DEEPEST + 1:
            problems.append(f"{len(self.sizes)} layer sizes; 2 to {DEEPEST + 1} are needed: inputs, hidden, outputs")
        for place, size in enumerate(self.sizes):
            if type(size) is not int or not 1 <= size <= WIDEST:
                problems.append(f"size {place} is {size!r}; a whole number from 1 to {WIDEST} is needed")
        if self.activation not in get_args(Activation):
            problems.append(f"activation is {self.activation!r}; one of {', '.join(get_args(Activation))} is needed")
        refuse(problems, "architecture")

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return self.sizes[0]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of every hidden layer."""
        return self.sizes[1:-1]

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.sizes[-1]

    @property
    def layers(self) -> int:
        """Number of layers of weights."""
        return len(self.sizes) - 1

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        weights = sum(below * above for below, above in pairwise(self.sizes))
        biases = self.biases * sum(self.hidden) + self.output_bias * self.outputs
        return weights + biases + self.bypass * self.inputs * self.outputs

    def adds_input(self, layer: int) -> bool:
        """Returns whether a layer of weights, from 0, leads to a hidden layer that adds its input to its output."""
        return self.residual and 0 < layer < self.layers - 1 and self.sizes[layer] == self.sizes[layer + 1]

    def switches(self) -> dict[str, bool]:
        """Returns the four switches by name."""
        return {name: value for name, value in asdict(self).items() if isinstance(value, bool)}
