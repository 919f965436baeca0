"""Fewer hidden units and smaller states, without any change on the states that are reached.

Source: ours, after the normalizers that arXiv 2402.05110 names but does not use.
"""

from dataclasses import replace

import numpy as np

from novacula.distill.networks.network import Layer, Network
from novacula.distill.normalize.gauge import changed_basis
from novacula.distill.normalize.metrics import hidden_values
from novacula.distill.sources.sequences import Sequences

_SMALL = 1e-7


def pruned(network: Network, sequences: Sequences) -> Network:
    """Returns the network without the ReLU units that it can do without; with other activations, the network as it is.

    Units that are never active, or that nothing reads, go. Units whose inputs are the same up to a positive factor
    become one. Units that are always active are affine together: they become as few as their affine map needs, and a
    layer of nothing but such units goes.
    """
    if network.activation != "relu":
        return network
    f, g = hidden_values(network, sequences)
    return replace(network, f=_pruned(network.f, f), g=_pruned(network.g, g))


def reduced(network: Network, sequences: Sequences) -> Network:
    """Returns the network in as many dimensions as its states on the data span.

    In an affine network, directions that never reach the output go, too.
    """
    states = network.states(sequences.x)[:, 1:][sequences.inside]
    _, values, directions = np.linalg.svd(states, full_matrices=False)
    seen = directions[values > _SMALL * max(values.max(initial=0), 1e-300)]
    if 0 < len(seen) < network.size:
        network = changed_basis(network, seen, seen.T)
    if len(network.f) == len(network.g) == 1:
        transition, readout = network.f[0].weight[:, : network.size], network.g[0].weight
        powers = [readout @ np.linalg.matrix_power(transition, k) for k in range(network.size)]
        _, values, directions = np.linalg.svd(np.concatenate(powers), full_matrices=False)
        observable = directions[values > _SMALL * values.max(initial=1e-300)]
        if 0 < len(observable) < network.size:
            network = changed_basis(network, observable, observable.T)
    return network


def _pruned(layers: tuple[Layer, ...], values: list[np.ndarray]) -> tuple[Layer, ...]:
    """One part without such units. The last layers come first: what they do not read, none computes."""
    done = [layers[-1]]
    for place in reversed(range(len(layers) - 1)):
        first, second = _fewer_units(layers[place], done[0], values[place])
        if not len(first.bias):  # a constant: nothing before it matters
            return Layer(np.zeros((len(second.bias), layers[0].weight.shape[1])), second.bias), *done[1:]
        if not first(values[place]).min(initial=0) >= -_SMALL:
            done[0:1] = [first, second]
        else:  # no unit between them is ever inactive: together they are one affine map
            done[0] = Layer(second.weight @ first.weight, second.weight @ first.bias + second.bias)
    return tuple(done)


def _fewer_units(first: Layer, second: Layer, inputs: np.ndarray) -> tuple[Layer, Layer]:
    """Two layers with fewer units between them."""
    before = first(inputs)
    ever = (before > _SMALL).any(0) & (np.abs(second.weight) > 0).any(0)
    constant = ever & ~(np.abs(first.weight) > 0).any(1)
    bias = second.bias + second.weight[:, constant] @ np.maximum(first.bias[constant], 0)
    keep = ever & ~constant
    first = Layer(first.weight[keep], first.bias[keep])
    second = Layer(second.weight[:, keep], bias)
    first, second = _merged(first, second)
    return _always_active(first, second, inputs)


def _merged(first: Layer, second: Layer) -> tuple[Layer, Layer]:
    """The layers with units of parallel inputs put together."""
    rows = np.column_stack([first.weight, first.bias])
    lengths = np.linalg.norm(rows, axis=1)
    directions = rows / lengths[:, None]
    leaders = np.array([int(np.argmax(directions @ row > 1 - _SMALL**2 - 1e-13)) for row in directions], int)
    keep = np.unique(leaders)
    weight = np.zeros((len(second.bias), len(rows)))
    for unit, leader in enumerate(leaders):
        weight[:, leader] += second.weight[:, unit] * lengths[unit] / lengths[leader]
    return Layer(first.weight[keep], first.bias[keep]), Layer(weight[:, keep], second.bias)


def _always_active(first: Layer, second: Layer, inputs: np.ndarray) -> tuple[Layer, Layer]:
    """Units that are active on all inputs, replaced by as many as their common affine map has dimensions."""
    before = first(inputs)
    always = before.min(0, initial=np.inf) >= -_SMALL
    if always.sum() < 2:
        return first, second
    affine = second.weight[:, always] @ first.weight[always]
    left, values, right = np.linalg.svd(affine, full_matrices=False)
    rank = int((values > _SMALL * max(values.max(initial=0), 1e-300)).sum())
    if rank >= always.sum():
        return first, second
    rows = right[:rank]
    shift = np.maximum(0, -(inputs @ rows.T).min(0, initial=0)) + 1
    out = left[:, :rank] * values[:rank]
    bias = second.bias + second.weight[:, always] @ first.bias[always] - out @ shift
    keep = ~always
    return (
        Layer(np.vstack([first.weight[keep], rows]), np.concatenate([first.bias[keep], shift])),
        Layer(np.hstack([second.weight[:, keep], out]), bias),
    )
