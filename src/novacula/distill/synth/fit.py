"""Short programs from programs with blanks and the values of the blanks. Source: ours.

All blanks are filled together: what one of them computes may be named in the body and read by the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from novacula.distill.program.expression import Expression, Name, nodes, walk
from novacula.distill.program.program import Program
from novacula.distill.synth.bank import MAX_ROWS, Budget
from novacula.distill.synth.rewrite import replace
from novacula.distill.synth.rows import EFFORTS, Rows

MOST_EFFORT = len(EFFORTS)
_NAMED = 3  #: the most names that a body gets
_CANDIDATES = 6  #: the most values that are tried for a name
_SURE = 3  #: a value at most this much larger than all that a bank holds is not searched for with a larger bank
_LONG = 6  #: in values longer than this, parts that occur once are tried as names too
_UNFILLED = 1000  #: the size of a blank that nothing fills: more nodes than any value has


@dataclass(frozen=True)
class Problem:
    """A program with blanks, and rows of values."""

    inputs: tuple[str, ...]  #: names of the input streams
    state: tuple[str, ...]  #: names of the variables
    start: tuple[int, ...]  #: their first values
    update: tuple[Expression | None, ...]  #: the next values, None where unknown
    columns: Mapping[str, Int[np.ndarray, " rows"]]  #: values of the inputs and variables on all rows
    update_values: Sequence[Int[np.ndarray, " rows"]]  #: what the unknown next values are, in order
    output_values: Sequence[Int[np.ndarray, " rows"]]  #: what the outputs are
    hints: tuple[Expression, ...] = ()  #: further expressions that may be worth naming

    @property
    def targets(self) -> list[Int[np.ndarray, " rows"]]:
        """The values of the blanks: unknown next values, then outputs."""
        return [*self.update_values, *self.output_values]


def fit(problem: Problem, budget: Budget, effort: int = MOST_EFFORT) -> Program | None:
    """Returns the shortest program found that fills the blanks and agrees with all rows.

    Args:
        problem: the program with blanks.
        budget: what the search may cost, and how short the program must be.
        effort: from 1 to `MOST_EFFORT`.

    Returns:
        The program; None where nothing was found, or where rows with equal columns have different values.
    """
    first = distinct_rows(problem)
    if first is None:
        return None
    columns = {name: values[first] for name, values in problem.columns.items()}
    targets = [values[first] for values in problem.targets]
    rows = Rows(columns, _constants(columns, targets), budget, _sample(columns, targets))
    filled = _fill(rows, targets, problem.hints, budget.bound, effort)
    if filled is None:
        return None
    body, values = filled
    blanks = iter(values)
    update = tuple(next(blanks) if known is None else known for known in problem.update)
    program = Program(problem.inputs, problem.state, problem.start, tuple(body), update, tuple(blanks))
    return program if program.nodes < budget.bound else None


def distinct_rows(problem: Problem) -> Int[np.ndarray, " distinct"] | None:
    """Returns the first row of every combination of columns; None when some combination has two different targets."""
    keys, wanted = np.column_stack(list(problem.columns.values())), np.column_stack(problem.targets)
    weights = np.random.default_rng(0).integers(1, 2**62, keys.shape[1] + wanted.shape[1])
    hashes = keys @ weights[: keys.shape[1]]
    _, first = np.unique(hashes, return_index=True)
    both = hashes + wanted @ weights[keys.shape[1] :]
    return first if len(np.unique(both)) == len(first) else None


def _constants(columns: Mapping[str, np.ndarray], targets: Sequence[np.ndarray]) -> list[int]:
    """Numbers that expressions may hold: 0, 1, 2 and what the ranges of targets and columns suggest."""
    harvested = [0, 1, 2]
    for values in targets:
        harvested += [int(values.max()), int(values.max()) + 1, int(values.min())]
    largest = [int(values.max()) for values in columns.values()]
    harvested += largest + [(most + 1) // 2 for most in largest if most > 2 and not most & (most + 1)]  # the top bit
    return [value for value in dict.fromkeys(harvested) if abs(value) <= 1000][:7]


def _sample(columns: Mapping[str, np.ndarray], targets: Sequence[np.ndarray]) -> np.ndarray:
    """Up to three quarters of the rows that a bank may have: extremes of every column, the rest spread over targets."""
    count = len(targets[0])
    if count <= MAX_ROWS:
        return np.arange(count)
    extremes = [at for values in (*columns.values(), *targets) for at in (values.argmin(), values.argmax())]
    order = np.random.default_rng(0).permutation(count)
    _, value = np.unique(np.column_stack(targets)[order], axis=0, return_inverse=True)
    by_value = np.argsort(value.ravel(), kind="stable")
    counts = np.bincount(value.ravel())
    rank = np.arange(count) - np.repeat(np.cumsum(counts) - counts, counts)
    spread = order[by_value[np.argsort(rank, kind="stable")]]
    most = 3 * MAX_ROWS // 4
    return np.array(list(dict.fromkeys(int(at) for at in (*extremes, *spread[:most])))[:most])


def _fill(
    rows: Rows, targets: Sequence[np.ndarray], hints: tuple[Expression, ...], bound: int, most: int
) -> tuple[list[tuple[str, Expression]], list[Expression]] | None:
    """A body and an expression for every target, together as small as found: with more effort until all are found."""
    filled, size = None, _UNFILLED
    for effort in range(1, most + 1):
        body, values = _fill_with(effort, rows, targets, hints, bound)
        found = [value for value in values if value is not None]
        total = _size(found) + _size([value for _, value in body])
        if len(found) == len(values) and total < size:
            filled, size = (body, found), total
        if filled and all(nodes(value) <= EFFORTS[effort - 1][0] + _SURE for value in filled[1]):
            break
    return filled


def _fill_with(
    effort: int, rows: Rows, targets: Sequence[np.ndarray], hints: tuple[Expression, ...], bound: int
) -> tuple[list[tuple[str, Expression]], list[Expression | None]]:
    values: list[Expression | None] = [rows.express(target, bound, effort) for target in targets]
    body: list[tuple[str, Expression]] = []
    while len(body) < _NAMED:
        name = f"shared{len(body)}"
        best: tuple[int, Expression, Rows, list[Expression | None]] | None = None
        for shared in _worth_naming(values, hints):
            wider = rows.extended(name, shared)
            shorter = [_shorter(wider, Name(name), shared, *pair) for pair in zip(targets, values, strict=True)]
            saved = _size(values) - _size(shorter) - nodes(shared)
            if saved > 0 and (best is None or saved > best[0]):
                best = saved, shared, wider, shorter
        if best is None:
            break
        _, shared, rows, values = best
        body.append((name, shared))
    return body, values


def _shorter(
    rows: Rows, name: Name, shared: Expression, target: np.ndarray, value: Expression | None
) -> Expression | None:
    """An expression for a target, now that `shared` has a name."""
    if value is not None:
        value = replace(value, shared, name)
        if nodes(value) <= 2:
            return value
    return rows.express(target, nodes(value) if value else _UNFILLED, 1 if value else 2) or value


def _worth_naming(values: Sequence[Expression | None], hints: tuple[Expression, ...]) -> list[Expression]:
    """Hints first, then whole values of blanks, then repeated parts, then other parts of long values."""
    whole = [value for value in values if value is not None and nodes(value) > 1]
    parts = [part for value in dict.fromkeys(whole) for part in walk(value) if 2 < nodes(part) < nodes(value)]
    repeated = [part for part in parts if parts.count(part) > 1]
    long = [part for value in whole if nodes(value) > _LONG for part in parts]
    ordered = [*sorted(repeated, key=nodes, reverse=True), *sorted(long, key=nodes, reverse=True)]
    return list(dict.fromkeys([*hints, *whole, *ordered]))[:_CANDIDATES]


def _size(values: Sequence[Expression | None]) -> int:
    return sum(_UNFILLED if value is None else nodes(value) for value in values)
