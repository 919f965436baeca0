"""A task of the bench, and a problem: one instance of a task."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter


@runtime_checkable
class Problem(Protocol):
    """An instance of a task: parameters at their start, and a loss."""

    parameters: list[Parameter]  #: what is optimized, float32

    def loss(self) -> Float[Tensor, ""]:
        """Returns the loss on the next batch, or with the next noise, for a backward pass."""
        ...

    @torch.no_grad()
    def held_out(self) -> float | None:
        """Returns the loss that counts, at the current parameters; None if the mean of the training losses counts.

        By default it is the loss itself.
        """
        return float(self.loss())


def not_installed(package: str | None) -> str:
    """Returns a message if a package of the extra bench is missing, otherwise nothing."""
    absent = package is not None and find_spec(package) is None
    return f"{package} is not installed; it comes with novacula[bench]" if absent else ""


@dataclass(frozen=True)
class BenchTask:
    """A family of problems."""

    summary: str  #: the problem, in a line
    steps: int  #: the number of gradients that every optimizer gets
    make: Callable[[torch.Generator], Problem]  #: draws a problem
    deterministic: bool = False  #: whether the loss is the same function at every step
    matrices: bool = False  #: whether a parameter is a matrix
    package: str | None = None  #: a package of the extra bench that it needs
    debian: tuple[Path, str] | None = None  #: the folder of its data, and the Debian package that has the folder

    def missing(self) -> str:
        """Returns what this machine lacks for the task; nothing if it has all."""
        if reason := not_installed(self.package):
            return reason
        if self.debian and not self.debian[0].is_dir():
            return f"there is no {self.debian[0]}; it comes with Debian's package {self.debian[1]}"
        return ""


def normal(generator: torch.Generator, *shape: int) -> Float[Tensor, "..."]:
    """Draws standard normal numbers."""
    return torch.randn(shape, generator=generator)


def layer(generator: torch.Generator, outputs: int, *inputs: int) -> list[Parameter]:
    """Draws the parameters of a layer: a weight, normal of variance 1 / inputs, and a bias, 0."""
    fan_in = torch.Size(inputs).numel()
    return [Parameter(normal(generator, outputs, *inputs) / fan_in**0.5), Parameter(torch.zeros(outputs))]
