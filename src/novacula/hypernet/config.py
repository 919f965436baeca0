"""Options of the hypernet verbs. Imports neither torch nor scikit-learn, so that ``--help`` stays fast."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from cyclopts import Parameter

from novacula.functions import is_function_name
from novacula.options import refuse, unless_one_of, unless_seed, unless_within

if TYPE_CHECKING:
    from cyclopts import Token


def _split(kind: Callable[[str], Any], tokens: "Sequence[Token]") -> tuple[Any, ...]:
    return tuple(kind(part) for part in tokens[0].value.split(",") if part.strip())


def _integers(_: Any, tokens: "Sequence[Token]") -> tuple[int, ...]:
    return _split(int, tokens)


def _reals(_: Any, tokens: "Sequence[Token]") -> tuple[float, ...]:
    return _split(float, tokens)


def _words(_: Any, tokens: "Sequence[Token]") -> tuple[str, ...]:
    return _split(str.strip, tokens)


Integers = Annotated[tuple[int, ...], Parameter(converter=_integers, n_tokens=1)]
"""Whole numbers; on the command line one word, with commas."""
Reals = Annotated[tuple[float, ...], Parameter(converter=_reals, n_tokens=1)]
"""Numbers; on the command line one word, with commas."""
Words = Annotated[tuple[str, ...], Parameter(converter=_words, n_tokens=1)]
"""Words; on the command line one word, with commas."""

Activation = Literal["swish", "relu", "gelu", "softplus", "tanh", "square", "abs", "sin"]
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
"""Networks of known algorithms; `build` says what each one is."""


Curriculum = Literal["both", "up", "down", "none"]
"""Which hypernetworks are trained for a seed."""
Branch = Literal["up", "down", "none"]
"""Where the range of prices of one hypernetwork opens from (`novacula.hypernet.training.curriculum`)."""

LOWEST_BETA, HIGHEST_BETA = 1e-12, 1.0
"""The complexity prices that may be asked for."""


@dataclass(frozen=True)
class BuildConfig:
    """A hand-built network of a known algorithm.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    kind: KindName = "double-sided"
    """The algorithm."""
    inputs: int = 16
    """Inputs of the network."""
    slope: float = 20.0
    """k of swish(kx)/k, which stands for a rectifier."""
    hidden_per_input: int = 3
    """Hidden units for each input in networks of the L1 norm; the spare ones are dead."""
    activation: Activation = "swish"
    """Of networks that rest on rectifiers: swish, relu, gelu or softplus; others have their own."""
    offset: float | None = None
    """How far from its bend the unit of a pudding's linear part stands; None: 5 times the root of the inputs."""
    noise: float = 0.0
    """Standard deviation of noise on every weight and bias, as a share of it."""
    shuffle: bool = False
    """Put the hidden units of every layer in random order."""
    seed: int = 0
    """Seed of whatever is random in the network, 0 to 2^32 - 1."""

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
    """How a network is analyzed.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    task: str | None = None
    """What the network computes, by name or as module:function; None: what its file says, else l1-norm."""
    law: str | None = None
    """Law of the inputs, such as normal or uniform(-1,1); None: the task's own."""
    points: int = 2048
    """Random inputs on which the error is measured."""
    noise: float = 0.05
    """Standard deviation of the noise on every weight, as a share of it, that a certain label survives."""
    draws: int = 12
    """Networks with such noise that are labeled, for the confidence."""
    seed: int = 0
    """Seed of inputs and noise, 0 to 2^32 - 1."""

    def __post_init__(self) -> None:
        problems = unless_within("--points", self.points, 64, 10**6)
        problems += unless_within("--noise", self.noise, 0, 1)
        problems += unless_within("--draws", self.draws, 0, 1000)
        problems += unless_seed(self.seed)
        refuse(problems)


