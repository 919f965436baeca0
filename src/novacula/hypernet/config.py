"""Options of the hypernet verbs. Imports neither torch nor scikit-learn, so that ``--help`` stays fast."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from novacula.functions import is_function_name
from novacula.options import (
    ADVANCED,
    CampaignOptions,
    Configuration,
    Integers,
    Reals,
    Seed,
    Words,
    in_range,
    unless_one_of,
)

Activation = Literal["swish", "relu", "gelu", "softplus", "tanh", "square", "abs", "sin"]
ActivationName = Literal[Activation, "silu", "logistic", "sigmoid"]
"""An activation of somebody's network; a logistic unit is read as a hyperbolic tangent."""
KindName = Literal[
    "double-sided",
    "pudding+",
    "pudding-",
    "mixed",
    "convexity",
    "linear",
    "constant",
    "neighbor-differences",
    "max-tree",
    "max-log-sum-exp",
    "min-tree",
    "range-tree",
    "median-comparators",
    "sort-comparators",
    "product-squares",
    "product-curvature",
    "product-completion",
    "squares-curvature",
    "squares-frame",
    "l2-bowls",
    "parity-staircase",
    "parity-tree",
    "count-threshold",
    "modular-addition-clock",
    "modular-addition-table",
    "angle-addition-squares",
]
"""Networks of known algorithms (`novacula.hypernet.known`)."""


Curriculum = Literal["both", "up", "down", "none"]
"""The hypernetworks that are trained for a seed."""
Branch = Literal["up", "down", "none"]
"""The end from which the range of prices of a hypernetwork opens (`novacula.hypernet.training.steps`)."""

LOWEST_BETA, HIGHEST_BETA = 1e-12, 1.0
"""The least and the greatest complexity price."""


@dataclass(frozen=True)
class BuildConfig(Configuration):
    """A hand-built network of a known algorithm."""

    kind: KindName = "double-sided"
    """The algorithm."""
    inputs: Annotated[int, in_range(1, 4096)] = 16
    """Number of inputs."""
    slope: Annotated[float, in_range(0.01, 1e4)] = 20.0
    """k of swish(kx)/k, which stands for a rectifier: the larger, the sharper."""
    hidden_per_input: Annotated[int, in_range(1, 64)] = 3
    """Hidden units per input in networks of the L1 norm. Units beyond 2 per input are dead or carry the linear part."""
    activation: Activation = "swish"
    """Activation of networks made of rectifiers: swish, relu, gelu or softplus. Other networks have their own."""
    offset: Annotated[float | None, in_range(0.01, 1e6)] = None
    """Distance from the bend of the units of a pudding's linear part; by default 5 times the root of the inputs."""
    noise: Annotated[float, in_range(0, 10)] = 0.0
    """Standard deviation of noise on every weight and bias, relative to its size."""
    shuffle: bool = False
    """Put the hidden units of every layer in random order."""
    seed: Seed = 0
    """Seed of random weights, noise and order, 0 to 2^32 - 1."""

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.activation in ("tanh", "square", "abs", "sin"):
            problems.append(f"--activation is {self.activation!r}; it must be swish, relu, gelu or softplus")
        return problems


@dataclass(frozen=True)
class ClassifyConfig(Configuration):
    """Options of the analysis of a network."""

    task: str | None = None
    """Task of the network, by name or as module:function. By default the one in its file, else l1-norm. With none,
    the network is not judged: the result is its pattern, symmetries, formula, and which inputs matter."""
    law: str | None = None
    """Law of the inputs: normal, laplace, bits, one-hot-pairs, angles, sparse(0.25) or uniform(-1,1), also with other
    numbers, or a function of your own as module:function. By default the task's own."""
    activation: ActivationName | None = None
    """Activation of the hidden units, for a file that names none: the state dict of a torch network."""
    points: Annotated[int, in_range(64, 10**6)] = 2048
    """Random inputs for the error and all measures."""
    noise: Annotated[float, in_range(0, 1)] = 0.05
    """Standard deviation of the noise on the weights of the --draws copies, relative to each weight."""
    draws: Annotated[int, in_range(0, 1000)] = 12
    """Copies with noisy weights. The share with the same label is the confidence; with 0, its margin to a limit."""
    seed: Seed = 0
    """Seed of inputs and noise, 0 to 2^32 - 1."""
    attack: bool = False
    """Search for the largest difference of network and formula, in seconds, which puts the proved bound to the test."""
    data: Path | None = None
    """Inputs and outputs to judge the network against: a .csv or .npy table, inputs before outputs, or a .npz file with
    arrays x and y. By default the network is judged against its task."""

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if self.data is not None and (self.task not in (None, "none") or self.law is not None):
            problems.append("--data takes the place of --task and --law; give it without them")
        return problems


