"""Bases in which the weights are simple: real Jordan form in spite of noise, Toeplitz form, and integer states.

A Jordan block leaves some freedom: in Toeplitz form the input enters it in its last coordinate, with weight 1. In an
affine network, what an input puts into the state and what becomes of it, R^k X, span a lattice that R maps into itself;
outputs that are integers on the lattice have an integer readout. In other networks the states lie on a lattice.

Source: arXiv 2402.05110, Jordan and Toeplitz forms; the chains are found by singular values. The lattice is ours; for
affine networks it is Kalman's realization theory over the integers.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Complex, Float

from novacula.distill.networks.network import Network
from novacula.distill.normalize.gauge import changed_basis
from novacula.distill.sources.sequences import Sequences
from novacula.distill.states.lattice import find_lattice, lattice_of_inputs

LARGEST = 1e4  #: a network with larger weights is no simplification


def transition_matrix(network: Network) -> Float[np.ndarray, "size size"]:
    """Returns how the state moves if every hidden unit is taken for linear."""
    matrix = np.eye(network.size + network.streams)
    for layer in network.f:
        matrix = layer.weight @ matrix
    return matrix[:, : network.size]


def jordan_form(network: Network, near: float = 0.7, rank: float = 0.05) -> Network:
    """Returns the network in a basis where `transition_matrix` is nearly in real Jordan form.

    Args:
        network: any; whitened, so that the tolerances have a meaning.
        near: eigenvalues at most this far apart count as one.
        rank: singular values up to this count as zero when chains are built.

    Raises:
        ValueError: there is no such basis, since eigenvalues do not fall into groups or weights explode.
    """
    basis = jordan_basis(transition_matrix(network), near, rank)
    result = changed_basis(network, np.linalg.inv(basis), basis)
    parts = [part for layer in (*result.f, *result.g) for part in (layer.weight, layer.bias)]
    if not all(np.abs(part).max(initial=0) <= LARGEST for part in parts):
        raise ValueError("weights explode")
    return result


def jordan_basis(matrix: Float[np.ndarray, "n n"], near: float, rank: float) -> Float[np.ndarray, "n n"]:
    """Returns columns P such that P⁻¹ · matrix · P is nearly in Jordan form, conjugate pairs as real rotations.

    Raises:
        ValueError: eigenvalues do not fall into groups, or the columns do not span the space.
    """
    columns: list[np.ndarray] = []
    for value, count in _groups(np.linalg.eigvals(matrix).astype(complex), near):
        if value.imag < -near / 2:
            continue  # the conjugate's group brings its columns
        real = abs(value.imag) <= near / 2
        shifted = matrix - (value.real if real else value) * np.eye(len(matrix))
        for vector in _chains(shifted, count, rank):
            if real:
                columns.append(np.real(vector))
            else:
                columns += [np.sqrt(2) * np.real(vector), -np.sqrt(2) * np.imag(vector)]
    basis = np.column_stack(columns) if columns else np.zeros((len(matrix), 0))
    if basis.shape[1] != len(matrix) or np.linalg.cond(basis) > 1e9:
        raise ValueError("the chains do not span the space")
    return basis


def _groups(values: Complex[np.ndarray, " n"], near: float) -> list[tuple[complex, int]]:
    """Means of eigenvalues near each other, with their numbers; sorted, so that equal matrices give equal bases."""
    close = np.abs(values[:, None] - values[None]) <= near
    groups = []
    for row in np.unique(close, axis=0):
        if (close[row] != row).any():
            raise ValueError("eigenvalues do not fall into groups")
        groups.append((complex(values[row].mean()), int(row.sum())))
    return sorted(groups, key=lambda group: (-round(abs(group[0]), 6), group[0].real, group[0].imag))


def _chains(shifted: np.ndarray, count: int, rank: float) -> list[np.ndarray]:
    """Vectors of the generalized eigenspace, chain after chain, each vector the image of the one after it."""
    space = np.linalg.svd(np.linalg.matrix_power(shifted, count))[2][-count:].conj().T
    inside = space.conj().T @ shifted @ space
    kernels = [np.zeros((count, 0), inside.dtype)]
    while kernels[-1].shape[1] < count and len(kernels) <= count:
        _, values, right = np.linalg.svd(np.linalg.matrix_power(inside, len(kernels)))
        zeros = max(int((values <= rank).sum()), kernels[-1].shape[1])
        kernels.append(right[count - zeros :].conj().T)
    chains: list[list[np.ndarray]] = []
    for level in reversed(range(1, len(kernels))):
        images = [chain[len(chain) - level] for chain in chains]
        known = np.column_stack([kernels[level - 1], *images])
        new = kernels[level].shape[1] - known.shape[1]
        basis = np.linalg.qr(known)[0]
        fresh = kernels[level] - basis @ (basis.conj().T @ kernels[level])
        for vector in np.linalg.svd(fresh)[0][:, : max(new, 0)].T:
            chain = [vector]
            for _ in range(level - 1):
                chain.append(inside @ chain[-1])
            chains.append(chain)
    return [space @ vector for chain in chains for vector in reversed(chain)]


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
    if not error < min(0.5, apart.min(initial=np.inf)):
        raise ValueError("the transition is not in Jordan form")
    return blocks, error


def lattice_form(network: Network, sequences: Sequences, generator: np.random.Generator) -> Network:
    """Returns the network in a reduced basis of the lattice of its states.

    Raises:
        ValueError: there is no lattice of the state's dimension.
    """
    if len(network.f) == 1:
        basis = lattice_of_inputs(network)
    else:
        lattice = find_lattice(network.states(sequences.x[:200]).reshape(-1, network.size), generator)
        basis = lattice and lattice.basis
    if basis is None or basis.shape != (network.size, network.size):
        raise ValueError("the states lie on no lattice")
    return changed_basis(network, np.linalg.inv(basis.T), basis.T)
