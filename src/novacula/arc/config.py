"""Options of the ARC verbs. Imports neither torch nor matplotlib, so that ``--help`` stays fast."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from novacula.options import (
    ADVANCED,
    WORKERS,
    CampaignOptions,
    Configuration,
    Rule,
    Workers,
    at_least,
    in_range,
    unless_seed,
    worker_count,
)

Dataset = Literal["arc1", "arc2"]
Split = Literal["training", "evaluation"]
EngineName = Literal["auto", "native", "torch"]
Sizes = Literal["published", "laws"]
Choice = Literal["laws", "published"]
Stop = Literal["auto", "never"]
NATIVE_IS_FASTER = ("avx2", "avx512")
"""Instruction sets with which the native engine was measured to take a fifteenth to a third of torch's time.

With ``portable`` ones it takes 0.6 times as long on a small puzzle, but twice and four times on a median and a large
one (``benchmarks/results/arc_step.json`` and ``arc_step_portable.json``).
"""

MOST_RESTARTS = 1000


@dataclass(frozen=True)
class SolveConfig(Configuration):
    """How one puzzle is solved."""

    steps: Annotated[int, at_least(1)] = 2000
    """Training steps, at most. The published results use 2000."""
    stop: Stop = "auto"
    """When to end before --steps: where more steps promise little (auto), or never."""
    restarts: Annotated[int, in_range(1, MOST_RESTARTS)] = 1
    """Number of networks with different seeds, each trained for --steps. Their candidates' scores add up."""
    seed: Annotated[int, Rule(partial(unless_seed, bits=64))] = 0
    """Seed of the initial weights and of the noise, from 0 to 2^64 - 1."""
    workers: Annotated[Workers, WORKERS] = "auto"
    """Number of restarts that train at the same time; it changes no result. By default, one for each core."""
    share_steps: Annotated[bool, ADVANCED] = False
    """Let the restarts share --steps evenly, so that they cost no more than one network."""
    engine: Annotated[EngineName, ADVANCED] = "auto"
    """The implementation that trains the network. By default, the native one where it runs AVX2 or AVX-512 instructions
    and supports the other options, else torch's."""
    device: Annotated[str, ADVANCED] = "cpu"
    """Torch device of the torch engine, such as cpu or cuda:0."""
    sizes: Annotated[Sizes, ADVANCED] = "published"
    """How the size of an output is known: by the published rules (it is the input's, or always the same), or also by
    laws, such as twice the input's size, or the box around what is drawn."""
    choice: Annotated[Choice, ADVANCED] = "laws"
    """How attempts are chosen: by the published weights alone, or less what a candidate loses by breaking laws that
    hold in all demonstrations, such as "the output is symmetric"."""
    pre_norm: Annotated[bool, ADVANCED] = False
    """Normalize what the residual layers read, as the paper writes; the published program does not."""
    exact_transpose: Annotated[bool, ADVANCED] = False
    """Tie the softmax channels of x to those of y, which makes transposition an exact symmetry."""

    @property
    def at_once(self) -> int:
        """The number of restarts that train at the same time, each on a thread of its own."""
        return min(self.restarts, worker_count(self.workers))

    def steps_of(self, restart: int) -> int:
        """Returns the training steps of a restart, counted from 0; shares differ by one step at most."""
        return (self.steps + self.restarts - 1 - restart) // self.restarts if self.share_steps else self.steps

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.share_steps and 1 < self.restarts > self.steps >= 1:
            problems.append(f"--restarts is {self.restarts}, more than the {self.steps} steps that they share")
        return problems


@dataclass(frozen=True)
class CampaignConfig(CampaignOptions, SolveConfig):
    """How many puzzles are solved, each as a job of its own."""

    max_size: Annotated[int, in_range(30, 128), ADVANCED] = 30
    """The most rows and columns of a grid, from 30 to 128. More than 30 break the rule of ARC, as 1D-ARC does."""
    gpu_share: Annotated[float, in_range(0.01, 1), ADVANCED] = 1.0
    """The part of a GPU that each puzzle takes on a cluster, from 0.01 to 1, if --device is a GPU."""

    @property
    def gpus(self) -> float:
        """The GPUs that a puzzle's job declares."""
        return self.gpu_share if self.device.startswith("cuda") else 0.0

    def for_puzzle(self, seed: int) -> SolveConfig:
        """Returns how one of the puzzles is solved."""
        return self.only(SolveConfig, seed=seed, workers=1)


@dataclass(frozen=True)
class BenchConfig(CampaignConfig):
    """Which puzzles of a public set are solved and scored."""

    split: Split = "training"
    """The half of the set: training or evaluation."""
    stop: Stop = "never"
    """When to end before --steps: where more steps promise little (auto), or never."""
    dataset: Dataset = "arc1"
    """The public set: ARC-AGI-1 (arc1) or ARC-AGI-2 (arc2)."""
    tasks: tuple[str, ...] = ()
    """Ids of puzzles, with commas between them. By default, the whole split."""
    limit: Annotated[int | None, at_least(1)] = None
    """Solve only the first N puzzles, in the order of their ids, or of the file. By default, all."""

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.limit is not None and self.tasks:
            problems.append("--tasks and --limit exclude each other; give one")
        return problems


@dataclass(frozen=True)
class SubmitConfig(CampaignConfig):
    """How a contest's puzzles are answered."""

    steps: Annotated[int, at_least(1)] = 4000
    """The most training steps for a puzzle."""
