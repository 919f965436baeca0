"""A basis in which the state's second moment is the identity. Source: arXiv 2402.05110, whitening."""

import numpy as np

from novacula.distill.network import Network
from novacula.distill.normalize.gauge import changed_basis
from novacula.distill.sequences import Sequences


def whitened(network: Network, sequences: Sequences, least: float = 0.1) -> Network:
    """Returns the network in the basis where the mean of h hᵀ over the data is the identity.

    Args:
        network: any.
        sequences: its states along these are whitened.
        least: directions whose second moment is smaller carry hardly any signal and keep their scale.
    """
    states = network.states(sequences.x)[:, 1:][sequences.inside]
    values, vectors = np.linalg.eigh(states.T @ states / len(states))
    scale = np.where(values > least, np.abs(values) ** -0.5, 1.0)
    return changed_basis(network, (vectors * scale) @ vectors.T, (vectors / scale) @ vectors.T)
