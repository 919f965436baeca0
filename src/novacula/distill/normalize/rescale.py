"""Hidden ReLU units scaled so that the strongest input of each has weight 1 or -1. Source: ours."""

from dataclasses import replace

import numpy as np

from novacula.distill.network import Layer, Network


def rescaled(network: Network) -> Network:
    """Returns the network with the largest incoming weight of each ReLU unit at ±1; other networks stay as they are."""
    if network.activation != "relu":
        return network
    return replace(network, f=_rescaled(network.f), g=_rescaled(network.g))


def _rescaled(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    done = list(layers)
    for place in range(len(layers) - 1):
        first, second = done[place : place + 2]
        scale = np.abs(first.weight).max(1)
        scale[scale == 0] = 1
        done[place] = Layer(first.weight / scale[:, None], first.bias / scale)
        done[place + 1] = Layer(second.weight * scale, second.bias)
    return tuple(done)
