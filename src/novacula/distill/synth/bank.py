"""Bottom-up enumeration of expressions: by size, one for each list of values on a few rows. Source: ours.

Of expressions with the same values on all rows only the shortest is kept and built upon (observational equivalence).
Values are compared by a random linear hash: the hash of a sum is the sum of the hashes, so that sums and differences
are looked up without being computed. How long a search may take is counted in work, never in seconds: the same input
gives the same answer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, UInt64

from novacula.distill.program.expression import Expression, Name, Number, Operation, Operator, operation
from novacula.distill.synth.linear import affine, affine_nodes
from novacula.runs import check_time

MAX_ROWS = 64  #: rows that a bank may have: sets of rows are then the bits of one machine word
_LARGEST = 2**24
_CHUNK = 2**21
_MAX_ENTRIES = 60_000
_STEP = 5
"""Nodes of a step that stops."""
_FEW = 4
_MANY = 5

Binary = Callable[[np.ndarray, np.ndarray], np.ndarray]
_COMMUTATIVE: dict[Operator, Binary] = {
    "and": np.multiply,
    "or": np.maximum,
    "!=": np.not_equal,
    "==": np.equal,
    "+": np.add,
    "min": np.minimum,
    "max": np.maximum,
    "*": np.multiply,
}


@dataclass(frozen=True)
class Limits:
    """Where a synthesis stops."""

    work: int = 20_000_000
    """Expressions that may be computed on all sampled rows; 20 million take a core about ten seconds."""
    nodes: int = 60  #: the most syntax nodes that a program may have
    seed: int = 0  #: the seed of the words and rows that are sampled


NONE_KNOWN = 10**6  #: more nodes than any program has


@dataclass
class Budget:
    """What a search may still do, shared by all its steps."""

    left: int  #: expressions that may still be computed
    bound: int  #: programs with this many nodes or more are of no use
    shortest: int = NONE_KNOWN  #: nodes of the shortest known program; `NONE_KNOWN` while there is none

    def spend(self, amount: int) -> bool:
        """Takes an amount off and returns True; where less is left, returns False. It looks at the clock."""
        check_time()
        if amount > self.left:
            return False
        self.left -= amount
        return True


_ORDERED: dict[Operator, Binary] = {"<": np.less, "<=": np.less_equal, "-": np.subtract}
_BY_CONSTANT: dict[Operator, Binary] = {"%": np.mod, "//": np.floor_divide}
_UNARY: dict[Operator, Callable[[np.ndarray], np.ndarray]] = {
    "not": lambda a: a == 0,
    "neg": np.negative,
    "abs": np.abs,
}


class Draft(NamedTuple):
    """An expression that is not built yet: its size, and how to build it."""

    size: int
    build: Callable[[], Expression]


_Factors = tuple[int, ...]
_Made = tuple[Operator | Expression | _Factors, int, int]
"""An operator with the entries that it joins, an expression, or a sum as factors of all variables and a constant."""


@dataclass
class Bank:
    """Expressions of growing size over given columns."""

    columns: Mapping[str, Int[np.ndarray, " rows"]]  #: the values of every variable on the rows
    constants: Sequence[int]  #: the numbers that expressions may hold
    rows: int  #: the length of the columns, at most `MAX_ROWS`
    budget: Budget  #: what growing spends
    values: np.ndarray = field(init=False)  #: the values of every entry on the rows
    hashes: np.ndarray = field(init=False)  #: hashes of the entries
    sizes: np.ndarray = field(init=False)  #: nodes of the entries
    size: int = field(init=False, default=0)  #: all expressions up to this size are in the bank

    def __post_init__(self) -> None:
        self.key = np.random.default_rng(0).integers(1, 2**62, self.rows) | 1
        self.values = np.zeros((0, self.rows), np.int64)
        self.hashes = np.zeros(0, np.int64)
        self.sizes = np.zeros(0, np.int64)
        self._order = self._sorted = np.zeros(0, np.int64)
        self._truth = np.zeros(0, bool)
        self._made: list[_Made] = []
        numbers = list(dict.fromkeys(self.constants))
        values = [*self.columns.values(), *(np.full(self.rows, number) for number in numbers)]
        leaves = [*map(Name, self.columns), *map(Number, numbers)]
        self._add_given(leaves, np.array(values, np.int64), np.ones(len(leaves), np.int64))
        self.size = 1

    def grow(self, size: int) -> bool:
        """Adds all expressions up to a size; returns False when the work ran out before."""
        while self.size < size:
            if not self._grow_one(self.size + 1):
                return False
            self.size += 1
        return True

    def add_sums(self) -> None:
        """Adds sums of variables with small factors, of any length: what is divided or compared is often such a sum."""
        names = list(self.columns)
        factors = (0, 1, -1, 2) if len(names) <= _FEW else (0, 1, -1)
        if len(names) <= _MANY:
            sums = np.array(list(product(*(factors,) * len(names), (0, 1, -1))))
            sums = sums[(sums[:, :-1] != 0).any(1)]
            values = sums @ np.array([*self.columns.values(), np.ones(self.rows, np.int64)])
            self._add_given(list(map(tuple, sums.tolist())), values, affine_nodes(sums))

    def add_steps(self) -> None:
        """Adds variables a step up or down that stop at another or at a number, such as `max(a - 1, 0)`: positions."""
        leaves = {Name(name): values for name, values in self.columns.items()}
        moving = [variable for variable, values in leaves.items() if values.max() > 1] if len(leaves) <= _MANY else []
        leaves |= {Number(number): np.full(self.rows, number) for number in self.constants}
        made: list[Expression] = []
        values = []
        for variable, (leaf, stop) in product(moving, leaves.items()):
            if leaf != variable:
                made += [operation("max", variable - 1, leaf), operation("min", variable + 1, leaf)]
                values += [np.maximum(leaves[variable] - 1, stop), np.minimum(leaves[variable] + 1, stop)]
        varying = [at for at, value in enumerate(values) if (value != value[0]).any()]
        if varying:
            self._add_given([made[at] for at in varying], np.array(values)[varying], np.full(len(varying), _STEP))

    def expression(self, entry: int) -> Expression:
        """Returns the tree of an entry."""
        made, left, right = self._made[entry]
        if isinstance(made, Expression):
            return made
        if isinstance(made, tuple):
            return affine(dict(zip(self.columns, made[:-1], strict=True)), made[-1])
        if made in _UNARY:
            return Operation(made, (self.expression(left),))
        return Operation(made, (self.expression(left), self.expression(right)))

    def find(self, hashes: Int[np.ndarray, " wanted"]) -> Int[np.ndarray, " wanted"]:
        """Returns, for hashes of values, the entry that has these values, or -1."""
        order = self._order
        place = np.minimum(np.searchsorted(self._sorted, hashes), len(order) - 1)
        return np.where(self._sorted[place] == hashes, order[place], -1)

    def hash(self, values: Int[np.ndarray, "*shape rows"]) -> Int[np.ndarray, "*shape"]:
        """Returns a number that, almost surely, only equal values share; it is linear, modulo 2^64."""
        return np.asarray(values @ self.key)

    def truths(self) -> Bool[np.ndarray, " entries"]:
        """Returns which entries are 0 or 1 on all rows."""
        return self._truth[: len(self.values)]

    def _grow_one(self, size: int) -> bool:
        plan = list(self._plan(size))
        pairs = sum(len(left) * len(right) for _, left, right, _ in plan)
        if len(self.values) >= _MAX_ENTRIES or not self.budget.spend(pairs):
            return False
        for made, left, right, commutes in plan:
            self._combine(made, left, right, size, commutes)
        return True

    def _plan(self, size: int) -> Iterator[tuple[Operator, np.ndarray, np.ndarray, bool]]:
        """Operators with the entries that they join to expressions of a size."""
        entries = np.arange(len(self.values))
        of_size = [entries[self.sizes == smaller] for smaller in range(size)]
        nothing, truth = np.zeros(1, np.int64), self.truths()
        last = of_size[size - 1]
        yield "not", last[(self.values[last] == 0).any(1)], nothing, False
        negative = last[(self.values[last] < 0).any(1)]
        yield "abs", negative, nothing, False
        yield "neg", last[~truth[last]], nothing, False
        constants = np.array([e for e in of_size[1] if isinstance(self._made[e][0], Number) and self.values[e][0] > 1])
        if size > 2 and len(constants):
            for made in _BY_CONSTANT:
                left = of_size[size - 2]
                yield made, left[~truth[left]], constants.astype(np.int64), False
        for left_size in range(1, size - 1):
            left, right = of_size[left_size], of_size[size - 1 - left_size]
            if 2 * left_size <= size - 1:
                for made in _COMMUTATIVE:
                    chosen = (left, right)
                    if made in ("and", "or"):
                        chosen = (left[truth[left]], right[truth[right]])
                    elif made in ("min", "max", "*"):
                        chosen = (left[~truth[left]], right[~truth[right]])
                    yield made, *chosen, len(left) == len(right) and left_size * 2 == size - 1
            for made in _ORDERED:
                yield made, left, right, False
            yield "and", left[truth[left]], right[~truth[right]], False

    def _combine(self, made: Operator, left: np.ndarray, right: np.ndarray, size: int, commutes: bool) -> None:
        if not len(left) or not len(right):
            return
        step = max(1, _CHUNK // (self.rows * len(right)))
        for at in range(0, len(left), step):
            check_time()
            rows, columns = np.meshgrid(left[at : at + step], right, indexing="ij")
            rows, columns = rows.ravel(), columns.ravel()
            if commutes:
                kept = rows <= columns
                rows, columns = rows[kept], columns[kept]
            if made in ("+", "-"):
                first, second = self.hashes[rows], self.hashes[columns]
                fresh = self._fresh(first + second if made == "+" else first - second)
                rows, columns = rows[fresh], columns[fresh]
            self._add(made, rows, columns, self._apply(made, rows, columns), size)

    def _apply(self, made: Operator, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        if made in _UNARY:
            return _UNARY[made](self.values[left]).astype(np.int64)
        function = _COMMUTATIVE.get(made) or _ORDERED.get(made) or _BY_CONSTANT[made]
        return function(self.values[left], self.values[right]).astype(np.int64)

    def _fresh(self, hashes: np.ndarray) -> np.ndarray:
        """Places of the first of every hash that no entry has."""
        hashes, first = np.unique(hashes, return_index=True)
        if len(self._sorted):
            place = np.minimum(np.searchsorted(self._sorted, hashes), len(self._sorted) - 1)
            first = first[self._sorted[place] != hashes]
        return np.sort(first)

    def _add(self, made: Operator, left: np.ndarray, right: np.ndarray, values: np.ndarray, size: int) -> None:
        hashes = self.hash(values)
        fresh = self._fresh(hashes)
        chosen = values[fresh]
        fresh = fresh[(chosen != chosen[:, :1]).any(1) & (np.abs(chosen) < _LARGEST).all(1)]
        fresh = fresh[: max(0, _MAX_ENTRIES - len(self.values))]
        if len(fresh):
            sources = zip(left[fresh].tolist(), right[fresh].tolist(), strict=True)
            self._append([(made, *pair) for pair in sources], values[fresh], np.full(len(fresh), size))

    def _add_given(self, made: Sequence[Expression | _Factors], values: np.ndarray, sizes: np.ndarray) -> None:
        order = np.argsort(sizes, kind="stable")
        fresh = order[self._fresh(self.hash(values[order]))]
        if len(fresh):
            self._append([(made[at], 0, 0) for at in fresh], values[fresh], sizes[fresh])

    def _append(self, made: list[_Made], values: np.ndarray, sizes: np.ndarray) -> None:
        self._made += made
        self._truth = np.append(self._truth, ((values == 0) | (values == 1)).all(1))
        self.values = np.concatenate([self.values, values])
        self.hashes = np.concatenate([self.hashes, self.hash(values)])
        self.sizes = np.concatenate([self.sizes, sizes])
        self._order = np.argsort(self.hashes, kind="stable")
        self._sorted = self.hashes[self._order]


def row_sets(truth: Bool[np.ndarray, "entries rows"]) -> UInt64[np.ndarray, " entries"]:
    """Returns for every entry the set of rows where it holds, as bits."""
    packed = np.zeros((len(truth), 8), np.uint8)
    bits = np.packbits(truth, axis=1, bitorder="little")
    packed[:, : bits.shape[1]] = bits
    return packed.view(np.uint64).ravel()
