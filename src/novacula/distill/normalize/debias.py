"""Constants that only the readout sees, moved there. Source: arXiv 2402.05110, de-biasing."""

from dataclasses import replace

import numpy as np

from novacula.distill.network import Layer, Network


def debiased(network: Network, least: float = 0.1) -> Network:
    """Returns the network without constants in directions of the state that f does not read.

    Args:
        network: any; whitened, so that the tolerance has a meaning.
        least: singular values of f's first layer up to this count as not read.
    """
    _, values, directions = np.linalg.svd(network.f[0].weight[:, : network.size])
    values = np.concatenate([values, np.zeros(network.size - len(values))])
    unread = directions[values <= least]
    moved = unread.T @ (unread @ network.f[-1].bias)
    last = Layer(network.f[-1].weight, network.f[-1].bias - moved)
    first = Layer(network.g[0].weight, network.g[0].bias + network.g[0].weight @ moved)
    return replace(network, f=(*network.f[:-1], last), g=(first, *network.g[1:]))
