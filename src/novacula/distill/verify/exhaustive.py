"""All inputs of a length, where they are not too many. Source: ours."""

import numpy as np

from novacula.distill.machine import Machine
from novacula.distill.network import Network
from novacula.distill.program import Program
from novacula.distill.verify.certificate import Check, Counterexample
from novacula.distill.verify.samples import earliest
from novacula.distill.verify.stepping import LargeNumbersError, Stepper, stepper
from novacula.distill.verify.target import Target

LENGTH = 10
"""The length of tier S3."""
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
    if isinstance(target.behavior, Network):
        example = _with_network(stepper(target.behavior), stepper(program), symbols, length)
    else:
        example = _with_words(program, target, symbols, length)
    verdict = "agree" if example is None else "do not agree"
    detail = f"All {count:,} inputs of length {length} {verdict}."
    return Check("exhaustive", length, count, example is None, detail), example


def _with_words(program: Program | Machine, target: Target, symbols: np.ndarray, length: int) -> Counterexample | None:
    """Every word as a sequence of its own, for a target that is only known by its answers."""
    best: Counterexample | None = None
    for begin in range(0, len(symbols) ** length, _ROWS):
        numbers = np.arange(begin, min(begin + _ROWS, len(symbols) ** length))
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
            best = Counterexample(
                tuple(map(tuple, words[row].tolist())), tuple(expected[row].tolist()), tuple(found[row].tolist())
            )
        elif words.shape[1] < length:
            blocks = range(0, len(left), _BLOCK)
            stack += [(left[b : b + _BLOCK], right[b : b + _BLOCK], words[b : b + _BLOCK]) for b in blocks]
    return best


def _advance(program: Stepper, state: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        return program.advance(state, x)
    except LargeNumbersError:
        return program.advance(state.astype(object), x.astype(object))
