"""The last steps to a target: expressions far larger than a bank holds, made of two or three of its entries.

Each way looks for a root of the tree whose operands are in the bank. Sums and differences are found by hash,
comparisons and divisions by constants that the values show, choices and connectives by sets of rows as bits of a word.
Source: ours; Alur, Radhakrishna and Udupa, TACAS 2017, unify conditionals by learned decision trees.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np
from jaxtyping import Int

from novacula.distill.program.expression import Expression, Number, Operation, Operator, operation
from novacula.distill.synth.bank import Bank, Draft, row_sets
from novacula.distill.synth.choices import Choices
from novacula.runs import check_time

MODULI = range(2, 33)
_PAIRS = 2_000_000
_SETS = 1500
_EXCLUSIVE, _CONDITIONS = 8000, 3

_DIVISIONS: dict[Operator, np.ufunc] = {"%": np.mod, "//": np.floor_divide}
_COMPARISONS: dict[Operator, np.ufunc] = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal}
_CONNECTIVES: tuple[Operator, ...] = ("and", "or")


def express(bank: Bank, target: Int[np.ndarray, " rows"], bound: int, deep: bool) -> Expression | None:
    """Returns the smallest expression found, below a bound, that has the values `target` on the bank's rows.

    Choices may be nested twice; a deep search nests them three times.
    """
    best: Draft | None = None
    for draft in _drafts(_Goal(bank, target, deep)):
        if draft.size < min(bound, best.size if best else bound):
            best = draft
    return best.build() if best else None


@dataclass(frozen=True)
class _Goal:
    bank: Bank
    target: np.ndarray
    deep: bool

    @property
    def is_truth(self) -> bool:
        """Whether the target is 0 or 1 on all rows."""
        return bool(((self.target == 0) | (self.target == 1)).all())

    def smallest(self, made: Operator, left: np.ndarray, right: np.ndarray) -> Iterator[Draft]:
        """Yields the operator on the smallest of some pairs of entries, if there are any."""
        sizes = self.bank.sizes[left] + self.bank.sizes[right]
        if len(sizes):
            best = int(sizes.argmin())
            pair = int(left[best]), int(right[best])
            yield Draft(1 + int(sizes[best]), lambda: Operation(made, tuple(map(self.bank.expression, pair))))


def _drafts(goal: _Goal) -> Iterator[Draft]:
    bank, target = goal.bank, goal.target
    if (target == target[0]).all():
        yield Draft(1, lambda: Number(int(target[0])))
        return
    entry = int(bank.find(bank.hash(target)[None])[0])
    if entry >= 0:
        yield Draft(int(bank.sizes[entry]), lambda: bank.expression(entry))
        return
    yield from _sums(goal)
    yield from _exclusive(goal)
    yield from _by_constants(goal)
    if goal.is_truth:
        yield from _thresholds(goal)
        yield from _comparisons(goal)
        yield from _connectives(goal)
    else:
        yield from _extremes(goal)
        yield from _clipped(goal)
    yield from Choices(bank, target, 3 if goal.deep else 2).trees()


def _sums(goal: _Goal) -> Iterator[Draft]:
    bank, wanted = goal.bank, goal.bank.hash(goal.target)
    rests: dict[Operator, np.ndarray] = {"+": wanted - bank.hashes, "-": bank.hashes - wanted}
    for made, rest in rests.items():
        right = bank.find(rest)
        left = np.flatnonzero(right >= 0)
        yield from goal.smallest(made, left, right[left])


def _exclusive(goal: _Goal) -> Iterator[Draft]:
    """target = entry ^ entry, where none of the three is negative."""
    bank, target = goal.bank, goal.target
    if goal.is_truth or target.min() < 0:
        return
    values = bank.values[:_EXCLUSIVE]
    rest = np.where((values >= 0).all(1), bank.find(bank.hash(values ^ target)), -1)
    left = np.flatnonzero(rest >= 0)
    yield from goal.smallest("^", left, rest[left])
    modulus = 1 << int(target.max()).bit_length()
    for divisor in (0, modulus):
        yield from _exclusive_if(goal, divisor)


def _exclusive_if(goal: _Goal, divisor: int) -> Iterator[Draft]:
    """target = entry ^ constant * truth, where the entry may be reduced by a modulus first: shift registers."""
    bank, target = goal.bank, goal.target
    entries = np.flatnonzero(~bank.truths())[:_EXCLUSIVE]
    values = bank.values[entries] % divisor if divisor else bank.values[entries]
    differs = values ^ target
    constants = differs.max(1)
    fits = np.flatnonzero(((differs == 0) | (differs == constants[:, None])).all(1) & (values >= 0).all(1))
    for at in fits[np.argsort(bank.sizes[entries[fits]], kind="stable")][:_CONDITIONS].tolist():
        entry, constant = int(entries[at]), int(constants[at])
        condition = (differs[at] != 0).astype(np.int64)
        drafts = _drafts(_Goal(bank, condition, goal.deep))
        if (best := min(drafts, key=lambda draft: draft.size, default=None)) is not None:
            size = int(bank.sizes[entry]) + (2 if divisor else 0) + best.size + 3
            yield Draft(size, partial(_masked, bank, entry, divisor, constant, best))


def _masked(bank: Bank, entry: int, divisor: int, constant: int, condition: Draft) -> Expression:
    value = bank.expression(entry)
    return operation("^", value % divisor if divisor else value, constant * condition.build())


def _by_constants(goal: _Goal) -> Iterator[Draft]:
    """target = entry % constant, or // constant."""
    bank, target = goal.bank, goal.target
    low, high = int(target.min()), int(target.max())
    for divisor in MODULI:
        for made in _DIVISIONS:
            if made == "%" and (low < 0 or not high < divisor <= 2 * high + 2):
                continue
            entry = _divisible(bank, made, divisor, target)
            if entry is not None:
                yield Draft(int(bank.sizes[entry]) + 2, partial(_with_constant, bank, entry, 0, made, divisor, False))


