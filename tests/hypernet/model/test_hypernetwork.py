"""The hypernetwork: symmetry, leak, sizes, switches, and the price of being told."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from novacula.hypernet.architecture import Architecture, activation_torch
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.model.blocks import Graph, owners_of, slot_features
from novacula.hypernet.model.hypernetwork import Hypernetwork, Shape
from novacula.hypernet.model.latents import Noise
from novacula.hypernet.model.readout import NetworkBatch
from novacula.hypernet.network import TargetNetwork

OPTIONS = TrainConfig(width=8, edge_width=6, role=3, codes=12)
SMALL = Shape(Graph(3, ((0, 1), (1, 2))), OPTIONS)
SIZES = (4, 12, 1)


def made(shape: Shape = SMALL, seed: int = 0) -> tuple[Hypernetwork, Tensor]:
    net = Hypernetwork(shape)
    return net, net.initial(torch.Generator().manual_seed(seed))[None]


def noise_of(net: Hypernetwork, sizes: tuple[int, ...] = SIZES, networks: int = 1, seed: int = 0) -> Noise:
    return net.noise.draw(sizes, networks, [torch.Generator().manual_seed(seed)])


def written(shape: Shape = SMALL, *, networks: int = 1, beta: float = 1e-3, **options: bool) -> NetworkBatch:
    net, flat = made(shape)
    return net.write(flat, torch.full((1, networks), beta), SIZES, noise_of(net, networks=networks), **options)


def test_the_generator_commutes_with_permutations_of_units() -> None:
    net, flat = made()
    noise = noise_of(net)
    inputs, hidden = torch.randperm(4, generator=torch.Generator().manual_seed(1)), torch.arange(12).flip(0)
    moved = Noise(
        (noise.codes[0][:, :, inputs],),
        (noise.owners[0][:, :, hidden],),
        tuple((level[0][:, :, hidden],) for level in noise.roles),
    )
    beta = torch.full((1, 1), 1e-3)
    plain, other = (net.write(flat, beta, SIZES, each, prior=True) for each in (noise, moved))
    assert torch.allclose(other.weights[0], plain.weights[0][:, :, hidden][..., inputs], atol=1e-4)
    assert torch.allclose(other.weights[1], plain.weights[1][..., hidden], atol=1e-4)
    assert torch.allclose(other.biases[0], plain.biases[0][:, :, hidden], atol=1e-4)
    assert torch.allclose(other.biases[1], plain.biases[1], atol=1e-4)


def test_nothing_of_the_indices_leaks_through_the_prior() -> None:
    """The law of a weight tells not whose it is, unless the posterior says so."""
    owned = torch.zeros(12, 4, dtype=torch.bool)
    owned[torch.arange(12), owners_of(SIZES)[0]] = True
    for prior in (True, False):
        weights = written(networks=600, prior=prior).weights[0][0].abs().numpy()
        found: Any = stats.ks_2samp(weights[:, owned.numpy()][:, 3], weights[:, ~owned.numpy()][:, 20])
        assert (found.pvalue > 1e-4) == prior


def test_the_prior_costs_nothing_and_telling_costs() -> None:
    assert torch.equal(written(prior=True).nats, torch.zeros(3, 1, 1))
    assert (written().nats > 1).all()


def test_one_set_of_weights_writes_every_size() -> None:
    net, flat = made()
    for sizes in ((1, 1, 1), (3, 9, 1), (20, 30, 1)):
        networks = net.write(flat, torch.full((1, 2), 0.1), sizes, noise_of(net, sizes, 2))
        assert networks.weights[0].shape == (1, 2, sizes[1], sizes[0])
        assert torch.isfinite(networks.weights[0]).all()


def test_members_do_not_touch_each_other() -> None:
    net, first = made()
    second = made(seed=1)[1]
    noises = [noise_of(net, networks=2, seed=seed) for seed in (3, 4)]
    both = net.noise.draw(SIZES, 2, [torch.Generator().manual_seed(seed) for seed in (3, 4)])
    beta = torch.tensor([[1e-5, 1e-2], [0.1, 1.0]])
    together = net.write(torch.cat([first, second]), beta, SIZES, both)
    for index, (flat, noise) in enumerate(zip((first, second), noises, strict=True)):
        alone = net.write(flat, beta[index : index + 1], SIZES, noise)
        assert torch.allclose(together.weights[0][index], alone.weights[0][0], atol=1e-5)
        assert torch.allclose(together.nats[:, index], alone.nats[:, 0], rtol=1e-4)


def test_the_price_is_an_input() -> None:
    net, flat = made()
    noise = net.noise.draw(SIZES, 1, [torch.Generator().manual_seed(0)])
    low, high = (net.write(flat, torch.full((1, 1), beta), SIZES, noise).weights[0] for beta in (1e-6, 1.0))
    assert not torch.allclose(low, high, atol=1e-3)


def test_switches() -> None:
    assert written(replace(SMALL, options=replace(OPTIONS, owner_features=False))).nats[0].item() == 0
    assert written().nats[0].item() > 0
    plain = written(replace(SMALL, options=replace(OPTIONS, code_similarity=False)))
    assert made(replace(SMALL, options=replace(OPTIONS, code_similarity=False)))[1].numel() < made()[1].numel()
    assert not torch.allclose(plain.weights[0], written().weights[0], atol=1e-3)


def test_typed_units_are_told_apart_without_a_price() -> None:
    """Typed inputs differ in law even where nothing is told; inputs without types do not."""
    spreads = {}
    for types in ((0, 0, 0), (4, 0, 0)):
        weights = written(
            replace(SMALL, types=types, options=replace(OPTIONS, code_similarity=False)), networks=300, prior=True
        ).weights[0][0]
        means = weights.mean((0, 1))
        spreads[types] = float((means - means.mean()).abs().max() / weights.std())
    assert spreads[4, 0, 0] > 5 * spreads[0, 0, 0]


@pytest.mark.parametrize(("residual", "bypass"), [(False, False), (True, False), (False, True), (True, True)])
def test_deep_networks_compute_what_the_target_network_computes(residual: bool, bypass: bool) -> None:
    architecture = Architecture((3, 6, 6, 2), "gelu", residual=residual, bypass=bypass)
    net, flat = made(replace(SMALL, graph=Graph.of(architecture), types=(0, 0, 0, 2)))
    noise = noise_of(net, architecture.sizes)
    networks = net.write(flat, torch.full((1, 1), 1e-3), architecture.sizes, noise)
    x = torch.randn(1, 1, 50, 3, generator=torch.Generator().manual_seed(0))
    outputs = networks(x, activation_torch("gelu"), residual=residual)
    target = TargetNetwork(
        architecture,
        tuple(weight[0, 0].double().numpy() for weight in networks.weights),
        tuple(bias[0, 0].double().numpy() for bias in networks.biases),
        None if networks.bypass is None else networks.bypass[0, 0].double().numpy(),
    )
    assert np.allclose(target(x[0, 0].double().numpy()), outputs[0, 0].numpy(), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(outputs[..., 0], outputs[..., 1], atol=1e-3)


def test_what_is_written_of_an_output_is_its_value_at_0() -> None:
    """The activation changes what hidden units add, and the constants take that back."""
    swish = written(SMALL, networks=3)
    softplus = written(replace(SMALL, options=replace(OPTIONS, activation="softplus")), networks=3)
    assert torch.equal(swish.weights[1], softplus.weights[1])
    assert (swish.biases[1] - softplus.biases[1]).abs().max() > 0.05
    origin = torch.zeros(1, 1, 1, 4)
    one = swish(origin, activation_torch("swish"), residual=False)
    other = softplus(origin, activation_torch("softplus"), residual=False)
    assert torch.allclose(one, other, atol=1e-5)
    plain = [
        written(replace(SMALL, options=replace(OPTIONS, activation=name), leveled=False), networks=3)
        for name in ("swish", "softplus")
    ]
    assert torch.equal(plain[0].biases[1], plain[1].biases[1])


def test_switched_off_biases_are_zeros() -> None:
    networks = written(replace(SMALL, options=replace(OPTIONS, biases=False, output_bias=False)))
    assert not any(bias.any() for bias in networks.biases)
    assert all(bias.any() for bias in written().biases)


@pytest.mark.parametrize(
    ("sizes", "owners"),
    [
        ((2, 6, 1), [0, 0, 0, 1, 1, 1]),
        ((4, 4, 1), [0, 1, 2, 3]),
        ((4, 2, 1), [0, 2]),
        ((3, 7, 1), [0, 0, 0, 1, 1, 2, 2]),
    ],
)
def test_owners(sizes: tuple[int, ...], owners: list[int]) -> None:
    assert owners_of(sizes)[0].tolist() == owners
    features = slot_features(sizes)[0]
    for owner in set(owners):
        slots = features[torch.tensor(owners) == owner]
        assert len(torch.unique(slots.round(decimals=4), dim=0)) == len(slots)
