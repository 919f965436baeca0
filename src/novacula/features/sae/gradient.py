"""The training losses of sparse autoencoders and their gradients, written by hand so that nothing becomes dense.

Inputs are scaled so that the sum of their variances is 1. The loss of a batch is the mean of ‖x̂ - x‖², plus

- ReLU: λ times the mean sum of activations (arXiv 2309.08600; decoder rows have norm 1);
- JumpReLU: λ times the mean number of active latents, through a rectangle of width ε about each threshold
  (arXiv 2407.14435, sections 3 and 4);
- TopK, BatchTopK, blocks: 1/32 of the mean squared error with which dead latents explain the residual (arXiv
  2406.04093, A.2). It is on the scale of the main loss, whatever the residual is.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from novacula.features.config import SaeKind
from novacula.features.sae.autoencoder import ByLatent, Codes, above, top, top_blocks, top_of_batch

BANDWIDTH = 0.001  #: ε of JumpReLU, for inputs of variance 1
AUXILIARY = 1 / 32  #: weight of the dead latents' error

SaeWeights = dict[str, Tensor]
"""``encoder`` and ``decoder`` (latents × width), ``encoder_bias``, ``decoder_bias``; JumpReLU: ``log_threshold``."""


@dataclass(frozen=True)
class Objective:
    """The loss that is minimized."""

    kind: SaeKind  #: kind of autoencoder
    k: int  #: active latents of a token, for TopK and BatchTopK; active blocks, for blocks
    sparsity: float  #: λ
    block: int = 1  #: latents of a block, for blocks


@dataclass(frozen=True)
class LossGradient:
    """The loss of a batch, and its gradients."""

    error: float  #: mean squared error: the share of the variance that is not explained
    gradients: SaeWeights  #: gradients of the whole loss, by weight
    codes: Codes  #: the codes of the batch
    residual: Float[Tensor, "tokens width"]  #: x̂ - x
    least: float  #: smallest active value of the batch, for BatchTopK


def loss_gradient(
    weights: SaeWeights, states: Float[Tensor, "tokens width"], objective: Objective, dead: Int[Tensor, " dead"]
) -> LossGradient:
    """Returns the loss of a batch and its gradients."""
    tokens = len(states)
    centered = states - weights["decoder_bias"]
    pre = torch.addmm(weights["encoder_bias"], centered, weights["encoder"].t())
    codes, near, least = _codes(pre, weights, objective)
    residual = codes.decode(weights["decoder"]) - centered
    by_output = residual * (2 / tokens)
    by_value = codes.slopes(by_output, weights["decoder"])
    gradients: SaeWeights = {}
    if objective.kind == "relu":
        by_value = by_value + objective.sparsity / tokens
    by_pre, latents = by_value, ByLatent.of(codes)
    if near is not None:
        active, inside, threshold = near
        strength = inside / BANDWIDTH
        by_threshold = -strength * (threshold * by_value + objective.sparsity / tokens)
        by_pre = by_value * active
        gradients["log_threshold"] = latents.totals(by_threshold * threshold)
    gradients["encoder_bias"] = latents.totals(by_pre)
    gradients["encoder"] = latents.gather(by_pre, centered)
    gradients["decoder"] = latents.gather(codes.values, by_output)
    gradients["decoder_bias"] = by_output.sum(0) - gradients["encoder_bias"] @ weights["encoder"]
    if len(dead) and objective.kind in ("topk", "batchtopk", "block"):
        _add_auxiliary(gradients, weights, pre[:, dead], centered, residual, objective, dead)
    error = float(residual.square().sum() / tokens)
    return LossGradient(error, gradients, codes, residual, least)


def _codes(
    pre: Float[Tensor, "tokens latents"], weights: SaeWeights, objective: Objective
) -> tuple[Codes, tuple[Tensor, Tensor, Tensor] | None, float]:
    """Returns the codes, what JumpReLU needs besides, and the smallest active value of BatchTopK.

    JumpReLU needs which entries are active, which lie near their threshold, and the thresholds.
    """
    if objective.kind == "topk":
        return top(pre, objective.k), None, 0.0
    if objective.kind == "block":
        return top_blocks(pre, objective.k, objective.block), None, 0.0
    if objective.kind == "batchtopk":
        codes, least = top_of_batch(pre, objective.k)
        return codes, None, least
    if objective.kind == "relu":
        return above(pre, 0.0), None, 0.0
    threshold = weights["log_threshold"].exp()
    codes = above(pre, threshold - BANDWIDTH / 2)
    own = threshold[codes.latents]
    active = (codes.values > own).float()
    inside = ((codes.values - own).abs() < BANDWIDTH / 2).float()
    return Codes(codes.starts, codes.latents, codes.values * active, codes.n_latents), (active, inside, own), 0.0


def _add_auxiliary(
    gradients: SaeWeights,
    weights: SaeWeights,
    pre: Float[Tensor, "tokens dead"],
    centered: Float[Tensor, "tokens width"],
    residual: Float[Tensor, "tokens width"],
    objective: Objective,
    dead: Int[Tensor, " dead"],
) -> None:
    """Adds the gradients of the error with which the dead latents of largest pre-activation explain the residual."""
    most = max(1, min(2 * objective.k, centered.shape[1] // (2 * objective.block)))
    if objective.kind == "block":
        chosen = top_blocks(pre.contiguous(), most, objective.block)
    else:
        chosen = top(pre.contiguous(), most)
    codes = Codes(chosen.starts, dead[chosen.latents], chosen.values, len(weights["decoder"]))
    error = codes.decode(weights["decoder"]) + residual
    by_output = error * (2 * AUXILIARY / len(centered))
    by_value = codes.slopes(by_output, weights["decoder"])
    latents = ByLatent.of(codes)
    gradients["encoder_bias"] += latents.totals(by_value)
    gradients["encoder"] += latents.gather(by_value, centered)
    gradients["decoder"] += latents.gather(codes.values, by_output)
