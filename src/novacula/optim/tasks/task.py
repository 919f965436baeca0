"""A task of the bench, and a problem: one instance of a task."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter
from typing_extensions import override

from novacula.errors import InputError
from novacula.functions import load_function


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


class OwnProblem(Problem):
    """A problem that a user's function makes.

    Args:
        made: parameters, a function without arguments that returns the loss, and, if given, one for the loss that
            counts; without it the mean of the training losses counts.
        source: the function's name.

    Raises:
        InputError: it is something else.
    """

    def __init__(self, made: object, source: str) -> None:
        parts: tuple[Any, ...] = made if isinstance(made, tuple) else ()
        if len(parts) not in (2, 3) or not all(map(callable, parts[1:])) or not isinstance(parts[0], Iterable):
            said = f"returns a {type(made).__name__}; parameters and a loss are needed: (model.parameters(), loss)"
            raise InputError(source, said)
        self.parameters = list(parts[0])
        if odd := [each for each in self.parameters if not (isinstance(each, Tensor) and each.is_leaf)]:
            said = "a tensor that was computed" if isinstance(odd[0], Tensor) else f"a {type(odd[0]).__name__}"
            raise InputError(source, f"returns {said} among the parameters; they must be a list such as [weight, bias]")
        self._loss, self._held_out = parts[1], parts[2] if len(parts) == 3 else None

    @override
    def loss(self) -> Float[Tensor, ""]:
        return self._loss()

    @override
    def held_out(self) -> float | None:
        if self._held_out is None:
            return None
        with torch.no_grad():
            return float(self._held_out())


def own_task(name: str) -> BenchTask:
    """Returns the task of a user's function of a `torch.Generator`, ``module:function``.

    Its attribute `steps` is the number of gradients, 1,000 by default. The function is called once, to see whether its
    loss is the same at every step, and whether a parameter is a matrix.

    Raises:
        InputError: the function does not load, fails, or returns something else than a problem.
    """
    theirs = load_function(name)
    steps = getattr(theirs, "steps", 1000)
    if not isinstance(steps, int) or steps < 1:
        raise InputError(name, f"has steps {steps!r}; a whole number from 1 on is needed")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        try:
            problem = OwnProblem(theirs(torch.Generator().manual_seed(0)), name)
            losses = [problem.loss() for _ in range(2)]
            losses[0].backward()
            problem.held_out()
            values = [float(loss.detach()) for loss in losses]
        except InputError:
            raise
        except Exception as error:
            raise InputError(name, f"fails with {type(error).__name__}: {str(error)[:200]}") from error
    matrices = any(parameter.ndim > 1 for parameter in problem.parameters)
    make = partial(_make_own, theirs, name)
    return BenchTask(f"the problem of {name}", steps, make, deterministic=values[0] == values[1], matrices=matrices)


def _make_own(theirs: Callable[[torch.Generator], object], name: str, generator: torch.Generator) -> Problem:
    return OwnProblem(theirs(generator), name)


def normal(generator: torch.Generator, *shape: int) -> Float[Tensor, "..."]:
    """Draws standard normal numbers."""
    return torch.randn(shape, generator=generator)


def layer(generator: torch.Generator, outputs: int, *inputs: int) -> list[Parameter]:
    """Draws the parameters of a layer: a weight, normal of variance 1 / inputs, and a bias, 0."""
    fan_in = torch.Size(inputs).numel()
    return [Parameter(normal(generator, outputs, *inputs) / fan_in**0.5), Parameter(torch.zeros(outputs))]
