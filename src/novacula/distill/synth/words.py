"""Sequences with their outputs: paths through a table, or the answers of a behavior. Source: ours."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from novacula.distill.behavior import Behavior
from novacula.distill.program import Program
from novacula.distill.synth.table import Table

_EXHAUSTIVE = 4096


@dataclass(frozen=True)
class Words:
    """Input sequences from the start, and what came out.

    Attributes:
        x: the inputs.
        y: the outputs; meaningless where not known.
        known: true up to the end of every sequence, then false.
    """

    x: Int[np.ndarray, "words time streams"]
    y: Int[np.ndarray, "words time outputs"]
    known: Bool[np.ndarray, "words time"]

    def agrees(self, program: Program) -> bool:
        """Returns whether a program has these outputs."""
        return bool((program.run(self.x) == self.y)[self.known].all())


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
        places = np.indices((len(symbols),) * length).reshape(length, -1).T
    else:
        places = seed.integers(0, len(symbols), (words, length))
    x = symbols[places]
    return Words(x, behavior.run(x), np.ones(places.shape, bool))
