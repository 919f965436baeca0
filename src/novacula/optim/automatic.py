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

    log s ← log s + η c - κ o,   o = min(c + σ, 0)²,   c = cos(l, T z),         φ: Adam on -n/(‖l‖ ‖T z‖) ∂⟨l, T z⟩/∂φ.

The cosine is 1 while gradients repeat, so that s grows by a factor of e^η per step. It is -1 where a step overshoots;
κ undoes that within a few steps, before the loss diverges. The mean m goes on in the old direction for about ten steps
more, so that an overshoot also takes its memory: m ← max(0, 1 - ϖ o) m. An angle by chance is no overshoot: otherwise
noise would shrink s and take the mean's memory, and so the average over batches that it is. Chance makes angles of the
order of 1/√n in n dimensions, and larger ones where few directions carry the noise. So σ² starts at 1/n and follows the
mean of (c_t - c_{t-1})²/2, which is the variance of c under noise, and small where c changes smoothly.

D follows the gradients of about the last thirty steps: T learns the curvature in the coordinates of D, which must not
lag behind. In the first steps η is larger, since the first s is only a guess: a run that a scheduler slows down early
must have found its scale by then.

No step is longer, in s ‖T z‖, than three times the root mean square of about the last thirty. Otherwise, where
gradients shrink or nearly cancel and T grows, a single large gradient would take a step that undoes them all. Even
where s and T grow at their fastest, steps grow by less than that; in the first ten steps it is this bound that ends
their growth.

Under noise the mean of many iterates is nearer to the minimum than any of them. With δ the difference of the iterate x
from the mean of the last eighth of the iterates, ⟨g, δ⟩ > 0 says that the loss falls on the way to that mean, and
⟨g, δ⟩ < 0, for a convex loss, that it is higher there. So `LODO.eval` shows the mean where cos(g, δ) is positive on
average. No step depends on it.

A factor f of a scheduler scales the step once all of this is done: f s T z is taken, and its length is bounded in units
of f, so that no s can undo f. What is learned of a step is weighted with the part of it that was taken. At first η is
larger for as many full steps in a warm-up as without one: later, under noise, c tells too little of s.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

FIRST_SCALE = 1e-3
SCALE_RATE = 0.08
FIRST_BOOST, BOOSTED_STEPS = 24.0, 5.0
"""How much faster s is learned at first, and for about how many steps: the first s is only a guess."""
OVERSHOOT_RATE = 0.5
FORGETTING = 8.0  #: ϖ: how much of the mean of the gradients an overshoot takes
SECOND_DECAY = 0.97  #: the decay of the running means of squares: of gradients, of steps, and of changes of c
EPSILON = 1e-8  #: ε, in units of the root mean square of all gradients
TRUST = 3.0  #: the longest step, in units of the usual length
AVERAGED = 8  #: the mean that `LODO.eval` shows is that of the last eighth of the iterates
EVIDENCE = 0.02  #: the mean cosine of g and δ from which the mean counts as better
SHORTEST = 1e-30  #: the length of T z below which φ learns nothing
FLOOR = 0.01  #: ϱ: a gradient below this share of the root mean square of all counts as far smaller than the others


