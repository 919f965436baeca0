"""LODO as it comes on ten tasks that none of its constants was chosen on.

    python benchmarks/studies/lodo_held_out.py [--tasks 'a;b'] [--seeds 5] [--renew] [--json PATH]

The tasks and the numbers of steps were committed before any optimizer ran on them. Five have the same loss at every
step, five have minibatches. LODO runs with its defaults; AdamW without weight decay at each of six rates, of which the
one with the lowest mean loss over the seeds counts. A loss is the mean of the last tenth of the steps, on held-out rows
where there are any. LODO holds a task where its mean is no larger than AdamW's; with minibatches also where it is
within 3 %, or within one standard error of the difference of runs with the same seed. SOAP runs at three rates where
`pytorch_optimizer` is installed, and joins what is recorded without it. Finished tasks are kept in
benchmarks/results/lodo_held_out/ and not run again; `--renew` runs LODO again, and leaves what the others did as it is.
"""

import math
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import GRU, Parameter, ReLU, Sequential, functional
from torch.nn.functional import cross_entropy, mse_loss
from typing_extensions import override

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.files import write_json
from novacula.optim.opponents import OPPONENTS
from novacula.optim.tasks.task import BenchTask, Problem, layer, normal
from novacula.optim.training import train

RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
SOAP_RATES = (1e-3, 3e-3, 1e-2)


class Held(Problem):
    """A problem of a loss for each step, and, where rows are held out, of the loss that counts."""

    def __init__(
        self, parameters: list[Parameter], step: Callable[[], Tensor], rest: Callable[[], Tensor] | None = None
    ) -> None:
        self.parameters, self._step, self._rest = parameters, step, rest or step

    @override
    def loss(self) -> Tensor:
        return self._step()

    @override
    @torch.no_grad()
    def held_out(self) -> float:
        return float(self._rest())


def multilayer(generator: torch.Generator, *widths: int) -> list[Parameter]:
    """The parameters of layers of these widths."""
    return [p for a, b in pairwise(widths) for p in layer(generator, b, a)]


def forward(parameters: list[Parameter], x: Tensor, bend: Callable[[Tensor], Tensor] = torch.tanh) -> Tensor:
    """The last layer's outputs."""
    for weight, bias in zip(parameters[0:-2:2], parameters[1:-2:2], strict=True):
        x = bend(x @ weight.T + bias)
    return x @ parameters[-2].T + parameters[-1]


def batches(generator: torch.Generator, size: int, *data: Tensor) -> tuple[Callable[[], list[Tensor]], list[Tensor]]:
    """What draws a batch of rows with replacement, and the last fifth of the rows, which no batch contains."""
    trained = len(data[0]) * 4 // 5

    def draw() -> list[Tensor]:
        rows = torch.randint(trained, (size,), generator=generator)
        return [each[rows] for each in data]

    return draw, [each[trained:] for each in data]


