"""The benchmark as one table: the 62 tasks in the published order, and three variants that are reported apart.

Source: arXiv 2402.05110; ranges, lengths and records as restated from it, machine sizes ours. The published data sets
of `Div_k` put out each digit one step late, unlike their definition: `VARIANTS` holds these.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from novacula.distill.program.program import Program
from novacula.distill.sources.behavior import random_words
from novacula.distill.sources.sequences import Sequences
from novacula.distill.tasks.programs import DELAYED, PROGRAMS
from novacula.runs.notebook import Brief

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
class SequenceTask(Brief):
    """A benchmark task. Synthesis sees its data only; verification may use the program."""

    name: str  #: as published
    program: Program  #: the definition
    low: int  #: the least input
    high: int  #: the largest
    length: int  #: the length of its sequences
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


_LONG = frozenset(("Sum_Last5", "Sum_Last6", "Sum_Last7", "Prev5"))
_SAMPLERS: dict[str, Sampler] = {"Previous_Equals_Current": "distinct", "Bit_Palindrome": "palindromes"}

# name; least and largest input; solved by the published method, by GPT-4; size of its state; regression; machine sizes
_ROWS: tuple[tuple[str, int, int, bool, bool, int, Regression | None, str, int | None], ...] = (
    ("Binary_Addition", 0, 1, True, False, 2, "BR", "4", 2),
    ("Base_3_Addition", 0, 2, False, False, 2, None, "6", 2),
    ("Base_4_Addition", 0, 3, False, False, 2, None, "8", 2),
    ("Base_5_Addition", 0, 4, False, False, 2, None, "10", 2),
    ("Base_6_Addition", 0, 5, False, True, 2, None, "12", 2),
    ("Base_7_Addition", 0, 6, False, False, 2, None, "14", 2),
    ("Bitwise_Xor", 0, 1, True, True, 1, "BR", "2", 1),
    ("Bitwise_Or", 0, 1, True, True, 1, "BR", "2", 1),
    ("Bitwise_And", 0, 1, True, True, 1, "BR+1", "2", 1),
    ("Bitwise_Not", 0, 1, True, True, 1, "LR", "2", 1),
    ("Parity_Last2", 0, 1, True, True, 1, "BR+1", "4", 2),
    ("Parity_Last3", 0, 1, True, False, 2, "BR+1", "8", 4),
    ("Parity_Last4", 0, 1, False, False, 3, None, "16", 8),
    ("Parity_All", 0, 1, True, False, 1, "BR", "2", 2),
    ("Parity_Zeros", 0, 1, True, False, 1, "BR", "2", 2),
    ("Evens_Counter", 0, 9, False, False, 4, None, "∞ (12)", None),
    ("Sum_All", 0, 99, True, True, 1, "LR", "∞ (992)", None),
    ("Sum_Last2", 0, 99, True, False, 2, "LR", "10⁴", 100),
    ("Sum_Last3", 0, 99, True, False, 3, "LR", "10⁶", None),
    ("Sum_Last4", 0, 99, True, True, 4, "LR", "10⁸", None),
    ("Sum_Last5", 0, 99, True, True, 5, "LR", "10¹⁰", None),
    ("Sum_Last6", 0, 99, True, True, 6, "LR", "10¹²", None),
    ("Sum_Last7", 0, 99, True, True, 7, "LR", "10¹⁴", None),
    ("Current_Number", 0, 99, True, True, 1, "LR", "100", 1),
    ("Prev1", 0, 99, True, True, 2, "LR", "10⁴", 100),
    ("Prev2", 0, 99, True, True, 3, "LR", "10⁶", None),
    ("Prev3", 0, 99, True, True, 4, "LR", "10⁸", None),
    ("Prev4", 0, 99, True, True, 5, "LR", "10¹⁰", None),
    ("Prev5", 0, 99, True, True, 6, "LR", "10¹²", None),
    ("Previous_Equals_Current", 0, 7, True, False, 2, "SR", "16", 8),
    ("Diff_Last2", -100, 99, True, False, 2, "LR", "40 000", 200),
    ("Abs_Diff", -100, 99, True, False, 2, "SR", "30 100", 200),
    ("Abs_Current", -100, 99, True, True, 1, "SR", "101", 1),
    ("Diff_Abs_Values", -100, 99, False, True, 2, None, "10 201", 101),
    ("Min_Seen", 0, 9, False, True, 1, None, "10", 10),
    ("Max_Seen", 0, 99, False, True, 1, None, "100", 100),
    ("Majority_0_1", 0, 1, False, True, 1, None, "∞ (22)", None),
    ("Majority_0_2", 0, 2, False, False, 4, None, "∞ (167)", None),
    ("Majority_0_3", 0, 3, False, False, 21, None, "∞ (792)", None),
    ("Evens_Detector", 0, 9, False, True, 5, None, "2", 1),
    ("Perfect_Square_Detector", 0, 19, False, False, 48, None, "2", 1),
    ("Bit_Palindrome", 0, 1, False, True, 18, None, "∞ (2047)", None),
    ("Balanced_Parenthesis", 0, 1, False, False, 1, None, "∞ (13)", None),
    ("Parity_Bits_Mod2", 0, 1, False, True, 1, None, "2", 2),
    ("Alternating_Last3", 0, 1, False, False, 2, None, "6", 4),
    ("Alternating_Last4", 0, 1, False, True, 2, None, "8", 6),
    ("Bit_Shift_Right", 0, 1, True, True, 2, "LR", "4", 2),
    ("Bit_Dot_Prod_Mod2", 0, 1, True, False, 1, "BR", "2", 2),
    ("Div_3", 0, 1, False, True, 2, None, "6", 3),
    ("Div_5", 0, 1, False, False, 4, None, "10", 5),
    ("Div_7", 0, 1, False, False, 4, None, "14", 7),
    ("Add_Mod_3", 0, 2, True, True, 1, "SR", "3", 3),
    ("Add_Mod_4", 0, 3, False, False, 2, None, "4", 4),
    ("Add_Mod_5", 0, 4, False, False, 3, None, "5", 5),
    ("Add_Mod_6", 0, 5, False, False, 4, None, "6", 6),
    ("Add_Mod_7", 0, 6, False, False, 4, None, "7", 7),
    ("Add_Mod_8", 0, 7, False, False, 67, None, "8", 8),
    ("Dithering", 0, 15, False, True, 81, None, "30", 15),
    ("Newton_Freebody", -10, 10, True, False, 2, "LR", "∞", None),
    ("Newton_Gravity", -10, 10, True, False, 2, "LR", "∞", None),
    ("Newton_Spring", -10, 10, True, False, 2, "LR", "∞", None),
    ("Newton_Magnetic", -10, 10, False, False, 4, None, "∞", None),
)

TASKS: dict[str, SequenceTask] = {
    name: SequenceTask(
        name=name,
        program=PROGRAMS[name],
        low=low,
        high=high,
        length=20 if name in _LONG else 10,
        published=PublishedRecord(mips, gpt4, hidden, how, moore, mealy),
        sampler=_SAMPLERS.get(name, "uniform"),
    )
    for name, low, high, mips, gpt4, hidden, how, moore, mealy in _ROWS
}
"""The 62 tasks by name, in the published order."""

VARIANTS: dict[str, SequenceTask] = {
    f"Div_{k}_delayed": SequenceTask(
        name=f"Div_{k}_delayed",
        program=DELAYED[f"Div_{k}_delayed"],
        low=0,
        high=1,
        length=10,
        published=PublishedRecord(False, False, TASKS[f"Div_{k}"].published.hidden, None, str(4 * k), 2 * k),
    )
    for k in (3, 5, 7)
}
"""Tasks that are reported apart, by name."""
