"""How many of the 62 tasks become short programs that are proved right, from data alone, and how long does it take?

    python benchmarks/distill_bench.py [--tasks NAME,…] [--seed 0] [--workers 2] [--run DIR] [--json PATH]

Does what `novacula distill bench` does, and prints its table as Markdown beside the columns of arXiv 2402.05110. With
`--run` the folder of an earlier bench is gone on with, or only printed where it is finished.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import arguments, save, table_head, table_row

from novacula.distill.bench import bench, resume
from novacula.distill.config import BenchConfig
from novacula.runs import RunFolder

HEAD = ("task", "tier", "nodes", "states", "road", "opened", "queried", "seconds", "paper", "GPT-4", "why not")


def row(task: Mapping[str, Any]) -> tuple[object, ...]:
    """One line of the table."""
    nodes, states, road = ("" if task[key] is None else task[key] for key in ("nodes", "states", "route"))
    seconds = f"{sum(task['seconds'].values()):.1f}"
    published = ("yes" if task[key] else "" for key in ("paper", "gpt4"))
    roads = (task["opened"], task["queried"])
    return (task["task"], task["tier"], nodes, states, road, *roads, seconds, *published, task["reason"])


def main() -> None:
    """Distill what is missing and print the table."""
    options = arguments(__doc__, tasks="", seed=0, workers=2, run=Path)
    if options.run and options.run.exists():
        document = resume(RunFolder.open(options.run)).document
    else:
        tasks = (options.tasks,) if options.tasks else ()
        config = BenchConfig(tasks=tasks, seed=options.seed, workers=options.workers)
        document = bench(config, out=options.run).document
    table_head(*HEAD)
    for task in document["per_task"]:
        table_row(*row(task))
    reached = ", ".join(f"{tier} {count}" for tier, count in document["at_least"].items())
    print(f"\nReached by {document['tasks']} tasks: {reached}. The paper: {document['paper']}, at the trained length.")
    print(f"{document['wall_seconds']:,.0f} s of wall time, {document['cpu_seconds']:,.0f} s of processor time.")
    save(options.json, "1 thread for each worker", **document)


if __name__ == "__main__":
    main()