@dataclass(frozen=True)
class TrainingOptions(Configuration):
    """The options that training with and without a hypernetwork have in common."""

    task: str = "l1-norm"
    """The task: l1-norm, weighted-l1, total-variation, max, min, range, median, sort, product, dot-product, squared-l2,
    l2-norm, parity, xor, majority, modular-addition, angle-addition, sum, mean, linear, constant, clip, piecewise,
    2-of-n or with another number, or a function of your own as module:function."""
    law: str | None = None
    """Law of the inputs: normal, laplace, bits, one-hot-pairs, angles, sparse(0.25) or uniform(-1,1), also with other
    numbers, or a function of your own as module:function. By default the task's own."""
    inputs: Annotated[int, in_range(1, 10**7)] = 16
    """Number of inputs of the networks."""
    hidden: Integers = (48,)
    """Units of each hidden layer, separated by commas."""
    activation: Activation = "swish"
    """Activation of the hidden units."""
    seed: Seed = 0
    """Seed of weights, data and noise, 0 to 2^32 - 1."""
    seeds: Annotated[int, in_range(1, 1000)] = 1
    """Number of trainings that run at once, with consecutive seeds."""
    steps: Annotated[int, in_range(1, 10**7)] = 8000
    """Training steps."""
    batch: Annotated[int, in_range(1, 10**7), ADVANCED] = 256
    """Inputs per network and step."""

    def _problems(self) -> list[str]:
        return hidden_problems(self.hidden) + super()._problems()


