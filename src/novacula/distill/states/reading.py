"""A network's states written as integer vectors, and whether its behavior is a function of them.

Probing writes a state by its outputs at the ends of a few short words. For an affine network this is the observability
form of control theory (Kalman 1963) in integers; in other networks, too, one more input often shows the whole state.
Source: ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int, Num
from typing_extensions import override

from novacula.distill.program.machine import Transitions
from novacula.distill.sources.behavior import random_words
from novacula.distill.states.walks import Walk

Kind = Literal["lattice", "outputs", "counts"]


@runtime_checkable
class Code(Protocol):
    """A way to write states of a walk as integers; for an opened network these are hidden vectors, old or new."""

    def encode(self, states: Num[np.ndarray, "rows size"]) -> Int[np.ndarray, "rows codes"]:
        """Returns the integers of every state."""
        ...


@dataclass(frozen=True)
class Moves:
    """Single steps that were observed, one in each row."""

    before: Num[np.ndarray, "rows size"]  #: states that were left
    x: Int[np.ndarray, "rows streams"]  #: what was read there
    after: Num[np.ndarray, "rows size"]  #: states that were reached
    y: Int[np.ndarray, "rows outputs"]  #: what was put out


@dataclass(frozen=True)
class Reading:
    """One way to write the states, and what it says."""

    kind: Kind  #: how it was found
    code: Code  #: writes any state
    transitions: Transitions  #: the distinct rows; where rows contradict each other, the more frequent one
    moves: int  #: the number of moves that were used
    collisions: int  #: the number of moves that contradict the transitions; with any, the integers do not say enough
    coverage: float | None
    """The share of all pairs of a state's code and a symbol that was seen or asked for; None where there are too
    many codes to say."""


def moves_of(walk: Walk, x: Int[np.ndarray, "rows time streams"]) -> Moves:
    """Returns every step of a walk along some words."""
    states, outputs = walk.trace(x)
    size = states.shape[2]
    return Moves(
        states[:, :-1].reshape(-1, size),
        x.reshape(-1, x.shape[2]),
        states[:, 1:].reshape(-1, size),
        outputs.reshape(-1, outputs.shape[2]),
    )


def joined(parts: list[Moves]) -> Moves:
    """Returns the rows of several."""
    return Moves(*map(np.concatenate, zip(*(vars(part).values() for part in parts), strict=True)))


def narrow_words(
    low: int, high: int, streams: int, length: int, count: int, generator: np.random.Generator
) -> Int[np.ndarray, "rows length streams"]:
    """Draws words of two symbols only, along which even many states come back often enough to show a contradiction.

    Half of the words are of 0 and 1, where both are allowed, and half of the least and the largest input.
    """
    zero = min(max(0, low), high)
    bits = random_words(0, 1, streams, length, count, generator)
    bits[::2] = np.where(bits[::2] == 1, min(zero + 1, high), zero)
    bits[1::2] = np.where(bits[1::2] == 1, high, low)
    return bits


_MOST_PAIRS = 20_000  #: the largest number of pairs of a state and a symbol that is completed


def tabulate(kind: Kind, code: Code, walk: Walk, moves: Moves, symbols: Int[np.ndarray, "symbols streams"]) -> Reading:
    """Returns the reading of a code; the walk is asked for moves that were not observed, where these are few."""
    start = code.encode(walk.start())[0]
    before, after = code.encode(moves.before), code.encode(moves.after)
    first = np.unique(_numbered(before), return_index=True)[1]
    coverage = None
    if 0 < len(first) * len(symbols) <= _MOST_PAIRS:
        asked = _missing(walk, moves, before, first, symbols)
        moves = joined([moves, asked])
        before = np.concatenate([before, code.encode(asked.before)])
        after = np.concatenate([after, code.encode(asked.after)])
        coverage = len(np.unique(_numbered(np.column_stack([before, moves.x])))) / (len(first) * len(symbols))
    keys = np.column_stack([before, moves.x])
    numbers = _numbered(np.column_stack([keys, after, moves.y]))
    _, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    # Of every key the most frequent row.
    order = first[np.argsort(-counts, kind="stable")]
    best = np.sort(order[np.unique(_numbered(keys[order]), return_index=True)[1]])
    right = int(np.bincount(numbers)[numbers[best]].sum())
    transitions = Transitions(start, before[best], moves.x[best], after[best], moves.y[best])
    return Reading(kind, code, transitions, len(keys), len(keys) - right, coverage)


def collisions(keys: Int[np.ndarray, "rows key"], values: Int[np.ndarray, "rows value"]) -> int:
    """Returns the number of rows that contradict the most frequent value of their key."""
    numbers = _numbered(keys)
    pairs = _numbered(np.column_stack([keys, values]))
    _, first, counts = np.unique(pairs, return_index=True, return_counts=True)
    most = np.zeros(numbers.max(initial=-1) + 1, np.int64)
    np.maximum.at(most, numbers[first], counts)
    return len(numbers) - int(most.sum())


def _missing(walk: Walk, moves: Moves, before: np.ndarray, first: np.ndarray, symbols: np.ndarray) -> Moves:
    """The moves from the first state of every code over symbols that were not read there."""
    states = np.repeat(moves.before[first], len(symbols), 0)
    x = np.tile(symbols, (len(first), 1))
    pairs = np.column_stack([np.repeat(before[first], len(symbols), 0), x])
    seen = _numbered(np.concatenate([np.column_stack([before, moves.x]), pairs]))
    missing = ~np.isin(seen[len(before) :], seen[: len(before)])
    states, x = states[missing], x[missing]
    outputs = np.empty((len(x), moves.y.shape[1]), np.int64)
    for symbol in np.unique(x, axis=0):
        place = (x == symbol).all(1)
        outputs[place] = walk.probe(states[place], symbol[None])[:, 0]
    return Moves(states, x, walk.step(states, x), outputs)


def _numbered(rows: np.ndarray) -> np.ndarray:
    """A number for every row, equal for equal rows.

    Rows are compared by a random combination of 62 bits: sorting single numbers is many times faster than sorting rows.
    """
    factors = np.random.default_rng(0).integers(1, 2**62, rows.shape[1]) * 2 + 1
    return np.unique(rows.astype(np.int64) @ factors, return_inverse=True)[1]


@dataclass(frozen=True)
class OutputCode(Code):
    """The values of output streams at the ends of words."""

    walk: Walk  #: what is driven
    words: tuple[tuple[Int[np.ndarray, "_ streams"], int], ...]  #: the words, each with a stream of the output

    @override
    def encode(self, states: Num[np.ndarray, "rows size"]) -> Int[np.ndarray, "rows codes"]:
        columns = [self.walk.probe(states, word)[:, -1, stream] for word, stream in self.words]
        return np.column_stack(columns) if columns else np.zeros((len(states), 0), np.int64)


def output_codes(
    walk: Walk, moves: Moves, symbols: Int[np.ndarray, "symbols streams"], longest: int
) -> Iterator[OutputCode]:
    """Yields codes by outputs that contradict no move, each for a symbol that is read again and again.

    Args:
        walk: what is driven.
        moves: what a code must explain: its value and the input decide its next value and the output.
        symbols: all inputs.
        longest: the most times that the symbol is read.
    """
    tables: dict[bytes, np.ndarray] = {}
    for symbol in _simplest(symbols):
        pool = _columns(walk, moves, symbol, longest)
        if (words := _sufficient(pool, moves)) is not None:
            code = OutputCode(walk, words)
            values = code.encode(moves.before)
            if values.tobytes() not in tables:
                tables[values.tobytes()] = values
                yield code


def _simplest(symbols: np.ndarray, most: int = 4) -> np.ndarray:
    """Zero, then the corners of the alphabet, then others spread over it."""
    low, high = symbols.min(0), symbols.max(0)
    corner = ((symbols == low) | (symbols == high)).all(1)
    spread = np.zeros(len(symbols), bool)
    spread[np.linspace(0, len(symbols) - 1, min(most, len(symbols))).astype(int)] = True
    rank = np.where((symbols == 0).all(1), 0, np.where(corner, 1, np.where(spread, 2, 3)))
    order = np.argsort(rank, kind="stable")
    return symbols[order[: min(most, int((rank < 3).sum()))]]


@dataclass(frozen=True)
class _Column:
    word: np.ndarray
    stream: int
    before: np.ndarray
    after: np.ndarray


def _columns(walk: Walk, moves: Moves, symbol: np.ndarray, longest: int) -> list[_Column]:
    """The possible coordinates: one for each number of times that the symbol is read and each stream of the output."""
    word = np.repeat(symbol[None], longest, 0)
    before, after = walk.probe(moves.before, word), walk.probe(moves.after, word)
    return [
        _Column(word[: time + 1], stream, before[:, time, stream], after[:, time, stream])
        for time in range(longest)
        for stream in range(before.shape[2])
    ]


def _sufficient(pool: list[_Column], moves: Moves) -> tuple[tuple[np.ndarray, int], ...] | None:
    """A smallest prefix of the pool without contradictions, without the columns that it does not need."""
    chosen: list[_Column] = []
    for column in [None, *pool]:
        chosen += [column] if column else []
        if not _contradicted(chosen, moves):
            break
    else:
        return None
    for column in chosen.copy():
        fewer = [kept for kept in chosen if kept is not column]
        if not _contradicted(fewer, moves):
            chosen = fewer
    return tuple((column.word, column.stream) for column in chosen)


def _contradicted(chosen: list[_Column], moves: Moves) -> bool:
    keys = np.column_stack([*(column.before for column in chosen), moves.x])
    values = np.column_stack([*(column.after for column in chosen), moves.y])
    return collisions(keys, values) > 0
