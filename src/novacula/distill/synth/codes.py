"""Numbers for the states of a machine: a network's own codes, bits, or numbers modulo something.

Codes have the start at 0 and short differences. Bits are assigned so that the formulas are shortest. With
s = αz + βx + γ three patterns cover long division and addition, sums modulo m, dithering: the next number is s mod m;
or it is s mod m and the output s div m; or it is s div m and the output s mod m. The last two say
s = m·output + next number, or s = output + m·next number: linear equations for the unknown numbers of the states.
Source: ours.
"""

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
from jaxtyping import Int

from novacula.distill.program.expression import Expression
from novacula.distill.states.lll import integer_basis
from novacula.distill.synth.boolean import MAX_VARIABLES, UNKNOWN, formula_table
from novacula.distill.synth.fit import Problem, distinct_rows
from novacula.distill.synth.linear import affine, solve
from novacula.distill.synth.table import Table

_BASIS = 6
_ROWS = 400
_NUMBERED = 64


def code_problems(table: Table) -> Iterator[Problem]:
    """Yields programs with blanks over coordinates of the codes, as they are and reflected; or over states' numbers."""
    if not table.codes.shape[1]:
        if 2 < table.states <= _NUMBERED:  # the order in which they are reached
            yield coded_problem(table, np.arange(table.states)[:, None])
        return
    codes = table.codes - table.codes[0]
    basis = integer_basis(codes[np.random.default_rng(0).permutation(len(codes))[:_ROWS]])
    if not 0 < len(basis) <= _BASIS:
        return
    coordinates = np.round(codes @ np.linalg.pinv(basis.astype(float))).astype(np.int64)
    if (coordinates @ basis != codes).any():
        return
    coordinates *= np.where(coordinates.sum(0) < 0, -1, 1)
    for sign in (1, -1):
        yield coded_problem(table, sign * coordinates)


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


_BIT_STATES = 8
_BIT_SIZE = 9
_FREE = 8
_BIT_BEST = 6
_SHARED = 1.3  #: sharing parts hardly ever makes formulas shorter by more than this factor


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
    if not 2 <= table.states <= _BIT_STATES or bits + streams > MAX_VARIABLES or min(values) < 0 or max(values) > 1:
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
        if len(seen) == _BIT_BEST:
            return


def _sizes(table: Table, assignments: np.ndarray, bits: int) -> np.ndarray:
    """For every assignment the summed sizes of the shortest formulas of next bits and outputs."""
    streams = table.symbols.shape[1]
    formulas = formula_table(bits + streams)
    formulas.grow(_BIT_SIZE)
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


_MODULAR_STATES = 128
_STREAMS = 3
_MODULAR_BEST = 3
_MODULAR_ROWS = 3000
_SCALES = (1, 2, 3, 4, 5, 8, 10, -1)
_FACTORS = (1, -1, 2, -2, 3, 0)
_MODULI = range(2, 33)


def modular_problems(table: Table) -> Iterator[Problem]:
    """Yields programs with blanks for the numberings that fit, with the sum s, or the next number, as a hint."""
    if table.codes.shape[0] > _MODULAR_STATES or not len(table.state):
        return
    for pattern in (_carrying(table), _cyclic(table)):
        seen: set[bytes] = set()
        for numbers, hint in pattern:
            problem = coded_problem(table, numbers[:, None], (hint,))
            if numbers.tobytes() not in seen and distinct_rows(problem) is not None:
                seen.add(numbers.tobytes())
                yield problem
            if len(seen) == _MODULAR_BEST:
                break


def _sum(scale: int, factors: tuple[int, ...], constant: int) -> Expression:
    names = {"z0": scale, **{f"x{stream}": factor for stream, factor in enumerate(factors)}}
    return affine(names, constant)


def _carrying(table: Table) -> Iterator[tuple[np.ndarray, Expression]]:
    """Numbers z with αz + βx + γ = m·y + z', or with = y + m·z', as solutions of linear equations."""
    if table.y.shape[1] != 1:
        return
    chosen = np.unique(np.concatenate([_tree(table), np.linspace(0, len(table.state) - 1, _MODULAR_ROWS).astype(int)]))
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
