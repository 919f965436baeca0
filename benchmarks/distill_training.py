"""How long does it take to train perfect networks for each of the 62 tasks, and what comes out?

    python benchmarks/distill_training.py [--tasks NAME,…] [--seed 0] [--keep 3] [--limit 300]
                                          [--json DIR] [--networks DIR]

Per task: networks with every held-out output right, how many of these are exact (mean squared error below 1e-10), and
of the best one the size of its state, the widths of its layers and its error; then processor seconds of one thread
until the first perfect network was found, until the first exact one, and in all. Every finished task is kept in the
folder of `--json`, by default benchmarks/results/distill_training/, and not run again. `--networks` writes the networks
as safetensors.
"""

import time
from argparse import Namespace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness import RESULTS, arguments, machine_line, recorded, table_head, table_row

from novacula.distill.networks.network import save_network
from novacula.distill.tasks import TASKS, VARIANTS
from novacula.distill.train import Trainer

FOLDER = RESULTS / "distill_training"
ROWS, HELD_OUT = 8192, 4096
HEAD = ("task", "perfect", "exact", "size", "layers of f", "error", "first s", "exact s", "all s")


def train(name: str, options: Namespace) -> dict[str, Any]:
    """The outcome of a run."""
    seed, networks = options.seed, options.networks
    task = (TASKS | VARIANTS)[name]
    random = np.random.default_rng(seed)
    begun = time.process_time()
    trainer = Trainer(task.data(ROWS, random), task.data(HELD_OUT, random), seed, options.keep)
    while not trainer.done and time.process_time() - begun < options.limit:
        trainer.step()
    seconds = time.process_time() - begun
    found = trainer.networks()
    for index, trained in enumerate(found) if networks else ():
        save_network(networks / f"{name}-{index}.safetensors", trained.network)
    return {
        "task": name,
        "seed": seed,
        "steps": trainer.position,
        "seconds": round(seconds, 2),
        "networks": [
            {
                "size": trained.network.size,
                "layers": [len(layer.bias) for layer in trained.network.f],
                "error": trained.loss,
                "exact": trained.exact,
                "how": trained.how,
                "seconds": trained.seconds,
            }
            for trained in found
        ],
        "machine": machine_line(),
    }


def row(document: dict[str, Any]) -> tuple[object, ...]:
    """One line of the table."""
    networks = document["networks"]
    exact = [network for network in networks if network["exact"]]
    best = networks[0] if networks else {"size": "", "layers": [], "error": float("nan")}
    first = [min((network["seconds"] for network in group), default="") for group in (networks, exact)]
    layers = "-".join(map(str, best["layers"]))
    return (
        *(document["task"], len(networks), len(exact), best["size"], layers),
        *(f"{best['error']:.1e}", *first, document["seconds"]),
    )


def main() -> None:
    """Train what is missing and print the table."""
    tasks = ",".join([*TASKS, *VARIANTS])
    options = arguments(__doc__, tasks=tasks, seed=0, keep=3, limit=300.0, networks=Path, json=FOLDER)
    torch.set_num_threads(1)
    table_head(*HEAD)
    for name in options.tasks.split(","):
        path = options.json / f"{name}-adam-seed{options.seed}.json"
        table_row(*row(recorded(path, partial(train, name, options))))


if __name__ == "__main__":
    main()
