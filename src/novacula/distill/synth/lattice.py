"""Lattices of integer vectors: a short basis of all integer combinations of given rows."""

import numpy as np
from jaxtyping import Int
from sympy import ZZ
from sympy.polys.matrices import DomainMatrix


def reduced_basis(rows: Int[np.ndarray, "rows size"]) -> Int[np.ndarray, "rank size"]:
    """A basis of the integer combinations of rows: Euclid's algorithm column by column, then LLL reduction."""
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
                row[:] = [value - quotient * other for value, other in zip(row, first, strict=True)]
        if pivots:
            basis.append(pivots[0])
            echelon = [row for row in echelon if row is not pivots[0]]
    reduced = DomainMatrix([[ZZ(value) for value in row] for row in basis], (len(basis), rows.shape[1]), ZZ)
    if len(basis) > 1:
        reduced = reduced.lll()
    return np.array(reduced.to_Matrix().tolist(), dtype=np.int64).reshape(len(basis), -1)