def sklearn_rows(name: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The rows and the targets of a data set of scikit-learn, in random order."""
    x, y = getattr(import_module("sklearn.datasets"), name)(return_X_y=True)
    order = torch.randperm(len(x), generator=generator)
    return torch.from_numpy(np.asarray(x)).float()[order], torch.from_numpy(np.asarray(y))[order]


def least_squares(generator: torch.Generator) -> Problem:
    """120 equations in 40 unknowns, whose normal equations have condition 10⁶."""
    left = torch.linalg.qr(normal(generator, 120, 40)).Q
    right = torch.linalg.qr(normal(generator, 40, 40)).Q
    matrix = (left * torch.logspace(0, -3, 40)) @ right.T * 120**0.5
    x, target = Parameter(torch.zeros(40)), matrix @ (3 * normal(generator, 40))
    return Held([x], lambda: mse_loss(matrix @ x, target))


def heat(generator: torch.Generator) -> Problem:
    """A network u(x, t), 2-24-24-1, of u_t = u_xx / 10 with u(x, 0) = sin πx, and 0 at x = 0 and 1 (a PINN)."""
    parameters = multilayer(generator, 2, 24, 24, 1)
    inside = torch.rand(100, 2, generator=generator).requires_grad_()
    start = torch.stack([torch.rand(40, generator=generator), torch.zeros(40)], 1)
    sides = torch.stack([torch.arange(40) % 2, torch.rand(40, generator=generator)], 1)

    def loss() -> Tensor:
        with torch.enable_grad():
            (first,) = torch.autograd.grad(forward(parameters, inside).sum(), inside, create_graph=True)
            (second,) = torch.autograd.grad(first[:, 0].sum(), inside, create_graph=True)
            residual = (first[:, 1] - 0.1 * second[:, 0]).square().mean()
        at_start = mse_loss(forward(parameters, start)[:, 0], torch.sin(math.pi * start[:, 0]))
        return residual + 10 * (at_start + forward(parameters, sides).square().mean())

    return Held(parameters, loss)


def raw_logistic(generator: torch.Generator) -> Problem:
    """Logistic regression on 569 tumors, whose 30 features keep their scales, from 0.001 to 1,000."""
    x, y = sklearn_rows("load_breast_cancer", generator)
    parameters = [Parameter(torch.zeros(2, 30)), Parameter(torch.zeros(2))]
    return Held(parameters, lambda: cross_entropy(forward(parameters, x), y))


def sine(generator: torch.Generator) -> Problem:
    """A network 1-32-32-1 that fits sin 3x + sin 7x / 2 at 100 points."""
    parameters, x = multilayer(generator, 1, 32, 32, 1), 4 * torch.rand(100, 1, generator=generator) - 2
    y = torch.sin(3 * x) + 0.5 * torch.sin(7 * x)
    return Held(parameters, lambda: mse_loss(forward(parameters, x), y))


def factors(generator: torch.Generator) -> Problem:
    """Two factors of rank 5 of a matrix 40 × 30 of that rank, of which half the entries are known."""
    whole = normal(generator, 40, 5) @ torch.diag(torch.logspace(0, -1.5, 5)) @ normal(generator, 5, 30)
    known = torch.rand(40, 30, generator=generator) < 0.5
    parameters = [Parameter(0.3 * normal(generator, 40, 5)), Parameter(0.3 * normal(generator, 5, 30))]
    return Held(parameters, lambda: (parameters[0] @ parameters[1] - whole)[known].square().mean())


def diabetes(generator: torch.Generator) -> Problem:
    """A network 10-32-1 on scikit-learn's 442 patients, in batches of 32."""
    x, y = sklearn_rows("load_diabetes", generator)
    y = ((y - y.mean()) / y.std()).float()[:, None]
    parameters = multilayer(generator, 10, 32, 1)
    draw, rest = batches(generator, 32, x / x.std(), y)
    return Held(parameters, lambda: _error(parameters, *draw()), lambda: _error(parameters, *rest))


def _error(parameters: list[Parameter], x: Tensor, y: Tensor) -> Tensor:
    return mse_loss(forward(parameters, x), y)


def batch_norm(generator: torch.Generator) -> Problem:
    """Two 3 × 3 convolutions with batch norm on digits of 8 × 8, in batches of 32; the rest is normed as one batch."""
    x, y = sklearn_rows("load_digits", generator)
    kernels = [Parameter(normal(generator, 8, 1, 3, 3) / 3), Parameter(normal(generator, 16, 8, 3, 3) / 72**0.5)]
    scales = [Parameter(value) for size in (8, 16) for value in (torch.ones(size), torch.zeros(size))]
    last = layer(generator, 10, 64)

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        for i, kernel in enumerate(kernels):
            images = functional.conv2d(images, kernel, padding=1)
            normed = functional.batch_norm(images, None, None, *scales[2 * i : 2 * i + 2], training=True)
            images = functional.max_pool2d(normed.relu(), 2)
        return cross_entropy(forward(last, images.flatten(1)), labels)

    draw, rest = batches(generator, 32, x[:, None].unflatten(-1, (8, 8)) / 16, y)
    return Held([*kernels, *scales, *last], lambda: loss(*draw()), lambda: loss(*rest))


def copying(generator: torch.Generator) -> Problem:
    """A GRU of 32 units that repeats five symbols of eight after it has read them."""
    torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))  # the caller forks the global generator
    recurrent, last = GRU(9, 32, batch_first=True), layer(generator, 8, 32)

    def draw(count: int) -> tuple[Tensor, Tensor]:
        symbols = torch.randint(8, (count, 5), generator=generator)
        inputs = torch.cat([symbols, torch.full((count, 5), 8)], 1)
        return functional.one_hot(inputs, 9).float(), symbols

    def loss(inputs: Tensor, symbols: Tensor) -> Tensor:
        states, _ = recurrent(inputs)
        return cross_entropy(forward(last, states[:, 5:]).flatten(0, 1), symbols.flatten())

    rest = draw(256)
    return Held([*recurrent.parameters(), *last], lambda: loss(*draw(32)), lambda: loss(*rest))


def autoencoder(generator: torch.Generator) -> Problem:
    """A network 64-48-8-48-64 that repeats digits of 8 × 8, in batches of 32."""
    x, _ = sklearn_rows("load_digits", generator)
    parameters = multilayer(generator, 64, 48, 8, 48, 64)
    draw, rest = batches(generator, 32, x / 16)
    return Held(
        parameters, lambda: _error(parameters, *(batch := draw()), *batch), lambda: _error(parameters, *rest, *rest)
    )


def characters(generator: torch.Generator) -> Problem:
    """A network that predicts a character of the source of Python's `argparse` from the eight before it."""
    text = Path(str(import_module("argparse").__file__)).read_text(encoding="utf-8")
    alphabet = {character: index for index, character in enumerate(sorted(set(text)))}
    whole = torch.tensor([alphabet[character] for character in text]).unfold(0, 9, 1)
    table = Parameter(normal(generator, len(alphabet), 8))
    parameters, bend = multilayer(generator, 64, 64, len(alphabet)), Sequential(ReLU())
    draw, (rest,) = batches(generator, 64, whole)

    def loss(rows: Tensor) -> Tensor:
        return cross_entropy(forward(parameters, table[rows[:, :8]].flatten(1), bend), rows[:, 8])

    return Held([table, *parameters], lambda: loss(*draw()), lambda: loss(rest[::20]))


