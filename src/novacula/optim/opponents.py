"""The optimizers of the bench, and the settings that are tuned of each.

None of them has weight decay: the bench compares how fast a given loss falls. The optimizers of other packages belong
to an extra, so each is imported when it is made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from novacula.optim.config import StructureName
from novacula.optim.lodo import LODO

Settings = Mapping[str, float]
"""Options of an optimizer, by name; ``beta1`` and ``beta2`` stand for one option, ``betas``."""
Maker = Callable[[list[Parameter], Settings, int], Optimizer]
"""Makes an optimizer from parameters, settings and a seed."""


@dataclass(frozen=True)
class Range:
    """A setting that is tuned: log-uniform between two ends, or one minus such a number."""

    low: float  #: the ends; those of 1 - x if `from_one`
    high: float  #: the ends; those of 1 - x if `from_one`
    default: float  #: the value in the first trial
    from_one: bool = False  #: whether the distance from 1 is drawn, as for a decay

    def draw(self, generator: np.random.Generator) -> float:
        """Draws a number between the ends."""
        value = float(self.low * (self.high / self.low) ** generator.random())
        return 1 - value if self.from_one else value


@dataclass(frozen=True)
class Opponent:
    """An optimizer."""

    summary: str  #: its description, in a line
    make: Maker  #: makes the optimizer
    space: Mapping[str, Range] = field(default_factory=dict)
    """The settings that are tuned; none for an optimizer with its defaults."""
    package: str = "torch"  #: the package that it comes with
    first_order: bool = False  #: whether it keeps only some numbers for each parameter, and mixes no parameters
    deterministic: bool = False  #: whether it is only for losses without noise
    matrices: bool = False  #: whether it is only for tasks with matrices

    def settings(self, trial: int, generator: np.random.Generator) -> dict[str, float]:
        """Returns the settings of a trial: the defaults in the first, drawn ones in the others."""
        return {name: extent.draw(generator) if trial else extent.default for name, extent in self.space.items()}


def _lodo(structure: StructureName = "blockperm") -> Maker:
    def make(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
        options: Any = settings
        return LODO(parameters, **options, structure=structure, seed=seed)

    return make


def _torch(kind: Callable[..., Optimizer], **fixed: object) -> Maker:
    """Makes an optimizer of torch."""
    return lambda parameters, settings, seed: kind(parameters, **_options(settings), **fixed)


def _lbfgs(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    # One iteration a step, so that every evaluation of its line search is counted as one of the steps.
    return torch.optim.LBFGS(
        parameters,
        lr=settings["lr"],
        history_size=round(settings["history_size"]),
        max_iter=1,
        max_eval=25,
        line_search_fn="strong_wolfe",
    )


def _collected(name: str, **fixed: object) -> Maker:
    """Makes an optimizer of `pytorch_optimizer`."""

    def make(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
        import pytorch_optimizer  # pyright: ignore[reportMissingImports] - of the extra bench

        return getattr(pytorch_optimizer, name)(parameters, **_options(settings), weight_decay=0.0, **fixed)

    return make


def _muon(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    """Muon moves matrices and kernels of convolutions, AdamW biases, as its author has it."""
    import pytorch_optimizer  # pyright: ignore[reportMissingImports] - of the extra bench

    groups = [
        {"params": [p for p in parameters if (p.ndim > 1) == matrices], "use_muon": matrices, "lr": settings[rate]}
        for matrices, rate in ((True, "lr"), (False, "adamw_lr"))
    ]
    return pytorch_optimizer.Muon(groups, momentum=settings["momentum"], weight_decay=0.0)


def _psgd(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    import heavyball  # pyright: ignore[reportMissingImports] - of the extra bench

    heavyball.utils.compile_mode = None  # compiling takes longer than all the steps
    options = {"beta": settings["momentum"], "precond_lr": settings["precond_lr"], "min_ndim_triangular": 1}
    return heavyball.PSGDKron(parameters, lr=settings["lr"], weight_decay=0.0, **options)


def _options(settings: Settings) -> dict[str, object]:
    """Settings as options, with both decays in one."""
    rest: dict[str, object] = {name: value for name, value in settings.items() if name not in ("beta1", "beta2")}
    return rest | ({"betas": (settings["beta1"], settings["beta2"])} if "beta1" in settings else {})


_FIRST, _SECOND = Range(1e-2, 1.0, 0.9, from_one=True), Range(1e-4, 1e-1, 0.999, from_one=True)
_ADAM = {"lr": Range(1e-4, 3.0, 1e-3), "beta1": _FIRST, "beta2": _SECOND}
_MATRIX = {"lr": Range(1e-4, 3.0, 3e-3), "beta1": _FIRST, "beta2": _SECOND}
_PUBLISHED = {"lr": Range(1e-4, 3.0, 1.0), "meta_lr": Range(1e-6, 1e-2, 1e-3), "momentum": _FIRST}

OPPONENTS: dict[str, Opponent] = {
    "lodo": Opponent("LODO as it comes: it finds its scale itself, nothing is tuned", _lodo()),
    "lodo-tuned": Opponent("the published LODO, its three rates tuned", _lodo(), _PUBLISHED),
    "hypergradient": Opponent(
        "one learned rate: the Global ablation of LODO", _lodo("scalar"), _PUBLISHED, first_order=True
    ),
    "sgd": Opponent(
        "gradient descent with momentum",
        _torch(torch.optim.SGD),
        {"lr": Range(1e-4, 3.0, 1e-2), "momentum": _FIRST},
        first_order=True,
    ),
    "adamw": Opponent("AdamW, fused", _torch(torch.optim.AdamW, weight_decay=0.0, fused=True), _ADAM, first_order=True),
    "nadam": Opponent("Adam with Nesterov's momentum", _torch(torch.optim.NAdam), _ADAM, first_order=True),
    "rmsprop": Opponent(
        "RMSprop with momentum",
        _torch(torch.optim.RMSprop),
        {"lr": Range(1e-4, 3.0, 1e-3), "alpha": _SECOND, "momentum": _FIRST},
        first_order=True,
    ),
    "schedule-free": Opponent(
        "Schedule-Free AdamW", _collected("ScheduleFreeAdamW"), _ADAM, "pytorch_optimizer", first_order=True
    ),
    "prodigy": Opponent(
        "Prodigy",
        _collected("Prodigy"),
        {"lr": Range(1e-1, 1e1, 1.0), "d_coef": Range(1e-1, 1e1, 1.0), "beta1": _FIRST, "beta2": _SECOND},
        "pytorch_optimizer",
        first_order=True,
    ),
    "soap": Opponent("SOAP", _collected("SOAP", precondition_1d=True), _MATRIX, "pytorch_optimizer"),
    "shampoo": Opponent(
        "Shampoo, its roots computed every tenth step",
        _collected("Shampoo", preconditioning_compute_steps=10),
        {"lr": Range(1e-4, 3.0, 1e-1), "momentum": _FIRST, "matrix_eps": Range(1e-8, 1e-2, 1e-6)},
        "pytorch_optimizer",
    ),
    "muon": Opponent(
        "Muon, and AdamW for vectors",
        _muon,
        {"lr": Range(1e-4, 1.0, 2e-2), "adamw_lr": Range(1e-4, 1.0, 1e-3), "momentum": _FIRST},
        "pytorch_optimizer",
        matrices=True,
    ),
    "psgd-kron": Opponent(
        "PSGD with Kronecker factors",
        _psgd,
        {"lr": Range(1e-4, 3.0, 1e-3), "momentum": _FIRST, "precond_lr": Range(1e-2, 1.0, 1e-1)},
        "heavyball",
    ),
    "lbfgs": Opponent(
        "L-BFGS with a strong Wolfe line search",
        _lbfgs,
        {"lr": Range(1e-2, 2.0, 1.0), "history_size": Range(3.0, 100.0, 10.0)},
        deterministic=True,
    ),
}
"""In the order of the report."""
