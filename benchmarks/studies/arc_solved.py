"""Which of eight easy ARC-AGI-1 training puzzles does the torch engine solve in 400 steps, for each of three seeds?

    python benchmarks/studies/arc_solved.py [--seeds 0,1,2] [--tasks ID,…] [--steps 400] [--json PATH]

Every finished (task, seed) is kept in benchmarks/results/arc_solved/ and not run again. An attempt counts when all its
test grids are right; either of the two attempts may be.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.arc.config import SolveConfig
from novacula.arc.data.sources import load_task
from novacula.arc.score import score_run
from novacula.arc.solve import solve
from novacula.runs import RunFolder

TASKS = ("6d75e8bb", "6f8cd79b", "bdad9b1f", "3618c87e", "a699fb00", "67385a82", "aedd82e4", "d037b0a7")
FOLDER = RESULTS / "arc_solved"
KEPT = ("task", "seed", "steps", "engine", "threads", "attempts", "shares", "cpu_seconds", "cpu_ms_per_step")


def outcome(task: str, seed: int, steps: int) -> dict[str, Any]:
    """The recorded outcome, or that of a run now."""
    return recorded(FOLDER / f"{task}-seed{seed}-steps{steps}.json", lambda: solved(task, seed, steps))


def solved(task: str, seed: int, steps: int) -> dict[str, Any]:
    """The outcome of a run."""
    with tempfile.TemporaryDirectory() as folder:
        config = SolveConfig(steps=steps, seed=seed, engine="torch")
        result = solve(load_task(task), config, source=task, dataset="arc1", out=Path(folder) / "run")
        run = RunFolder.open(result.report.parent)
        verdict = score_run(run)
        document = {key: result.document[key] for key in KEPT}
        document |= {"correct": list(verdict.correct), "solved": verdict.solved}
        return document | {"versions": run.record.versions, "platform": run.record.platform}


def main() -> None:
    """Run what is missing and print the table."""
    options = arguments(__doc__, seeds="0,1,2", tasks=",".join(TASKS), steps=400)
    seeds, tasks = [int(seed) for seed in options.seeds.split(",")], options.tasks.split(",")
    rows = []
    for seed in seeds:
        for task in tasks:
            rows.append(outcome(task, seed, options.steps))
            print(f"seed {seed}  {task}  {'solved' if rows[-1]['solved'] else 'not solved'}", flush=True)
    print()
    table_head("task", *(f"seed {seed}" for seed in seeds))
    for task in tasks:
        table_row(f"`{task}`", *(_cell(row) for row in rows if row["task"] == task))
    counts = [sum(row["solved"] for row in rows if row["seed"] == seed) for seed in seeds]
    table_row(f"solved of {len(tasks)}", *counts)
    save(options.json, rows=rows)


def _cell(row: dict) -> str:
    """Which attempt was right."""
    first, second = row["correct"]
    return "attempt 1" if first else "attempt 2" if second else "no"


if __name__ == "__main__":
    main()
