"""Changes of basis of the hidden state that leave what a network puts out unchanged, and the simplest of them.

Source: arXiv 2402.05110, section on auto-simplification; the scales of ReLU units are ours.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from novacula.distill.networks.network import Layer, Network
from novacula.distill.sources.sequences import Sequences


def changed_basis(
    network: Network, matrix: Float[np.ndarray, "new size"], inverse: Float[np.ndarray, "size new"] | None = None
) -> Network:
    """Returns the network whose hidden state is `matrix` times this one's.

    The outputs stay the same if the matrix is invertible. A matrix with fewer rows than columns needs an explicit
    inverse; it keeps the outputs if `inverse @ matrix` leaves every state that is reached as it is.
    """
    if inverse is None:
        inverse = np.linalg.inv(matrix)
    f, g = list(network.f), list(network.g)
    first, size = f[0].weight, network.size
    f[0] = replace(f[0], weight=np.hstack([first[:, :size] @ inverse, first[:, size:]]))
    f[-1] = Layer(matrix @ f[-1].weight, matrix @ f[-1].bias)
    g[0] = replace(g[0], weight=g[0].weight @ inverse)
    return replace(network, f=tuple(f), g=tuple(g))


def whitened(network: Network, sequences: Sequences) -> Network:
    """Returns the network in the basis where the mean of h hᵀ over the data is the identity.

    Directions whose second moment is at most 0.1 carry hardly any signal, and keep their scale.
    """
    states = network.states(sequences.x)[:, 1:][sequences.inside]
    values, vectors = np.linalg.eigh(states.T @ states / len(states))
    scale = np.where(values > 0.1, np.abs(values) ** -0.5, 1.0)
    return changed_basis(network, (vectors * scale) @ vectors.T, (vectors / scale) @ vectors.T)


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
