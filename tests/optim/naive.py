"""The published loop (arXiv 2210.06171, section 4.1 of our account), naively, with autograd: the judge."""

from collections.abc import Callable

import torch
from torch import Tensor


def preconditioned(blocks: Tensor, permutations: Tensor, v: Tensor, rate: float) -> Tensor:
    """G(φ) v: pad, layers in order, their transposes in reverse, cut; row vectors."""
    depth, count, k, _ = blocks.shape
    u = torch.cat([v, v.new_zeros(count * k - len(v))])
    for i in range(depth):
        u = (u[permutations[i].long()].view(count, 1, k) @ blocks[i]).view(-1)
    for i in reversed(range(depth)):
        p = (u.view(count, 1, k) @ blocks[i].mT).view(-1)
        u = p[permutations[i].long().argsort()]
    return rate * u[: len(v)]


def published_loop(
    loss: Callable[[Tensor, int], Tensor],
    x: Tensor,
    blocks: Tensor,
    permutations: Tensor,
    steps: int,
    rate: float,
    meta_rate: float,
    momentum: float,
) -> list[Tensor]:
    """Iterates x_1, x_2, …; `loss(x, t)` is that of batch t."""
    m, phi, first, second, iterates = torch.zeros_like(x), blocks, 0, 0, []
    for t in range(1, steps + 1):
        phi = phi.detach().requires_grad_()
        x = x.detach() - preconditioned(phi, permutations, m, rate)
        g, h = torch.autograd.grad(loss(x, t), (x, phi))
        first, second = 0.9 * first + 0.1 * h, 0.999 * second + 0.001 * h * h
        scale = meta_rate * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)
        phi = phi - scale * first / (second.sqrt() + 1e-7)
        m = momentum * m + (1 - momentum) * g
        iterates.append(x.detach())
    return iterates
