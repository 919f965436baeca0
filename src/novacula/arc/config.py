"""Options of the ARC verbs. Imports neither torch nor matplotlib, so that ``--help`` stays fast."""

from dataclasses import dataclass
from typing import Literal

from novacula.errors import InputError

Dataset = Literal["arc1", "arc2"]
Split = Literal["training", "evaluation"]
EngineName = Literal["auto", "torch"]


@dataclass(frozen=True)
class SolveConfig:
    """How one puzzle is solved.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    steps: int = 2000
    """Training steps; the published results use 2000."""
    seed: int = 0
    """Seed of the initial weights and of the noise, 0 to 2^64 - 1."""
    engine: EngineName = "auto"
    """Which implementation trains the network."""
    device: str = "cpu"
    """Torch device of the torch engine, such as cpu or cuda:0."""
    pre_norm: bool = False
    """Normalize what the residual layers read, as the paper writes; the published program does not."""
    exact_transpose: bool = False
    """Tie the softmax channels of x to those of y, which makes transposition an exact symmetry."""

    def __post_init__(self) -> None:
        problems = []
        if self.steps < 1:
            problems.append(f"--steps is {self.steps}; it must be at least 1")
        if not 0 <= self.seed < 2**64:
            problems.append(f"--seed is {self.seed}; it must lie in 0 … 2^64 - 1")
        if problems:
            raise InputError("options", *problems)
