"""Options of LODO and of the optim verbs. This module does not import torch, so that ``--help`` is fast."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, SupportsFloat, get_args

from novacula.functions import is_function_name
from novacula.options import CampaignOptions, Configuration, Seed, in_range, refuse, unless_one_of

StructureName = Literal["blockperm", "butterfly", "kronecker", "diagonal", "scalar", "residual", "dense"]
ScopeName = Literal["global", "group", "param"]
MetaOptimizerName = Literal["adam", "sgd"]
EngineName = Literal["auto", "native", "torch"]
DtypeName = Literal["float32", "float64"]

SHARED = ("lr", "weight_decay")
"""Options in which parameter groups that share a preconditioner may differ."""
SHAPING = ("structure", "depth", "block_size", "expand", "meta_optimizer", "scope", "automatic")
"""Options that a state must share with the optimizer that loads it, and that do not change after the first step."""
_RATES = ("lr", "meta_lr", "weight_decay", "meta_eps", "max_update_rms")


@dataclass(frozen=True)
class GroupOptions:
    """Options of one parameter group: those of the published method (arXiv 2210.06171) and ours.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    lr: SupportsFloat | None = None
    """α0, the scale of the step, a number or a tensor; None for the automatic scale, of which it is then a factor."""
    meta_lr: float = 1e-3
    """α, the learning rate of the preconditioner."""
    momentum: float = 0.9
    """β of the running mean of gradients, 0 ≤ β < 1."""
    weight_decay: float = 0.0
    """Decoupled: parameters shrink by 1 - lr · weight_decay, which the preconditioner does not see."""
    structure: StructureName = "blockperm"
    """The family of matrices; the published one is blockperm."""
    depth: int | None = None
    """Layers of one half. None is 16; in a butterfly one more than mixes everything, in residual layers 64."""
    block_size: int | None = None
    """Side of the blocks. None is 4; in a Kronecker product the whole side of the matrix."""
    expand: int | None = None
    """Scalars of the padded vector per scalar of the parameters. None is 2; in a butterfly 1."""
    meta_optimizer: MetaOptimizerName = "adam"
    """The optimizer that moves φ."""
    meta_betas: tuple[float, float] = (0.9, 0.999)
    """Decays of the moments of the meta-gradient."""
    meta_eps: float = 1e-7
    """Added to the root of its second moment."""
    meta_every: int = 1
    """The preconditioner learns from one gradient in this many; the steps between cost half."""
    max_update_rms: float | None = None
    """The largest root mean square of one update; None for no limit."""

    @classmethod
    def of(cls, group: Mapping[str, object]) -> "GroupOptions":
        """Returns the options of a parameter group.

        Raises:
            InputError: one of them is out of its range.
        """
        values: Any = {field.name: group[field.name] for field in fields(cls)}
        return cls(**values)

    def __post_init__(self) -> None:
        refuse(self._problems(), "LODO")
        for name in (*_RATES, "momentum"):
            object.__setattr__(self, name, _plain(getattr(self, name), name in SHARED))
        object.__setattr__(self, "meta_betas", tuple(_plain(beta) for beta in self.meta_betas))

    def _problems(self) -> list[str]:
        problems = []
        for name in _RATES:
            value = getattr(self, name)
            if value is None and name in ("lr", "max_update_rms"):
                continue
            if not is_rate(value):
                problems.append(f"{name} is {value!r}; it must be a finite number, at least 0")
            elif name == "max_update_rms" and value == 0:  # parameters would stay, or become 0 / 0
                problems.append(f"{name} is {value!r}; it must be more than 0, or None for no limit")
        for name, value in (("momentum", self.momentum), *((f"meta_betas[{i}]", b) for i, b in _pair(self.meta_betas))):
            if not (is_rate(value) and float(value) < 1):
                problems.append(f"{name} is {value!r}; it must lie in 0 ≤ β < 1")
        if len(_pair(self.meta_betas)) != 2:
            problems.append(f"meta_betas is {self.meta_betas!r}; it must be two numbers")
        for name, least in (("depth", 0), ("block_size", 1), ("expand", 1), ("meta_every", 1)):
            value = getattr(self, name)
            if value is None and name != "meta_every":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                problems.append(f"{name} is {value!r}; it must be a whole number, at least {least}")
        for name, choices in (("structure", StructureName), ("meta_optimizer", MetaOptimizerName)):
            problems += unless_one_of(name, getattr(self, name), get_args(choices))
        return problems


