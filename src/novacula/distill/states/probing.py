"""States written by their outputs at the ends of a few short words.

For an affine network this is the observability form of control theory (Kalman 1963) in integers; in other networks,
too, one more input often shows the whole state. Source: ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Num
from typing_extensions import override

from novacula.distill.states.reading import Code, Moves, collisions
from novacula.distill.states.walks import Walk


@dataclass(frozen=True)
class OutputCode(Code):
    """The values of output streams at the ends of words.

    Attributes:
        walk: what is driven.
        words: the words, each with a stream of the output.
    """

    walk: Walk
    words: tuple[tuple[Int[np.ndarray, "_ streams"], int], ...]

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
