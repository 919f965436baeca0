"""The functions of the built-in tasks: inputs (*batch, n) to outputs (*batch, outputs). Source: their definitions."""

import torch
from jaxtyping import Float

Inputs = Float[torch.Tensor, "*batch inputs"]
Outputs = Float[torch.Tensor, "*batch outputs"]


def coefficients(inputs: int) -> Float[torch.Tensor, " inputs"]:
    """2i/(n + 1) for i = 1 … n: positive, unequal, 1 in the mean."""
    return 2.0 * torch.arange(1, inputs + 1, dtype=torch.float64) / (inputs + 1)


def l1_norm(x: Inputs) -> Outputs:
    """Σ |x_i|."""
    return x.abs().sum(-1, keepdim=True)


def weighted_l1(x: Inputs) -> Outputs:
    """Σ c_i |x_i| with `coefficients`."""
    return (x.abs() * coefficients(x.shape[-1]).to(x)).sum(-1, keepdim=True)


def total_variation(x: Inputs) -> Outputs:
    """Σ |x_{i+1} - x_i|."""
    return x.diff(dim=-1).abs().sum(-1, keepdim=True)


def largest(x: Inputs) -> Outputs:
    """The largest input."""
    return x.amax(-1, keepdim=True)


def least(x: Inputs) -> Outputs:
    """The least input."""
    return x.amin(-1, keepdim=True)


def spread(x: Inputs) -> Outputs:
    """The largest input less the least."""
    return largest(x) - least(x)


def median(x: Inputs) -> Outputs:
    """The middle input by size; of an even number, the mean of the middle two."""
    ordered, half = x.sort(-1).values, x.shape[-1] // 2
    return ordered[..., (x.shape[-1] - 1) // 2 : half + 1].mean(-1, keepdim=True)


def ordered(x: Inputs) -> Outputs:
    """The inputs from the least to the largest."""
    return x.sort(-1).values


def product(x: Inputs) -> Outputs:
    """The product of all inputs."""
    return x.prod(-1, keepdim=True)


def dot_product(x: Inputs) -> Outputs:
    """The first half of the inputs times the second half."""
    first, second = x.chunk(2, -1)
    return (first * second).sum(-1, keepdim=True)


def squared_l2(x: Inputs) -> Outputs:
    """Σ x_i²."""
    return x.square().sum(-1, keepdim=True)


def l2_norm(x: Inputs) -> Outputs:
    """The Euclidean length."""
    return squared_l2(x).sqrt()


def parity(x: Inputs) -> Outputs:
    """1 where an odd number of bits is set, else 0."""
    return ones(x).remainder(2)


def majority(x: Inputs) -> Outputs:
    """1 where more than half of the bits are set, else 0."""
    return (2 * ones(x) > x.shape[-1]).to(x)


def at_least(count: int, x: Inputs) -> Outputs:
    """1 where at least `count` bits are set, else 0."""
    return (ones(x) >= count).to(x)


def ones(x: Inputs) -> Outputs:
    """The number of bits that are set."""
    return x.round().sum(-1, keepdim=True)


def modular_addition(x: Inputs) -> Outputs:
    """The one-hot code of the sum modulo p of two digits, given by their one-hot codes."""
    first, second = x.chunk(2, -1)
    digits = torch.arange(first.shape[-1], device=x.device)
    shifted = second[..., (digits[:, None] - digits) % len(digits)]
    return (shifted * first[..., None, :]).sum(-1)


def angle_addition(x: Inputs) -> Outputs:
    """The point of the sum of the angles of points (cos a, sin a)."""
    real, imaginary = x[..., 0], x[..., 1]
    for place in range(2, x.shape[-1], 2):
        cosine, sine = x[..., place], x[..., place + 1]
        real, imaginary = real * cosine - imaginary * sine, real * sine + imaginary * cosine
    return torch.stack([real, imaginary], -1)


def total(x: Inputs) -> Outputs:
    """Σ x_i."""
    return x.sum(-1, keepdim=True)


def mean(x: Inputs) -> Outputs:
    """Σ x_i / n."""
    return x.mean(-1, keepdim=True)


def linear(x: Inputs) -> Outputs:
    """Σ c_i x_i with `coefficients`, every second one negative."""
    signs = 1 - 2 * (torch.arange(x.shape[-1], device=x.device) % 2)
    return (x * signs * coefficients(x.shape[-1]).to(x)).sum(-1, keepdim=True)


def constant(x: Inputs) -> Outputs:
    """1 for all inputs."""
    return torch.ones_like(x[..., :1])


def clipped(x: Inputs) -> Outputs:
    """Σ of the inputs, each clipped to -1 … 1."""
    return x.clamp(-1, 1).sum(-1, keepdim=True)


def shrunk(x: Inputs) -> Outputs:
    """Σ of the inputs, each brought nearer to 0 by 1 (soft threshold): piecewise linear, with kinks at ±1."""
    return (x - x.clamp(-1, 1)).sum(-1, keepdim=True)
