"""How far above the largest error is a bound that is called proved?

    python benchmarks/studies/hypernet_tight.py [--group all] [--json PATH]

A hundred networks, named below before any was measured: 34 built by hand, with noise; 34 that hypernetworks wrote; and
32 that Adam trained directly. Each is read by `describe`. Beside the bound stands the largest error that was found: on
random inputs, by the search for the bound, and by an adversary. The figure is (bound + τ) / (found + τ), τ being a
millionth of the standard deviation of the outputs. A network without a formula has no bound, and is counted. Bounds of
networks of several hidden layers are made layer by layer; those of one hidden layer are also listed by themselves.
Finished groups, and what hypernetworks wrote, are kept in benchmarks/results/hypernet_tight/ and not made again.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness
sys.path.insert(0, str(Path(__file__).parents[2]))  # the task of this file

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.hypernet import BaselineConfig, TargetNetwork, build, describe, find_task, read_network, train_directly
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.network import write_network
from novacula.hypernet.train import TRAIN
from novacula.hypernet.training.generator import load_generator
from novacula.hypernet.training.lesson import Lesson
from novacula.runs import NoInputs

FOLDER = RESULTS / "hypernet_tight"
BUILT = (
    *(("double-sided", n, noise) for n in (4, 16) for noise in (0.0, 0.02, 0.05)),
    *((f"pudding{sign}", n, noise) for sign in "+-" for n, noise in ((4, 0.05), (16, 0.0), (16, 0.02))),
    *(("mixed", 16, noise) for noise in (0.0, 0.02)),
    *(("neighbor-differences", 8, noise) for noise in (0.0, 0.02, 0.05)),
    *((kind, 4, noise) for kind in ("max-tree", "min-tree", "range-tree") for noise in (0.0, 0.02)),
    *(("parity-staircase", n, 0.0) for n in (4, 8)),
    *(("count-threshold", 5, noise) for noise in (0.0, 0.02)),
    *(("product-curvature", 2, noise) for noise in (0.0, 0.02)),
    *(("product-squares", 2, noise) for noise in (0.0, 0.02)),
    *(("squares-curvature", 8, noise) for noise in (0.0, 0.02)),
    ("linear", 8, 0.02),
)
"""Kind, inputs, noise; seed 0, in random order."""
HYPER: dict[str, dict[str, Any]] = {
    "l1-norm": {"inputs": 8, "hidden": (24,)},
    "max": {"inputs": 2, "hidden": (6,)},
    "sort": {"inputs": 2, "hidden": (6,)},
    "total-variation": {"inputs": 3, "hidden": (9,)},
    "product": {"inputs": 2, "hidden": (8,), "activation": "square"},
    "squared-l2": {"inputs": 8, "hidden": (24,), "activation": "square"},
    "clip": {"inputs": 8, "hidden": (24,)},
    "majority": {"inputs": 5, "hidden": (10,)},
}
"""Tasks of 1,500 steps, seeds 0 and 1, the prices opened upwards; of each two draws at the least price."""
PRICES = {"l1-norm": (1e-4,)}  #: another price, at which a draw of each seed is taken as well
MAGNITUDE = "benchmarks.studies.hypernet_tight:magnitude"
ADAM = (
    *((MAGNITUDE, n, "relu") for n in (1, 2, 8)),
    *(("l1-norm", n, activation) for n in (1, 2) for activation in ("relu", "tanh")),
    *(("max", n, activation) for n in (2, 3) for activation in ("relu", "swish")),
    ("sum", 4, "relu"),
    ("clip", 2, "tanh"),
    ("product", 2, "square"),
    ("squared-l2", 3, "square"),
    ("total-variation", 3, "relu"),
)
"""Task, inputs and activation of 2,000 steps of Adam with six units for each input, seeds 0 and 1."""
HEAD = ("networks", "with a bound", "ratio, median", "90 % point", "largest", "loose", "CPU s, median", "CPU s, most")


def magnitude(x: torch.Tensor) -> torch.Tensor:
    """The largest |x_i|."""
    return x.abs().amax(-1, keepdim=True)


def built() -> Iterator[tuple[str, TargetNetwork, str]]:
    """The networks built by hand."""
    for kind, inputs, noise in BUILT:
        network = build(kind, inputs, noise=noise, shuffle=True, seed=0)
        task = "product" if kind.startswith("product") else network.task or "l1-norm"
        yield f"{kind}, {inputs}, {noise:.0%}", network, task


def hyper() -> Iterator[tuple[str, TargetNetwork, str]]:
    """Networks that hypernetworks wrote, from the folder, or trained and kept there."""
    for task, options in HYPER.items():
        config = TrainConfig(task=task, seeds=2, curriculum="up", steps=1500, **options)
        draws = [(config.beta_low, 0), (config.beta_low, 1), *((beta, 0) for beta in PRICES.get(task, ()))]
        names = [(seed, beta, draw) for seed in (0, 1) for beta, draw in draws]
        places = {each: FOLDER / f"{task}-{each[0]}-{each[1]:g}-{each[2]}.safetensors" for each in names}
        if not all(path.exists() for path in places.values()):
            with tempfile.TemporaryDirectory() as folder:
                run = TRAIN.work_in_job(config, NoInputs(), Lesson.of(config), Path(folder) / "run")
                generator = load_generator(run)
                for (seed, beta, draw), path in places.items():
                    path.parent.mkdir(exist_ok=True)
                    write_network(path, generator.generate(beta, seed=draw, trained_seed=seed))
        for path in places.values():
            yield path.stem, read_network(path), task


def adam() -> Iterator[tuple[str, TargetNetwork, str]]:
    """Networks trained directly."""
    for task, inputs, activation in ADAM:
        options: dict[str, Any] = {
            "inputs": inputs,
            "hidden": (6 * inputs,),
            "activation": activation,
            "seeds": 2,
            "steps": 2000,
        }
        for seed, network in enumerate(train_directly(BaselineConfig(task=task, **options))):
            yield f"{task.split(':')[-1]}, {inputs}, {activation}, seed {seed}", network, task


def measured(name: str, network: TargetNetwork, task: str) -> dict[str, Any]:
    """A network's bound, the largest error found, and their ratio."""
    begun = time.process_time()
    found = describe(network, find_task(task), points=20_000, attack=True)
    seconds = time.process_time() - begun
    row: dict[str, Any] = {"network": name, "sizes": list(network.architecture.sizes), "formula": bool(found.outputs)}
    row |= {"bound": found.error_bound, "found": found.largest_seen, "seconds": round(seconds, 2), "ratio": None}
    if found.error_bound is not None and found.largest_seen is not None:
        x = find_task(task).law.draw((2000, network.architecture.inputs), torch.Generator().manual_seed(1))
        tau = 1e-6 * float(network(x.double().numpy()).std())
        row |= {"ratio": (found.error_bound + tau) / (found.largest_seen + tau), "loose": found.is_loose}
    return row


