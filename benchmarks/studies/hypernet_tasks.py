"""Which algorithms do hypernetworks find for tasks other than the L1 norm, and can the analyst read them?

    python benchmarks/studies/hypernet_tasks.py [--seeds 5] [--tasks max,sort,...] [--json PATH]

Every task goes through the whole chain: all seeds are trained at once in one batched program on one thread, each
hypernetwork writes networks at the least price, and the analyst says which algorithm each carries out, by its weights
and by its outputs, finds a formula and its limit, and proves a bound of the error. Where the task has other sizes,
networks of sizes never trained on are measured as well. Only the branch of prices that opens upwards is trained.

A seed counts as found where the label is an algorithm of the task, by weights and function alike, and R² is above 0.99.
Finished tasks are kept in benchmarks/results/hypernet_tasks/ and not run again.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.hypernet.analyst.algorithms import GENERIC
from novacula.hypernet.analyst.label import analyze
from novacula.hypernet.classify import classify
from novacula.hypernet.config import ClassifyConfig, TrainConfig
from novacula.hypernet.train import TRAIN
from novacula.hypernet.training.generator import Generator, load_generator
from novacula.hypernet.training.lesson import Lesson
from novacula.runs import NoInputs

FOLDER = RESULTS / "hypernet_tasks"
TASKS: dict[str, dict[str, Any]] = {
    "max": {"inputs": 2, "hidden": (6,), "steps": 1500},
    "sort": {"inputs": 2, "hidden": (6,), "steps": 1500},
    "total-variation": {"inputs": 3, "hidden": (9,), "steps": 1500},
    "product": {"inputs": 2, "hidden": (8,), "steps": 1500, "activation": "square"},
    "squared-l2": {"inputs": 8, "hidden": (24,), "sizes": (4, 6), "steps": 1500, "activation": "square"},
    "clip": {"inputs": 8, "hidden": (24,), "sizes": (4, 6), "steps": 1500},
    "majority": {"inputs": 5, "hidden": (10,), "steps": 1500},
}
UNSEEN: dict[str, tuple[int, ...]] = {"squared-l2": (5, 12, 16, 24), "clip": (5, 12, 16, 24)}
"""Sizes never trained on, for tasks that were trained on several."""
DRAWS = 4  #: networks of each seed: draws of the codes
HEAD = "task; inputs, hidden; found; labels; R²; formula accepted; limit is the task; bound, error seen; s per seed"
NAMELESS = ("partial", "unstructured", "linear", "constant", *GENERIC)


def measured(name: str, seeds: int) -> dict[str, Any]:
    """One training of all seeds, with a row for each."""
    config = TrainConfig(task=name, seeds=seeds, curriculum="up", **TASKS[name])
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = TRAIN.work_in_job(config, NoInputs(), Lesson.of(config), Path(folder) / "run")
        seconds = time.process_time() - begun
        generator = load_generator(run)
        rows = [of_seed(generator, seed) for seed in generator.seeds]
    return {"cpu_seconds": round(seconds, 1), "options": TASKS[name] | {"beta": config.beta_low}, "rows": rows}


def of_seed(generator: Generator, seed: int) -> dict[str, Any]:
    """What one hypernetwork's networks at the least price are."""
    beta, task = generator.config.beta_low, generator.lesson.task
    networks = [generator.generate(beta, seed=draw, trained_seed=seed) for draw in range(DRAWS)]
    found = [analyze(network, task, ClassifyConfig(draws=0)) for network in networks]
    first = classify(networks[0], ClassifyConfig()).document()
    keep = ("confidence", "formula_line", "formula_accepted", "limit", "is_task", "error_bound", "largest_error_seen")
    return {
        "seed": seed,
        "r2": median(each.r2 for each in found),
        "labels": [each.label for each in found],
        "functional_labels": [each.functional_label for each in found],
        "named": sum(each.label not in NAMELESS and each.agree and not each.broken for each in found),
        **{name: first[name] for name in keep},
        "unseen": {str(n): of_size(generator, seed, n) for n in UNSEEN.get(task.name, ())},
    }


def of_size(generator: Generator, seed: int, inputs: int) -> dict[str, Any]:
    """The label and R² of a network of a size never trained on."""
    network = generator.generate(generator.config.beta_low, inputs, trained_seed=seed)
    found = analyze(network, generator.lesson.task, ClassifyConfig(draws=0))
    return {"r2": found.r2, "label": found.label}


def outcome(name: str, seeds: int) -> dict[str, Any]:
    """The recorded runs of a task, or new ones."""
    path = FOLDER / f"{name}-{seeds}seeds.json"
    return recorded(path, lambda: {"task": name, **measured(name, seeds)})


def is_found(row: dict[str, Any]) -> bool:
    """Whether a seed's networks carry out a named algorithm, and well."""
    return 2 * row["named"] > DRAWS and row["r2"] > 0.99


def show(documents: list[dict[str, Any]]) -> None:
    """Print the tables."""
    table_head(*HEAD.split("; "))
    for document in documents:
        rows, options = document["rows"], document["options"]
        good = [row for row in rows if is_found(row)]
        labels = Counter(label for row in rows for label in row["labels"])
        named = ", ".join(f"{label} {count}" for label, count in labels.most_common())
        r2 = f"{median(row['r2'] for row in good):.4f}" if good else ""
        counts = [sum(bool(row[key]) for row in rows) for key in ("formula_accepted", "is_task")]
        errors = [_middle([row[key] for row in good]) for key in ("error_bound", "largest_error_seen")]
        size = f"{options['inputs']}, {options['hidden'][0]}"
        seconds = f"{document['cpu_seconds'] / len(rows):.0f}"
        cells = (f"{len(good)} of {len(rows)}", named, r2, *counts, ", ".join(errors), seconds)
        table_row(document["task"], size, *cells)
    for document in documents:
        good = [row for row in document["rows"] if is_found(row)]
        for n in good[0]["unseen"] if good else ():
            each = [row["unseen"][n] for row in good]
            kept = sum(one["label"] not in NAMELESS for one in each)
            r2 = sorted(one["r2"] for one in each)
            print(f"{document['task']}, n = {n}: R² {median(r2):.4f}, worst {r2[0]:.4f}; named {kept} of {len(r2)}")
    for document in documents:
        limits = Counter(str(row["limit"]) for row in document["rows"] if is_found(row))
        for limit, count in limits.most_common(3):
            print(f"{document['task']}: {count} times {limit}")


def _middle(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.2g}" if known else ""


def main() -> None:
    """Run what is missing and print what was found."""
    options = arguments(__doc__, seeds=5, tasks=",".join(TASKS))
    torch.set_num_threads(1)
    documents = []
    for name in options.tasks.split(","):
        documents.append(outcome(name, options.seeds))
        print(name, "done", flush=True)
    show(documents)
    save(options.json, tasks=documents)


if __name__ == "__main__":
    main()
