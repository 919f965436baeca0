"""Options of the hypernet verbs that study many networks. Imports no torch, so that ``--help`` stays fast."""

from dataclasses import dataclass

from novacula.functions import is_function_name
from novacula.hypernet.config import HIGHEST_BETA, LOWEST_BETA, hidden_problems
from novacula.options import CampaignOptions, Integers, Reals, Words, refuse, unless_one_of, unless_seed, unless_within

VARIANTS = (
    *("full", "plain-objective", "no-curriculum", "no-owner-features", "no-code-similarity"),
    *("adam", "adam-l1"),
)
"""Rows of a comparison: the hypernetwork, the same with one thing changed, and direct training."""


@dataclass(frozen=True)
class CensusConfig(CampaignOptions):
    """Options of a census: the networks of trained hypernetworks that are labeled.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    prices: int = 9
    """Number of complexity prices, evenly over the logarithm of the run's range."""
    draws: int = 1
    """Number of networks per price, training step and hypernetwork."""
    steps: bool = True
    """Label networks of all training steps that the runs kept; otherwise only of the last."""
    baselines: int = 1
    """Number of networks that are trained directly by Adam and labeled as well."""
    baseline_steps: int = 8000
    """Steps of the direct training."""
    seed: int = 0
    """Seed of codes, latents and checks, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        problems = unless_within("--prices", self.prices, 1, 1000) + unless_within("--draws", self.draws, 1, 1000)
        problems += unless_within("--baselines", self.baselines, 0, 1000)
        problems += unless_within("--baseline-steps", self.baseline_steps, 1, 10**7)
        refuse(problems + unless_seed(self.seed) + self.campaign_problems())


@dataclass(frozen=True)
class GeneralizeConfig(CampaignOptions):
    """Options of a study of sizes.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    beta: float | None = None
    """Complexity price. By default the least of the run."""
    sizes: Integers = (2, 3, 4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64)
    """Numbers of inputs, separated by commas. Sizes that the task cannot have are left out."""
    ratios: Reals = ()
    """Hidden units per input, separated by commas. By default those of the run."""
    draws: int = 16
    """Number of networks per size, of independent codes."""
    seed: int = 0
    """Seed of codes and checks, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        problems = unless_within("--draws", self.draws, 1, 10_000)
        if self.beta is not None:
            problems += unless_within("--beta", self.beta, LOWEST_BETA, HIGHEST_BETA)
        problems += [problem for size in self.sizes for problem in unless_within("--sizes", size, 1, 4096)]
        problems += [problem for ratio in self.ratios for problem in unless_within("--ratios", ratio, 0.01, 64)]
        problems += [] if self.sizes else ["--sizes names no size"]
        refuse(problems + unless_seed(self.seed) + self.campaign_problems())


@dataclass(frozen=True)
class CompareConfig(CampaignOptions):
    """Options of a comparison: a hypernetwork, variants with one thing switched off, and direct training.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    task: str = "l1-norm"
    """Name of a task, or a function of your own as module:function."""
    inputs: int = 16
    """Number of inputs of the generated networks."""
    hidden: Integers = (48,)
    """Units of each hidden layer, separated by commas."""
    steps: int = 8000
    """Training steps of each hypernetwork."""
    beta_low: float = 1e-7
    """Least complexity price, at which the rows are measured."""
    variants: Words = ()
    """Rows, separated by commas: full, plain-objective, no-curriculum, no-owner-features, no-code-similarity,
    adam, adam-l1. By default all."""
    l1: float = 0.01
    """Price of the mean magnitude of all weights in adam-l1."""
    seeds: int = 3
    """Number of seeds per row."""
    seed: int = 0
    """The first seed, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        problems = hidden_problems(self.hidden) + unless_within("--inputs", self.inputs, 1, 4096)
        problems += unless_within("--steps", self.steps, 1, 10**7) + unless_within("--seeds", self.seeds, 1, 1000)
        problems += unless_within("--beta-low", self.beta_low, LOWEST_BETA, HIGHEST_BETA)
        problems += unless_within("--l1", self.l1, 0, 1e6)
        problems += [problem for name in self.variants for problem in unless_one_of("--variants", name, VARIANTS)]
        refuse(problems + unless_seed(self.seed) + self.campaign_problems())

    @property
    def functions(self) -> tuple[str, ...]:
        """The user's own functions that the comparison calls."""
        return (self.task,) if is_function_name(self.task) else ()

    @property
    def rows(self) -> tuple[str, ...]:
        """The chosen variants, in the order of `VARIANTS`."""
        return tuple(name for name in VARIANTS if name in self.variants) if self.variants else VARIANTS
