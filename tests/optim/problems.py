"""Small problems and optimizers that several tests use."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from novacula.optim import LODO


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def wandering(n: int, steps: int) -> tuple[Tensor, Tensor]:
    """A Hessian, and where the minimum is at each step."""
    root = torch.randn(n, n, generator=generator(n), dtype=torch.float64)
    hessian = root @ root.T / n + 0.1 * torch.eye(n, dtype=torch.float64)
    return hessian, torch.randn(steps + 1, n, generator=generator(n + 1), dtype=torch.float64)


def train(optimizer: LODO, parameters: list[Parameter], steps: range) -> None:
    """Descend a quadratic whose minimum depends on the step and on nothing else."""
    for step in steps:
        for index, p in enumerate(parameters):
            noise = torch.randn(p.shape, generator=generator(1000 * step + index), dtype=p.dtype)
            p.grad = (index + 1) * p.detach() + 0.1 * noise
        optimizer.step()


def parameters(*shapes: tuple[int, ...], dtype: torch.dtype = torch.float32) -> list[Parameter]:
    return [Parameter(torch.randn(s, generator=generator(i), dtype=dtype)) for i, s in enumerate(shapes)]


def trained(steps: int, *shapes: tuple[int, ...], **options: Any) -> tuple[LODO, list[Parameter]]:
    """An optimizer after so many steps of `train`."""
    members = parameters(*shapes)
    optimizer = LODO(members, **options)
    train(optimizer, members, range(steps))
    return optimizer, members