@dataclass(frozen=True)
class SharedOptions:
    """Options of the whole optimizer.

    Raises:
        InputError: an option is out of its range; all such options are listed at once.
    """

    scope: ScopeName | None = None
    """What shares one preconditioner: all, a group's, or one parameter's scalars. None is all of up to 100,000."""
    state_dtype: DtypeName | None = None
    """None is float32, or the parameter's dtype if it is wider."""
    seed: int = 0
    """Seed of permutations and initial blocks, 0 to 2^63 - 1."""
    engine: EngineName = "auto"
    """auto is native wherever the kernels can do the work."""
    maximize: bool = False
    """Climb instead of descend."""

    def __post_init__(self) -> None:
        problems = []
        for name, choices in (("scope", ScopeName), ("state_dtype", DtypeName)):
            if getattr(self, name) is not None:
                problems += unless_one_of(name, getattr(self, name), get_args(choices))
        problems += unless_one_of("engine", self.engine, get_args(EngineName))
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**63:
            problems.append(f"seed is {self.seed!r}; it must be a whole number in 0 … 2^63 - 1")
        refuse(problems, "LODO")


@dataclass(frozen=True)
class DemoConfig(Configuration):
    """Options of the demo."""

    seed: Seed = 0
    """Seed of all random numbers, 0 to 2^32 - 1."""
    trials: Annotated[int, in_range(1, 1000)] = 12
    """Settings, drawn at random, that are tried for each optimizer in the valley; the picture has the best."""
    steps: Annotated[int, in_range(10, 10**7)] = 6_000
    """Steps in the bowl whose inverse Hessian LODO learns; more bring the two matrices nearer."""


@dataclass(frozen=True)
class BenchConfig(CampaignOptions):
    """Which optimizers the bench compares, and on what."""

    tasks: tuple[str, ...] = ()
    """Tasks to compare on, separated by commas: bowl-100-c10, bowl-100-c1000, bowl-100-c100000, bowl-1000-c10,
    bowl-1000-c1000, bowl-1000-c100000, rosenbrock-2, rosenbrock-100, noisy-quadratic, digits-logistic, digits-network,
    poisson, flow, adding, mnist-convolutions, fashion-convolutions, mnist-pixels, text, or a function of yours as
    mymodule:problem. By default all of ours."""
    optimizers: tuple[str, ...] = ()
    """Optimizers to compare, separated by commas: lodo, lodo-tuned, hypergradient, sgd, adamw, nadam, rmsprop,
    schedule-free, prodigy, soap, shampoo, muon, psgd-kron, lbfgs. By default all."""
    trials: Annotated[int, in_range(1, 10_000)] = 24
    """Settings that are tried for every optimizer: its defaults, and others drawn at random."""
    seeds: Annotated[int, in_range(1, 1000)] = 5
    """Runs of every optimizer with the best of its settings."""
    steps_scale: float = 1.0
    """Factor on the steps of every task; less gives a quick look."""
    seed: Seed = 0
    """Seed of all other seeds, 0 to 2^32 - 1."""

    @property
    def functions(self) -> tuple[str, ...]:
        """The user's own functions among the tasks."""
        names = (name.strip() for text in self.tasks for name in text.split(","))
        return tuple(dict.fromkeys(name for name in names if is_function_name(name)))

    def _problems(self) -> list[str]:
        problems = super()._problems()
        if not 0 < self.steps_scale <= 1000:
            problems.append(f"--steps-scale is {self.steps_scale:g}; it must lie in 0 … 1000, 0 excluded")
        return problems


def is_rate(value: Any) -> bool:
    """Whether a value is a finite number of at least 0, or a tensor of one."""
    if isinstance(value, bool | str | bytes):  # which float would take
        return False
    try:
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        return False
    return math.isfinite(number) and number >= 0


def _plain(value: Any, tensor: bool = False) -> Any:
    """A number of any kind, such as NumPy's, as Python's; a tensor, in which a scheduler writes, stays where it may."""
    return (
        value if value is None or type(value) in (int, float) or (tensor and hasattr(value, "fill_")) else float(value)
    )


def _pair(values: object) -> list[tuple[int, Any]]:
    return list(enumerate(values)) if isinstance(values, tuple | list) else []