def _divisible(bank: Bank, made: Operator, divisor: int, target: np.ndarray) -> int | None:
    """The smallest entry whose quotient or remainder is the target; most drop out at the first rows."""
    value = _DIVISIONS[made]
    alive = np.flatnonzero(value(bank.values[:, 0], divisor) == target[0])
    at = 1
    while at < len(target) and len(alive):
        rows = np.arange(at, min(2 * at, len(target)))
        alive = alive[(value(bank.values[alive[:, None], rows], divisor) == target[rows]).all(1)]
        at = 2 * at
    return int(alive[np.argmin(bank.sizes[alive])]) if len(alive) else None


def _thresholds(goal: _Goal) -> Iterator[Draft]:
    """target = entry == c, != c, < c or > c, where the entry may be reduced by a modulus first."""
    bank, holds = goal.bank, goal.target == 1
    plain = np.flatnonzero(~bank.truths())
    small = plain[: _PAIRS // (bank.rows * 8)]
    for divisor in (0, *MODULI):
        check_time()
        entries = small if divisor else plain
        values = bank.values[entries] % divisor if divisor else bank.values[entries]
        inside, outside = values[:, holds], values[:, ~holds]
        least, most, below, above = inside.min(1), inside.max(1), outside.min(1), outside.max(1)
        tests: tuple[tuple[Operator, np.ndarray, np.ndarray, bool], ...] = (
            ("==", (least == most) & (outside != least[:, None]).all(1), least, False),
            ("!=", (below == above) & (inside != below[:, None]).all(1), below, False),
            ("<", most < below, below, False),
            ("<", above < least, above, True),
        )
        for made, fits, constant, swapped in tests:
            at = np.flatnonzero(fits)
            if not len(at):
                continue
            is_not = (constant[at] == 0) & (made == "==")
            best = int(np.argmin(bank.sizes[entries[at]] - is_not))
            entry, value = int(entries[at[best]]), int(constant[at[best]])
            size = int(bank.sizes[entry]) + (2 if divisor else 0) + (1 if is_not[best] else 2)
            yield Draft(size, partial(_with_constant, bank, entry, divisor, made, value, swapped))


def _with_constant(bank: Bank, entry: int, divisor: int, made: Operator, constant: int, swapped: bool) -> Expression:
    value = bank.expression(entry)
    if divisor:
        value = value % divisor
    if made == "==" and constant == 0:
        return operation("not", value)
    return operation(made, constant, value) if swapped else operation(made, value, constant)


def _comparisons(goal: _Goal) -> Iterator[Draft]:
    """target = entry compared with entry, both of at most a size that the pair limit allows."""
    bank, target = goal.bank, goal.target.astype(bool)
    pairs = _PAIRS // (4 if goal.deep else 16)
    first = np.arange(min(len(bank.values), int(pairs**0.5)))
    few = np.flatnonzero(bank.sizes == 1)
    for left, right in ((first, first), (few, np.arange(min(len(bank.values), pairs // max(1, len(few)))))):
        for made, test in _COMPARISONS.items():
            yield from _compared(goal, target, made, test, left, right)
            if made in ("<", "<=") and len(left) != len(right):
                yield from _compared(goal, target, made, test, right, left)


def _compared(
    goal: _Goal, target: np.ndarray, made: Operator, test: np.ufunc, left: np.ndarray, right: np.ndarray
) -> Iterator[Draft]:
    values = goal.bank.values
    i, j = np.nonzero(test(values[left][:, None, 0], values[right][None, :, 0]) == target[0])
    for row in range(1, len(target)):
        check_time()
        if not len(i):
            return
        kept = test(values[left[i], row], values[right[j], row]) == target[row]
        i, j = i[kept], j[kept]
    yield from goal.smallest(made, left[i], right[j])


def _connectives(goal: _Goal) -> Iterator[Draft]:
    """target = truth and truth, or, and their chains."""
    bank = goal.bank
    entries = np.flatnonzero(bank.truths())
    sets, first = np.unique(row_sets(bank.values[entries] == 1), return_index=True)
    order = np.argsort(first)
    sets, entries = sets[order], entries[first[order]]
    wanted = row_sets((goal.target == 1)[None])[0]
    whole = row_sets(np.ones((1, bank.rows), bool))[0]
    for made in _CONNECTIVES:
        # "or" is "and" of the complements: both look for sets that contain the wanted one and meet in it.
        flipped = whole if made == "or" else np.uint64(0)
        flip, goal_set = sets ^ flipped, wanted ^ flipped
        fits = np.flatnonzero((flip & goal_set) == goal_set)[:_SETS]
        i, j = np.nonzero(flip[fits][:, None] & flip[fits][None, :] == goal_set)
        yield from goal.smallest(made, entries[fits[i]], entries[fits[j]])
        yield from _chain(bank, made, flip[fits], entries[fits], goal_set, whole)


def _chain(
    bank: Bank, made: Operator, sets: np.ndarray, entries: np.ndarray, wanted: np.uint64, whole: np.uint64
) -> Iterator[Draft]:
    """Greedy: always the set that removes the most unwanted rows for its size."""
    kept: list[int] = []
    left = whole
    while left != wanted:
        gain = np.bitwise_count(left & ~sets) if len(sets) else np.zeros(0)
        if not gain.any():
            return
        best = int(np.argmax(gain / (bank.sizes[entries] + 1)))
        kept.append(int(entries[best]))
        left = left & sets[best]
    size = sum(int(bank.sizes[entry]) + 1 for entry in kept) - 1
    yield Draft(size, lambda: reduce(partial(operation, made), map(bank.expression, kept)))


def _clipped(goal: _Goal) -> Iterator[Draft]:
    """target = an entry, clipped to the range of the target."""
    bank, target = goal.bank, goal.target
    low, high = int(target.min()), int(target.max())
    fits = np.flatnonzero((np.clip(bank.values, low, high) == target).all(1))
    if len(fits):
        entry = int(fits[np.argmin(bank.sizes[fits])])
        size = int(bank.sizes[entry]) + 4
        yield Draft(size, lambda: operation("min", operation("max", bank.expression(entry), low), high))


def _extremes(goal: _Goal) -> Iterator[Draft]:
    """target = min or max of two entries."""
    bank, target = goal.bank, goal.target
    whole = row_sets(np.ones((1, bank.rows), bool))[0]
    sides: dict[Operator, np.ndarray] = {"max": bank.values <= target, "min": bank.values >= target}
    for made, beyond in sides.items():
        fits = np.flatnonzero(beyond.all(1))
        sets, first = np.unique(row_sets(bank.values[fits] == target), return_index=True)
        order = np.argsort(first)[:_SETS]
        sets, fits = sets[order], fits[first[order]]
        i, j = np.nonzero(sets[:, None] | sets[None, :] == whole)
        yield from goal.smallest(made, fits[i], fits[j])
