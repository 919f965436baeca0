"""Options of the hypernet verbs that study many networks. Imports no torch, so that ``--help`` stays fast."""

from dataclasses import dataclass
from typing import Annotated

from novacula.functions import is_function_name
from novacula.hypernet.config import HIGHEST_BETA, LOWEST_BETA, hidden_problems
from novacula.options import CampaignOptions, Integers, Reals, Seed, Words, in_range, unless_one_of

VARIANTS = (
    *("full", "plain-objective", "no-curriculum", "no-owner-features", "no-code-similarity"),
    *("adam", "adam-l1"),
)
"""Rows of a comparison: the hypernetwork, the same with one thing changed, and direct training."""


@dataclass(frozen=True)
class CensusConfig(CampaignOptions):
    """Options of a census: the networks of trained hypernetworks that are labeled."""

    prices: Annotated[int, in_range(1, 1000)] = 9
    """Number of complexity prices, evenly over the logarithm of the run's range."""
    draws: Annotated[int, in_range(1, 1000)] = 1
    """Number of networks per price, training step and hypernetwork."""
    steps: bool = True
    """Label networks of all training steps that the runs kept; otherwise only of the last."""
    baselines: Annotated[int, in_range(0, 1000)] = 1
    """Number of networks that are trained directly by Adam and labeled as well."""
    baseline_steps: Annotated[int, in_range(1, 10**7)] = 8000
    """Steps of the direct training."""
    seed: Seed = 0
    """Seed of codes, latents and checks, 0 to 2^32 - 1."""


@dataclass(frozen=True)
class GeneralizeConfig(CampaignOptions):
    """Options of a study of sizes."""

    beta: Annotated[float | None, in_range(LOWEST_BETA, HIGHEST_BETA)] = None
    """Complexity price. By default the least of the run."""
    sizes: Annotated[Integers, in_range(1, 4096)] = (2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64)
    """Numbers of inputs, separated by commas. Sizes that the task cannot have are left out."""
    ratios: Annotated[Reals, in_range(0.01, 64)] = ()
    """Hidden units per input, separated by commas. By default those of the run."""
    draws: Annotated[int, in_range(1, 10_000)] = 16
    """Number of networks per size, of independent codes."""
    seed: Seed = 0
    """Seed of codes and checks, 0 to 2^32 - 1."""

    def _problems(self) -> list[str]:
        return super()._problems() + ([] if self.sizes else ["--sizes names no size"])


@dataclass(frozen=True)
class CompareConfig(CampaignOptions):
    """Options of a comparison: a hypernetwork, variants with one thing switched off, and direct training."""

    task: str = "l1-norm"
    """Name of a task, or a function of your own as module:function."""
    inputs: Annotated[int, in_range(1, 4096)] = 16
    """Number of inputs of the generated networks."""
    hidden: Integers = (48,)
    """Units of each hidden layer, separated by commas."""
    steps: Annotated[int, in_range(1, 10**7)] = 8000
    """Training steps of each hypernetwork."""
    beta_low: Annotated[float, in_range(LOWEST_BETA, HIGHEST_BETA)] = 1e-7
    """Least complexity price, at which the rows are measured."""
    variants: Words = ()
    """Rows, separated by commas: full, plain-objective, no-curriculum, no-owner-features, no-code-similarity,
    adam, adam-l1. By default all."""
    l1: Annotated[float, in_range(0, 1e6)] = 0.01
    """Price of the mean magnitude of all weights in adam-l1."""
    seeds: Annotated[int, in_range(1, 1000)] = 3
    """Number of seeds per row."""
    seed: Seed = 0
    """The first seed, 0 to 2^32 - 1."""

    def _problems(self) -> list[str]:
        problems = hidden_problems(self.hidden) + super()._problems()
        return problems + [text for name in self.variants for text in unless_one_of("--variants", name, VARIANTS)]

    @property
    def functions(self) -> tuple[str, ...]:
        """The user's own functions that the comparison calls."""
        return (self.task,) if is_function_name(self.task) else ()

    @property
    def rows(self) -> tuple[str, ...]:
        """The chosen variants, in the order of `VARIANTS`."""
        return tuple(name for name in VARIANTS if name in self.variants) if self.variants else VARIANTS
