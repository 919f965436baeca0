"""What a benchmark task is: a reference program, its inputs, and what was published about it. Source: ours."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from novacula.distill.behavior import random_words
from novacula.distill.program import Program
from novacula.distill.sequences import Sequences

Sampler = Literal["uniform", "distinct", "palindromes"]
Regression = Literal["LR", "BR", "BR+1", "SR"]


@dataclass(frozen=True)
class PublishedRecord:
    """What arXiv 2402.05110 says of a task; the machine sizes are ours."""

    mips: bool  #: whether its method solved the task
    gpt4: bool  #: whether GPT-4 did, by its generous count
    hidden: int  #: numbers in the state of its network
    how: Regression | None
    """The regression that found the program: linear, Boolean, Boolean with one bit more, symbolic."""
    moore: str  #: states of the minimal Moore machine; ``∞ (n)`` with n of them reachable in the task's length
    mealy: int | None  #: states of the minimal Mealy machine; None where it is infinite or not known


@dataclass(frozen=True)
class SequenceTask:
    """A benchmark task. Synthesis sees its data only; verification may use the program."""

    name: str  #: as published
    program: Program  #: the definition
    low: int  #: the least input
    high: int  #: the largest
    length: int  #: of its sequences
    published: PublishedRecord  #: the record to compare with
    sampler: Sampler = "uniform"
    """How sequences are drawn: with independent, uniform symbols; the same without repeated sequences; or with a
    palindrome of random length at the beginning."""

    def inputs(
        self, rows: int, generator: np.random.Generator, length: int | None = None
    ) -> Int[np.ndarray, "drawn time streams"]:
        """Draws input sequences, of the task's length unless another is given; `distinct` ones may be fewer."""
        length = self.length if length is None else length
        x = random_words(self.low, self.high, len(self.program.inputs), length, rows, generator)
        if self.sampler == "distinct":
            x = generator.permutation(np.unique(x, axis=0))
        if self.sampler == "palindromes" and length > 1:
            _begin_with_palindromes(x, generator)
        return x

    def data(self, rows: int, generator: np.random.Generator, length: int | None = None) -> Sequences:
        """Draws input sequences, with their outputs."""
        x = self.inputs(rows, generator, length)
        return Sequences(x, self.program.run(x), np.full(len(x), x.shape[1]), self.name)


def _begin_with_palindromes(x: Int[np.ndarray, "rows time streams"], generator: np.random.Generator) -> None:
    """Mirror the first half of a random prefix, of 2 or more symbols, of every row."""
    time = np.arange(x.shape[1])
    prefix = generator.integers(2, x.shape[1], (len(x), 1), endpoint=True)
    mirrored = prefix - 1 - time
    source = np.where((time < prefix) & (mirrored < time), mirrored, time)
    x[:] = np.take_along_axis(x, source[:, :, None], axis=1)
