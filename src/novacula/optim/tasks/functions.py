"""Functions of one vector: quadratics under two kinds of noise, and Rosenbrock's valley."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter

from novacula.optim.tasks.task import normal


def random_hessian(n: int, condition: float, generator: torch.Generator) -> Float[Tensor, "n n"]:
    """Curvatures from 1 / condition to 1 in geometric order, in random directions."""
    directions = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
    curvatures = condition ** (torch.arange(n, dtype=torch.float64) / (n - 1) - 1)
    return ((directions * curvatures) @ directions.T).float()


class WanderingBowl:
    """½ (x-c)ᵀ H (x-c), whose minimum c moves by a standard normal step before every evaluation.

    No method can stay below ½ tr H on average. Source: arXiv 2210.06171, its noisy quadratic bowl.
    """

    def __init__(self, n: int, condition: float, generator: torch.Generator) -> None:
        self.hessian = random_hessian(n, condition, generator)
        self.parameters = [Parameter(torch.zeros(n))]
        self._minimum, self._generator = torch.zeros(n), generator

    def loss(self) -> Float[Tensor, ""]:
        """The loss after the next move of the minimum."""
        self._minimum += normal(self._generator, *self._minimum.shape)
        away = self.parameters[0] - self._minimum
        return 0.5 * away.dot(self.hessian @ away)

    def held_out(self) -> None:
        """What counts is how well the minimum is followed."""
        return None


class NoisyQuadratic:
    """½ xᵀ H x, whose gradient has noise of a tenth in each coordinate; a minimum that stays where it is (ours)."""

    def __init__(self, n: int, condition: float, generator: torch.Generator) -> None:
        self._hessian = random_hessian(n, condition, generator)
        self.parameters = [Parameter(normal(generator, n))]
        self._generator = generator

    def loss(self) -> Float[Tensor, ""]:
        """The loss, tilted at random."""
        x = self.parameters[0]
        return 0.5 * x.dot(self._hessian @ x) + 0.1 * x.dot(normal(self._generator, *x.shape))

    def held_out(self) -> float:
        """The loss without noise."""
        x = self.parameters[0].detach()
        return float(0.5 * x.dot(self._hessian @ x))


def rosenbrock(x: Float[Tensor, "n *points"]) -> Float[Tensor, "*points"]:
    """Σ 0.01 (1 - x_i)² + (x_{i+1} - x_i²)², chained; of two coordinates, the valley of arXiv 2210.06171."""
    return (0.01 * (1 - x[:-1]) ** 2 + (x[1:] - x[:-1] ** 2) ** 2).sum(0)


class Valley:
    """Rosenbrock's function from a given start."""

    def __init__(self, start: Float[Tensor, " n"]) -> None:
        self.parameters = [Parameter(start)]

    def loss(self) -> Float[Tensor, ""]:
        """The function, always the same."""
        return rosenbrock(self.parameters[0])

    def held_out(self) -> float:
        """The same."""
        return float(rosenbrock(self.parameters[0].detach()))


def published_valley(generator: torch.Generator) -> Valley:
    """Two coordinates, from (-0.5, 2) always; `generator` is not used."""
    return Valley(torch.tensor([-0.5, 2.0]))


def chained_valley(generator: torch.Generator) -> Valley:
    """A hundred coordinates, from around (-1.2, 1, -1.2, …)."""
    return Valley(torch.tensor([-1.2, 1.0]).repeat(50) + 0.1 * normal(generator, 100))
