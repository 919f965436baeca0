"""Directly trained networks."""

import numpy as np
import pytest
import torch

from novacula.errors import InputError, RunError
from novacula.hypernet.config import BaselineConfig, SampleConfig, TrainConfig
from novacula.hypernet.training.steps import train_directly


def test_it_learns_and_the_price_of_weights_shrinks_them() -> None:
    config = BaselineConfig(inputs=2, hidden=(16,), steps=200, rate=2e-2, seeds=2)
    plain = train_directly(config)
    priced = train_directly(BaselineConfig(inputs=2, hidden=(16,), steps=200, rate=2e-2, seeds=2, l1=2.0))
    x = torch.randn(1000, 2, generator=torch.Generator().manual_seed(1)).double().numpy()
    for network, small in zip(plain, priced, strict=True):
        assert np.mean((network(x)[:, 0] - np.abs(x).sum(1)) ** 2) < 0.2  # of a variance of 0.73
        assert np.abs(small.weights[0]).sum() < 0.8 * np.abs(network.weights[0]).sum()


def test_seeds_at_once_are_what_each_is_alone() -> None:
    both = train_directly(BaselineConfig(inputs=3, hidden=(4, 4), steps=5, seeds=2))
    alone = train_directly(BaselineConfig(inputs=3, hidden=(4, 4), steps=5, seed=1))[0]
    assert np.allclose(both[1].weights[0], alone.weights[0], atol=1e-5)
    assert not np.allclose(both[0].weights[0], alone.weights[0], atol=1e-2)
    assert both[1].provenance["seed"] == 1


@pytest.mark.parametrize("kind", [BaselineConfig, TrainConfig])
def test_all_broken_options_are_named_at_once(kind: type) -> None:
    with pytest.raises(InputError) as caught:
        kind(inputs=0, hidden=(), seed=-1, rate=float("nan"))
    named = [problem.split()[0] for problem in caught.value.problems]
    assert named == ["--hidden", "--inputs", "--seed", "--rate"]


def test_prices_out_of_range_are_refused() -> None:
    for low, high in ((1e-13, 1.0), (1e-3, 2.0), (1e-2, 1e-3), (float("nan"), 1.0)):
        with pytest.raises(InputError, match="low ≤ high"):
            TrainConfig(beta_low=low, beta_high=high)
    with pytest.raises(InputError, match="beta is 0"):
        SampleConfig(beta=0.0)


def test_a_training_that_diverges_says_so() -> None:
    config = BaselineConfig(task="product", inputs=2, hidden=(8,) * 8, activation="square", rate=1.0, steps=30)
    with pytest.raises(RunError, match="training has diverged: the gradient of step"):
        train_directly(config)
