from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch

from novacula.errors import InputError
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.config import Activation, KindName
from novacula.hypernet.network import TargetNetwork, shuffled, with_noise
from novacula.hypernet.tasks import find_task

BOWLS = {"convexity": 0.2, "l2-bowls": 0.4}
SIZES = {"product-squares": 2, "angle-addition-squares": 4, "median-comparators": 5}


def r2(network: TargetNetwork) -> float:
    task, inputs = find_task(network.task or ""), network.architecture.inputs
    x = task.law.draw((4000, inputs), torch.Generator().manual_seed(1)).double()
    f = task.function(x).numpy()
    mse = ((network(x.numpy()) - f) ** 2).mean()
    return float(1 - mse / f.var()) if f.var() else float(mse == 0)


@pytest.mark.parametrize("kind", get_args(KindName))
def test_every_kind_computes_its_task(kind: str) -> None:
    assert r2(build(kind, SIZES.get(kind, 6))) > BOWLS.get(kind, 0.999)


@pytest.mark.parametrize("kind", ["double-sided", "pudding+", "pudding-", "mixed"])
@pytest.mark.parametrize("activation", ["relu", "gelu", "softplus"])
def test_the_family_rests_on_any_rectifier(kind: str, activation: Activation) -> None:
    assert r2(build(kind, 5, activation=activation)) > 0.999


def test_a_pair_of_swish_units_is_x_tanh() -> None:
    network = build("double-sided", 1, slope=3.0)
    x = np.linspace(-3, 3, 50)[:, None]

    np.testing.assert_allclose(network(x) - network(0 * x), x * np.tanh(3 * x / 2), atol=1e-12)


def test_the_error_of_a_slope() -> None:
    # Of the specification, section 6.1: mean squared error at 16 inputs after the best scale and offset.
    x = np.random.default_rng(0).standard_normal((50_000, 16))
    f = np.abs(x).sum(1)
    for slope, mse in ((5.0, 0.0093), (10.0, 0.0028), (20.0, 6.1e-4)):
        y = build("double-sided", 16, slope=slope)(x)[:, 0]
        left = f.var() * (1 - np.corrcoef(y, f)[0, 1] ** 2)
        assert left == pytest.approx(mse, rel=0.05)
        assert abs((y - f).mean()) < 0.01


def test_softplus_makes_a_tree_of_maxima_the_log_sum_exp() -> None:
    x = np.random.default_rng(0).standard_normal((20, 5))

    found = build("max-log-sum-exp", 5, slope=4.0)(x)[:, 0]

    np.testing.assert_allclose(found, np.log(np.exp(4 * x).sum(1)) / 4, rtol=1e-9)


def test_parity_and_the_clock_are_exact_on_every_input() -> None:
    bits = np.array(np.meshgrid(*[[0, 1]] * 5)).reshape(5, -1).T.astype(float)
    digits = np.eye(5)
    pairs = np.array([[*digits[a], *digits[b]] for a in range(5) for b in range(5)])
    sums = np.array([digits[(a + b) % 5] for a in range(5) for b in range(5)])

    for kind in ("parity-staircase", "parity-tree"):
        np.testing.assert_allclose(build(kind, 5)(bits)[:, 0], bits.sum(1) % 2, atol=1e-6)
    np.testing.assert_allclose(build("modular-addition-clock", 10)(pairs), sums, atol=1e-9)
    np.testing.assert_allclose(build("modular-addition-table", 10)(pairs), sums, atol=1e-6)


def test_shuffling_changes_the_order_and_nothing_else() -> None:
    straight, x = build("max-tree", 6), np.random.default_rng(0).standard_normal((9, 6))
    residual = TargetNetwork(
        Architecture((2, 4, 4, 1), "tanh", residual=True),
        tuple(np.random.default_rng(3).standard_normal(shape) for shape in ((4, 2), (4, 4), (1, 4))),
        (np.zeros(4), np.ones(4), np.zeros(1)),
    )

    for network in (straight, residual):
        moved = shuffled(network, np.random.default_rng(3))
        assert not np.array_equal(moved.weights[0], network.weights[0])
        inputs = x[:, : network.architecture.inputs]
        np.testing.assert_allclose(moved(inputs), network(inputs), atol=1e-12)


def test_noise_is_a_share_of_every_weight() -> None:
    network = build("convexity", 16, seed=3)
    noisy = with_noise(network, 0.05, np.random.default_rng(0))

    ratio = noisy.weights[0] / network.weights[0]
    assert ratio.std() == pytest.approx(0.05, rel=0.1)
    assert build("convexity", 16, seed=3, noise=0.05).weights[0].tolist() != network.weights[0].tolist()


def test_one_seed_makes_one_network() -> None:
    first, again = (build("pudding+", 5, noise=0.1, shuffle=True, seed=4) for _ in range(2))

    for ours, theirs in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert replace(first).provenance == again.provenance


def test_spare_units_are_dead_or_carry_the_linear_part() -> None:
    assert build("double-sided", 4, hidden_per_input=1).architecture.sizes == (4, 8, 1)
    assert build("pudding+", 4, hidden_per_input=1).architecture.sizes == (4, 9, 1)
    assert not build("double-sided", 4).weights[0][8:].any()


def test_bad_options() -> None:
    cases: tuple[tuple[str, int, dict[str, Any], str], ...] = (
        ("double-sided", 0, {}, "inputs is 0"),
        ("double-sided", 4, {"slope": float("nan"), "seed": -1}, "slope is nan.*seed is -1"),
        ("max-tree", 4, {"activation": "tanh"}, "activation is 'tanh'"),
        ("product-squares", 3, {}, "cannot have 3 inputs"),
        ("angle-addition-squares", 6, {}, "inputs is 6; angle-addition-squares has 4"),
    )
    for kind, inputs, options, problem in cases:
        with pytest.raises(InputError, match=problem):
            build(kind, inputs, **options)
