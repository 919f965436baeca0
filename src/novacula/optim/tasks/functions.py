"""Functions of one vector: quadratics under two kinds of noise, and Rosenbrock's valley."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter
from typing_extensions import override

from novacula.optim.tasks.task import Problem, normal


def random_hessian(n: int, condition: float, generator: torch.Generator) -> Float[Tensor, "n n"]:
    """Returns a Hessian with curvatures from 1 / condition to 1 in geometric order, in random directions."""
    directions = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
    curvatures = condition ** (torch.arange(n, dtype=torch.float64) / (n - 1) - 1)
    return ((directions * curvatures) @ directions.T).float()


class WanderingBowl(Problem):
    """½ (x-c)ᵀ H (x-c), whose minimum c moves by a standard normal step before every evaluation.

    No method can stay below ½ tr H on average. Nothing is held out: the task is to follow the minimum. Source: the
    noisy quadratic bowl of arXiv 2210.06171.
    """

    def __init__(self, n: int, condition: float, generator: torch.Generator) -> None:
        self.hessian = random_hessian(n, condition, generator)
        self.parameters = [Parameter(torch.zeros(n))]
        self._minimum, self._generator = torch.zeros(n), generator

    @override
    def loss(self) -> Float[Tensor, ""]:
        self._minimum += normal(self._generator, *self._minimum.shape)
        away = self.parameters[0] - self._minimum
        return 0.5 * away.dot(self.hessian @ away)

    @override
    def held_out(self) -> None:
        return None


class NoisyQuadratic(Problem):
    """½ xᵀ H x with noise of 0.1 in each coordinate of the gradient, and none in the held-out loss (ours)."""

    def __init__(self, n: int, condition: float, generator: torch.Generator) -> None:
        self._hessian = random_hessian(n, condition, generator)
        self.parameters = [Parameter(normal(generator, n))]
        self._generator = generator

    @override
    def loss(self) -> Float[Tensor, ""]:
        x = self.parameters[0]
        return 0.5 * x.dot(self._hessian @ x) + 0.1 * x.dot(normal(self._generator, *x.shape))

    @override
    def held_out(self) -> float:
        x = self.parameters[0].detach()
        return float(0.5 * x.dot(self._hessian @ x))


def rosenbrock(x: Float[Tensor, "n *points"]) -> Float[Tensor, "*points"]:
    """Returns Σ 0.01 (1 - x_i)² + (x_{i+1} - x_i²)², which in two coordinates is the valley of arXiv 2210.06171."""
    return (0.01 * (1 - x[:-1]) ** 2 + (x[1:] - x[:-1] ** 2) ** 2).sum(0)


class Valley(Problem):
    """Rosenbrock's function from a given start, the same at every step and held out."""

    def __init__(self, start: Float[Tensor, " n"]) -> None:
        self.parameters = [Parameter(start)]

    @override
    def loss(self) -> Float[Tensor, ""]:
        return rosenbrock(self.parameters[0])


def published_valley(generator: torch.Generator) -> Valley:
    """Makes the valley of two coordinates, always from (-0.5, 2); it does not use `generator`."""
    return Valley(torch.tensor([-0.5, 2.0]))


def chained_valley(generator: torch.Generator) -> Valley:
    """Makes the valley of a hundred coordinates, from a point near (-1.2, 1, -1.2, …)."""
    return Valley(torch.tensor([-1.2, 1.0]).repeat(50) + 0.1 * normal(generator, 100))
