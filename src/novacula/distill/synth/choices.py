"""Decision trees over a bank: if test then term else term, nested a few times. Source: ours."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from novacula.distill.program.expression import Expression, Number, Operation
from novacula.distill.synth.bank import Bank, Draft, row_sets
from novacula.runs import check_time

_TERMS = 300
_TESTS = 800
_BRANCHES = (12, 4)


class Choices:
    """The conditionals over a bank's entries that have the values of a target.

    Args:
        bank: any of its entries may be a term, or a test, which holds where it is not 0.
        target: the values of the conditionals.
        depth: the most tests that follow each other, up to 3.
    """

    def __init__(self, bank: Bank, target: Int[np.ndarray, " rows"], depth: int) -> None:
        self.bank = bank
        self.depth = depth
        agree = row_sets(bank.values == target)
        constants, counts = np.unique(target, return_counts=True)
        constants = constants[np.argsort(-counts)][:16]
        self.constants = constants
        constant_sets = row_sets(target[None] == constants[:, None])
        sets = np.concatenate([constant_sets, agree])
        sizes = np.concatenate([np.ones(len(constants), np.int64), bank.sizes])
        source = np.concatenate([-1 - np.arange(len(constants)), np.arange(len(agree))])
        sets, sizes, source = _cheapest(sets, sizes, source)
        covering = np.sort(np.argsort(sizes - np.bitwise_count(sets).astype(int), kind="stable")[:_TERMS])
        self.terms = sets[covering], sizes[covering], source[covering]
        tests = _cheapest(row_sets(bank.values != 0), bank.sizes, np.arange(len(agree)))
        self.tests = tests[0][:_TESTS], tests[1][:_TESTS], tests[2][:_TESTS]
        self.whole = row_sets(np.ones((1, bank.rows), bool))[0]

    def trees(self) -> Iterator[Draft]:
        """Yields the best tree of the least depth that has one."""
        for depth in range(1, self.depth + 1):
            tree = self._best(self.whole, depth, 0)
            if tree:
                yield tree
                return

    def _best(self, rows: np.uint64, depth: int, above: int) -> Draft | None:
        """The smallest tree found that is right on a set of rows, with `above` tests before it."""
        check_time()
        most = np.sort(np.bitwise_count(self.terms[0] & rows))[-depth - 1 :]
        if most.sum() < np.bitwise_count(rows):
            return None
        leaf = self._leaves(rows[None] if isinstance(rows, np.ndarray) else np.array([rows]))[0]
        if leaf >= 0:
            return self._leaf(int(leaf))
        if depth == 0:
            return None
        sets, sizes, source = self.tests
        inside, outside = self._leaves(sets & rows), self._leaves(~sets & rows)
        split = ((sets & rows) != 0) & ((~sets & rows) != 0)
        cost = np.where(inside >= 0, self.terms[1][inside], 10**6) + np.where(
            outside >= 0, self.terms[1][outside], 10**6
        )
        cost = np.where(split, cost + sizes, 10**7)
        best = int(np.argmin(cost))
        if cost[best] < 10**6:
            return self._node(int(source[best]), self._leaf(int(inside[best])), self._leaf(int(outside[best])))
        tree: Draft | None = None
        if depth > 1:
            half = np.flatnonzero(split & ((inside >= 0) | (outside >= 0)))
            remaining = np.where(inside >= 0, ~sets & rows, sets & rows)
            order = half[np.argsort(np.bitwise_count(remaining[half]) + 2 * sizes[half], kind="stable")]
            for at in order[: _BRANCHES[above]]:
                rest = self._best(np.uint64(remaining[at]), depth - 1, above + 1)
                if rest is None:
                    continue
                then = self._leaf(int(inside[at])) if inside[at] >= 0 else rest
                otherwise = rest if inside[at] >= 0 else self._leaf(int(outside[at]))
                node = self._node(int(source[at]), then, otherwise)
                if tree is None or node.size < tree.size:
                    tree = node
        return tree

    def _leaves(self, rows: np.ndarray) -> np.ndarray:
        """For sets of rows, the cheapest term that is right on each, or -1."""
        sets = self.terms[0]
        result = np.full(len(rows), -1)
        step = max(1, 4_000_000 // max(1, len(sets)))
        for at in range(0, len(rows), step):
            block = rows[at : at + step, None]
            fits = (sets[None] & block) == block
            result[at : at + step] = np.where(fits.any(1), fits.argmax(1), -1)
        return result

    def _leaf(self, term: int) -> Draft:
        def build() -> Expression:
            source = int(self.terms[2][term])
            return self.bank.expression(source) if source >= 0 else Number(int(self.constants[-1 - source]))

        return Draft(int(self.terms[1][term]), build)

    def _node(self, test: int, then: Draft, otherwise: Draft) -> Draft:
        size = 1 + int(self.bank.sizes[test]) + then.size + otherwise.size
        return Draft(size, lambda: Operation("if", (self.bank.expression(test), then.build(), otherwise.build())))


def _cheapest(sets: np.ndarray, sizes: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct non-empty sets, each from its smallest source, smallest first."""
    order = np.argsort(sizes, kind="stable")
    sets, sizes, source = sets[order], sizes[order], source[order]
    distinct, first = np.unique(sets, return_index=True)
    first = np.sort(first[distinct != 0])
    return sets[first], sizes[first], source[first]
