"""With a number for lr, LODO is the published loop."""

import pytest
import torch
from torch.nn import Parameter

from novacula.optim import LODO
from novacula.optim.structures.layers import BlockLayers
from tests.optim.naive import published_loop
from tests.optim.problems import wandering


@pytest.mark.parametrize(("engine", "n", "momentum"), [("native", 1, 0.9), ("native", 33, 0.3), ("torch", 2, 0.0)])
def test_two_hundred_steps_are_those_of_the_published_loop(engine: str, n: int, momentum: float) -> None:
    steps, rate, meta_rate = 200, 0.1, 3e-3
    hessian, minima = wandering(n, steps + 1)

    def loss(x: torch.Tensor, step: int) -> torch.Tensor:
        away = x - minima[step]
        return 0.5 * away @ hessian @ away + 0.1 * (away**4).sum()

    x = Parameter(torch.zeros(n, dtype=torch.float64))
    optimizer = LODO([x], lr=rate, meta_lr=meta_rate, momentum=momentum, engine=engine)  # pyright: ignore
    state = optimizer.export_preconditioner()
    preconditioner = next(optimizer.preconditioners())
    assert isinstance(preconditioner.structure, BlockLayers)
    blocks = preconditioner.structure.unpack(state["0.phi"])
    wanted = published_loop(
        loss, torch.zeros(n, dtype=torch.float64), blocks, state["0.permutations"], steps + 1, rate, meta_rate, momentum
    )
    for step in range(1, steps + 1):
        torch.testing.assert_close(x.detach(), wanted[step - 1], rtol=0, atol=1e-9)
        optimizer.zero_grad()
        loss(x, step).backward()
        optimizer.step()
    torch.testing.assert_close(x.detach(), wanted[steps], rtol=0, atol=1e-9)
    assert (wanted[steps] - wanted[steps - 1]).norm() > 1e-3  # it still moves: agreement is not that of rest


def test_it_starts_as_descent_along_the_mean_gradient() -> None:
    x = Parameter(torch.randn(50, dtype=torch.float64))
    before, gradient = x.detach().clone(), torch.randn(50, dtype=torch.float64)
    optimizer = LODO([x], lr=0.5, momentum=0.8)
    x.grad = gradient
    optimizer.step()
    torch.testing.assert_close(x.detach(), before - 0.5 * 0.2 * gradient, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(optimizer.dense(), 0.5 * torch.eye(50, dtype=torch.float64), rtol=0, atol=1e-12)


def test_plain_meta_descent_moves_along_the_meta_gradient() -> None:
    x = Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = LODO([x], lr=0.5, meta_lr=0.1, momentum=0.0, structure="scalar", meta_optimizer="sgd")
    for gradient in (2.0, 3.0):
        x.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
    # w = 1 + 0.1 · 0.5 · 2 · 3: the gradient after the step has the sign of the one before, so the step was short.
    assert float(optimizer.dense()) == pytest.approx(0.5 * 1.3, abs=1e-12)
    assert float(x.detach()) == pytest.approx(1 - 0.5 * 2 - 0.5 * 1.3 * 3, abs=1e-12)


def test_a_wandering_bowl_teaches_the_inverse_curvature() -> None:
    curvatures = torch.tensor([1.0, 0.7, 0.5, 0.4], dtype=torch.float64)
    draws = torch.Generator().manual_seed(4)
    x, minimum = Parameter(torch.zeros(4, dtype=torch.float64)), torch.zeros(4, dtype=torch.float64)
    optimizer = LODO([x], lr=0.5, meta_lr=2e-3, momentum=0.0)

    def error() -> float:
        residual = torch.eye(4, dtype=torch.float64) - optimizer.dense() * curvatures
        return float(residual.norm()) / 2

    first = error()
    for _ in range(1500):
        minimum += torch.randn(4, generator=draws, dtype=torch.float64)
        x.grad = curvatures * (x.detach() - minimum)
        optimizer.step()
    assert error() < 0.45 * first
