import math

import pytest
import torch

from novacula.features.config import SaeKind
from novacula.features.sae.gradient import AUXILIARY, BANDWIDTH, Objective, SaeWeights, loss_gradient

NONE = torch.zeros(0, dtype=torch.int64)


def weights(latents: int = 24, width: int = 6) -> SaeWeights:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(latents, width, generator=generator)
    rows /= rows.norm(dim=1, keepdim=True)
    return {
        "encoder": rows + 0.1 * torch.randn(latents, width, generator=generator),
        "encoder_bias": 0.1 * torch.randn(latents, generator=generator),
        "decoder": rows,
        "decoder_bias": 0.1 * torch.randn(width, generator=generator),
    }


def states(tokens: int = 15, width: int = 6) -> torch.Tensor:
    return torch.randn(tokens, width, generator=torch.Generator().manual_seed(9))


def dense_loss(kind: SaeKind, w: SaeWeights, x: torch.Tensor, objective: Objective) -> torch.Tensor:
    """The same loss with matrices, for autograd."""
    pre = (x - w["decoder_bias"]) @ w["encoder"].t() + w["encoder_bias"]
    codes = pre.clamp_min(0)
    if kind == "topk":
        codes = codes * torch.zeros_like(pre).scatter(1, pre.topk(objective.k, dim=1).indices, 1.0)
    elif kind == "batchtopk":
        least = pre.flatten().topk(objective.k * len(x)).values[-1]
        codes = codes * (pre >= least)
    elif kind == "block":
        blocks = pre.view(len(x), -1, objective.block)
        chosen = torch.zeros(blocks.shape[:2]).scatter(1, blocks.norm(dim=2).topk(objective.k, dim=1).indices, 1.0)
        codes = (blocks * chosen[..., None]).view_as(pre)
    loss = (codes @ w["decoder"] + w["decoder_bias"] - x).square().sum(1).mean()
    return loss + (objective.sparsity * codes.sum(1).mean() if kind == "relu" else 0)


@pytest.mark.parametrize("kind", ["relu", "topk", "batchtopk", "block"])
def test_gradients_are_those_of_autograd(kind: SaeKind) -> None:
    w, x, objective = weights(), states(), Objective(kind, 4, 0.3, 3 if kind == "block" else 1)
    found = loss_gradient(w, x, objective, NONE)
    leaves = {name: value.clone().requires_grad_() for name, value in w.items()}
    dense_loss(kind, leaves, x, objective).backward()
    for name, leaf in leaves.items():
        torch.testing.assert_close(found.gradients[name], leaf.grad, rtol=1e-4, atol=1e-5)


def test_jumprelu_is_relu_with_a_jump_but_for_its_threshold() -> None:
    w, x = weights(), states()
    w["log_threshold"] = torch.full((24,), math.log(0.5))
    found = loss_gradient(w, x, Objective("jumprelu", 4, 0.3), NONE)
    leaves = {name: value.clone().requires_grad_() for name, value in w.items()}
    pre = (x - leaves["decoder_bias"]) @ leaves["encoder"].t() + leaves["encoder_bias"]
    codes = pre * (pre > 0.5)
    (codes @ leaves["decoder"] + leaves["decoder_bias"] - x).square().sum(1).mean().backward()
    for name in w:
        if name != "log_threshold":
            torch.testing.assert_close(found.gradients[name], leaves[name].grad, rtol=1e-4, atol=1e-5)


def test_jumprelu_thresholds_follow_the_straight_through_rule() -> None:
    """One latent, one token whose pre-activation lies in the rectangle: the formula of the paper by hand."""
    threshold, sparsity = 0.5, 0.3
    for pre in (threshold + 0.25 * BANDWIDTH, threshold - 0.25 * BANDWIDTH, threshold + BANDWIDTH):
        w = {
            "encoder": torch.tensor([[1.0]]),
            "encoder_bias": torch.zeros(1),
            "decoder": torch.tensor([[1.0]]),
            "decoder_bias": torch.zeros(1),
            "log_threshold": torch.tensor([math.log(threshold)]),
        }
        found = loss_gradient(w, torch.tensor([[pre]]), Objective("jumprelu", 1, sparsity), NONE)
        code = pre if pre > threshold else 0.0
        inside = abs(pre - threshold) < BANDWIDTH / 2
        by_threshold = -(threshold * 2 * (code - pre) + sparsity) / BANDWIDTH * inside
        assert found.gradients["log_threshold"].item() == pytest.approx(by_threshold * threshold, rel=1e-3, abs=1e-6)


def test_dead_blocks_learn_the_residual_by_their_norms() -> None:
    w, x, objective = weights(width=8), states(width=8), Objective("block", 1, 0.0, 2)
    dead = torch.tensor([2, 3, 8, 9, 10, 11])
    plain, helped = (loss_gradient(w, x, objective, each).gradients for each in (NONE, dead))
    leaves = {name: value.clone().requires_grad_() for name, value in w.items()}
    pre = ((x - w["decoder_bias"]) @ leaves["encoder"].t() + leaves["encoder_bias"])[:, dead]
    blocks = pre.view(15, 3, 2)
    chosen = torch.zeros(15, 3).scatter(1, blocks.norm(dim=2).topk(2, dim=1).indices, 1.0)  # min(2 k, width / 4)
    residual = loss_gradient(w, x, objective, NONE).residual
    error = (blocks * chosen[..., None]).view_as(pre) @ leaves["decoder"][dead] + residual
    (AUXILIARY * error.square().sum(1).mean()).backward()
    for name in ("encoder", "encoder_bias", "decoder"):
        torch.testing.assert_close(helped[name] - plain[name], leaves[name].grad, rtol=1e-4, atol=1e-5)


def test_dead_latents_learn_the_residual_and_no_one_else_does() -> None:
    w, x, objective = weights(), states(), Objective("topk", 2, 0.0)
    dead = torch.tensor([3, 7, 11, 20])
    plain, helped = (loss_gradient(w, x, objective, each).gradients for each in (NONE, dead))
    leaves = {name: value.clone().requires_grad_() for name, value in w.items()}
    pre = ((x - w["decoder_bias"]) @ leaves["encoder"].t() + leaves["encoder_bias"])[:, dead]
    chosen = torch.zeros_like(pre).scatter(1, pre.topk(3, dim=1).indices, 1.0)  # min(2 k, width / 2)
    residual = loss_gradient(w, x, objective, NONE).residual
    error = (pre.clamp_min(0) * chosen) @ leaves["decoder"][dead] + residual
    (AUXILIARY * error.square().sum(1).mean()).backward()
    for name in ("encoder", "encoder_bias", "decoder"):
        torch.testing.assert_close(helped[name] - plain[name], leaves[name].grad, rtol=1e-4, atol=1e-5)
    assert torch.equal(helped["decoder_bias"], plain["decoder_bias"])
