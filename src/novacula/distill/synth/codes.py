"""The codes of a network's states, in a basis with the start at 0 and short differences. Source: ours."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from novacula.distill.expression import Expression
from novacula.distill.lll import integer_basis
from novacula.distill.synth.fit import Problem, distinct_rows
from novacula.distill.synth.table import Table

_SIZE = 6
_ROWS = 400


def code_problems(table: Table) -> Iterator[Problem]:
    """Yields programs with blanks over coordinates of the codes: as they are, and reflected."""
    if not table.codes.shape[1]:
        return
    codes = table.codes - table.codes[0]
    basis = integer_basis(codes[np.random.default_rng(0).permutation(len(codes))[:_ROWS]])
    if not 0 < len(basis) <= _SIZE:
        return
    coordinates = np.round(codes @ np.linalg.pinv(basis.astype(float))).astype(np.int64)
    if (coordinates @ basis != codes).any():
        return
    coordinates *= np.where(coordinates.sum(0) < 0, -1, 1)
    for sign in (1, -1):
        problem = coded_problem(table, sign * coordinates)
        if distinct_rows(problem) is not None:
            yield problem


def coded_problem(table: Table, codes: Int[np.ndarray, "states codes"], hints: tuple[Expression, ...] = ()) -> Problem:
    """Returns the program in which everything is blank, for given integer vectors of the states."""
    inputs = tuple(f"x{stream}" for stream in range(table.symbols.shape[1]))
    state = tuple(f"z{at}" for at in range(codes.shape[1]))
    columns = dict(zip(inputs + state, [*table.x.T, *codes[table.state].T], strict=True))
    return Problem(
        inputs,
        state,
        tuple(codes[0].tolist()),
        (None,) * len(state),
        columns,
        list(codes[table.next].T),
        list(table.y.T),
        hints=hints,
    )
