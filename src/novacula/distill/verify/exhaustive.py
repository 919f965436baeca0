"""Equality by going through everything: all inputs of a length, or all joint states of two transducers.

Two finite machines are equal if and only if their outputs agree on every reachable transition of their product. Where
the product is not finite, or too large, what was explored still covers all inputs up to some length.
Source: the equivalence test for finite automata of Moore (1956) and of Hopcroft and Karp (1971).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from novacula.distill.program.machine import Machine
from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import RecurrentNetwork
from novacula.distill.verify.certificate import Check, Counterexample
from novacula.distill.verify.samples import earliest
from novacula.distill.verify.target import LargeNumbersError, Stepper, Target, numbered, stepper
from novacula.runs import check_time

MOST_TRANSITIONS = 3_000_000  #: joint transitions that are tried before giving up
_MOST_LEVELS = 300


@dataclass(frozen=True)
class ProductSearch:
    """What a search through the product found."""

    closed: bool  #: every reachable joint state was tried, so that the transducers agree for every length
    length: int  #: they agree on all inputs up to this length
    states: int  #: joint states tried
    counterexample: Counterexample | None = None  #: a shortest one, if they differ


@dataclass(frozen=True)
class _Level:
    """The new joint states at a depth, and how each was reached."""

    left: np.ndarray
    right: np.ndarray
    parent: np.ndarray
    symbol: np.ndarray


def search_product(
    expected: Stepper,
    found: Stepper,
    symbols: Int[np.ndarray, "symbols streams"],
    *,
    most_transitions: int = MOST_TRANSITIONS,
) -> ProductSearch:
    """Tries every input from every joint state, until none is new, the outputs differ, or the budget is spent."""
    none = np.zeros(1, np.int64)
    levels = [_Level(expected.start[None], found.start[None], none, none)]
    seen = dict.fromkeys(_keys(levels[0].left, levels[0].right), 0)
    spent = 0
    while len(levels[-1].left):
        check_time()
        level = levels[-1]
        spent += len(level.left) * len(symbols)
        if spent > most_transitions or len(levels) > _MOST_LEVELS:
            return ProductSearch(False, len(levels) - 1, len(seen))
        parent = np.repeat(np.arange(len(level.left)), len(symbols))
        symbol = np.tile(np.arange(len(symbols)), len(level.left))
        try:
            left, left_out = expected.advance(level.left[parent], symbols[symbol])
            right, right_out = found.advance(level.right[parent], symbols[symbol])
        except LargeNumbersError:
            return ProductSearch(False, len(levels) - 1, len(seen))
        wrong = np.flatnonzero((left_out != right_out).any(axis=1))
        if len(wrong):
            row = int(wrong[0])
            word = [*_word(levels, int(parent[row])), int(symbol[row])]
            example = Counterexample.of(symbols[word], left_out[row], right_out[row])
            return ProductSearch(False, len(levels) - 1, len(seen), example)
        fresh, _ = numbered(_keys(left, right), seen)
        levels.append(_Level(left[fresh], right[fresh], parent[fresh], symbol[fresh]))
    return ProductSearch(True, len(levels) - 1, len(seen))


def _keys(left: np.ndarray, right: np.ndarray) -> list[bytes]:
    """Each joint state as bytes; adding 0 turns the float -0 into 0."""
    joint = np.ascontiguousarray(np.concatenate([left + 0, right + 0], axis=1))
    if not joint.shape[1]:
        return [b""] * len(joint)
    return joint.view(f"V{joint.dtype.itemsize * joint.shape[1]}").reshape(-1).tolist()


def _word(levels: list[_Level], row: int) -> list[int]:
    """The symbols that lead to a state of the last level."""
    word = []
    for level in reversed(levels[1:]):
        word.append(int(level.symbol[row]))
        row = int(level.parent[row])
    return word[::-1]


LENGTH = 10  #: the length of tier S3
_BLOCK = 50_000
_ROWS = 20_000


def try_all(program: Program | Machine, target: Target) -> tuple[Check, Counterexample | None] | None:
    """Compares a program with a target that is no program, on every input of a length.

    The length is the horizon, or 10, or less where the target allows fewer words.

    Returns:
        What was compared and the shortest counterexample; None where not even inputs of length 1 can be tried.
    """
    symbols = target.symbols
    if symbols is None:
        return None
    length = target.horizon or LENGTH
    while length and len(symbols) ** length > target.words:
        length -= 1
    if not length:
        return None
    count = len(symbols) ** length
    if isinstance(target.behavior, RecurrentNetwork):
        example = _with_network(stepper(target.behavior), stepper(program), symbols, length)
    else:
        example = _with_words(program, target, symbols, length)
    verdict = "agree" if example is None else "do not agree"
    detail = f"All {count:,} inputs of length {length} {verdict}."
    if count == 1:
        detail = f"The one input of length {length} {'agrees' if example is None else 'does not agree'}."
    return Check("exhaustive", length, count, example is None, detail), example


def _with_words(program: Program | Machine, target: Target, symbols: np.ndarray, length: int) -> Counterexample | None:
    """Every word as a sequence of its own, for a target that is only known by its answers."""
    best: Counterexample | None = None
    for begin in range(0, len(symbols) ** length, _ROWS):
        numbers = np.arange(begin, min(begin + _ROWS, len(symbols) ** length))
        check_time()
        digits = numbers[:, None] // len(symbols) ** np.arange(length)[::-1] % len(symbols)
        x = symbols[digits]
        expected, found = target.behavior.run(x), program.run(x)
        differs = (expected != found).any(axis=2)
        if differs.any():
            example = earliest(x, expected, found, differs)
            best = example if best is None or len(example.x) < len(best.x) else best
    return best


def _with_network(network: Stepper, program: Stepper, symbols: np.ndarray, length: int) -> Counterexample | None:
    """The tree of all words, each prefix run once: level by level while it is small, then branch by branch."""
    best: Counterexample | None = None
    root = np.zeros((1, 0, symbols.shape[1]), np.int64)
    stack = [(network.start[None], program.start[None], root)]
    while stack:
        check_time()
        left, right, words = stack.pop()
        if best is not None and words.shape[1] + 1 >= len(best.x):
            continue
        x = np.tile(symbols, (len(left), 1))
        words = np.concatenate([np.repeat(words, len(symbols), axis=0), x[:, None]], axis=1)
        left, expected = network.advance(np.repeat(left, len(symbols), axis=0), x)
        right, found = _advance(program, np.repeat(right, len(symbols), axis=0), x)
        wrong = np.flatnonzero((expected != found).any(axis=1))
        if len(wrong):
            row = wrong[0]
            best = Counterexample.of(words[row], expected[row], found[row])
        elif words.shape[1] < length:
            blocks = range(0, len(left), _BLOCK)
            stack += [(left[b : b + _BLOCK], right[b : b + _BLOCK], words[b : b + _BLOCK]) for b in blocks]
    return best


def _advance(program: Stepper, state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        return program.advance(state, x)
    except LargeNumbersError:
        return program.advance(state.astype(object), x.astype(object))
