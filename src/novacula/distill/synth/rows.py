"""Columns of values on many rows, and the search for an expression of them with given values. Source: ours."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int

from novacula.distill.program.expression import ON_ARRAYS, Expression, Name, Number, fold, nodes
from novacula.distill.synth.bank import MAX_ROWS, Bank, Budget
from novacula.distill.synth.boolean import bit_formula
from novacula.distill.synth.complete import express
from novacula.distill.synth.linear import hinged_expression, linear_expression

EFFORTS = ((4, 100_000), (5, 500_000), (7, 3_000_000))
"""For each effort, the largest expressions of a bank, and the work that it may take."""
_SURE = 2  #: an expression at most this much larger than all that the bank holds is not searched for with a larger bank
_REPEATS = 12  #: how often rows may join the sample before a target is given up
_COST = 20  #: what looking for one target costs, in work per entry of a bank
_STEPS, _HINGED = 4, 4
"""A line with a knee is tried for a target of more than `_STEPS` values, and on at most `_HINGED` columns."""
_BITS = 12  #: formulas of bits are shortest below this number of nodes; beyond, the table would take seconds to grow


class Rows:
    """Distinct rows. Expressions are searched on a sample of at most 64, which rows join that prove one wrong."""

    def __init__(
        self,
        columns: Mapping[str, Int[np.ndarray, " rows"]],
        constants: Sequence[int],
        budget: Budget,
        sample: Int[np.ndarray, " sample"],
    ) -> None:
        self.columns = dict(columns)
        self.constants = tuple(constants)
        self.budget = budget
        self.sample = sample
        self._banks: dict[int, Bank] = {}
        self._known: dict[tuple[bytes, int, int], Expression | None] = {}

    def value(self, expression: Expression) -> Int[np.ndarray, " rows"]:
        """Returns the values of an expression on all rows."""
        rows = next(iter(self.columns.values())).shape
        return np.broadcast_to(np.asarray(fold(expression, self.columns, ON_ARRAYS), np.int64), rows)

    def extended(self, name: str, expression: Expression) -> "Rows":
        """Returns the same rows with one more column."""
        return Rows({**self.columns, name: self.value(expression)}, self.constants, self.budget, self.sample)

    def express(self, target: Int[np.ndarray, " rows"], bound: int, efforts: int = len(EFFORTS)) -> Expression | None:
        """Returns a small expression with these values on every row; None when none below `bound` nodes is found."""
        if (target == target[0]).all():
            return Number(int(target[0])) if bound > 1 else None
        for name, column in self.columns.items():
            if (column == target).all():
                return Name(name) if bound > 1 else None
        key = target.tobytes(), bound, efforts
        if key not in self._known:
            self._known[key] = self._shortest(target, bound, efforts)
        return self._known[key]

    def _shortest(self, target: np.ndarray, bound: int, efforts: int) -> Expression | None:
        ways = (linear_expression(self.columns, target), bit_formula(self.columns, target, min(bound, _BITS)))
        best = min((way for way in ways if way and nodes(way) < bound), key=nodes, default=None)
        for effort in range(efforts):
            found = self._search(target, min(bound, nodes(best)) if best else bound, effort)
            best = found or best
            if best is None and effort == 0 and len(np.unique(target)) > _STEPS and len(self.columns) <= _HINGED:
                best = hinged_expression(self.columns, target)
                best = best if best and nodes(best) < bound else None
            if best and nodes(best) <= EFFORTS[effort][0] + _SURE:
                break
        return best

    def _search(self, target: np.ndarray, bound: int, effort: int) -> Expression | None:
        for _ in range(_REPEATS):
            if not self.budget.spend(_COST * len(self._bank(effort).values)):
                return None
            found = express(self._bank(effort), target[self.sample], bound, effort > 0)
            if found is None:
                return None
            wrong = np.flatnonzero(self.value(found) != target)
            if not len(wrong):
                return found
            if len(self.sample) >= MAX_ROWS:
                return None
            self.sample = np.union1d(self.sample, wrong[:: max(1, len(wrong) // 2)][:2])[:MAX_ROWS]
            self._banks.clear()
        return None

    def _bank(self, effort: int) -> Bank:
        if effort not in self._banks:
            size, cost = EFFORTS[effort]
            purse = Budget(min(cost, self.budget.left), self.budget.bound)
            before = purse.left
            columns = {name: column[self.sample] for name, column in self.columns.items()}
            bank = Bank(columns, self.constants, len(self.sample), purse)
            bank.grow(size)
            bank.add_sums()
            bank.add_steps()
            self.budget.spend(before - purse.left)
            self._banks[effort] = bank
        return self._banks[effort]
