"""Short bases of lattices. Source: Lenstra, Lenstra and Lovász 1982; with dependent vectors: Pohst 1987."""

import numpy as np
from jaxtyping import Float

_ENOUGH = 0.99
_MOST_STEPS = 20_000


def reduced_basis(vectors: Float[np.ndarray, "vectors n"], zero: float = 0.0) -> Float[np.ndarray, "rank n"]:
    """A reduced basis of the lattice that some vectors, dependent ones too, generate.

    Args:
        vectors: a row each.
        zero: combinations at most so long count as 0; with dependent vectors it must exceed their noise.
    """
    basis = [vector for vector in vectors if np.linalg.norm(vector) > zero]
    at = 0
    for _ in range(_MOST_STEPS):
        if at >= len(basis):
            break
        if at == 0:
            at = 1
            continue
        lengths, shares = _orthogonal(np.array(basis[: at + 1]))
        for earlier in reversed(range(at)):
            times = np.rint(shares[at, earlier])
            if times:
                basis[at] = basis[at] - times * basis[earlier]
                shares[at, : earlier + 1] -= times * np.r_[shares[earlier, :earlier], 1]
        if np.linalg.norm(basis[at]) <= zero:
            del basis[at]
            at = max(at - 1, 0)
        elif lengths[at] >= (_ENOUGH - shares[at, at - 1] ** 2) * lengths[at - 1]:
            at += 1
        else:
            basis[at - 1], basis[at] = basis[at], basis[at - 1]
            at = max(at - 1, 0)
    return np.array(basis).reshape(len(basis), vectors.shape[1])


def _orthogonal(basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared lengths of the Gram-Schmidt vectors, and each vector's shares of the earlier ones."""
    count = len(basis)
    directions, lengths, shares = basis.copy(), np.zeros(count), np.zeros((count, count))
    for row in range(count):
        for earlier in range(row):
            if lengths[earlier] > 0:
                shares[row, earlier] = basis[row] @ directions[earlier] / lengths[earlier]
                directions[row] = directions[row] - shares[row, earlier] * directions[earlier]
        lengths[row] = directions[row] @ directions[row]
    return lengths, shares
