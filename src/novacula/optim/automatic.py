"""The automatic scale and the normalized input, which make LODO start as Adam (ours).

With v̂ the bias-corrected mean square of the gradients and m̂ the bias-corrected mean,

    step = -s [D^½ F T(φ) F D^½ + (I - F²) D] m̂,    D = diag(1 / (√v̂ + ε)),    F = min(1, √v̂ / (ϱ √mean(v̂))).

T(φ_0) = I, so with s = 10⁻³ the first step is Adam's with its default rate. From then on T learns what a diagonal
cannot express, in coordinates in which the curvature is nearer to 1. The scale s is learned much faster than φ can
grow. Where a gradient is far smaller than the others, such as that of a weight whose input is nearly always 0, D is
huge. What T mixes in from other parameters would move such a weight without bound, and its own gradient would not
show it. There F excludes T, and Adam's own step takes its place.

With l = F D^½ g, where g is the gradient after the step and F and D are those of the step, and z = F D^½ m̂, the step
changes the loss by -s ⟨l, T z⟩ to first order. So both climb ⟨l, T z⟩, in a form that does not depend on the scale of
the loss or of the parameters:

    log s ← log s + η c - κ min(c + 1/√n, 0)²,   c = cos(l, T z),      φ: Adam on -n/(‖l‖ ‖z‖) ∂⟨l, T z⟩/∂φ.

The cosine is 1 while gradients repeat, so that s grows by a factor of e^η per step. It is -1 where a step overshoots;
κ undoes that within a few steps, before the loss diverges. Where noise dominates, c is of the order of 1/√n, and
neither term does much: an angle by chance is no overshoot, or the scale would collapse in few dimensions. D follows the
gradients of about the last thirty steps: T learns the curvature in the coordinates of D, which must not lag behind.

No step is longer, in s ‖T z‖, than three times the root mean square of about the last thirty. Otherwise, where
gradients shrink or nearly cancel and T grows, a single large gradient would take a step that undoes them all. Even
where s and T grow at their fastest, steps grow by less than that.
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
"""The longest step, in units of the usual length."""
FLOOR = 0.01
"""ϱ: a gradient below this share of the root mean square of all counts as far smaller than the others."""


def diagonals(second_moment: Float[Tensor, " n"], step: Tensor) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Returns F D^½ and (I - F²) D after `step` gradients."""
    corrected = second_moment / (1 - SECOND_DECAY ** step.double())
    least = FLOOR * corrected.mean().sqrt()
    root = corrected.sqrt_()
    d = (root + EPSILON).reciprocal_()
    f = root.div_(least).clamp_(max=1).nan_to_num_(nan=1)  # 0 / 0 before the first gradient that is not 0
    return d.sqrt().mul_(f), d.mul_(1 - f.square())


def advance(mean_square: Float[Tensor, "*n"], value: Float[Tensor, "*n"]) -> None:
    """Updates a mean square in place with a gradient, or with the length of a step."""
    mean_square.mul_(SECOND_DECAY).addcmul_(value, value, value=1 - SECOND_DECAY)


def cosine(a: Float[Tensor, " n"], b: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Returns the cosine of the angle between two vectors; 0 if one of them is 0."""
    norms = torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b)
    return torch.where(norms > 0, a.dot(b) / norms, norms)


def scale_change(left: Float[Tensor, " n"], product: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Returns the change of log s."""
    c = cosine(left, product)
    return SCALE_RATE * c - OVERSHOOT_RATE * (c + left.numel() ** -0.5).clamp(max=0).square()


def weight(left: Float[Tensor, " n"], z: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Returns n/(‖l‖ ‖z‖), which makes the meta-gradient's entries of the order of 1; 0 if a vector is 0."""
    norms = torch.linalg.vector_norm(left) * torch.linalg.vector_norm(z)
    return torch.where(norms > 0, left.numel() / norms, norms)


def trusted(size: Float[Tensor, ""], mean_square: Float[Tensor, ""], step: Tensor) -> Float[Tensor, ""]:
    """Returns the part of a step that is taken.

    Args:
        size: s ‖T z‖ of the step.
        mean_square: of the sizes of the steps before it, as `advance` updates it.
        step: the number of these steps.
    """
    usual = (mean_square / (1 - SECOND_DECAY ** step.double())).sqrt()
    return torch.where(usual > 0, (TRUST * usual / size).clamp(max=1), torch.ones_like(usual))


def first_log_scale() -> float:
    """Returns the first log s."""
    return math.log(FIRST_SCALE)
