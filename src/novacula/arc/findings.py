"""What one puzzle's training says: step by step, and at its end. Program, report and command line use these fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Literal

from msgspec import UNSET, UnsetType

from novacula.arc.data.task import Answer, Verdict
from novacula.files import JSON

SURVIVES = 1.0
"""Nats above which a latent tensor counts as still holding information; the floor is half a nat."""
LATENTS = "latents.npz"
"""The artifact that holds the decoded means of the surviving tensors."""


@dataclass(frozen=True)
class StepCosts:
    """What a training step cost, as it is logged.

    Attributes:
        step: steps done.
        kl: nats, all tensors together.
        reconstruction: nats that the known grids cost.
        loss: KL + 10 × reconstruction.
        kl_by_tensor: nats of each latent tensor, by the bits of its axes.
        share: the best attempt's part of the weight of all candidates, 0 to 1; NaN where the log lacks it.
    """

    step: int
    kl: float
    reconstruction: float
    loss: float
    kl_by_tensor: Mapping[str, float] = field(default_factory=dict)
    share: float = nan


@dataclass(frozen=True)
class NewAttempts:
    """A milestone: other attempts than at the step before.

    Attributes:
        milestone: the kind of milestone.
        step: steps done.
        attempts: two answers, best first.
        shares: of the weight of all candidates, 0 to 1, one for each attempt.
    """

    milestone: Literal["attempts"]
    step: int
    attempts: tuple[Answer, ...]
    shares: tuple[float, ...] = ()

    def as_event(self) -> dict[str, JSON]:
        """Returns the milestone as it is logged."""
        attempts: JSON = [[[list(row) for row in grid] for grid in answer] for answer in self.attempts]
        return {"milestone": self.milestone, "step": self.step, "attempts": attempts, "shares": list(self.shares)}


@dataclass(frozen=True)
class SolveFindings:
    """What ``arc solve`` finds.

    Attributes:
        task: the puzzle's identifier.
        attempts: two answers, best first, each with one grid for every test input.
        scores: of each attempt, the logarithm of its weight.
        shares: of each attempt, its part of the weight of all candidates, 0 to 1.
        steps: steps done.
        seed: the run's.
        engine: native or torch.
        threads: numeric threads.
        cpu_seconds: processor time of all steps.
        cpu_ms_per_step: median processor time of a training step, in milliseconds.
        cpu_ms_answers: the same of reading its answers.
        cpu_ms_per_step_mean, cpu_ms_answers_mean: the means of both; absent from records of older versions.
        peak_memory_mb: the most memory that the process held, in MB (10^6 bytes).
        kl: nats at the last step, all tensors together.
        reconstruction: nats that the known grids cost at the last step.
        kl_by_tensor: nats of each latent tensor at the last step, by the bits of its axes.
        run: the run's folder.
        verdict: what the separate scorer says; only after ``arc score``.
    """

    task: str
    attempts: tuple[Answer, ...]
    scores: tuple[float, ...]
    shares: tuple[float, ...]
    steps: int
    seed: int
    engine: str
    threads: int
    cpu_seconds: float
    cpu_ms_per_step: float
    cpu_ms_answers: float
    peak_memory_mb: float
    kl: float
    reconstruction: float
    kl_by_tensor: Mapping[str, float]
    run: str
    verdict: Verdict | UnsetType = UNSET
    cpu_ms_per_step_mean: float | UnsetType = UNSET
    cpu_ms_answers_mean: float | UnsetType = UNSET

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        if self.verdict:
            return f"solved (attempt {self.verdict.correct.index(True) + 1})" if self.verdict.solved else "not solved"
        return f"attempt 1 has {self.shares[0]:.0%} of the weight; not scored" if self.shares else ""
