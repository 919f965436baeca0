"""Options of the hypernet verbs. Imports neither torch nor scikit-learn, so that ``--help`` stays fast."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from novacula.functions import is_function_name
from novacula.options import ADVANCED, Integers, refuse, unless_one_of, unless_seed, unless_within

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
class BuildConfig:
    """A hand-built network of a known algorithm.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    kind: KindName = "double-sided"
    """The algorithm."""
    inputs: int = 16
    """Number of inputs."""
    slope: float = 20.0
    """k of swish(kx)/k, which stands for a rectifier: the larger, the sharper."""
    hidden_per_input: int = 3
    """Hidden units per input in networks of the L1 norm. Units beyond 2 per input are dead or carry the linear part."""
    activation: Activation = "swish"
    """Activation of networks made of rectifiers: swish, relu, gelu or softplus. Other networks have their own."""
    offset: float | None = None
    """Distance from the bend of the units of a pudding's linear part; by default 5 times the root of the inputs."""
    noise: float = 0.0
    """Standard deviation of noise on every weight and bias, relative to its size."""
    shuffle: bool = False
    """Put the hidden units of every layer in random order."""
    seed: int = 0
    """Seed of random weights, noise and order, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        problems = unless_one_of("--kind", self.kind, get_args(KindName))
        if self.activation not in ("swish", "relu", "gelu", "softplus"):
            problems.append(f"--activation is {self.activation!r}; it must be swish, relu, gelu or softplus")
        problems += unless_within("--inputs", self.inputs, 1, 4096)
        problems += unless_within("--hidden-per-input", self.hidden_per_input, 1, 64)
        problems += unless_seed(self.seed)
        problems += unless_within("--slope", self.slope, 0.01, 1e4)
        problems += unless_within("--noise", self.noise, 0, 10)
        if self.offset is not None:
            problems += unless_within("--offset", self.offset, 0.01, 1e6)
        refuse(problems)


@dataclass(frozen=True)
class ClassifyConfig:
    """Options of the analysis of a network.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    task: str | None = None
    """Task of the network, by name or as module:function. By default the one in its file, else l1-norm. With none,
    the network is not judged: the result is its pattern, symmetries, formula, and which inputs matter."""
    law: str | None = None
    """Law of the inputs, such as normal or uniform(-1,1). By default the task's own."""
    activation: ActivationName | None = None
    """Activation of the hidden units, for a file that names none: the state dict of a torch network."""
    points: int = 2048
    """Random inputs for the error and all measures."""
    noise: float = 0.05
    """Standard deviation of the noise of the copies, relative to each weight."""
    draws: int = 12
    """Copies with noisy weights. The share of them with the same label is the confidence; with 0 it is the margin."""
    seed: int = 0
    """Seed of inputs and noise, 0 to 2^32 - 1."""
    attack: bool = False
    """Search for the largest difference between network and formula, uphill from 64 inputs and at the corners of the
    domain. It puts the proved bound to the test, and takes seconds."""
    data: Path | None = None
    """Inputs and outputs to judge the network against: a .csv or .npy table, inputs before outputs, or a .npz file with
    arrays x and y. By default the network is judged against its task."""

    def __post_init__(self) -> None:
        problems = unless_within("--points", self.points, 64, 10**6)
        problems += unless_within("--noise", self.noise, 0, 1)
        problems += unless_within("--draws", self.draws, 0, 1000)
        problems += unless_seed(self.seed)
        if self.data is not None and (self.task not in (None, "none") or self.law is not None):
            problems.append("--data takes the place of --task and --law; give it without them")
        refuse(problems)


@dataclass(frozen=True)
class TrainingOptions:
    """The options that training with and without a hypernetwork have in common."""

    task: str = "l1-norm"
    """Name of a task, or a function of your own as module:function."""
    law: str | None = None
    """Law of the inputs, such as normal or uniform(-1,1). By default the task's own."""
    inputs: int = 16
    """Number of inputs of the networks."""
    hidden: Integers = (48,)
    """Units of each hidden layer, separated by commas."""
    activation: Activation = "swish"
    """Activation of the hidden units."""
    seed: int = 0
    """Seed of weights, data and noise, 0 to 2^32 - 1."""
    seeds: int = 1
    """Number of trainings that run at once, with consecutive seeds."""
    steps: int = 8000
    """Training steps."""
    batch: Annotated[int, ADVANCED] = 256
    """Inputs per network and step."""

    def training_problems(self) -> list[str]:
        """Returns the problems of these options."""
        problems = hidden_problems(self.hidden) + unless_seed(self.seed)
        for name in ("inputs", "steps", "batch"):
            problems += unless_within(f"--{name}", getattr(self, name), 1, 10**7)
        problems += unless_within("--seeds", self.seeds, 1, 1000)
        return problems + unless_one_of("--activation", self.activation, get_args(Activation))


