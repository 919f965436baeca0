"""The optimizers of the bench, and what is tuned of each.

All of them without weight decay: what is compared is how fast a given loss falls. Those of other packages are imported
when they are made, as they are extras.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from novacula.optim.lodo import LODO

Settings = Mapping[str, Any]
"""Numbers by name."""


@dataclass(frozen=True)
class Range:
    """A number that is tuned: log-uniform between two ends, or one minus such a number.

    Attributes:
        low, high: the ends, of 1 - x where `from_one`.
        default: with which the first trial is made.
        from_one: whether the distance from 1 is what is drawn, as for a decay.
    """

    low: float
    high: float
    default: float
    from_one: bool = False

    def draw(self, generator: np.random.Generator) -> float:
        """A number between the ends."""
        value = float(self.low * (self.high / self.low) ** generator.random())
        return 1 - value if self.from_one else value


@dataclass(frozen=True)
class Opponent:
    """An optimizer.

    Attributes:
        summary: what it is, in a line.
        make: from parameters, settings and a seed.
        space: what is tuned; nothing of an optimizer that is taken as it comes.
        package: where it is from.
        first_order: whether it keeps no more than some numbers for each parameter, and mixes no parameters.
        deterministic: whether it is for losses without noise only.
        matrices: whether it is for matrices only.
    """

    summary: str
    make: Callable[[list[Parameter], Settings, int], Optimizer]
    space: Mapping[str, Range] = field(default_factory=dict)
    package: str = "torch"
    first_order: bool = False
    deterministic: bool = False
    matrices: bool = False

    def settings(self, trial: int, generator: np.random.Generator) -> dict[str, float]:
        """Those of a trial: the defaults in the first, drawn ones in the others."""
        return {name: each.draw(generator) if trial else each.default for name, each in self.space.items()}


def _lodo(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    return LODO(parameters, **settings, seed=seed)


def _global(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    return LODO(parameters, **settings, structure="scalar", seed=seed)


def _sgd(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    return torch.optim.SGD(parameters, **settings)


def _adamw(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    return torch.optim.AdamW(parameters, **_betas(settings), weight_decay=0.0, fused=True)


def _nadam(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    return torch.optim.NAdam(parameters, **_betas(settings))


def _rmsprop(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    return torch.optim.RMSprop(parameters, **settings)


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


def _collected(name: str, **options: Any) -> Callable[[list[Parameter], Settings, int], Optimizer]:
    """Of `pytorch_optimizer`."""

    def make(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
        import pytorch_optimizer  # pyright: ignore[reportMissingImports] - of the extra bench

        return getattr(pytorch_optimizer, name)(parameters, **_betas(settings), weight_decay=0.0, **options)

    return make


def _muon(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
    """Matrices by Muon, kernels of convolutions too; biases by AdamW, as its author has it."""
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


def _betas(settings: Settings) -> dict[str, Any]:
    """The two decays as the one option that they are."""
    rest = {name: value for name, value in settings.items() if name not in ("beta1", "beta2")}
    return rest | ({"betas": (settings["beta1"], settings["beta2"])} if "beta1" in settings else {})


_FIRST, _SECOND = Range(1e-2, 1.0, 0.9, from_one=True), Range(1e-4, 1e-1, 0.999, from_one=True)
_ADAM = {"lr": Range(1e-4, 3.0, 1e-3), "beta1": _FIRST, "beta2": _SECOND}
_MATRIX = {"lr": Range(1e-4, 3.0, 3e-3), "beta1": _FIRST, "beta2": _SECOND}
_PUBLISHED = {"lr": Range(1e-4, 3.0, 1.0), "meta_lr": Range(1e-6, 1e-2, 1e-3), "momentum": _FIRST}

OPPONENTS: dict[str, Opponent] = {
    "lodo": Opponent("LODO as it comes: it finds its scale itself, nothing is tuned", _lodo),
    "lodo-tuned": Opponent("the published LODO, its three rates tuned", _lodo, _PUBLISHED),
    "hypergradient": Opponent("one learned rate: the Global ablation of LODO", _global, _PUBLISHED, first_order=True),
    "sgd": Opponent(
        "gradient descent with momentum",
        _sgd,
        {"lr": Range(1e-4, 3.0, 1e-2), "momentum": _FIRST},
        first_order=True,
    ),
    "adamw": Opponent("AdamW, fused", _adamw, _ADAM, first_order=True),
    "nadam": Opponent("Adam with Nesterov's momentum", _nadam, _ADAM, first_order=True),
    "rmsprop": Opponent(
        "RMSprop with momentum",
        _rmsprop,
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