def summary(rows: list[dict[str, Any]]) -> list[object]:
    """A row of the table."""
    ratios = [row["ratio"] for row in rows if row["ratio"] is not None]
    seconds = [row["seconds"] for row in rows]
    if not ratios:
        return [len(rows), 0, None, None, None, 0, round(float(np.median(seconds)), 2), max(seconds)]
    middle, most = (round(float(np.quantile(ratios, share)), 3) for share in (0.5, 0.9))
    loose = sum(bool(row.get("loose")) for row in rows)
    times = round(float(np.median(seconds)), 2), max(seconds)
    return [len(rows), len(ratios), middle, most, round(max(ratios), 2), loose, *times]


def main() -> None:
    """Measures all networks, or one group of them, and prints the table."""
    options = arguments(__doc__, group=("all", *GROUPS))
    torch.set_num_threads(1)
    rows: dict[str, list[dict[str, Any]]] = {}
    for group, make in GROUPS.items():
        if options.group in ("all", group):
            path = FOLDER / f"{group}.json"
            rows[group] = recorded(path, lambda make=make: {"rows": [measured(*each) for each in make()]})["rows"]
    everything = [row for group in rows.values() for row in group]
    rows["all"] = everything
    rows["of one hidden layer"] = [row for row in everything if len(row["sizes"]) == 3]
    table_head("", *HEAD)
    table = [[group, *summary(each)] for group, each in rows.items()]
    for row in table:
        table_row(*row)
    save(options.json, head=("", *HEAD), table=table)


GROUPS = {"built": built, "hypernetworks": hyper, "adam": adam}


if __name__ == "__main__":
    main()