@dataclass(frozen=True)
class TrainConfig(TrainingOptions):
    """Options of the training of hypernetworks.

    The default sizes are those of arXiv 2312.03051. Its widths, rates and schedules are not published; these are ours.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    sizes: Integers = ()
    """Other numbers of inputs to train on as well, separated by commas. Hidden layers grow in proportion."""
    biases: Annotated[bool, ADVANCED] = True
    """Give hidden units biases."""
    output_bias: Annotated[bool, ADVANCED] = True
    """Give outputs biases."""
    residual: Annotated[bool, ADVANCED] = False
    """Add the input of a hidden layer to its output, where both have the same width."""
    bypass: Annotated[bool, ADVANCED] = False
    """Add a direct linear path from the inputs to the outputs."""
    networks: Annotated[int, ADVANCED] = 4
    """Networks per step, each with its own complexity price."""
    rate: Annotated[float, ADVANCED] = 5e-3
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
    width: Annotated[int, ADVANCED] = 32
    """Number of features of a unit."""
    edge_width: Annotated[int, ADVANCED] = 16
    """Number of features of an edge."""
    blocks: Annotated[int, ADVANCED] = 2
    """Number of blocks of the graph transformer, each with its own latents."""
    heads: Annotated[int, ADVANCED] = 2
    """Attention heads of a unit per neighboring layer."""
    role: Annotated[int, ADVANCED] = 6
    """Dimension of a role latent."""
    codes: Annotated[int, ADVANCED] = 64
    """Dimension of a code. Layers of at most this many units have orthogonal codes."""

    def __post_init__(self) -> None:
        problems = self.training_problems() + unless_within("--blocks", self.blocks, 1, 100)
        for name in ("networks", "width", "edge-width", "heads", "role", "codes"):
            problems += unless_within(f"--{name}", getattr(self, name.replace("-", "_")), 1, 10**7)
        problems += unless_within("--rate", self.rate, 1e-8, 1)
        problems += [problem for size in self.sizes for problem in unless_within("--sizes", size, 1, 10**7)]
        if not LOWEST_BETA <= self.beta_low <= self.beta_high <= HIGHEST_BETA:
            problems.append(
                f"--beta-low is {self.beta_low:g} and --beta-high is {self.beta_high:g}; "
                f"{LOWEST_BETA:g} ≤ low ≤ high ≤ {HIGHEST_BETA:g} must hold"
            )
        refuse(problems + unless_one_of("--curriculum", self.curriculum, get_args(Curriculum)))

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
class SampleConfig:
    """Options of a network that a trained hypernetwork writes.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    beta: float = 1e-6
    """Complexity price, within the range of the training."""
    inputs: int | None = None
    """Number of inputs; it may be one that was not trained on. By default that of the run."""
    hidden: Integers | None = None
    """Units of each hidden layer, separated by commas. By default in the run's proportion to the inputs."""
    seed: int = 0
    """Seed of the codes and latents, 0 to 2^32 - 1."""
    trained_seed: int | None = None
    """Seed of the hypernetwork, in a run that trained several. By default the first."""
    branch: Branch | None = None
    """Branch of the hypernetwork. By default the one that is better at this price."""
    step: int | None = None
    """Training step of the hypernetwork, one of those that the run kept. By default the last."""
    prior_only: bool = False
    """Draw all latents from the prior, so that the network costs nothing."""

    def __post_init__(self) -> None:
        problems = unless_within("--beta", self.beta, LOWEST_BETA, HIGHEST_BETA)
        problems += unless_seed(self.seed)
        problems += [] if self.inputs is None else unless_within("--inputs", self.inputs, 1, 65_536)
        problems += [] if self.hidden is None else hidden_problems(self.hidden)
        refuse(problems)


@dataclass(frozen=True)
class BaselineConfig(TrainingOptions):
    """Options of direct training, without a hypernetwork.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    rate: float = 3e-3
    """Highest learning rate of Adam."""
    l1: float = 0.0
    """Price of the mean magnitude of all weights."""

    def __post_init__(self) -> None:
        problems = self.training_problems() + unless_within("--rate", self.rate, 1e-8, 1)
        refuse(problems + unless_within("--l1", self.l1, 0, 1e6))


def hidden_problems(hidden: tuple[int, ...]) -> list[str]:
    """Returns what is wrong with the sizes of hidden layers."""
    if hidden and min(hidden) >= 1:
        return []
    return [f"--hidden is {hidden}; it must name at least one layer, each of at least 1 unit"]
