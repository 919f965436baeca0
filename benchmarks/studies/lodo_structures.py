"""Which structure of LODO is worth its cost?

    python benchmarks/studies/lodo_structures.py [--trials 24] [--seeds 5] [--tasks a,b] [--json PATH]

Each structure is tuned alone, with the same number of settings drawn at random (α0, α and β of the published form, the
defaults among them), on one instance of each task; then it runs with the best of them on others. With ``--trials 0``
nothing is tuned, and each runs with the automatic scale. A loss is the mean of
the last tenth of the steps, the median over seeds; the cost is the processor time of the optimizer alone, in
milliseconds per step, on one thread. A structure is on the front where none is both lower and cheaper. The default of a
scope is the structure on the front with the lowest loss whose cost is at most ten times that of the cheapest there.
Finished structures are kept in benchmarks/results/lodo_structures/ and not run again.
"""

import math
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.optim import LODO
from novacula.optim.opponents import OPPONENTS, Maker, Opponent, Settings
from novacula.optim.tasks import TASKS
from novacula.optim.training import train, tune

FOLDER = RESULTS / "lodo_structures"
STRUCTURES: dict[str, dict[str, Any]] = {
    "published": {"scope": "global"},
    "published-narrow": {"scope": "global", "expand": 1},
    "published-shallow": {"scope": "global", "expand": 1, "depth": 6},
    "published-every-5": {"scope": "global", "meta_every": 5},
    "butterfly": {"scope": "global", "structure": "butterfly"},
    "butterfly-deep": {"scope": "global", "structure": "butterfly", "depth": 16, "expand": 2},
    "diagonal": {"scope": "global", "structure": "diagonal"},
    "scalar": {"scope": "global", "structure": "scalar"},
    "published-param": {"scope": "param"},
    "butterfly-param": {"scope": "param", "structure": "butterfly"},
    "kronecker-param": {"scope": "param", "structure": "kronecker"},
    "kronecker-16-param": {"scope": "param", "structure": "kronecker", "block_size": 16},
    "kronecker-32-every-10-param": {"scope": "param", "structure": "kronecker", "block_size": 32, "meta_every": 10},
    "diagonal-param": {"scope": "param", "structure": "diagonal"},
}
"""Options, beside the three rates."""
BOUND = 10  #: how many times as expensive as the cheapest on the front a default may be


def with_structure(options: dict[str, Any]) -> Maker:
    """Makes LODO with fixed options of its structure."""

    def make(parameters: list[Parameter], settings: Settings, seed: int) -> Optimizer:
        tuned: Any = settings
        return LODO(parameters, **tuned, **options, seed=seed)

    return make


def run(task: str, structure: str, trials: int, seeds: int, scale: float) -> dict[str, Any]:
    """Tune a structure, then run it."""
    tuned = OPPONENTS["lodo-tuned"]
    opponent = Opponent(structure, with_structure(STRUCTURES[structure]), tuned.space)
    steps = max(10, round(TASKS[task].steps * scale))
    tried = tune(TASKS[task], opponent, trials=trials, instance=10_000, seed=0, steps=steps) if trials else []
    best = tried[0].settings if tried else {}
    runs = [train(TASKS[task], opponent, best, seed=seed, steps=steps) for seed in range(seeds)]
    return {
        "settings": best,
        "losses": [each.loss for each in runs],
        "ms_per_step": median(1000 * each.optimizer_seconds / each.steps for each in runs),
        "state_mb": runs[0].state_mb,
        "diverged_trials": sum(each.training.diverged for each in tried),
    }


def outcome(task: str, structure: str, options: Namespace) -> dict[str, Any]:
    """The recorded outcome of a structure on a task, or a new one."""
    chosen = {"trials": options.trials, "seeds": options.seeds, "scale": options.steps_scale}
    path = FOLDER / f"{task}.{structure}.{options.trials}x{options.seeds}x{options.steps_scale:g}.json"
    about = {"task": task, "structure": structure, **chosen}
    return recorded(path, lambda: about | run(task, structure, **chosen))


def loss_of(row: dict[str, Any]) -> float:
    """Median over seeds; a diverged run is infinitely bad."""
    return median(math.inf if loss is None else loss for loss in row["losses"])


def front(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows than which none is both lower and cheaper, the cheapest first."""
    found: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda row: row["ms_per_step"]):
        if math.isfinite(loss_of(row)) and (not found or loss_of(row) < loss_of(found[-1])):
            found.append(row)
    return found


def show(task: str, rows: Sequence[dict[str, Any]]) -> None:
    """The table of a task, and the default of each scope by it."""
    print(f"\n{task}\n")
    table_head("structure", "loss", "ms per step", "state, MB", "trials diverged", "front")
    best = front(rows)
    for row in sorted(rows, key=lambda row: row["ms_per_step"]):
        costs = (f"{loss_of(row):.4g}", f"{row['ms_per_step']:.3f}", f"{row['state_mb']:.3g}")
        table_row(row["structure"], *costs, row["diverged_trials"], "yes" if row in best else None)
    for scope in ("global", "param"):
        mine = front([row for row in rows if STRUCTURES[row["structure"]]["scope"] == scope])
        if mine:
            allowed = [row for row in mine if row["ms_per_step"] <= BOUND * mine[0]["ms_per_step"]]
            print(f"default of scope {scope} by this task: {allowed[-1]['structure']}")


def main() -> None:
    """Run what is missing and print the tables."""
    tasks, structures = "bowl-100-c1000,poisson", ",".join(STRUCTURES)
    options = arguments(__doc__, tasks=tasks, structures=structures, trials=24, seeds=5, steps_scale=1.0)
    torch.set_num_threads(1)
    done = []
    for task in options.tasks.split(","):
        wanted = options.structures.split(",")
        rows = [outcome(task, structure, options) for structure in wanted if applies(task, structure)]
        show(task, rows)
        done += rows
    save(options.json, rows=done)


def applies(task: str, structure: str) -> bool:
    """Whether a structure is another one than those of scope global on this task: bowls have one parameter only."""
    return TASKS[task].matrices or STRUCTURES[structure]["scope"] == "global"


if __name__ == "__main__":
    main()
