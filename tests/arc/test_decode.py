"""The latents: their price against the textbook's KL, and what they carry."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from novacula.arc.network.layers import posterior

POSITIONS = [7, 1, 300]


@pytest.fixture
def latents() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    # Capacities from a tenth of a nat per element to far beyond saturation.
    target = torch.linspace(-1.0, 0.1, 12, dtype=torch.float64).view(4, 3)
    count = sum(POSITIONS)
    return {"target": target, "mean": draw(4, count), "adjustment": draw(4, count), "noise": draw(4, count)}


def formulas(target: torch.Tensor, mean: torch.Tensor, adjustment: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Gain, signal, standardized mean and nats of one tensor, from section 4.1 of the specification word by word."""
    size = mean.numel()
    tau = 10 * target[:, None]
    gain = 1 - torch.exp(-2 * (1e4 * tau.exp() + 0.5) / size)
    capacity = 1e4 * (tau + adjustment - adjustment.mean(1, keepdim=True)).exp() + 0.5
    centered = mean - mean.mean(1, keepdim=True)
    standard = centered / (centered.square().mean(1, keepdim=True) + 1e-8).sqrt()
    nats = capacity / size
    return gain, (1 - (-2 * nats).exp()).sqrt(), standard, nats


def test_samples_and_price_follow_the_closed_forms(latents: dict[str, torch.Tensor]) -> None:
    found = posterior(**latents, positions=POSITIONS)
    start = 0
    for tensor, count in enumerate(POSITIONS):
        part = slice(start, start + count)
        start += count
        gain, signal, standard, nats = formulas(
            latents["target"][:, tensor], latents["mean"][:, part], latents["adjustment"][:, part]
        )
        sigma = (-nats).exp()
        sample = gain * (signal * standard + sigma * latents["noise"][:, part])
        torch.testing.assert_close(found.sample[:, part], sample, rtol=1e-7, atol=1e-9)
        torch.testing.assert_close(found.mean[:, part], gain * signal * standard, rtol=1e-7, atol=1e-9)
        floor = 1e-150  # below it the textbook's formula squares to nothing; the price is then that of a sure signal
        exact = kl_divergence(Normal(signal * standard, sigma.clamp_min(floor)), Normal(0.0, 1.0))
        sure = 0.5 * (standard**2 - 1) + nats
        assert (sigma > floor).any()
        assert found.kl[tensor].item() == pytest.approx(torch.where(sigma > floor, exact, sure).sum().item(), rel=1e-7)


def test_the_price_is_finite_with_finite_gradients_in_float32_at_both_ends(latents: dict[str, torch.Tensor]) -> None:
    for target in (-30.0, 0.0, 0.5):
        leaves = {name: value.float().requires_grad_() for name, value in latents.items()}
        leaves["target"] = torch.full((4, 3), target, requires_grad=True)
        found = posterior(**leaves, positions=POSITIONS)
        (found.kl.sum() + found.sample.sum()).backward()
        assert all(torch.isfinite(leaf.grad).all() for leaf in leaves.values() if leaf.grad is not None)


def test_a_tensor_that_carries_nothing_costs_half_a_nat_per_channel_mean() -> None:
    zeros = torch.zeros(4, 100, dtype=torch.float64)
    mean = torch.randn(4, 100, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = posterior(torch.full((4, 1), -30.0, dtype=torch.float64), mean, zeros, zeros, [100])
    # The floor of section 4.1: half a nat per tensor, all channels together.
    assert found.kl.item() == pytest.approx(0.5, rel=1e-3)
    assert found.sample.abs().max().item() < 0.01


def test_one_position_has_no_signal() -> None:
    one = torch.ones(4, 1, dtype=torch.float64)
    found = posterior(torch.zeros(4, 1, dtype=torch.float64), one, one, 0 * one, [1])
    assert not found.sample.any()
