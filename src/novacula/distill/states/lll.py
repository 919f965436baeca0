"""Short bases of lattices, which whole numbers generate, or vectors with noise.

Integer vectors are reduced by SymPy, exactly. It asks for independent vectors, though, and compares with 0: vectors
with noise, of which some depend on others up to noise, are what `reduced_basis` is for.
Source: Lenstra, Lenstra and Lovász 1982; for dependent vectors Pohst 1987.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:  # SymPy takes a second to import
    import sympy.polys.matrices

_ENOUGH = 0.99
_MOST_STEPS = 20_000


def reduced_basis(vectors: Float[np.ndarray, "vectors n"], zero: float = 0.0) -> Float[np.ndarray, "rank n"]:
    """Returns a reduced basis of the lattice that some vectors generate; they may depend on each other.

    Args:
        vectors: one in each row.
        zero: combinations of at most this length count as 0; where vectors depend on each other it must exceed noise.
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


def integer_basis(rows: Int[np.ndarray, "rows size"]) -> Int[np.ndarray, "rank size"]:
    """Returns a reduced basis of the integer combinations of rows, which may depend on each other.

    Euclid's algorithm, column by column, makes the rows independent; LLL makes them short.
    """
    echelon = [[int(value) for value in row] for row in rows]
    basis: list[list[int]] = []
    for column in range(rows.shape[1]):
        while True:
            pivots = sorted((row for row in echelon if row[column]), key=lambda row: abs(row[column]))
            if len(pivots) < 2:
                break
            first = pivots[0]
            for row in pivots[1:]:
                quotient = row[column] // first[column]
                row[:] = [value - quotient * pivot for value, pivot in zip(row, first, strict=True)]
        if pivots:
            basis.append(pivots[0])
            echelon = [row for row in echelon if row is not pivots[0]]
    reduced = integer_matrix(basis, rows.shape[1])
    return to_array(reduced.lll() if len(basis) > 1 else reduced)


def integer_matrix(
    rows: Int[np.ndarray, "rows columns"] | list[list[int]], columns: int
) -> "sympy.polys.matrices.DomainMatrix":
    """Returns rows of integers as SymPy computes with them."""
    from sympy import ZZ
    from sympy.polys.matrices import DomainMatrix

    return DomainMatrix([[ZZ(int(value)) for value in row] for row in rows], (len(rows), columns), ZZ)


def to_array(matrix: "sympy.polys.matrices.DomainMatrix") -> Int[np.ndarray, "rows columns"]:
    """Returns an integer matrix of SymPy as an array."""
    return np.array([[int(value) for value in row] for row in matrix.to_list()], np.int64).reshape(matrix.shape)


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
