"""Weights that are nearly integers, made integers. Source: arXiv 2402.05110, quantization."""

import numpy as np

from novacula.distill.network import Network
from novacula.distill.normalize.retrain import flat_weights, with_weights


def quantized(network: Network, near: float = 0.01) -> Network:
    """Returns the network with every weight and bias rounded that is at most `near` from an integer."""
    flat = flat_weights(network)
    return with_weights(network, np.where(np.abs(flat - np.rint(flat)) <= near, np.rint(flat) + 0.0, flat))
