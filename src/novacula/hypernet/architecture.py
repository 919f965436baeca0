"""The shape of a target network: its sizes, its activation, its switches."""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import get_args

from novacula.errors import InputError
from novacula.hypernet.config import Activation

WIDEST = 65_536
"""Most units of a layer."""
DEEPEST = 100
"""Most layers of weights."""


@dataclass(frozen=True)
class Architecture:
    """A multilayer perceptron: hidden layers of one activation, a linear output. Source: ours, from arXiv 2312.03051.

    Attributes:
        sizes: inputs, hidden units of every layer, outputs.
        activation: of every hidden unit.
        biases: whether hidden units have them.
        output_bias: whether outputs have them.
        residual: whether a hidden layer adds its input to its output, where that input is a hidden layer as wide.
        bypass: whether a direct linear map leads from the inputs to the outputs.

    Raises:
        InputError: fewer than two sizes, a size that is no whole number from 1 to 65,536, or an unknown activation.
    """

    sizes: tuple[int, ...]
    activation: Activation = "swish"
    biases: bool = True
    output_bias: bool = True
    residual: bool = False
    bypass: bool = False

    def __post_init__(self) -> None:
        problems = []
        if not 2 <= len(self.sizes) <= DEEPEST + 1:
            problems.append(f"{len(self.sizes)} layer sizes; 2 to {DEEPEST + 1} are needed: inputs, hidden, outputs")
        for place, size in enumerate(self.sizes):
            if type(size) is not int or not 1 <= size <= WIDEST:
                problems.append(f"size {place} is {size!r}; a whole number from 1 to {WIDEST} is needed")
        if self.activation not in get_args(Activation):
            problems.append(f"activation is {self.activation!r}; one of {', '.join(get_args(Activation))} is needed")
        if problems:
            raise InputError("architecture", *problems)

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
