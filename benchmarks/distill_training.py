"""How long does it take to train perfect networks for each of the 62 tasks, and what comes out?

    python benchmarks/distill_training.py [--tasks NAME,…] [--seed 0] [--keep 3] [--limit 300]
                                          [--json DIR] [--networks DIR]

Per task: networks with every held-out output right, how many of these are exact (mean squared error below 1e-10), and
of the best one the size of its state, the widths of its layers and its error; then processor seconds of one thread
until the first perfect network was found, until the first exact one, and in all. Every finished task is kept in the
folder of `--json`, by default benchmarks/results/distill_training/, and not run again. `--networks` writes the networks
as safetensors.
"""

import argparse
import platform
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from novacula.distill.network_file import save_network
from novacula.distill.tasks import TASKS, VARIANTS
from novacula.distill.train import Trainer
from novacula.files import read_json, write_json
from novacula.runs import instruction_set

RESULTS = Path(__file__).parent / "results" / "distill_training"
ROWS, HELD_OUT = 8192, 4096
HEAD = ("task", "perfect", "exact", "size", "layers of f", "error", "first s", "exact s", "all s")


def outcome(name: str, options: argparse.Namespace) -> dict:
    """The recorded outcome, or that of a run now."""
    seed, networks = options.seed, options.networks
    path = options.json / f"{name}-adam-seed{seed}.json"
    if path.exists():
        return dict(read_json(path))  # pyright: ignore[reportArgumentType, reportCallIssue]
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
    document = {
        "schema_version": 1,
        "task": name,
        "seed": seed,
        "steps": trainer.position,
        "seconds": round(seconds, 2),
        "networks": [
            {
                "size": some.network.size,
                "layers": [len(layer.bias) for layer in some.network.f],
                "error": some.loss,
                "exact": some.exact,
                "how": some.how,
                "seconds": some.seconds,
            }
            for some in found
        ],
        "machine": f"{platform.machine()}, {instruction_set()}, 1 thread, {datetime.now(UTC):%Y-%m-%d}",
    }
    write_json(path, document)
    return document


def row(document: dict) -> tuple:
    """One line of the table."""
    networks = document["networks"]
    exact = [some for some in networks if some["exact"]]
    best = networks[0] if networks else {"size": "", "layers": [], "error": float("nan")}
    first = [min((some["seconds"] for some in group), default="") for group in (networks, exact)]
    layers = "-".join(map(str, best["layers"]))
    return (
        *(document["task"], len(networks), len(exact), best["size"], layers),
        *(f"{best['error']:.1e}", *first, document["seconds"]),
    )


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join([*TASKS, *VARIANTS]))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300.0)
    parser.add_argument("--networks", type=Path)
    parser.add_argument("--json", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.json.mkdir(parents=True, exist_ok=True)
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for name in options.tasks.split(","):
        document = outcome(name, options)
        print(f"| {' | '.join(map(str, row(document)))} |", flush=True)


if __name__ == "__main__":
    main()