TASKS: dict[str, BenchTask] = {
    "least squares": BenchTask("least squares of condition 10⁶", 1000, least_squares, deterministic=True),
    "heat equation": BenchTask("a network that solves the heat equation", 800, heat, deterministic=True),
    "raw logistic": BenchTask("logistic regression on raw features", 1000, raw_logistic, deterministic=True),
    "sine": BenchTask("a network that fits a sum of sines", 1000, sine, deterministic=True),
    "factors": BenchTask("matrix factorization", 600, factors, deterministic=True),
    "diabetes": BenchTask("a network on diabetes, batches", 600, diabetes),
    "batch norm": BenchTask("convolutions with batch norm", 400, batch_norm),
    "copying": BenchTask("a GRU that copies", 800, copying),
    "autoencoder": BenchTask("an autoencoder", 600, autoencoder),
    "characters": BenchTask("a model of characters", 800, characters),
}


def runs(task: BenchTask, optimizer: str, settings: Mapping[str, float], seeds: int) -> list[float]:
    """The losses with each seed; infinite where a run diverged."""
    found = [train(task, OPPONENTS[optimizer], settings, seed=seed, steps=task.steps).loss for seed in range(seeds)]
    return [math.inf if loss is None else loss for loss in found]


def measured(task: BenchTask, seeds: int) -> Mapping[str, Any]:
    """All runs of LODO and AdamW on a task: LODO's losses, and AdamW's by rate."""
    lodo = finite(runs(task, "lodo", {}, seeds))
    return {"steps": task.steps, "lodo": lodo, "adamw": by_rate(task, "adamw", RATES, seeds)}


def by_rate(task: BenchTask, optimizer: str, rates: tuple[float, ...], seeds: int) -> dict[str, list[float | None]]:
    """The losses of an optimizer at each of its rates."""
    decays = {"beta1": 0.9, "beta2": 0.999}
    return {str(rate): finite(runs(task, optimizer, {"lr": rate, **decays}, seeds)) for rate in rates}


def finite(losses: list[float]) -> list[float | None]:
    """Losses for JSON, None where a run diverged."""
    return [loss if math.isfinite(loss) else None for loss in losses]


def best(by_rate: Mapping[str, list[float | None]]) -> tuple[str, list[float]]:
    """The rate with the lowest mean loss, and its losses."""
    losses = {rate: [math.inf if x is None else x for x in each] for rate, each in by_rate.items()}
    rate = min(losses, key=lambda rate: fmean(losses[rate]))
    return rate, losses[rate]


def verdict(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """A row: the mean losses, and whether LODO holds the task."""
    rate, theirs = best(found["adamw"])
    ours = [math.inf if x is None else x for x in found["lodo"]]
    difference = [a - b for a, b in zip(ours, theirs, strict=True)]
    error = stdev(difference) / len(difference) ** 0.5 if all(map(math.isfinite, difference)) else 0.0
    held = fmean(ours) <= fmean(theirs)
    if not TASKS[name].deterministic:
        held = held or fmean(ours) <= 1.03 * fmean(theirs) or fmean(difference) <= error
    soap = fmean(best(found["soap"])[1]) if "soap" in found else None
    return {"task": name, "lodo": fmean(ours), "adamw": fmean(theirs), "rate": rate, "soap": soap, "held": held}


def outcome(name: str, seeds: int, renew: bool) -> Mapping[str, Any]:
    """What is kept of a task, with the runs that are missing or new."""
    path = RESULTS / "lodo_held_out" / f"{name.replace(' ', '-')}.{seeds}.json"
    found = recorded(path, lambda: measured(TASKS[name], seeds))
    task, new = TASKS[name], {}
    if renew:
        new["lodo"] = finite(runs(task, "lodo", {}, seeds))
    if "soap" not in found and find_spec("pytorch_optimizer"):
        new["soap"] = by_rate(task, "soap", SOAP_RATES, seeds)
    if new:
        write_json(path, found := {**found, **new})
    return found


def main() -> None:
    """Measure what is missing and print the table."""
    options: Namespace = arguments(__doc__, seeds=5, tasks="", renew=False)
    torch.set_num_threads(1)
    names = options.tasks.split(";") if options.tasks else TASKS
    outcomes = {name: outcome(name, options.seeds, options.renew) for name in names}
    rows = []
    table_head("task", "steps", "LODO", "AdamW", "at rate", "SOAP", "held")
    for name, found in outcomes.items():
        rows.append(row := verdict(name, found))
        soap = None if row["soap"] is None else f"{row['soap']:.3g}"
        losses = (f"{row['lodo']:.3g}", f"{row['adamw']:.3g}", row["rate"], soap)
        table_row(name, TASKS[name].steps, *losses, "yes" if row["held"] else "no")
    print(f"\n{sum(row['held'] for row in rows)} of {len(rows)} held")
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
