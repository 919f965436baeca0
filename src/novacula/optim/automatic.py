"""The automatic scale and the normalized input, which make LODO start as Adam (ours).

With v̂ the bias-corrected mean square of the gradients and m̂ the bias-corrected mean,

    step = -s [D^½ F T(φ) F D^½ + (I - F²) D] m̂,    D = diag(1 / (√v̂ + ε)),    F = min(1, √v̂ / (ϱ √mean(v̂))).

T(φ_0) = I, so that with s = 10⁻³ the first step is Adam's with its default rate; from then on T learns what a diagonal
cannot say, in coordinates in which the curvature is nearer to 1, and s is learned much faster than φ can grow. Where a
gradient is far smaller than the others, as that of the weights of an input that is nearly always 0, D is huge: what T
mixes in from other parameters would move such a weight without bound, and its own gradient would not tell. There F
shuts T out, and Adam's own step takes its place.

With l = F D^½ g, where g is the gradient after the step and F and D are those of the step, and z = F D^½ m̂, the step
adds to the loss, to first order, -s ⟨l, T z⟩, so both climb ⟨l, T z⟩ in a form that no scale of the loss or of the
parameters enters:

    log s ← log s + η c - κ min(c + 1/√n, 0)²,   c = cos(l, T z),      φ: Adam on -n/(‖l‖ ‖z‖) ∂⟨l, T z⟩/∂φ.

The cosine is 1 while gradients repeat, so that s then grows by e^η a step. It is -1 where a step overshoots: that must
be undone within a few steps, before the loss runs away, which is what κ is for. And where noise rules c is of the order
of 1/√n, and neither term does much: an angle that chance makes is no overshoot, or in few dimensions the scale would
collapse. D follows the gradients of the last thirty steps or so: what T learns is the curvature in its coordinates,
which must not lag behind.

No step is longer, by s ‖T z‖, than three times the root mean square of the last thirty or so: where gradients shrink or
nearly cancel and T grows, a single large gradient would else take a step that undoes them all. Where s and T grow at
their fastest, steps grow by less than that.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

FIRST_SCALE = 1e-3
SCALE_RATE = 0.08
OVERSHOOT_RATE = 0.5
SECOND_DECAY = 0.97
EPSILON = 1e-8
TRUST = 3.0
"""How many times the usual length a step may have."""
FLOOR = 0.01
"""ϱ: a gradient below this part of the root mean square of all counts as far smaller than the others."""


def diagonals(second_moment: Float[Tensor, " n"], step: Tensor) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """F D^½ and (I - F²) D, after `step` gradients."""
    corrected = second_moment / (1 - SECOND_DECAY ** step.double())
    least = FLOOR * corrected.mean().sqrt()
    root = corrected.sqrt_()
    d = (root + EPSILON).reciprocal_()
    f = root.div_(least).clamp_(max=1).nan_to_num_(nan=1)  # 0 / 0 before the first gradient that is not 0
    return d.sqrt().mul_(f), d.mul_(1 - f.square())


def advance(mean_square: Float[Tensor, "*n"], value: Float[Tensor, "*n"]) -> None:
    """Take a gradient, or the length of a step, into its mean square, in place."""
    mean_square.mul_(SECOND_DECAY).addcmul_(value, value, value=1 - SECOND_DECAY)


def cosine(a: Float[Tensor, " n"], b: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Of the angle between two vectors; 0 where one of them is 0."""
    norms = torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b)
    return torch.where(norms > 0, a.dot(b) / norms, norms)


def scale_change(left: Float[Tensor, " n"], product: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """What is added to log s."""
    c = cosine(left, product)
    return SCALE_RATE * c - OVERSHOOT_RATE * (c + left.numel() ** -0.5).clamp(max=0).square()


def weight(left: Float[Tensor, " n"], z: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """n/(‖l‖ ‖z‖), which makes the entries of the meta-gradient of the order of 1; 0 where a vector is 0."""
    norms = torch.linalg.vector_norm(left) * torch.linalg.vector_norm(z)
    return torch.where(norms > 0, left.numel() / norms, norms)


def trusted(size: Float[Tensor, ""], mean_square: Float[Tensor, ""], step: Tensor) -> Float[Tensor, ""]:
    """The part of a step that is taken.

    Args:
        size: s ‖T z‖ of the step.
        mean_square: of the sizes of the steps before it, as `advance` keeps it.
        step: how many steps these are.
    """
    usual = (mean_square / (1 - SECOND_DECAY ** step.double())).sqrt()
    return torch.where(usual > 0, (TRUST * usual / size).clamp(max=1), torch.ones_like(usual))


def first_log_scale() -> float:
    """log s of the start."""
    return math.log(FIRST_SCALE)