class Frame(NamedTuple):
    """What surrounds T in G v = α0 (side T(side v') + rest v') with v' = v / unit; None stands for I, 0 and 1."""

    side: Float[Tensor, " n"] | None = None
    rest: Float[Tensor, " n"] | None = None
    unit: Float[Tensor, ""] | None = None

    def enter(self, v: Float[Tensor, " n"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Returns v', and what T multiplies."""
        v = v if self.unit is None else v / self.unit
        return v, v if self.side is None else v * self.side

    def leave(self, product: Float[Tensor, " n"], v: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Returns G v without α0, from the product of T and v'."""
        update = product if self.side is None else product * self.side
        return update if self.rest is None else update.addcmul_(self.rest, v)


def normalization(root: Float[Tensor, " n"], step: Tensor) -> Frame:
    """Returns F D^½ u^½, (I - F²) D u, and u, the root mean square of √v̂, after `step` gradients, from √v.

    So all diagonals lie between 0 and 1/ε, whatever the scale of the gradients.
    """
    corrected = root / (1 - SECOND_DECAY ** step.double()).sqrt()
    unit = length(corrected) / math.sqrt(root.numel())
    unit = torch.where(unit > 0, unit, torch.ones_like(unit))
    relative = corrected.div_(unit)
    f = (relative / FLOOR).clamp_(max=1)
    d = relative.add_(EPSILON).reciprocal_()
    return Frame(d.sqrt().mul_(f), d.mul_(1 - f.square()), unit)


def advance(root: Float[Tensor, " n"], gradient: Float[Tensor, " n"]) -> None:
    """Updates √v in place with a gradient; no square is computed that could overflow."""
    root.copy_(torch.hypot(root * SECOND_DECAY**0.5, gradient * (1 - SECOND_DECAY) ** 0.5))


def length(vector: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Returns the norm, float64, in which the squares of float32 neither overflow nor vanish."""
    return torch.linalg.vector_norm(vector, dtype=torch.float64)


def unit_vector(vector: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Returns the vector divided by its norm; 0 remains 0."""
    norm = length(vector)
    return vector / torch.where(norm > 0, norm, torch.ones_like(norm))


def cosine(left: Float[Tensor, " n"], product: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Returns c, from the unit vector of l, and T z."""
    return left.dot(unit_vector(product)).double()


def scale_change(c: Float[Tensor, ""], over: Float[Tensor, ""], learned: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """Returns the change of log s by a full step; `over` is o, and `learned` counts the full steps before it."""
    boost = FIRST_BOOST * (-learned / BOOSTED_STEPS).exp()
    return SCALE_RATE * (1 + boost) * c - OVERSHOOT_RATE * over


def overshoot(c: Float[Tensor, ""], spread: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """Returns o: how far a step went beyond the lowest point on its way; 0 where chance, of variance σ², may tell."""
    return (c + spread.sqrt()).clamp(max=0).square()


def follow(state: dict[str, Tensor], c: Float[Tensor, ""], share: Float[Tensor, ""]) -> None:
    """Updates σ², and c, from the c before, which is NaN at first, by the share that is learned of a step."""
    before = state["cosine"]
    change = torch.where(before.isnan(), torch.zeros_like(c), c - before)
    # What is changed in place is assigned, since a compiled step loses a change of a lone float64 that nobody takes.
    state["spread"] = state["spread"].lerp_(change.square() / 2, (1 - SECOND_DECAY) * share)
    state["cosine"] = before.copy_(torch.where(share > 0, c, before))


def kept(over: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """Returns the part of the mean of the gradients that outlasts an overshoot."""
    return (1 - FORGETTING * over).clamp(min=0)


def share(c: Float[Tensor, ""], factor: Float[Tensor, ""], moved: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """Returns how much is learned from a step.

    A short step says little about longer ones; one that was too long even after the bound says all.

    Args:
        c: the cosine.
        factor: of the groups, by which the step was scaled.
        moved: the part of the automatic step that was taken, after the factor and the bound.
    """
    return torch.where(c > 0, moved, factor).clamp(max=1)


def averaged(step: Tensor) -> Tensor:
    """Returns the weight of the newest of `step` iterates in their mean."""
    return (AVERAGED / step.double()).clamp(max=1)


def favor(state: dict[str, Tensor], gradient: Float[Tensor, " n"]) -> None:
    """Enters cos(g, δ), 0 where one of them is 0, into its mean over the iterates before a step."""
    lag, weight = state["lag"], averaged((state["step"] - 1).clamp(min=1))
    cosine = unit_vector(gradient).dot(lag).double() / length(lag).clamp(min=torch.finfo(torch.float64).tiny)
    state["toward"] = state["toward"].lerp_(cosine.to(state["toward"]), weight)


def weight(product: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Returns n/‖T z‖, which makes the entries of the meta-gradient of a unit vector of the order of 1; 0 for nothing.

    Gradients that vanish faster than v̂ can follow make z so short that n/‖T z‖ would not be a number of φ's precision.
    """
    norm = length(product)
    return torch.where(norm > SHORTEST, product.numel() / norm, torch.zeros_like(norm))


def trusted(size: Float[Tensor, ""], state: dict[str, Tensor], step: Tensor) -> Float[Tensor, ""]:
    """Returns the part of a step that is taken, and enters it into the mean of squares.

    Args:
        size: the length of the step for the factor 1, s ‖T z‖.
        state: has the mean square of the steps before it.
        step: the number of these steps.
    """
    usual = (state["step_square"] / (1 - SECOND_DECAY ** step.double())).sqrt()
    part = torch.where(usual > 0, (TRUST * usual / size).clamp(max=1), torch.ones_like(usual))
    state["step_square"] = state["step_square"].lerp_((size * part).square(), 1 - SECOND_DECAY)
    return part
