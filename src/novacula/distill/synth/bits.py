"""State assignment: bits for the states of a small machine that make the formulas shortest. Source: ours."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from novacula.distill.synth.boolean import MAX_VARIABLES, UNKNOWN, formula_table
from novacula.distill.synth.codes import coded_problem
from novacula.distill.synth.fit import Problem
from novacula.distill.synth.table import Table

_STATES = 8
_SIZE = 9
_FREE = 8
_BEST = 6
_SHARED = 1.3
"""Sharing parts hardly ever makes formulas shorter by more than this factor."""


def bit_problems(table: Table, bound: int) -> Iterator[Problem]:
    """Yields programs with blanks for the best assignments of bits, by the exact sizes of their formulas.

    The machine must have 2 to 8 states, read and put out bits, and have at most 4 bits of state and input together.

    Args:
        table: the machine.
        bound: assignments whose formulas take this many nodes, even if they share much, are left out.
    """
    streams = table.symbols.shape[1]
    bits = max(1, (table.states - 1).bit_length())
    values = (table.x.min(), table.x.max(), table.y.min(), table.y.max())
    if not 2 <= table.states <= _STATES or bits + streams > MAX_VARIABLES or min(values) < 0 or max(values) > 1:
        return
    assignments = np.array(list(permutations(range(2**bits), table.states)))
    sizes = _sizes(table, assignments, bits)
    seen: set[tuple[int, ...]] = set()
    for at in np.argsort(sizes, kind="stable"):
        split = assignments[at][:, None] >> np.arange(bits) & 1
        signature = tuple(sorted(split.T @ (1 << np.arange(table.states))))
        if sizes[at] < min(UNKNOWN, _SHARED * bound) and signature not in seen:
            seen.add(signature)
            yield coded_problem(table, split)
        if len(seen) == _BEST:
            return


def _sizes(table: Table, assignments: np.ndarray, bits: int) -> np.ndarray:
    """For every assignment the summed sizes of the shortest formulas of next bits and outputs."""
    streams = table.symbols.shape[1]
    formulas = formula_table(bits + streams)
    formulas.grow(_SIZE)
    rows = assignments[:, table.state] + (table.x @ (1 << np.arange(streams)) << bits)
    seen = np.bitwise_or.reduce(1 << rows, axis=1)
    free_rows = [np.flatnonzero(~(int(mask) >> np.arange(formulas.rows)) & 1) for mask in seen]
    count = len(free_rows[0])
    if count > _FREE:
        return np.full(len(assignments), UNKNOWN)
    choice = np.arange(2**count)[:, None] >> np.arange(count) & 1
    free = np.array([choice @ (1 << rows_of) for rows_of in free_rows])
    wanted = [assignments[:, table.next] >> bit & 1 for bit in range(bits)]
    wanted += [np.broadcast_to(table.y[:, output], rows.shape) for output in range(table.y.shape[1])]
    functions = [np.bitwise_or.reduce(values << rows, axis=1) for values in wanted]
    sizes = [formulas.sizes[function[:, None] + free].min(1).astype(int) for function in functions]
    return np.minimum(np.sum(sizes, axis=0), UNKNOWN)
