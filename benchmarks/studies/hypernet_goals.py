"""Do hypernetworks reach their goals?

    python benchmarks/studies/hypernet_goals.py [--steps 6000] [--seeds 10] [--parts default,sizes] [--json PATH]

- default: 16-48-1, the L1 norm of standard normal inputs. Processor time, on one thread, until the networks at the
  least price reach R² 0.99 and MSE 0.01 (medians of 16 draws, looked at every 100 steps); labels at the least and the
  greatest price; rank correlation of error and nats with the price over 20 prices; nats at the greatest.
- sizes: trained on n in 3 … 16 without 6, 10, 14, the first three seeds; R² for n that were left out, median and worst
  of 16 draws.

Which pieces carry it, and what direct training gives, is told by ``novacula hypernet compare``. Finished runs are kept
in benchmarks/results/hypernet_goals/ and not run again.
"""

import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.hypernet.analyst.label import analyze
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task
from novacula.hypernet.train import TRAIN
from novacula.hypernet.training.curve import keep_weights, measure_curve, variance
from novacula.hypernet.training.generator import Generator, load_generator
from novacula.hypernet.training.lesson import Lesson
from novacula.hypernet.training.program import TrainProgram
from novacula.runs import NoInputs, Step, Work, drive

FOLDER = RESULTS / "hypernet_goals"
SIZES = (3, 4, 5, 7, 8, 9, 11, 12, 13, 15)
UNSEEN = (6, 10, 14, 20, 24, 32, 48, 64, 128)
PARTS: dict[str, tuple[int, ...]] = {"default": (), "sizes": SIZES}  #: sizes that are trained on beside 16
SIZES_SEEDS = 3
DRAWS = 16
LOOK_EVERY = 100


class Watch:
    """Notes the processor time at which the networks at the least price pass the two marks."""

    def __init__(self) -> None:
        self.begun, self.looking = time.process_time(), 0.0
        self.reached: dict[str, float] = {}
        self.errors: list[tuple[int, float]] = []

    def __call__(self, program: Work, step: Step) -> None:
        """Look every so many steps; the time of looking does not count."""
        if program.position % LOOK_EVERY or not isinstance(program, TrainProgram):
            return
        begun = time.process_time()
        lesson, flat = program.lesson, torch.from_numpy(program.state()[0]["flat"])
        least = torch.tensor([lesson.config.beta_low], dtype=torch.float64)
        mse = min(map(min, measure_curve(lesson, flat, DRAWS, least).mse))
        seconds = begun - self.begun - self.looking
        self.errors.append((program.position, mse))
        for name, mark in (("r2_0.99", 0.01 * variance(lesson)), ("mse_0.01", 0.01)):
            if mse < mark:
                self.reached.setdefault(name, round(seconds, 1))
        self.looking += time.process_time() - begun


def trained(part: str, seed: int, steps: int) -> dict[str, Any]:
    """One run of a hypernetwork, measured."""
    watch, begun = Watch(), time.process_time()
    config = TrainConfig(seed=seed, steps=steps, sizes=PARTS[part])
    with tempfile.TemporaryDirectory() as folder:
        lesson, run = Lesson.of(config), TRAIN.create(config, NoInputs(), out=folder)
        status = drive(TrainProgram(lesson, partial(keep_weights, run)), run, on_step=watch)
        if status != "finished":
            raise SystemExit(f"{part}, seed {seed}: {status}; nothing of it is kept")
        seconds = time.process_time() - begun - watch.looking
        generator = load_generator(run)
    best = [point for point in generator.curve() if point.best]
    document = {
        "cpu_seconds": round(seconds, 1),
        "reached": watch.reached,
        "errors": watch.errors,
        "curve": [{"beta": p.beta, "branch": p.branch, "mse": p.mse, "nats": p.nats} for p in best],
        "spearman_mse": rank_correlation([p.mse for p in best]),
        "spearman_nats": rank_correlation([-p.nats for p in best]),
        "nats_at_highest": best[-1].nats,
        "labels_lowest": labels(generator, config.beta_low),
        "labels_highest": labels(generator, config.beta_high),
    }
    if part == "sizes":
        document["r2"] = {str(n): r2_of_size(generator, n) for n in (*UNSEEN, 16)}
    return document


