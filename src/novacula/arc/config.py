"""Options of the ARC verbs. Imports neither torch nor matplotlib, so that ``--help`` stays fast."""

from dataclasses import dataclass, fields
from typing import Literal

from novacula.options import CampaignOptions, refuse, unless_at_least, unless_seed, unless_within

Dataset = Literal["arc1", "arc2"]
Split = Literal["training", "evaluation"]
EngineName = Literal["auto", "native", "torch"]


@dataclass(frozen=True)
class SolveConfig:
    """How one puzzle is solved.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    steps: int = 2000
    """Training steps; the published results use 2000."""
    restarts: int = 1
    """Independent seeds, one after another, that share the steps and add up their candidates' scores."""
    seed: int = 0
    """Seed of the initial weights and of the noise, 0 to 2^64 - 1."""
    engine: EngineName = "auto"
    """Which implementation trains the network; auto takes the native one where it can do what is asked."""
    device: str = "cpu"
    """Torch device of the torch engine, such as cpu or cuda:0."""
    pre_norm: bool = False
    """Normalize what the residual layers read, as the paper writes; the published program does not."""
    exact_transpose: bool = False
    """Tie the softmax channels of x to those of y, which makes transposition an exact symmetry."""

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> list[str]:
        problems = unless_at_least("--steps", self.steps) + unless_seed(self.seed, bits=64)
        if not 1 <= self.restarts <= max(1, self.steps):
            problems.append(f"--restarts is {self.restarts}; it must lie in 1 … --steps, which is {self.steps}")
        return problems


@dataclass(frozen=True)
class CampaignConfig(CampaignOptions, SolveConfig):
    """How many puzzles are solved, each as a job of its own.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    gpu_share: float = 1.0
    """Part of a GPU that a puzzle takes on a cluster, where --device is a GPU."""

    @property
    def gpus(self) -> float:
        """The GPUs that a puzzle's job declares."""
        return self.gpu_share if self.device.startswith("cuda") else 0.0

    def for_puzzle(self, seed: int) -> SolveConfig:
        """Returns how one of the puzzles is solved."""
        options = {field.name: getattr(self, field.name) for field in fields(SolveConfig)}
        return SolveConfig(**{**options, "seed": seed})

    def _problems(self) -> list[str]:
        return super()._problems() + self.campaign_problems() + unless_within("--gpu-share", self.gpu_share, 0.01, 1)


@dataclass(frozen=True)
class BenchConfig(CampaignConfig):
    """Which puzzles of a public set are solved and scored.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    split: Split = "training"
    """Which half of the set."""
    dataset: Dataset = "arc1"
    """ARC-AGI-1 or ARC-AGI-2."""
    tasks: tuple[str, ...] = ()
    """Ids, with commas between them; by default the whole split."""
    limit: int | None = None
    """Only the first so many, in the order of their ids."""

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.limit is not None:
            problems += unless_at_least("--limit", self.limit)
        if self.limit is not None and self.tasks:
            problems.append("--tasks and --limit exclude each other; give one")
        return problems


@dataclass(frozen=True)
class SubmitConfig(CampaignConfig):
    """How a contest's puzzles are answered.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    steps: int = 4000
    """Most training steps that a puzzle gets, while it is undecided and there is time."""

    def _problems(self) -> list[str]:
        alone = ["--restarts is not for submissions: their puzzles are continued"] if self.restarts != 1 else []
        return super()._problems() + alone
