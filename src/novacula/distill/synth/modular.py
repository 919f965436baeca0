"""Numbers for the states of finite machines that count around a modulus, or carry. Source: ours.

With s = αz + βx + γ three patterns cover long division and addition, sums modulo m, dithering: the next number is
s mod m; or it is s mod m and the output s div m; or it is s div m and the output s mod m. The last two say
s = m·output + next number, or s = output + m·next number: linear equations for the unknown numbers of the states.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np

from novacula.distill.expression import Expression
from novacula.distill.synth.codes import coded_problem
from novacula.distill.synth.fit import Problem, distinct_rows
from novacula.distill.synth.linear import affine, solve
from novacula.distill.synth.table import Table

_STATES = 128
_STREAMS = 3
_BEST = 3
_ROWS = 3000
_SCALES = (1, 2, 3, 4, 5, 8, 10, -1)
_FACTORS = (1, -1, 2, -2, 3, 0)
_MODULI = range(2, 33)


def modular_problems(table: Table) -> Iterator[Problem]:
    """Yields programs with blanks for the numberings that fit, with the sum s, or the next number, as a hint."""
    if table.codes.shape[0] > _STATES or not len(table.state):
        return
    for pattern in (_carrying(table), _cyclic(table)):
        seen: set[bytes] = set()
        for numbers, hint in pattern:
            problem = coded_problem(table, numbers[:, None], (hint,))
            if numbers.tobytes() not in seen and distinct_rows(problem) is not None:
                seen.add(numbers.tobytes())
                yield problem
            if len(seen) == _BEST:
                break


def _sum(scale: int, factors: tuple[int, ...], constant: int) -> Expression:
    names = {"z0": scale, **{f"x{stream}": factor for stream, factor in enumerate(factors)}}
    return affine(names, constant)


def _carrying(table: Table) -> Iterator[tuple[np.ndarray, Expression]]:
    """Numbers z with αz + βx + γ = m·y + z', or with = y + m·z', as solutions of linear equations."""
    if table.y.shape[1] != 1:
        return
    chosen = np.unique(np.concatenate([_tree(table), np.linspace(0, len(table.state) - 1, _ROWS).astype(int)]))
    source, target = (np.eye(table.states, dtype=np.int64)[at[chosen], 1:] for at in (table.state, table.next))
    x, y, one = table.x[chosen], table.y[chosen], np.ones((len(chosen), 1), np.int64)
    high = int(table.y.max()) + 1
    for scale in _SCALES:
        known = solve(np.hstack([y, target - scale * source, -x[:, 1:], -one]), x[:, 0])
        if known is not None and known[0] > 1:
            factors = (1, *known[table.states : -1].tolist())
            yield _shifted(table, known[1 : table.states], scale, factors, int(known[0]), 1)
    for scale, modulus in product(_SCALES, (high, high + 1)):
        known = solve(np.hstack([scale * source - modulus * target, x, one]), y[:, 0])
        if known is not None and known[: table.states - 1].any():
            yield _shifted(
                table, known[: table.states - 1], scale, tuple(known[table.states - 1 : -1].tolist()), 1, modulus
            )


def _shifted(
    table: Table, numbers: np.ndarray, scale: int, factors: tuple[int, ...], by_output: int, by_next: int
) -> tuple[np.ndarray, Expression]:
    """Numbers from 0 up, and the sum that leads from them to the outputs and next numbers."""
    numbers = np.concatenate([[0], numbers])
    numbers = numbers - numbers.min()
    total = by_output * table.y[0, 0] + by_next * numbers[table.next[0]]
    rest = total - scale * numbers[table.state[0]] - table.x[0] @ np.array(factors)
    return numbers, _sum(scale, factors, int(rest))


def _cyclic(table: Table) -> Iterator[tuple[np.ndarray, Expression]]:
    """Numbers z with z' = (αz + βx + γ) mod m, by trying all small coefficients at once for every modulus."""
    streams = table.symbols.shape[1]
    if streams > _STREAMS:
        return
    tree, rows = _tree(table), np.arange(len(table.state))
    spread = np.array_split(rows, max(1, len(rows) // 64))
    options = np.array(list(product(_SCALES[:4], *(_FACTORS,) * streams, (0, 1, -1), (0, 1))))
    for modulus in _MODULI:
        alive = options
        numbers = np.zeros((len(alive), table.states), np.int64)
        numbers[:, 0] = alive[:, -1]
        for row in tree:
            numbers[:, table.next[row]] = _next(table, alive, numbers, row[None])[:, 0] % modulus
        for block in spread:
            right = (_next(table, alive, numbers, block) % modulus == numbers[:, table.next[block]]).all(1)
            alive, numbers = alive[right], numbers[right]
        for option, number in zip(alive, numbers, strict=True):
            if len(np.unique(number)) > 1:
                scale, *factors, constant, _ = option.tolist()
                yield number, _sum(scale, tuple(factors), constant) % modulus


def _next(table: Table, options: np.ndarray, numbers: np.ndarray, rows: np.ndarray) -> np.ndarray:
    read = options[:, 1:-2] @ table.x[rows].T + options[:, -2:-1]
    return options[:, :1] * numbers[:, table.state[rows]] + read


def _tree(table: Table) -> np.ndarray:
    """Rows that first lead to each state, in an order in which the states they leave have been reached."""
    first = np.searchsorted(table.state, np.arange(table.states + 1))
    reached, queue, rows = {0}, [0], []
    for state in queue:
        for row in range(first[state], first[state + 1]):
            after = int(table.next[row])
            if after not in reached:
                reached.add(after)
                queue.append(after)
                rows.append(row)
    return np.array(rows, np.int64)
