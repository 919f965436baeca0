"""Weights that are nearly integers, made integers. Source: arXiv 2402.05110, quantization."""

import numpy as np

from novacula.distill.network import Network
from novacula.distill.normalize.retrain import flat_weights, with_weights


def quantized(network: Network, near: float = 0.01) -> Network:
    """The network with every weight and bias that is at most `near` from an integer set to it."""
    flat = flat_weights(network)
    return with_weights(network, np.where(np.abs(flat - np.rint(flat)) <= near, np.rint(flat) + 0.0, flat))
