"""The rest of the freedom that a Jordan block leaves: the input enters a block in its last coordinate, with weight 1.

Source: arXiv 2402.05110, Toeplitz normalization.
"""

from itertools import pairwise

import numpy as np

from novacula.distill.network import Network
from novacula.distill.normalize.gauge import changed_basis
from novacula.distill.normalize.jordan import transition_matrix

_LEAST = 1e-4


def toeplitz_form(network: Network) -> Network:
    """Returns the network in a basis where each Jordan block's last coordinate alone reads the block's strongest input.

    Raises:
        ValueError: the transition is not in Jordan form.
    """
    matrix = transition_matrix(network)
    blocks, error = _blocks(matrix)
    inputs = np.eye(network.size + network.streams)
    for layer in network.f:
        inputs = layer.weight @ inputs
    inputs = inputs[:, network.size :]
    basis = np.eye(network.size)
    for start, end in blocks:
        stop = end
        while stop > start:
            row = inputs[stop - 1]
            channel = int(np.abs(row).argmax())
            if abs(row[channel]) > max(error, _LEAST):
                # The upper triangular Toeplitz matrix commutes with the block and has the input as its last column.
                for k in range(stop - start):
                    value = inputs[stop - 1 - k, channel]
                    basis[np.arange(start, stop - k), np.arange(start + k, stop)] = value
                break
            stop -= 1
    return changed_basis(network, np.linalg.inv(basis), basis)


def _blocks(matrix: np.ndarray) -> tuple[list[tuple[int, int]], float]:
    """Where the Jordan blocks begin and end, and how far the matrix is from having them."""
    size = len(matrix)
    links = np.abs(np.diag(matrix, 1)) > 0.5
    starts = [0, *(np.flatnonzero(~links) + 1).tolist(), size]
    blocks = list(pairwise(starts)) if size else []
    form = np.zeros_like(matrix)
    values = []
    for start, end in blocks:
        values.append(np.diag(matrix)[start:end].mean())
        form[start:end, start:end] = values[-1] * np.eye(end - start) + np.eye(end - start, k=1)
    error = float(np.abs(matrix - form).sum())
    gaps = np.abs(np.subtract.outer(values, values))[np.triu_indices(len(values), 1)]
    apart = gaps[gaps > 1e-3]  # blocks of one eigenvalue may be several
    if error >= min(0.5, apart.min(initial=np.inf)):
        raise ValueError("the transition is not in Jordan form")
    return blocks, error
