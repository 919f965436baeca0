"""Exact affine maps with integer coefficients. Source: ours."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int

from novacula.distill.program.expression import Expression, Name, Number, nodes, operation, substitute

_MOST, _MOST_SURE = 1000, 10**6  # the largest factor, and that of rows which are more than twice as many as factors
_HINGE = "hinge!"
_SCREENED, _KNEES = 120, 60


def linear_expression(
    columns: Mapping[str, Int[np.ndarray, " rows"]], target: Int[np.ndarray, " rows"]
) -> Expression | None:
    """Returns the affine expression of the columns with integer coefficients and these values, or None."""
    names, matrix = list(columns), np.column_stack([*columns.values(), np.ones(len(target), np.int64)])
    coefficients = solve(matrix, target)
    if coefficients is None:
        return None
    return affine(dict(zip(names, coefficients[:-1].tolist(), strict=True)), int(coefficients[-1]))


def hinged_expression(
    columns: Mapping[str, Int[np.ndarray, " rows"]], target: Int[np.ndarray, " rows"]
) -> Expression | None:
    """Returns the smallest affine expression of the columns and of one that is cut off above a constant, or None."""
    spread = np.linspace(0, len(target) - 1, min(len(target), _SCREENED)).astype(int)
    some, found = np.argsort(target, kind="stable")[spread], []
    for name, column in columns.items():
        values = np.unique(column)[1:-1]
        for knee in values[np.linspace(0, len(values) - 1, min(len(values), _KNEES)).astype(int)].tolist():
            few = {each: values[some] for each, values in columns.items()} | {_HINGE: np.minimum(column[some], knee)}
            if linear_expression(few, target[some]) is None:
                continue
            whole = linear_expression({**columns, _HINGE: np.minimum(column, knee)}, target)
            if whole is not None:
                found.append(substitute(whole, {_HINGE: operation("min", Name(name), knee)}))
    return min(found, key=nodes, default=None)


def solve(
    matrix: Int[np.ndarray, "rows unknowns"], target: Int[np.ndarray, " rows"]
) -> Int[np.ndarray, " unknowns"] | None:
    """Returns integers with matrix @ integers == target, exactly; None where rounded least squares are none.

    Of columns that depend on each other, the first are used.
    """
    kept = independent(matrix)
    columns = matrix[:, kept].astype(float)
    scale = np.linalg.norm(columns, axis=0)  # else a constant is lost beside large numbers
    solution = np.linalg.lstsq(columns / scale, target.astype(float), rcond=None)[0] / scale
    most = _MOST_SURE if len(matrix) > 2 * len(kept) else _MOST
    if not np.isfinite(solution).all() or (np.abs(solution) > most).any():
        return None
    result = np.zeros(matrix.shape[1], np.int64)
    result[kept] = np.round(solution).astype(np.int64)
    return result if (matrix @ result == target).all() else None


def independent(matrix: Int[np.ndarray, "rows unknowns"]) -> list[int]:
    """Returns the columns that are no combinations of columns before them."""
    upper = np.linalg.qr(matrix.astype(float)).R
    basis = np.zeros((0, len(upper)))
    kept = []
    for at, column in enumerate(upper.T):
        rest = column - basis.T @ (basis @ column)
        rest -= basis.T @ (basis @ rest)
        if np.linalg.norm(rest) > 1e-9 * max(1.0, float(np.linalg.norm(column))):
            basis = np.vstack([basis, rest / np.linalg.norm(rest)])
            kept.append(at)
    return kept


def affine(coefficients: Mapping[str, int], constant: int) -> Expression:
    """Returns the sum of named multiples and a constant, positive terms first."""
    terms: list[tuple[int, Expression]] = [(value, Name(name)) for name, value in coefficients.items() if value]
    terms.sort(key=lambda term: term[0] < 0)
    if not terms:
        return Number(constant)
    value, name = terms[0]
    if value > 0 or constant <= 0:
        result = -name if value == -1 else _multiple(value, name)
        terms = terms[1:]
    else:
        result, constant = Number(constant), 0
    for value, name in terms:
        result = result - _multiple(-value, name) if value < 0 else result + _multiple(value, name)
    return result + constant if constant > 0 else result - -constant if constant < 0 else result


def _multiple(value: int, name: Expression) -> Expression:
    return name if value == 1 else operation("*", value, name)


def affine_nodes(coefficients: Int[np.ndarray, "*sums terms"]) -> Int[np.ndarray, "*sums"]:
    """Returns the nodes of what `affine` makes of coefficients; the last is the constant."""
    size = np.abs(coefficients)
    terms = 2 * (size > 0).sum(-1) + 2 * (size[..., :-1] > 1).sum(-1)
    # A sum without a positive term starts with a negation, unless its first factor is written out and takes the sign.
    first = np.take_along_axis(coefficients, (size > 0).argmax(-1)[..., None], -1)[..., 0]
    negated = (coefficients <= 0).all(-1) & (first == -1) & size[..., :-1].any(-1)
    return np.maximum(1, terms - 1 + negated)
