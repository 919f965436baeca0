"""What one puzzle's training says: step by step, and at its end. Program, report and command line use these fields."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Literal

from msgspec import UNSET, UnsetType

from novacula.arc.data.task import Answer, Verdict
from novacula.files import JSON

SURVIVES = 1.0  #: nats above which a latent tensor counts as still holding information; the floor is half a nat
LATENTS = "latents.npz"  #: the artifact that holds the decoded means of the surviving tensors


@dataclass(frozen=True)
class StepCosts:
    """What a training step cost, as it is logged."""

    step: int  #: steps done
    kl: float  #: nats, all tensors together
    reconstruction: float  #: nats that the known grids cost
    loss: float  #: KL + 10 × reconstruction
    kl_by_tensor: Mapping[str, float] = field(default_factory=dict)
    """Nats of each latent tensor, by the bits of its axes."""
    share: float = nan  #: the best attempt's part of the weight of all candidates, 0 to 1; NaN where the log lacks it


@dataclass(frozen=True)
class NewAttempts:
    """A milestone: other attempts than at the step before."""

    milestone: Literal["attempts"]  #: the kind of milestone
    step: int  #: steps done
    attempts: tuple[Answer, ...]  #: two answers, best first
    shares: tuple[float, ...] = ()  #: of the weight of all candidates, 0 to 1, one for each attempt

    def as_event(self) -> dict[str, JSON]:
        """Returns the milestone as it is logged."""
        attempts: JSON = [[[list(row) for row in grid] for grid in answer] for answer in self.attempts]
        return {"milestone": self.milestone, "step": self.step, "attempts": attempts, "shares": list(self.shares)}


@dataclass(frozen=True)
class SolveFindings:
    """What ``arc solve`` finds."""

    task: str  #: the puzzle's identifier
    attempts: tuple[Answer, ...]  #: two answers, best first, each with one grid for every test input
    scores: tuple[float, ...]  #: of each attempt, the logarithm of its weight
    shares: tuple[float, ...]  #: of each attempt, its part of the weight of all candidates, 0 to 1
    steps: int  #: steps of the first restart, whose costs these are; processor times are those of all restarts
    seed: int  #: the run's
    engine: str  #: native or torch
    threads: int  #: numeric threads
    cpu_seconds: float  #: processor time of all steps
    cpu_ms_per_step: float  #: median processor time of a training step, in milliseconds
    cpu_ms_answers: float  #: the same of reading its answers
    peak_memory_mb: float  #: the most memory that the process held, in MB (10^6 bytes)
    kl: float  #: nats at the last step, all tensors together
    reconstruction: float  #: nats that the known grids cost at the last step
    kl_by_tensor: Mapping[str, float]  #: nats of each latent tensor at the last step, by the bits of its axes
    run: str  #: the run's folder
    verdict: Verdict | UnsetType = UNSET  #: what the separate scorer says; only after ``arc score``
    cpu_ms_per_step_mean: float | UnsetType = UNSET  #: the means of both; absent from records of older versions
    cpu_ms_answers_mean: float | UnsetType = UNSET  #: the means of both; absent from records of older versions

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        if self.verdict:
            return f"solved (attempt {self.verdict.correct.index(True) + 1})" if self.verdict.solved else "not solved"
        return f"attempt 1 has {self.shares[0]:.0%} of the weight; not scored" if self.shares else ""
