"""What trains the network of one puzzle: what an engine is, and what it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float

from novacula.arc.network.multitensor import Subset
from novacula.arc.network.network import RECONSTRUCTION_WEIGHT

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True)
class DrawnTests:
    """What one forward pass gave for the outputs of the test examples."""

    color: Float[np.ndarray, "tests colors rows columns"]  #: logits of the colors other than black, whose logit is 0
    row: Float[np.ndarray, "tests rows"]  #: scores of rows and columns being inside the grid
    column: Float[np.ndarray, "tests columns"]  #: scores of rows and columns being inside the grid


@dataclass(frozen=True)
class Training:
    """One training step, seen before its update."""

    kl: Float[np.ndarray, " tensors"]  #: nats of each latent tensor, in `SUBSETS` order
    reconstruction: float  #: nats that the known grids cost
    tests: DrawnTests  #: what the test outputs looked like

    @property
    def loss(self) -> float:
        """What is minimized."""
        return float(self.kl.sum()) + RECONSTRUCTION_WEIGHT * self.reconstruction


@dataclass(frozen=True)
class Pace:
    """How a training step is taken. The defaults are those of arXiv 2512.06104."""

    rate: float = 0.01  #: the learning rate of Adam
    price: float = 1.0  #: the weight of the KL in what is minimized; the published one is 1


def published_pace(step: int) -> Pace:
    """Returns the pace of every step in the published program; steps count from 0."""
    return Pace()


def alone(method: Callable[Concatenate[Any, Arguments], Result]) -> Callable[Concatenate[Any, Arguments], Result]:
    """Makes threads that call the methods of an engine wait for its `lock`, since a step changes what another reads."""

    @wraps(method)
    def waiting(self: Any, *arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        with self.lock:
            return method(self, *arguments, **options)

    return waiting


@runtime_checkable
class Engine(Protocol):
    """Trains the network of one puzzle; all engines share the parameter layout and the noise.

    The engines of novacula may be called from several threads: their methods wait for each other (`alone`).
    """

    name: str
    steps: int

    def step(self) -> Training:
        """Does one forward pass, backward pass and update."""
        ...

    def decode(self) -> DrawnTests:
        """Decodes the test outputs without noise, from the latents' posterior means. It changes nothing."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Returns the parameters and Adam's moments, laid out as `novacula.arc.network.parameters.Layout` says."""
        ...

    def load(self, arrays: dict[str, np.ndarray], steps: int) -> None:
        """Restores the `state` of an engine that has done `steps` steps."""
        ...

    def latents(self) -> dict[Subset, Float[np.ndarray, "..."]]:
        """Returns the decoded means of the latent tensors, axes in naming order."""
        ...
