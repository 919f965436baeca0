"""Which of eight easy ARC-AGI-1 training puzzles does the torch engine solve in 400 steps, for each of three seeds?

    python benchmarks/studies/arc_solved.py [--seeds 0,1,2] [--tasks ID,…] [--steps 400] [--json PATH]

Every finished (task, seed) is kept in benchmarks/results/arc_solved/ and not run again. An attempt counts when all its
test grids are right; either of the two attempts may be.
"""

import argparse
import json
import tempfile
from pathlib import Path

from novacula.arc.config import SolveConfig
from novacula.arc.data import load_task
from novacula.arc.score import score_run
from novacula.arc.solve import solve
from novacula.files import read_json, write_json
from novacula.runs import RunFolder

TASKS = ("6d75e8bb", "6f8cd79b", "bdad9b1f", "3618c87e", "a699fb00", "67385a82", "aedd82e4", "d037b0a7")
RESULTS = Path(__file__).parents[1] / "results" / "arc_solved"


def outcome(task: str, seed: int, steps: int) -> dict:
    """The recorded outcome, or that of a run now."""
    path = RESULTS / f"{task}-seed{seed}-steps{steps}.json"
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder:
            config = SolveConfig(steps=steps, seed=seed, engine="torch")
            result = solve(load_task(task), config, source=task, dataset="arc1", out=Path(folder) / "run")
            run = RunFolder.open(result.report.parent)
            verdict = score_run(run)
            keep = (
                "task",
                "seed",
                "steps",
                "engine",
                "threads",
                "attempts",
                "shares",
                "cpu_seconds",
                "cpu_ms_per_step",
            )
            document = {"schema_version": 1, **{key: result.document[key] for key in keep}}
            document |= {"correct": list(verdict.correct), "solved": verdict.solved}
            document |= {"versions": run.record.versions, "platform": run.record.platform}
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, document)
    return dict(read_json(path))  # pyright: ignore[reportArgumentType, reportCallIssue]


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    seeds, tasks = [int(seed) for seed in options.seeds.split(",")], options.tasks.split(",")
    rows = []
    for seed in seeds:
        for task in tasks:
            rows.append(outcome(task, seed, options.steps))
            print(f"seed {seed}  {task}  {'solved' if rows[-1]['solved'] else 'not solved'}", flush=True)
    print(f"\n| task | {' | '.join(f'seed {seed}' for seed in seeds)} |\n|---|{'---|' * len(seeds)}")
    for task in tasks:
        cells = [_cell(row) for row in rows if row["task"] == task]
        print(f"| `{task}` | {' | '.join(cells)} |")
    solved = [sum(row["solved"] for row in rows if row["seed"] == seed) for seed in seeds]
    print(f"| solved of {len(tasks)} | {' | '.join(map(str, solved))} |")
    if options.json:
        options.json.write_text(json.dumps({"schema_version": 1, "rows": rows}, indent=1) + "\n", encoding="utf-8")


def _cell(row: dict) -> str:
    """Which attempt was right."""
    first, second = row["correct"]
    return "attempt 1" if first else "attempt 2" if second else "no"


if __name__ == "__main__":
    main()
