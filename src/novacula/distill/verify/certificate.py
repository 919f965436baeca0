"""What is known of a program, and how. Source: ours; the paper tests ten sequences."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from novacula.runs.notebook import Brief

Tier = Literal["none", "S0", "departs", "S1", "S2", "S3", "S4"]
"""How much is known, from nothing to a proof:

- S0: a network is right on fresh data, and there is no program;
- departs: a formula of at most 60 syntax nodes, from which the user's network departs on at most 1 % of all sequences;
- S1: a machine or a long program is right on fresh data;
- S2: a formula of at most 60 syntax nodes is right on fresh data at the trained length, twice and five times that;
- S3: and it is proved for all inputs up to length 10;
- S4: and it is proved for every length.

Fresh data are a tenth where a function passed the W-method by a machine that the program equals.
"""
TIERS: tuple[Tier, ...] = get_args(Tier)


CONFORMANCE = "W-method"  #: the method of the check that a function has a machine, up to some number of states


@dataclass(frozen=True)
class Check:
    """One comparison of a program with what it should equal."""

    method: str  #: such as ``samples`` or ``product automaton``
    length: int | None  #: the length of the sequences compared; None for every length
    count: int  #: the number of sequences, or of what the method counts
    passed: bool  #: whether they agree. A proof that was not found is not `passed`, though nothing is known to differ.
    detail: str  #: one sentence for people
    wrong: int = 0  #: the number of sequences that differ


@dataclass(frozen=True)
class Counterexample:
    """An input on which a program is wrong; only its last outputs differ."""

    x: tuple[tuple[int, ...], ...]  #: the inputs of every step, one of each stream
    expected: tuple[int, ...]  #: the last outputs, as they should be
    found: tuple[int, ...]  #: the last outputs of the program

    @classmethod
    def of(cls, x: np.ndarray, expected: np.ndarray, found: np.ndarray) -> "Counterexample":
        """Returns the example of inputs (time by streams) and of the last outputs."""
        return cls(tuple(map(tuple, x.tolist())), tuple(expected.tolist()), tuple(found.tolist()))


@dataclass(frozen=True)
class Certificate(Brief):
    """The outcome of `novacula.distill.verify.verify`."""

    tier: Tier | None  #: how much is known; None where there is nothing but data
    right: bool  #: whether no difference was found
    checks: tuple[Check, ...]  #: what was compared, in order
    counterexample: Counterexample | None = None  #: the shortest that was found, where the program is wrong

    @property
    def conforms(self) -> bool:
        """Whether it rests on the W-method."""
        return any(check.method == CONFORMANCE and check.passed for check in self.checks)

    @property
    def reached(self) -> bool:
        """Whether the goal is reached: tier S2, the W-method passed, or with data alone all rows."""
        return self.right and (self.tier is None or self.conforms or self.tier in ("S2", "S3", "S4"))

    @property
    def error(self) -> float:
        """The share of sequences on which the program is wrong, in the comparison that showed it."""
        return max(
            (check.wrong / check.count for check in self.checks if check.wrong), default=0.0 if self.right else 1.0
        )

    @property
    def sentences(self) -> str:
        """What was compared and how far, for people."""
        return " ".join(check.detail for check in self.checks)
