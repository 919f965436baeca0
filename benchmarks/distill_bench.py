"""How many of the 62 tasks become short programs that are proved right, from data alone, and how long does it take?

    python benchmarks/distill_bench.py [--tasks NAME,…] [--seed 0] [--workers 2] [--run DIR] [--json PATH]

Does what `novacula distill bench` does, and prints its table as Markdown beside the columns of arXiv 2402.05110. With
`--run` an earlier bench in that folder is resumed, or only printed where it is finished.
"""

from pathlib import Path

from harness import arguments, save, table_head, table_row

from novacula.distill import BenchConfig, bench
from novacula.distill.bench import BENCH
from novacula.distill.bench_report import TaskRow
from novacula.runs import RunFolder

HEAD = ("task", "tier", "nodes", "states", "road", "opened", "queried", "seconds", "paper", "GPT-4", "why not")


def cells(row: TaskRow) -> tuple[object, ...]:
    """One line of the table."""
    published = ("yes" if solved else "" for solved in (row.paper, row.gpt4))
    seconds = f"{sum(row.seconds.values()):.1f}"
    roads = (row.opened, row.queried)
    return (row.task, row.tier, row.nodes, row.states, row.route, *roads, seconds, *published, row.reason)


def main() -> None:
    """Distill what is missing and print the table."""
    options = arguments(__doc__, tasks="", seed=0, workers=2, run=Path)
    if options.run and options.run.exists():
        result = BENCH.resume(RunFolder.open(options.run))
    else:
        tasks = (options.tasks,) if options.tasks else ()
        result = bench(BenchConfig(tasks=tasks, seed=options.seed, workers=options.workers), out=options.run)
    findings = result.findings
    table_head(*HEAD)
    for row in findings.per_task:
        table_row(*cells(row))
    reached = ", ".join(f"{tier} {count}" for tier, count in findings.at_least.items())
    print(f"\nReached by {findings.tasks} tasks: {reached}. The paper: {findings.paper}, at the trained length.")
    print(f"{findings.wall_seconds:,.0f} s of wall time, {findings.cpu_seconds:,.0f} s of processor time.")
    save(options.json, "1 thread for each worker", **result.document)


if __name__ == "__main__":
    main()
