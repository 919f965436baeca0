"""Comparison on random sequences of the trained length, twice and five times that. Source: ours.

What a target answers does not depend on the program that is judged: it is asked once for many programs.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Int

from novacula.distill.sources.behavior import Behavior
from novacula.distill.verify.certificate import Check, Counterexample
from novacula.distill.verify.target import Sampler, Target, structured

AT_LENGTH = 100_000  #: sequences of the trained length
BEYOND = 10_000  #: sequences of each greater length
STRUCTURED = 20_000  #: further sequences of the trained length, of few values, repetitions and extremes
FEW = 14_000  #: sequences in all, a tenth of those above, for what equals a machine that passed the W-method
_FAR = 10  #: every how many-th of the longest sequences has few values, repetitions or extremes, if no task is known
_FIRST = 2_000
_STEPS, _FEWEST = 20_000_000, 100  #: of each kind the most steps in all, but no fewer sequences than these
_MULTIPLES = (2, 5)
LONGEST = max(_MULTIPLES)  #: the longest sequences on which programs are judged, in trained lengths


@dataclass(frozen=True)
class Samples:
    """Sequences of one length, with what the target answers."""

    kind: str  #: how they were drawn
    x: Int[np.ndarray, "rows time streams"]  #: inputs
    y: Int[np.ndarray, "rows time outputs"]  #: the target's outputs
    trusted: bool  #: whether the target counts at this length


def draw_samples(target: Target, seed: int) -> list[Samples]:
    """Draws the sequences on which programs are judged, apart from those of the training."""
    spread = structured(target.low, target.high, target.streams)
    plan: list[tuple[str, Sampler, int, int]] = [
        ("held-out sequences", target.sample, AT_LENGTH, target.length),
        ("sequences of few values, repetitions and extremes", spread, STRUCTURED, target.length),
        *(("held-out sequences", target.sample, BEYOND, target.length * factor) for factor in _MULTIPLES),
    ]
    if target.reference is None and target.horizon is None:  # a user's: where a sum comes far, it may stop
        *_, count, length = plan.pop()
        kind = f"held-out sequences, one in {_FAR} of few values, repetitions and extremes,"
        plan.append((kind, partial(_mixed, target.sample, spread), count, length))
    drawn = []
    whole = sum(count for *_, count, _ in plan)
    share = min(1.0, (target.samples or whole) / whole)
    for number, (kind, sample, count, length) in enumerate(plan):
        count = min(math.ceil(share * count), max(_FEWEST, _STEPS // length))
        x = sample(count, length, np.random.default_rng([seed, number]))
        trusted = target.horizon is None or length <= target.horizon
        drawn.append(Samples(kind, x, target.behavior.run(x), trusted))
    return drawn


def _mixed(sample: Sampler, spread: Sampler, count: int, length: int, generator: np.random.Generator) -> np.ndarray:
    few = count // _FAR
    return np.concatenate([sample(count - few, length, generator), spread(few, length, generator)])


def compare(program: Behavior, samples: Samples) -> tuple[Check, Counterexample | None]:
    """Runs a program on samples; one that is wrong on the first of them is run on no others."""
    example = None
    length = samples.x.shape[1]
    for rows in (slice(_FIRST), slice(None)):
        x, y = samples.x[rows], samples.y[rows]
        try:
            found = program.run(x)
        except OverflowError:
            detail = f"Leaves the integers of 64 bits on sequences of length {length}."
            return Check("samples", length, len(x), False, detail, len(x)), None
        differs = (found != y).any(axis=2)
        if differs.any():
            example = earliest(x, y, found, differs)
            break
    where = f"{len(x):,} {samples.kind} of length {length}"
    right = int((~differs.any(axis=1)).sum())
    if not differs.any():
        detail = f"Right on all of {where}."
    elif samples.trusted:
        detail = f"Wrong on {len(x) - right:,} of {where}."
    else:
        detail = f"Beyond the trained length the network agrees on {right:,} of {where}."
    return Check("samples", length, len(x), not differs.any(), detail, len(x) - right), example


def earliest(
    x: Int[np.ndarray, "rows time streams"],
    expected: Int[np.ndarray, "rows time outputs"],
    found: Int[np.ndarray, "rows time outputs"],
    differs: Bool[np.ndarray, "rows time"],
) -> Counterexample:
    """Returns the shortest beginning of a sequence on which outputs differ."""
    first = np.where(differs.any(axis=1), differs.argmax(axis=1), x.shape[1])
    row = int(first.argmin())
    time = int(first[row])
    return Counterexample.of(x[row, : time + 1], expected[row, time], found[row, time])


def shorten(program: Behavior, target: Behavior, example: Counterexample) -> Counterexample:
    """Leaves out steps of a counterexample, one after another, while the outputs still differ somewhere."""
    while len(example.x) > 1:
        x = np.array(example.x)
        without = np.stack([np.delete(x, time, axis=0) for time in range(len(x))])
        expected, found = target.run(without), program.run(without)
        differs = (expected != found).any(axis=2)
        if not differs.any():
            break
        example = earliest(without, expected, found, differs)
    return example
