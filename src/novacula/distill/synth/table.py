"""What was seen of a machine, as one table: numbered states, known transitions, which programs agree.

Words are sequences with their outputs: paths through a table, or the answers of a behavior. Source: ours.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from novacula.distill.program.machine import UNKNOWN, Machine, Transitions
from novacula.distill.program.program import EXACT_LIMIT, Program
from novacula.distill.sources.behavior import Behavior, run_within
from novacula.distill.sources.behavior import words as all_words
from novacula.errors import InputError

_PAIRS = 300_000
"""The most pairs of states that `reproduces` visits: in a machine that is cut short, new pairs do not end."""
_STEPS = 20


@dataclass(frozen=True)
class Table:
    """Known transitions between numbered states; the start is state 0. No (state, symbol) occurs twice."""

    symbols: Int[np.ndarray, "symbols streams"]  #: the distinct inputs
    codes: Int[np.ndarray, "states codes"]
    """The integer vector of every state, where the source gives one; no columns otherwise."""
    state: Int[np.ndarray, " rows"]  #: the states that were left, ascending
    symbol: Int[np.ndarray, " rows"]  #: indices of the inputs that were read there
    next: Int[np.ndarray, " rows"]  #: the states that were reached
    y: Int[np.ndarray, "rows outputs"]  #: the outputs that were put out

    @property
    def states(self) -> int:
        """How many states there are."""
        return len(self.codes)

    @property
    def x(self) -> Int[np.ndarray, "rows streams"]:
        """The inputs that were read."""
        return self.symbols[self.symbol]

    def walk(
        self, rows: int, length: int, generator: np.random.Generator
    ) -> tuple[Int[np.ndarray, "rows length"], Bool[np.ndarray, "rows length"]]:
        """Draws random paths from the start along known transitions.

        Returns:
            The row of the table that each step takes, and whether there was one: a path ends where nothing is known.
        """
        first = np.searchsorted(self.state, np.arange(self.states + 1))
        state, alive = np.zeros(rows, np.int64), np.ones(rows, bool)
        taken, known = np.zeros((rows, length), np.int64), np.zeros((rows, length), bool)
        for time in range(length):
            choices = first[state + 1] - first[state]
            alive &= choices > 0
            if not alive.any():
                break
            drawn = first[state] + generator.integers(0, np.maximum(choices, 1))
            taken[alive, time], known[:, time] = drawn[alive], alive
            state = np.where(alive, self.next[taken[:, time]], state)
        return taken, known

    def reproduces(self, program: Program) -> bool:
        """Returns whether a program puts out what the table says, along every known path from the start.

        Pairs of a state of the table and a state of the program are visited breadth first. The search ends when no pair
        is new, which is a proof for all lengths; after `_PAIRS` pairs; or when the words are more than twice as long as
        those by which all rows were seen. Variables beyond 2^30 are not followed.
        """
        first = np.searchsorted(self.state, np.arange(self.states + 1))
        state = np.zeros(1, np.int64)
        values = np.array([program.start], np.int64).reshape(1, -1)
        key = np.random.default_rng(0).integers(1, 2**62, values.shape[1] + 1)
        seen = np.zeros(0, np.int64)
        covered, length, longest = np.zeros(len(self.state), bool), 0, len(self.state) + _STEPS
        while len(state) and len(seen) <= _PAIRS and length < longest:
            count = first[state + 1] - first[state]
            source = np.repeat(np.arange(len(state)), count)
            row = np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first[state], count)
            after, y = program.advance(values[source], self.x[row])
            if (y != self.y[row]).any():
                return False
            hashes = np.column_stack([self.next[row], after]) @ key
            hashes, fresh = np.unique(hashes, return_index=True)
            fresh = fresh[~np.isin(hashes, seen)]
            seen = np.union1d(seen, hashes)
            fresh = fresh[(np.abs(after[fresh]) < EXACT_LIMIT).all(1)]
            state, values = self.next[row][fresh], after[fresh]
            length += 1
            if not covered.all():
                covered[row] = True
                longest = 2 * length + _STEPS if covered.all() else longest
        return True


def table_of(source: Machine | Transitions, name: str) -> Table:
    """Returns the table of a machine's known transitions, or of coded rows, as far as they are reached from the start.

    Raises:
        InputError: two rows leave the same state with the same input and differ; `name` is what the error names.
    """
    if isinstance(source, Machine):
        state, symbol = np.nonzero(source.next != UNKNOWN)
        codes = np.zeros((source.states, 0), np.int64)
        after, y = source.next[state, symbol], source.output[state, symbol]
        return _reachable(Table(source.symbols, codes, state, symbol, after, y))
    rows = len(source.state)
    codes, number = _numbered(np.vstack([source.start[None], source.state, source.next]))
    symbols, symbol = np.unique(source.x, axis=0, return_inverse=True)
    state, after, symbol = number[1 : rows + 1], number[rows + 1 :], symbol.ravel()
    _, order = np.unique(np.column_stack([state, symbol, after, source.y]), axis=0, return_index=True)
    same = (np.diff(state[order]) == 0) & (np.diff(symbol[order]) == 0)
    if same.any():
        clashes = [f"rows {order[at]} and {order[at + 1]}" for at in np.flatnonzero(same)[:3]]
        rule = "a state and an input must lead to one next state and one output"
        raise InputError(name, f"{int(same.sum())} collisions ({', '.join(clashes)}); {rule}")
    return _reachable(Table(symbols, codes, state[order], symbol[order], after[order], source.y[order]))


def _reachable(table: Table) -> Table:
    """Without states that no known path from the start leads to, nor what is known of them."""
    reached = np.zeros(table.states, bool)
    reached[0] = True
    while True:
        more = np.unique(table.next[reached[table.state]])
        if reached[more].all():
            break
        reached[more] = True
    if reached.all():
        return table
    number, kept = np.cumsum(reached) - 1, reached[table.state]
    state, after = number[table.state[kept]], number[table.next[kept]]
    return Table(table.symbols, table.codes[reached], state, table.symbol[kept], after, table.y[kept])


def _numbered(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows in order of their first appearance, and every row's place among them."""
    if not codes.shape[1]:
        return codes[:1], np.zeros(len(codes), np.int64)
    distinct, first, place = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return distinct[order], np.argsort(order)[place.ravel()]


