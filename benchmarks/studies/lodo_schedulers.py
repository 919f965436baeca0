"""Does LODO as it comes survive every scheduler of torch, and does annealing help it?

    python benchmarks/studies/lodo_schedulers.py [--tasks 'a;b'] [--json PATH]

Six small tasks, 400 steps each: a bowl of 20 coordinates and condition 1,000; the same with noise on the gradient; an
MLP 10-24-1 on batches of 64; the same network on all rows at once; logistic regression on batches of 32; a network
64-32-10 on digits. Every scheduler's factors lie in 0 … 1. The loss is the mean of the last tenth of the steps,
without noise or on all rows. It may be at most 1.5 times the larger of two: of LODO without a scheduler, and of AdamW
at the best of three rates (1e-3, 1e-2, 1e-1) under the same scheduler. Annealing schedulers must end lower than none
on the two tasks with noise that never ends: the noisy bowl, and the MLP on batches. The seeds are 20 to 22; what LODO
does at first was chosen on seeds 10 to 12. Finished tasks are kept in benchmarks/results/lodo_schedulers/ and not run
again.
"""

import math
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import lr_scheduler as schedules

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.optim import LODO

STEPS = 400
SEEDS = range(20, 23)
MOST = 1.5
RATES = (1e-3, 1e-2, 1e-1)
PLAIN = "none"
Loss = Callable[[bool], Tensor]  #: the loss: for a step, or, with True, the one that counts


def bowl(seed: int, noise: float) -> tuple[list[Parameter], Loss]:
    """Curvatures from 1/1,000 to 1 in random directions, from a random point."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.linalg.qr(torch.randn(20, 20, generator=generator)).Q
    hessian = (directions * torch.logspace(-3, 0, 20)) @ directions.T
    x = Parameter(3 * torch.randn(20, generator=generator))

    def loss(counts: bool) -> Tensor:
        value = 0.5 * x.dot(hessian @ x)
        return value if counts or not noise else value + noise * x.dot(torch.randn(20, generator=generator))

    return [x], loss


def network(widths: tuple[int, ...], generator: torch.Generator) -> tuple[list[Parameter], Callable[[Tensor], Tensor]]:
    """Layers with tanh between them."""
    parameters = []
    for a, b in pairwise(widths):
        parameters += [Parameter(torch.randn(b, a, generator=generator) / a**0.5), Parameter(torch.zeros(b))]

    def forward(x: Tensor) -> Tensor:
        for weight, bias in zip(parameters[0:-2:2], parameters[1:-2:2], strict=True):
            x = torch.tanh(x @ weight.T + bias)
        return x @ parameters[-2].T + parameters[-1]

    return parameters, forward


def on_rows(
    seed: int, widths: tuple[int, ...], data: tuple[Tensor, Tensor], distance: Callable[..., Tensor], batch: int | None
) -> tuple[list[Parameter], Loss]:
    """A network on rows of data, by batches or all at once."""
    generator = torch.Generator().manual_seed(seed)
    (x, y), (parameters, forward) = data, network(widths, generator)

    def loss(counts: bool) -> Tensor:
        rows = slice(None) if counts or batch is None else torch.randint(len(x), (batch,), generator=generator)
        return distance(forward(x[rows]), y[rows])

    return parameters, loss


def regression() -> tuple[Tensor, Tensor]:
    """A smooth function of ten numbers on 256 rows."""
    x = torch.randn(256, 10, generator=torch.Generator().manual_seed(1))
    return x, x[:, :3].sin().sum(1, keepdim=True) + 0.3 * x[:, 3:4] ** 2


def classes() -> tuple[Tensor, Tensor]:
    """Two noisy classes of 300 rows, whose columns have scales from 0.1 to 10."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(300, 12, generator=generator) * torch.logspace(-1, 1, 12)
    return x, ((x / torch.logspace(-1, 1, 12))[:, :4].sum(1) + torch.randn(300, generator=generator) > 0).long()


