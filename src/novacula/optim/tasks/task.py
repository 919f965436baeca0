"""What a benchmark task is, and one instance of it."""

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
    """An instance of a task: parameters at their start, and a loss.

    Attributes:
        parameters: what is optimized, float32.
    """

    parameters: list[Parameter]

    def loss(self) -> Float[Tensor, ""]:
        """The loss on the next batch, or under the next noise; to be differentiated."""
        ...

    def held_out(self) -> float | None:
        """The loss that counts, at the present parameters; None where it is the mean of the training losses."""
        ...


def not_installed(package: str | None) -> str:
    """That a package of the extra bench is missing; empty where it is there, or none is needed."""
    absent = package is not None and find_spec(package) is None
    return f"{package} is not installed; it comes with novacula[bench]" if absent else ""


@dataclass(frozen=True)
class Task:
    """A family of problems.

    Attributes:
        summary: what is optimized, in a line.
        steps: gradients that every optimizer is given.
        make: draws an instance.
        deterministic: whether the loss is the same function at every step.
        matrices: whether a parameter is a matrix.
        package: what must be installed for it, beside the package's own dependencies.
        debian: the folder that its data are in, and the Debian package that puts it there.
    """

    summary: str
    steps: int
    make: Callable[[torch.Generator], Problem]
    deterministic: bool = False
    matrices: bool = False
    package: str | None = None
    debian: tuple[Path, str] | None = None

    def missing(self) -> str:
        """What it lacks on this machine; empty where it can be done."""
        if reason := not_installed(self.package):
            return reason
        if self.debian and not self.debian[0].is_dir():
            return f"there is no {self.debian[0]}; Debian's package {self.debian[1]} makes it"
        return ""


def normal(generator: torch.Generator, *shape: int) -> Float[Tensor, "..."]:
    """Standard normal numbers."""
    return torch.randn(shape, generator=generator)


def layer(generator: torch.Generator, outputs: int, *inputs: int) -> list[Parameter]:
    """A weight, normal of variance 1 / inputs, and a bias, 0."""
    fan_in = torch.Size(inputs).numel()
    return [Parameter(normal(generator, outputs, *inputs) / fan_in**0.5), Parameter(torch.zeros(outputs))]