_EXHAUSTIVE = 4096


@dataclass(frozen=True)
class Words:
    """Input sequences from the start, and what came out."""

    x: Int[np.ndarray, "words time streams"]  #: the inputs
    y: Int[np.ndarray, "words time outputs"]  #: the outputs; meaningless where not known
    known: Bool[np.ndarray, "words time"]  #: true up to the end of every sequence, then false

    def agrees(self, program: Program) -> bool:
        """Returns whether a program has these outputs."""
        try:
            found = run_within(program, self.x, self.known.sum(axis=1))
        except OverflowError:
            return False
        return bool((found == self.y)[self.known].all())


def words_of_table(table: Table, words: int, length: int, generator: np.random.Generator) -> Words:
    """Draws random paths through a table."""
    taken, known = table.walk(words, length, generator)
    longest = int(known.any(0).sum())
    taken, known = taken[:, :longest], known[:, :longest]
    return Words(table.x[taken], table.y[taken], known)


def words_of_behavior(
    behavior: Behavior, symbols: Int[np.ndarray, "symbols streams"], words: int, length: int, seed: np.random.Generator
) -> Words:
    """Returns all words of a length where these are few, and random ones otherwise."""
    if len(symbols) ** length <= _EXHAUSTIVE:
        places = all_words(0, len(symbols) - 1, 1, length)[:, :, 0]
    else:
        places = seed.integers(0, len(symbols), (words, length))
    x = symbols[places]
    return Words(x, behavior.run(x), np.ones(places.shape, bool))