def digits() -> tuple[Tensor, Tensor]:
    """600 of scikit-learn's digits."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return torch.tensor(pixels / 16).float()[:600], torch.tensor(labels).long()[:600]


TASKS: dict[str, Callable[[int], tuple[list[Parameter], Loss]]] = {
    "bowl": lambda seed: bowl(seed, 0.0),
    "noisy bowl": lambda seed: bowl(seed, 0.3),
    "MLP, batches": lambda seed: on_rows(seed, (10, 24, 1), regression(), mse_loss, 64),
    "MLP, all rows": lambda seed: on_rows(seed, (10, 24, 1), regression(), mse_loss, None),
    "logistic": lambda seed: on_rows(seed, (12, 2), classes(), cross_entropy, 32),
    "digits": lambda seed: on_rows(seed, (64, 32, 10), digits(), cross_entropy, 64),
}
NOISY = ("noisy bowl", "MLP, batches")
ANNEALING = ("StepLR", "ExponentialLR", "LinearLR down", "PolynomialLR", "CosineAnnealingLR", "OneCycleLR")


def chained(optimizer: torch.optim.Optimizer) -> schedules.LRScheduler:
    """A warm-up, then a cosine."""
    warm = schedules.LinearLR(optimizer, 0.01, 1.0, STEPS // 10)
    return schedules.SequentialLR(
        optimizer, [warm, schedules.CosineAnnealingLR(optimizer, STEPS * 9 // 10)], [STEPS // 10]
    )


def one_cycle(optimizer: torch.optim.Optimizer) -> schedules.LRScheduler:
    """One cycle up to the optimizer's own rate."""
    return schedules.OneCycleLR(optimizer, optimizer.param_groups[0]["lr"], STEPS + 1, cycle_momentum=False)


