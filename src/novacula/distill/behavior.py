"""What can be asked for outputs: a network, a user's function, a program, a machine. Source: ours."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int


@runtime_checkable
class Behavior(Protocol):
    """A causal map from input sequences to output sequences of integers: output t depends on inputs 0..t only."""

    def run(self, x: Int[np.ndarray, "rows time streams"]) -> Int[np.ndarray, "rows time outputs"]:
        """Returns the outputs for many sequences of one length."""
        ...


def words(low: int, high: int, streams: int, length: int) -> Int[np.ndarray, "words length streams"]:
    """Returns every input sequence of a length, in lexicographic order."""
    symbols = high - low + 1
    digits = np.indices((symbols,) * (streams * length)).reshape(streams * length, -1).T
    return np.ascontiguousarray(digits.reshape(-1, length, streams) + low)


def random_words(
    low: int, high: int, streams: int, length: int, count: int, generator: np.random.Generator
) -> Int[np.ndarray, "words length streams"]:
    """Draws independent, uniform input sequences."""
    return generator.integers(low, high, (count, length, streams), endpoint=True)
