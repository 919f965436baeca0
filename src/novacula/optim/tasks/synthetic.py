"""Problems without data: functions of one vector, and networks of an equation, a flow over time and a recurrence."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import mse_loss
from typing_extensions import override

from novacula.optim.tasks.task import Problem, layer, normal


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


class Poisson(Problem):
    """A network u(x, y) that solves -Δu = f in the unit square with u = 0 around it (a PINN; u = sin πx sin πy).

    It has tanh layers 2-32-32-32-1, 128 points inside and 64 around, always the same. The loss is the mean square of
    the equation's residual over that of f, plus ten times the mean square on the boundary. The derivatives along both
    axes are computed forward, together with the values, so that one backward pass remains.
    """

    def __init__(self, generator: torch.Generator) -> None:
        widths = (2, 32, 32, 32, 1)
        self.parameters = [p for a, b in pairwise(widths) for p in layer(generator, b, a)]
        self._inside = torch.rand(128, 2, generator=generator)
        along, side = torch.rand(64, generator=generator), torch.arange(64) % 4
        edge = torch.stack([along, (side // 2).float()], 1)
        self._edge = torch.where((side % 2 == 0)[:, None], edge, edge.flip(1))
        wave = torch.sin(math.pi * self._inside).prod(1)
        self._force = 2 * math.pi**2 * wave

    @override
    def loss(self) -> Float[Tensor, ""]:
        laplacian = self._laplacian(self._inside)
        residual = (laplacian + self._force).square().mean() / self._force.square().mean()
        return residual + 10 * self._value(self._edge).square().mean()

    def _value(self, points: Tensor) -> Tensor:
        u = points
        for weight, bias in zip(self.parameters[0:-2:2], self.parameters[1:-2:2], strict=True):
            u = torch.tanh(u @ weight.T + bias)
        return (u @ self.parameters[-2].T + self.parameters[-1]).squeeze(1)

    def _laplacian(self, points: Tensor) -> Float[Tensor, " points"]:
        """Through t = tanh z: t' = 1 - t² and t'' = -2 t t', so t_aa = t'' z_a² + t' z_aa along each axis a."""
        u, first = points, torch.eye(2, dtype=points.dtype)[:, None].expand(2, len(points), 2)
        second = torch.zeros_like(first)
        for weight, bias in zip(self.parameters[0:-2:2], self.parameters[1:-2:2], strict=True):
            u = torch.tanh(u @ weight.T + bias)
            first, second = first @ weight.T, second @ weight.T
            slope = 1 - u.square()
            second = -2 * u * slope * first.square() + slope * second
            first = slope * first
        return (second @ self.parameters[-2].T).sum(0).squeeze(1)


class Flow(Problem):
    """A network's vector field, 2-24-2, whose paths must follow those of a pendulum with friction (a neural ODE).

    The loss is the mean square of the distance between the paths, from 32 starts, always the same, over 15 midpoint
    steps of 0.2. So one network is used thirty times in a row.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self.parameters = layer(generator, 24, 2) + layer(generator, 2, 24)
        self._start = 1.5 * normal(generator, 32, 2)
        self._paths = self._follow(_pendulum)

    @override
    def loss(self) -> Float[Tensor, ""]:
        return mse_loss(self._follow(self._field), self._paths)

    def _field(self, x: Tensor) -> Tensor:
        first, first_bias, last, last_bias = self.parameters
        return torch.tanh(x @ first.T + first_bias) @ last.T + last_bias

    def _follow(self, field: Callable[[Tensor], Tensor]) -> Float[Tensor, "steps starts 2"]:
        x, path = self._start, []
        for _ in range(15):
            x = x + 0.2 * field(x + 0.1 * field(x))
            path.append(x)
        return torch.stack(path)


def _pendulum(x: Tensor) -> Tensor:
    return torch.stack([x[:, 1], -torch.sin(x[:, 0]) - 0.2 * x[:, 1]], 1)


class Adding(Problem):
    """A recurrent network of 24 tanh units that must add the two marked numbers of a sequence of ten.

    The loss is the mean square of the error on 64 new sequences, and held out on 512; the answer 1 has 1/6. Source: the
    adding problem of Hochreiter and Schmidhuber 1997.
    """

    def __init__(self, generator: torch.Generator) -> None:
        recurrent = torch.linalg.qr(normal(generator, 24, 24)).Q.contiguous()
        self.parameters = [*layer(generator, 24, 2), Parameter(recurrent), *layer(generator, 1, 24)]
        self._generator = generator
        self._held_out = self._draw(512)

    @override
    def loss(self) -> Float[Tensor, ""]:
        return self._error(*self._draw(64))

    @override
    @torch.no_grad()
    def held_out(self) -> float:
        return float(self._error(*self._held_out))

    def _draw(self, count: int) -> tuple[Float[Tensor, "10 count 2"], Float[Tensor, " count"]]:
        values = torch.rand(10, count, generator=self._generator)
        places = torch.rand(10, count, generator=self._generator).topk(2, dim=0).indices
        marks = torch.zeros_like(values).scatter_(0, places, 1.0)
        return torch.stack([values, marks], 2), (values * marks).sum(0)

    def _error(self, inputs: Tensor, sums: Tensor) -> Tensor:
        enter, bias, recur, leave, last = self.parameters
        state = torch.zeros(inputs.shape[1], 24)
        for entering in inputs @ enter.T + bias:
            state = torch.tanh(entering + state @ recur.T)
        return mse_loss((state @ leave.T + last).squeeze(1), sums)