@dataclass(frozen=True)
class TrainConfig:
    """What a hypernetwork learns to write, and how it is trained.

    The default sizes are those of arXiv 2312.03051; its widths, rates and schedules are unknown, and these are ours.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    task: str = "l1-norm"
    """A task's name, or a function of yours as module:function."""
    law: str | None = None
    """Law of the inputs, such as normal or uniform(-1,1); None: the task's own."""
    inputs: int = 16
    """Inputs of the written networks."""
    hidden: Integers = (48,)
    """Units of each hidden layer, with commas between them."""
    sizes: Integers = ()
    """Other numbers of inputs to train on as well, with commas; hidden layers grow in proportion."""
    activation: Activation = "swish"
    """Of the hidden units."""
    biases: bool = True
    """Give hidden units constants."""
    output_bias: bool = True
    """Give outputs constants."""
    residual: bool = False
    """Let hidden layers of equal width add their input."""
    bypass: bool = False
    """Add a direct linear path from the inputs to the outputs."""
    seed: int = 0
    """Seed of weights, data and noise, 0 to 2^32 - 1."""
    seeds: int = 1
    """Hypernetworks that are trained at once, with this seed and those that follow."""
    steps: int = 8000
    """Training steps."""
    networks: int = 4
    """Networks written per step, each at a complexity price of its own."""
    batch: int = 256
    """Inputs per network and step."""
    rate: float = 5e-3
    """Learning rate of Adam at its highest."""
    beta_low: float = 1e-7
    """Least complexity price β, at least 1e-12: β divided by the number of inputs is what a nat costs."""
    beta_high: float = 1.0
    """Greatest complexity price, at most 1."""
    curriculum: Curriculum = "both"
    """The end from which the range of prices opens: low (up), high (down), one hypernetwork for each, or no end."""
    log_objective: bool = True
    """Minimize the mean logarithm of the objective, not its mean."""
    owner_features: bool = True
    """Let the posterior tell hidden units whose they are."""
    code_similarity: bool = True
    """Let the read-out use the similarity of codes directly."""
    width: int = 32
    """Features of a unit."""
    edge_width: int = 16
    """Features of an edge."""
    blocks: int = 2
    """Blocks of the graph transformer, each with a latent of its own."""
    heads: int = 2
    """Attentions of a unit per neighboring layer."""
    role: int = 6
    """Numbers of a role latent."""
    codes: int = 64
    """Numbers of a code; up to so many units get orthogonal codes."""

    def __post_init__(self) -> None:
        problems = hidden_problems(self.hidden) + unless_seed(self.seed)
        for name in ("inputs", "steps", "networks", "batch", "width", "edge-width", "heads", "role", "codes"):
            problems += unless_within(f"--{name}", getattr(self, name.replace("-", "_")), 1, 10**7)
        problems += unless_within("--seeds", self.seeds, 1, 1000) + unless_within("--blocks", self.blocks, 1, 100)
        problems += unless_within("--rate", self.rate, 1e-8, 1)
        problems += [problem for size in self.sizes for problem in unless_within("--sizes", size, 1, 10**7)]
        if not LOWEST_BETA <= self.beta_low <= self.beta_high <= HIGHEST_BETA:
            problems.append(
                f"--beta-low is {self.beta_low:g} and --beta-high is {self.beta_high:g}; "
                f"{LOWEST_BETA:g} ≤ low ≤ high ≤ {HIGHEST_BETA:g} must hold"
            )
        for name, choices in (("activation", Activation), ("curriculum", Curriculum)):
            problems += unless_one_of(f"--{name}", getattr(self, name), get_args(choices))
        refuse(problems)

    @property
    def functions(self) -> tuple[str, ...]:
        """The user's own functions that the training calls."""
        return tuple(name for name in (self.task, self.law) if name and is_function_name(name))

    @property
    def all_inputs(self) -> tuple[int, ...]:
        """The numbers of inputs trained on, ascending."""
        return tuple(sorted({self.inputs, *self.sizes}))

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The hypernetworks that are trained for each seed."""
        return ("up", "down") if self.curriculum == "both" else (self.curriculum,)

    def hidden_of(self, inputs: int) -> tuple[int, ...]:
        """The hidden layers for another number of inputs: in proportion, at least one unit each."""
        return tuple(max(1, round(units * inputs / self.inputs)) for units in self.hidden)


@dataclass(frozen=True)
class SampleConfig:
    """Which network a trained hypernetwork writes.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    beta: float = 1e-6
    """Complexity price, within the range that the run was trained on."""
    inputs: int | None = None
    """Inputs of the network, also a number never trained on; None: those of the run."""
    hidden: Annotated[tuple[int, ...] | None, Parameter(converter=_integers, n_tokens=1)] = None
    """Units of each hidden layer, with commas; None: in the run's proportion to the inputs."""
    seed: int = 0
    """Seed of the codes and latents, 0 to 2^32 - 1."""
    trained_seed: int | None = None
    """Which of a run's hypernetworks writes, by the seed that it was trained with; None: the first."""
    branch: Branch | None = None
    """Which curriculum's; None: the one that is better at this price."""
    step: int | None = None
    """The training step whose weights are used, one of those that the run kept; None: the last."""
    prior_only: bool = False
    """Draw all latents from the prior: nothing is told, and nothing paid."""

    def __post_init__(self) -> None:
        problems = unless_within("--beta", self.beta, LOWEST_BETA, HIGHEST_BETA)
        problems += unless_seed(self.seed)
        problems += [] if self.inputs is None else unless_within("--inputs", self.inputs, 1, 65_536)
        problems += [] if self.hidden is None else hidden_problems(self.hidden)
        refuse(problems)


@dataclass(frozen=True)
class BaselineConfig:
    """How networks are trained directly, without a hypernetwork.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    task: str = "l1-norm"
    """A task's name, or a function of yours as module:function."""
    law: str | None = None
    """Law of the inputs; None: the task's own."""
    inputs: int = 16
    """Inputs of the networks."""
    hidden: Integers = (48,)
    """Units of each hidden layer, with commas between them."""
    activation: Activation = "swish"
    """Of the hidden units."""
    seed: int = 0
    """Seed of weights and data, 0 to 2^32 - 1."""
    seeds: int = 1
    """Networks that are trained at once, with this seed and those that follow."""
    steps: int = 8000
    """Training steps."""
    batch: int = 256
    """Inputs per step."""
    rate: float = 3e-3
    """Learning rate of Adam at its highest."""
    l1: float = 0.0
    """Price of the mean magnitude of all weights."""

    def __post_init__(self) -> None:
        problems = hidden_problems(self.hidden) + unless_seed(self.seed)
        for name in ("inputs", "steps", "batch"):
            problems += unless_within(f"--{name}", getattr(self, name), 1, 10**7)
        problems += unless_within("--seeds", self.seeds, 1, 1000) + unless_within("--rate", self.rate, 1e-8, 1)
        problems += unless_within("--l1", self.l1, 0, 1e6)
        problems += unless_one_of("--activation", self.activation, get_args(Activation))
        refuse(problems)


def hidden_problems(hidden: tuple[int, ...]) -> list[str]:
    """What is wrong with the sizes of hidden layers."""
    if hidden and min(hidden) >= 1:
        return []
    return [f"--hidden is {hidden}; it must name at least one layer, each of at least 1 unit"]