def cyclic(optimizer: torch.optim.Optimizer) -> schedules.LRScheduler:
    """Triangles between a hundredth of the rate and the rate."""
    top = optimizer.param_groups[0]["lr"]
    return schedules.CyclicLR(optimizer, top / 100, top, step_size_up=STEPS // 8, cycle_momentum=False)


SCHEDULERS: dict[str, Callable[..., schedules.LRScheduler]] = {
    "LambdaLR, 0 then 1": lambda o: schedules.LambdaLR(o, lambda t: float(t >= STEPS // 4)),
    "LambdaLR, 1e-8 from 20": lambda o: schedules.LambdaLR(o, lambda t: 1.0 if t < 20 else 1e-8),
    "LambdaLR, 1e-6 then 1": lambda o: schedules.LambdaLR(o, lambda t: 1.0 if t >= STEPS // 4 else 1e-6),
    "MultiplicativeLR": lambda o: schedules.MultiplicativeLR(o, lambda t: 0.99),
    "StepLR": lambda o: schedules.StepLR(o, STEPS // 3, 0.1),
    "StepLR to 1/1000": lambda o: schedules.StepLR(o, STEPS // 2, 1e-3),
    "MultiStepLR": lambda o: schedules.MultiStepLR(o, [STEPS // 2, STEPS * 3 // 4], 0.1),
    "ConstantLR": lambda o: schedules.ConstantLR(o, 0.1, STEPS // 4),
    "LinearLR up": lambda o: schedules.LinearLR(o, 1e-3, 1.0, STEPS // 4),
    "LinearLR down": lambda o: schedules.LinearLR(o, 1.0, 1e-3, STEPS),
    "ExponentialLR": lambda o: schedules.ExponentialLR(o, 1e-3 ** (1 / STEPS)),
    "PolynomialLR": lambda o: schedules.PolynomialLR(o, STEPS + 1, 2.0),
    "CosineAnnealingLR": lambda o: schedules.CosineAnnealingLR(o, STEPS),
    "CosineAnnealingWarmRestarts": lambda o: schedules.CosineAnnealingWarmRestarts(o, STEPS // 8),
    "CyclicLR": cyclic,
    "OneCycleLR": one_cycle,
    "SequentialLR, warm-up and cosine": chained,
    "ChainedScheduler": lambda o: schedules.ChainedScheduler(
        [schedules.ConstantLR(o, 0.1, STEPS // 8), schedules.ExponentialLR(o, 0.995)], o
    ),
    "ReduceLROnPlateau": lambda o: schedules.ReduceLROnPlateau(o, patience=5),
}


def run(task: str, seed: int, make: Callable[..., torch.optim.Optimizer], scheduler: str | None) -> float:
    """The mean loss of the last tenth of the steps; infinite where it is not finite."""
    with torch.random.fork_rng(devices=[]):
        parameters, loss_of = TASKS[task](seed)
        optimizer = make(parameters)
        schedule = SCHEDULERS[scheduler](optimizer) if scheduler else None
        losses = []
        for step in range(STEPS):
            optimizer.zero_grad()
            loss = loss_of(False)
            loss.backward()
            optimizer.step()
            if isinstance(schedule, schedules.ReduceLROnPlateau):
                schedule.step(loss.item())
            elif schedule:
                schedule.step()
            if step >= STEPS * 9 // 10:
                losses.append(float(loss_of(True).detach()))
    found = fmean(losses)
    return found if math.isfinite(found) else math.inf


def adamw(task: str) -> dict[str, list[float]]:
    """AdamW's losses under each scheduler at the best of its rates."""

    def at(rate: float, scheduler: str) -> list[float]:
        return [run(task, seed, partial(torch.optim.AdamW, lr=rate, weight_decay=0.0), scheduler) for seed in SEEDS]

    return {name: min((at(rate, name) for rate in RATES), key=fmean) for name in SCHEDULERS}


def lodo(task: str) -> dict[str, list[float]]:
    """LODO's losses under each scheduler, and without."""
    return {name or PLAIN: [run(task, seed, LODO, name) for seed in SEEDS] for name in (None, *SCHEDULERS)}


def verdict(scheduler: str, task: str, ours: list[float], plain: list[float], theirs: list[float]) -> dict:
    """A row: the mean losses over seeds, and whether LODO's are low enough."""
    mean, without = fmean(ours), fmean(plain)
    ratio = mean / max(without, fmean(theirs))
    annealed = mean < without if scheduler in ANNEALING and task in NOISY else None
    losses = {"lodo": mean, "lodo_plain": without, "adamw": fmean(theirs), "lodo_each": ours}
    held = ratio <= MOST and annealed is not False
    return {"scheduler": scheduler, "task": task, **losses, "ratio": ratio, "annealed": annealed, "held": held}


def rows_of(task: str) -> list[dict]:
    """The rows of a task; what AdamW did does not depend on LODO, and has a file of its own."""
    path = RESULTS / "lodo_schedulers" / task.replace(", ", "-").replace(" ", "-")
    theirs = recorded(path.with_suffix(".adamw.json"), lambda: {"losses": adamw(task)})["losses"]
    ours = recorded(path.with_suffix(".lodo.json"), lambda: {"losses": lodo(task)})["losses"]
    return [verdict(name, task, ours[name], ours[PLAIN], theirs[name]) for name in SCHEDULERS]


def main() -> None:
    """Measure what is missing and print the table."""
    options = arguments(__doc__, tasks="")
    torch.set_num_threads(1)
    rows = []
    table_head("scheduler", "task", "LODO", "without scheduler", "AdamW", "ratio", "lower by annealing", "held")
    for task in options.tasks.split(";") if options.tasks else TASKS:
        for row in rows_of(task):
            rows.append(row)
            losses = (f"{row[name]:.3g}" for name in ("lodo", "lodo_plain", "adamw"))
            yes = {None: "", True: "yes", False: "no"}
            ends = (f"{row['ratio']:.2f}", yes[row["annealed"]], yes[row["held"]])
            table_row(row["scheduler"], task, *losses, *ends)
    print(f"\n{sum(row['held'] for row in rows)} of {len(rows)} held")
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
