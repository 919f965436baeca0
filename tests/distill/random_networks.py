"""Random networks for the tests of the distill part."""

import itertools

import numpy as np

from novacula.distill.networks.network import Activation, Layer, Network


def random_layers(widths: list[int], generator: np.random.Generator, scale: float = 1.0) -> tuple[Layer, ...]:
    return tuple(
        Layer(generator.normal(size=(after, before)) * scale / np.sqrt(before), generator.normal(size=after))
        for before, after in itertools.pairwise(widths)
    )


def random_network(
    generator: np.random.Generator,
    size: int = 3,
    streams: int = 1,
    outputs: int = 1,
    depth: int = 2,
    width: int = 8,
    activation: Activation = "relu",
    low: int = -2,
    high: int = 3,
    length: int = 8,
) -> Network:
    """Generic weights, so that every path carries a signal; f contracts, so that states stay bounded."""
    f = random_layers([size + streams, *[width] * (depth - 1), size], generator, 0.7)
    g = random_layers([size, *[width] * (depth - 1), outputs], generator)
    return Network(f, g, activation, low, high, length)
