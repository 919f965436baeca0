"""What latents cost: against torch's own divergence and against a Monte-Carlo mean."""

import torch
from torch.distributions import Normal as Reference
from torch.distributions import kl_divergence

from novacula.hypernet.model.latents import LARGEST, SMALLEST, Normal, divergence, divergence_from_standard


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def test_divergence_is_that_of_torch() -> None:
    mean, log_sigma = random(2, 2, 3, 5, 4).unbind(0)
    other_mean, other_log = random(2, 2, 3, 5, 5)[..., :4].unbind(0)
    posterior, prior = Normal(mean, log_sigma), Normal(other_mean, other_log)
    exact = kl_divergence(Reference(mean, log_sigma.exp()), Reference(other_mean, other_log.exp())).sum((2, 3))
    assert torch.allclose(divergence(posterior, prior), exact)
    assert divergence(prior, prior).abs().max() < 1e-12


def test_divergence_is_the_mean_log_ratio() -> None:
    mean, log_sigma = torch.full((1, 1, 1), 0.7), torch.full((1, 1, 1), -0.5)
    posterior, prior = Normal(mean, log_sigma), Normal(torch.zeros(1, 1, 1), torch.full((1, 1, 1), 0.3))
    draws = posterior.sample(torch.randn(400_000, 1, 1, generator=torch.Generator().manual_seed(0)))
    laws = [Reference(law.mean, law.log_sigma.exp()) for law in (posterior, prior)]
    ratio = laws[0].log_prob(draws) - laws[1].log_prob(draws)
    assert abs(float(ratio.mean() - divergence(posterior, prior))) < 5 * float(ratio.std()) / 400_000**0.5


def test_shared_sigma_costs_what_each_number_costs() -> None:
    means, log_sigma = random(2, 3, 5, 16), random(2, 3, 5)
    law = Normal(means, log_sigma[..., None].expand(-1, -1, -1, 16))
    standard = Normal(torch.zeros_like(means), torch.zeros_like(means))
    short = divergence_from_standard(means.square().mean(-1), log_sigma, 16)
    assert torch.allclose(short, divergence(law, standard))


def test_sigma_is_bounded() -> None:
    law = Normal.of(torch.tensor([[0.0, 0.0, -100.0, 100.0]]))
    assert law.log_sigma.tolist() == [[SMALLEST, LARGEST]]