@dataclass(frozen=True)
class TrainConfig(TrainingOptions):
    """Options of the training of hypernetworks.

    The default sizes are those of arXiv 2312.03051. Its widths, rates and schedules are not published; these are ours.
    """

    sizes: Annotated[Integers, in_range(1, 10**7)] = ()
    """Other numbers of inputs to train on as well, separated by commas. Hidden layers grow in proportion."""
    biases: Annotated[bool, ADVANCED] = True
    """Give hidden units biases."""
    output_bias: Annotated[bool, ADVANCED] = True
    """Give outputs biases."""
    residual: Annotated[bool, ADVANCED] = False
    """Add the input of a hidden layer to its output, where both have the same width."""
    bypass: Annotated[bool, ADVANCED] = False
    """Add a direct linear path from the inputs to the outputs."""
    networks: Annotated[int, in_range(1, 10**7), ADVANCED] = 4
    """Networks per step, each with its own complexity price."""
    rate: Annotated[float, in_range(1e-8, 1), ADVANCED] = 5e-3
    """Highest learning rate of Adam."""
    beta_low: Annotated[float, ADVANCED] = 1e-7
    """Least complexity price β, from 1e-12. A nat costs β divided by the number of inputs."""
    beta_high: Annotated[float, ADVANCED] = 1.0
    """Greatest complexity price, up to 1."""
    curriculum: Annotated[Curriculum, ADVANCED] = "both"
    """End from which the range of prices opens: low (up), high (down), a hypernetwork for each (both), or none."""
    log_objective: Annotated[bool, ADVANCED] = True
    """Minimize the mean logarithm of the objective instead of its mean."""
    owner_features: Annotated[bool, ADVANCED] = True
    """Let the posterior give hidden units the code of their owner."""
    code_similarity: Annotated[bool, ADVANCED] = True
    """Let the read-out use the similarity of codes directly."""
    width: Annotated[int, in_range(1, 10**7), ADVANCED] = 32
    """Number of features of a unit."""
    edge_width: Annotated[int, in_range(1, 10**7), ADVANCED] = 16
    """Number of features of an edge."""
    blocks: Annotated[int, in_range(1, 100), ADVANCED] = 2
    """Number of blocks of the graph transformer, each with its own latents."""
    heads: Annotated[int, in_range(1, 10**7), ADVANCED] = 2
    """Attention heads of a unit per neighboring layer."""
    role: Annotated[int, in_range(1, 10**7), ADVANCED] = 6
    """Dimension of a role latent."""
    codes: Annotated[int, in_range(1, 10**7), ADVANCED] = 64
    """Dimension of a code. Layers of at most this many units have orthogonal codes."""

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if not LOWEST_BETA <= self.beta_low <= self.beta_high <= HIGHEST_BETA:
            problems.append(
                f"--beta-low is {self.beta_low:g} and --beta-high is {self.beta_high:g}; "
                f"{LOWEST_BETA:g} ≤ low ≤ high ≤ {HIGHEST_BETA:g} must hold"
            )
        return problems

    @property
    def functions(self) -> tuple[str, ...]:
        """The user's own functions that the training calls."""
        return tuple(name for name in (self.task, self.law) if name and is_function_name(name))

    @property
    def all_inputs(self) -> tuple[int, ...]:
        """The numbers of inputs of the training, ascending."""
        return tuple(sorted({self.inputs, *self.sizes}))

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The hypernetworks that are trained for each seed."""
        return ("up", "down") if self.curriculum == "both" else (self.curriculum,)

    def hidden_of(self, inputs: int) -> tuple[int, ...]:
        """Returns the hidden layers for another number of inputs: in proportion, at least one unit each."""
        return tuple(max(1, round(units * inputs / self.inputs)) for units in self.hidden)


@dataclass(frozen=True)
class SampleConfig(Configuration):
    """Options of a network that a trained hypernetwork writes."""

    beta: Annotated[float, in_range(LOWEST_BETA, HIGHEST_BETA)] = 1e-6
    """Complexity price, within the range of the training."""
    inputs: Annotated[int | None, in_range(1, 65_536)] = None
    """Number of inputs; it may be one that was not trained on. By default that of the run."""
    hidden: Integers | None = None
    """Units of each hidden layer, separated by commas. By default in the run's proportion to the inputs."""
    seed: Seed = 0
    """Seed of the codes and latents, 0 to 2^32 - 1."""
    trained_seed: int | None = None
    """Seed of the hypernetwork, in a run that trained several. By default the first."""
    branch: Branch | None = None
    """Branch of the hypernetwork. By default the one that is better at this price."""
    step: int | None = None
    """Training step of the hypernetwork, one of those that the run kept. By default the last."""
    prior_only: bool = False
    """Draw all latents from the prior, so that the network costs nothing."""

    def _problems(self) -> list[str]:
        return super()._problems() + ([] if self.hidden is None else hidden_problems(self.hidden))


@dataclass(frozen=True)
class BaselineConfig(TrainingOptions):
    """Options of direct training, without a hypernetwork."""

    rate: Annotated[float, in_range(1e-8, 1)] = 3e-3
    """Highest learning rate of Adam."""
    l1: Annotated[float, in_range(0, 1e6)] = 0.0
    """Price of the mean magnitude of all weights."""


VARIANTS = ("full", "plain-objective", "no-curriculum", "no-owner-features", "no-code-similarity", "adam", "adam-l1")
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
    """Name of a task, as `hypernet train --help` lists them, or a function of your own as module:function."""
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


def hidden_problems(hidden: tuple[int, ...]) -> list[str]:
    """Returns what is wrong with the sizes of hidden layers."""
    if hidden and min(hidden) >= 1:
        return []
    return [f"--hidden is {hidden}; it must name at least one layer, each of at least 1 unit"]