def rank_correlation(values: list[float]) -> float:
    """Spearman's correlation with the price, of values in its order."""
    correlation: Any = spearmanr(np.arange(len(values)), values)
    return float(correlation.statistic)


def labels(generator: Generator, beta: float) -> dict[str, int]:
    """How many of some networks at a price have which label."""
    networks = [generator.generate(beta, seed=seed) for seed in range(DRAWS)]
    return dict(Counter(analyze(network, generator.lesson.task).label for network in networks))


def r2_of_size(generator: Generator, inputs: int) -> dict[str, float]:
    """R² of networks of a size at the least price, and how many draws of codes were thrown away."""
    networks = [generator.generate(generator.config.beta_low, inputs, seed=seed) for seed in range(DRAWS)]
    found = [r2(network, generator.lesson.task) for network in networks]
    redraws = sum(int(str(network.provenance["redraws"])) for network in networks)
    return {"median": median(found), "worst": min(found), "redraws": redraws}


def r2(network: TargetNetwork, task: Task) -> float:
    """1 - MSE / variance on 8,192 inputs."""
    x = task.law.draw((8192, network.architecture.inputs), torch.Generator().manual_seed(1)).double()
    y = task.function(x).numpy()
    return float(1 - np.mean((network(x.numpy()) - y) ** 2) / y.var())


def outcome(part: str, seed: int, steps: int) -> dict[str, Any]:
    """The recorded run, or a new one."""
    path = FOLDER / f"{part}-{seed}-{steps}.json"
    return recorded(path, lambda: {"part": part, "seed": seed, "train_steps": steps, **trained(part, seed, steps)})


def show(rows: list[dict[str, Any]]) -> None:
    """Print the tables."""
    marks = ("R² 0.99 after, s", "MSE 0.01 after, s", "MSE, least β")
    table_head("part", "seeds", *marks, "ρ(MSE)", "ρ(−KL)", "KL, greatest β")
    for part in PARTS:
        some = [row for row in rows if row["part"] == part]
        if not some:
            continue
        times = [_median_time(some, name) for name in ("r2_0.99", "mse_0.01")]
        errors = median(row["curve"][0]["mse"] for row in some)
        rhos = [median(row[name] for row in some) for name in ("spearman_mse", "spearman_nats", "nats_at_highest")]
        table_row(part, len(some), *times, *(f"{value:.3g}" for value in (errors, *rhos)))
    for part in PARTS:
        for where in ("lowest", "highest"):
            counts: Counter[str] = Counter()
            for row in rows:
                counts.update(row[f"labels_{where}"] if row["part"] == part else {})
            if counts:
                print(f"{part}, labels at the {where} price: {dict(counts.most_common())}")
    if some := [row for row in rows if row["part"] == "sizes"]:
        print()
        table_head("n", "median R²", "worst of all draws", "redraws")
        for n in (*UNSEEN, 16):
            each = [row["r2"][str(n)] for row in some]
            worst, redraws = min(e["worst"] for e in each), sum(e["redraws"] for e in each)
            table_row(n, f"{median(e['median'] for e in each):.4f}", f"{worst:.4f}", redraws)


def _median_time(rows: list[dict[str, Any]], name: str) -> str:
    """The median time to a mark, where more than half of the runs reach it."""
    times = sorted(row["reached"].get(name, float("inf")) for row in rows)
    middle = median(times)
    if middle < float("inf"):
        return f"{middle:.0f}"
    return f"never ({sum(time < float('inf') for time in times)} of {len(times)} did)"


def main() -> None:
    """Run what is missing and print what was found."""
    options = arguments(__doc__, steps=6000, seeds=10, parts=",".join(PARTS))
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for part in options.parts.split(","):
        for seed in range(options.seeds if part == "default" else min(options.seeds, SIZES_SEEDS)):
            rows.append(outcome(part, seed, options.steps))
            print(part, seed, "done", flush=True)
    show(rows)
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
