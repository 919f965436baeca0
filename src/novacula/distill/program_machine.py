"""The minimal machine of a program that has finitely many states. Source: ours."""

import numpy as np
from jaxtyping import Int

from novacula.distill.machine import Machine
from novacula.distill.program import Program
from novacula.distill.verify.stepping import LargeNumbersError, advance

_MOST_TRANSITIONS = 300_000
_MOST_LEVELS = 300


def program_machine(program: Program, symbols: Int[np.ndarray, "symbols streams"]) -> Machine | None:
    """Returns the minimal Mealy machine of a program; None where its states do not end, or are too many to list.

    Args:
        program: any.
        symbols: all inputs of one step, in lexicographic order.
    """
    start = np.array(program.start, np.int64)
    index = {start.tobytes(): 0}
    frontier = start[None]
    rows: list[tuple[np.ndarray, np.ndarray]] = []
    spent = 0
    while len(frontier):
        spent += len(frontier) * len(symbols)
        if spent > _MOST_TRANSITIONS or len(rows) > _MOST_LEVELS:
            return None
        try:
            after, y = advance(program, np.repeat(frontier, len(symbols), axis=0), np.tile(symbols, (len(frontier), 1)))
        except LargeNumbersError:
            return None
        fresh, numbers = [], np.empty(len(after), np.int64)
        for row, state in enumerate(after):
            key = state.tobytes()
            if key not in index:
                index[key] = len(index)
                fresh.append(row)
            numbers[row] = index[key]
        rows.append((numbers.reshape(len(frontier), -1), y.reshape(len(frontier), len(symbols), -1)))
        frontier = after[fresh]
    return Machine(symbols, *(np.concatenate(parts) for parts in zip(*rows, strict=True))).minimal()
