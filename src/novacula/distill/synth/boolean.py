"""Shortest formulas of Boolean functions of up to four variables, exactly, with don't-cares. Source: ours.

A function of n variables is the integer whose bit r is its value on row r, where row r gives variable i the value
(r >> i) & 1. All functions are found in order of their formulas' sizes by dynamic programming. Renaming variables
changes no size, so the first operand runs over representatives of the orbits only. `if` is decided by restriction:
where the condition holds only one branch matters, elsewhere only the other.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import permutations

import numpy as np
from jaxtyping import Int

from novacula.distill.program.expression import Expression, Name, Number, Operation, Operator

MAX_VARIABLES = 4
UNKNOWN = 255  #: the size of a function to which the table has not grown
_CHUNK = 2**22

_GATES: tuple[Operator, ...] = ("and", "or", "!=", "==", "<", "<=")


class FormulaTable:
    """The sizes of the formulas of all functions of at most 4 variables, grown on demand."""

    def __init__(self, variables: int) -> None:
        self.variables = variables
        self.rows = 2**variables
        self.whole = 2**self.rows - 1
        self.sizes = np.full(2**self.rows, UNKNOWN, np.uint8)
        self.level = 0
        self._made: dict[int, tuple[Operator, tuple[int, ...]]] = {}
        self._renamed = np.array([_rename(order, self.rows) for order in permutations(range(variables))])
        self._leaves = [sum(1 << row for row in range(self.rows) if row >> at & 1) for at in range(variables)]

    def grow(self, size: int) -> None:
        """Finds all functions with formulas of at most this size."""
        while self.level < size and (self.sizes == UNKNOWN).any():
            self.level += 1
            self._grow_one(self.level)

    def smallest(self, function: int, free: int, bound: int) -> int | None:
        """Returns the function of least size among those that agree outside the rows `free`.

        Args:
            function: its values; 0 on the rows `free`.
            free: rows where any value will do, as bits.
            bound: the size must be less than this.
        """
        choices = function + subsets(free)
        while True:
            best = int(choices[self.sizes[choices].argmin()])
            if self.sizes[best] != UNKNOWN:
                return best if self.sizes[best] < bound else None
            if self.level >= bound - 1:
                return None
            self.grow(self.level + 1)

    def formula(self, function: int, names: tuple[str, ...]) -> Expression:
        """Returns a shortest formula of a function to whose size the table has grown."""
        if function in self._leaves:
            return Name(names[self._leaves.index(function)])
        if function in (0, self.whole):
            return Number(int(function > 0))
        made, operands = self._made[function]
        return Operation(made, tuple(self.formula(operand, names) for operand in operands))

    def _grow_one(self, size: int) -> None:
        if size == 1:
            self.sizes[[0, self.whole, *self._leaves]] = 1
            return
        smaller = self._of_size(size - 1)
        self._keep("not", size, self.whole ^ smaller, smaller)
        for left_size in range(1, size - 1):
            self._join(self._representatives(left_size), self._of_size(size - 1 - left_size), size)
        self._choose(size)

    def _join(self, left: np.ndarray, right: np.ndarray, size: int) -> None:
        step = max(1, _CHUNK // max(1, len(right)))
        for at in range(0, len(left), step):
            p, q = left[at : at + step, None], right[None]
            not_p = self.whole ^ p
            results = (p & q, p | q, p ^ q, not_p ^ q, not_p & q, not_p | q)
            for made, result in zip(_GATES, results, strict=True):
                place = np.flatnonzero(self.sizes[result].ravel() == UNKNOWN)
                a, b = np.divmod(place, len(right))
                self._keep(made, size, result.ravel()[place], left[at + a], right[b])

    def _choose(self, size: int) -> None:
        """if condition then inside else outside."""
        known = np.flatnonzero(self.sizes != UNKNOWN)
        known = known[np.argsort(-self.sizes[known].astype(int), kind="stable")]
        conditions = (int(found) for smaller in range(1, size - 2) for found in self._representatives(smaller))
        for condition in conditions:
            wanted = np.flatnonzero(self.sizes == UNKNOWN)
            budget = size - 1 - int(self.sizes[condition])
            inside, outside = condition, self.whole ^ condition
            best_inside, best_outside = np.full((2, len(self.sizes)), -1)
            best_inside[known & inside] = known
            best_outside[known & outside] = known
            then, otherwise = best_inside[wanted & inside], best_outside[wanted & outside]
            fits = (then >= 0) & (otherwise >= 0)
            fits &= self.sizes[then].astype(int) + self.sizes[otherwise] == budget
            chosen = np.full(int(fits.sum()), condition)
            self._keep("if", size, wanted[fits], chosen, then[fits], otherwise[fits])

    def _keep(self, made: Operator, size: int, functions: np.ndarray, *operands: np.ndarray) -> None:
        """Note new functions, and all that renaming the variables makes of them."""
        new, first = np.unique(functions, return_index=True)
        fresh = self.sizes[new] == UNKNOWN
        new, first = new[fresh], first[fresh]
        for renamed in self._renamed:
            results = renamed[new]
            for at in np.flatnonzero(self.sizes[results] == UNKNOWN):
                result = int(results[at])
                if self.sizes[result] == UNKNOWN:
                    self.sizes[result] = size
                    self._made[result] = made, tuple(int(renamed[operand[first[at]]]) for operand in operands)

    def _of_size(self, size: int) -> Int[np.ndarray, " functions"]:
        return np.flatnonzero(self.sizes == size)

    def _representatives(self, size: int) -> Int[np.ndarray, " functions"]:
        functions = self._of_size(size)
        return functions[(self._renamed[:, functions] >= functions).all(0)]


@lru_cache
def formula_table(variables: int) -> FormulaTable:
    """Returns the table for a number of variables; there is one for the whole process, since it only ever grows."""
    return FormulaTable(variables)


def bit_formula(
    columns: Mapping[str, Int[np.ndarray, " rows"]], target: Int[np.ndarray, " rows"], bound: int
) -> Expression | None:
    """Returns a shortest formula of bits with the values `target` where these columns occur, and any value elsewhere.

    Args:
        columns: at most 4, each of 0 and 1; None is returned for others.
        target: 0 and 1; None is returned for others.
        bound: the formula must have fewer nodes than this.
    """
    values = np.column_stack([*columns.values(), target])
    if len(columns) > MAX_VARIABLES or values.min() < 0 or values.max() > 1:
        return None
    table = formula_table(len(columns))
    row = values[:, :-1] @ (1 << np.arange(len(columns)))
    function = int(np.bitwise_or.reduce(np.where(target == 1, 1 << row, 0)))
    seen = int(np.bitwise_or.reduce(1 << row))
    best = table.smallest(function, table.whole ^ seen, bound)
    return None if best is None else table.formula(best, tuple(columns))


def subsets(rows: int) -> Int[np.ndarray, " subsets"]:
    """Returns all sets of rows within a set, as bits."""
    result = np.zeros(1, np.int64)
    for bit in range(rows.bit_length()):
        if rows >> bit & 1:
            result = np.concatenate([result, result | (1 << bit)])
    return result


def _rename(order: tuple[int, ...], rows: int) -> np.ndarray:
    """For every function, the function with its variables renamed."""
    functions = np.arange(2**rows)
    result = np.zeros_like(functions)
    for row in range(rows):
        moved = sum((row >> at & 1) << to for at, to in enumerate(order))
        result |= (functions >> row & 1) << moved
    return result
