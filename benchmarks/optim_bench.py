"""Where does LODO win, where does it lose, against optimizers that are tuned alike?

    python benchmarks/optim_bench.py [--tasks NAME,…] [--trials 8] [--seeds 5] [--workers 1] [--renew] [--json PATH]

Does what `novacula optim bench` does, a task at a time. Finished tasks are kept in benchmarks/results/optim_bench/ and
not run again; `--renew` runs LODO as it comes again, and leaves what the others did as it is. The first table has the
median loss over seeds (the mean of the last tenth of the steps, on held-out data where there is any) and the processor
time of one run in seconds; the second compares LODO as it comes with the best of the first-order optimizers: `steps to
it` is how many steps LODO takes to that loss.
"""

import math
import tempfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from harness import RESULTS, arguments, recorded, save, table_head, table_row

from novacula.files import from_json, write_json
from novacula.optim.bench import bench
from novacula.optim.comparison import SUBJECT, Curve, RunRow, middle_loss, steps_to
from novacula.optim.config import BenchConfig
from novacula.optim.opponents import OPPONENTS

TASKS = "rosenbrock-2,rosenbrock-100,digits-logistic,poisson,adding,noisy-quadratic,digits-network"


def outcome(task: str, options: Namespace) -> Mapping[str, Any]:
    """The recorded bench of a task, or a new one."""
    path = RESULTS / "optim_bench" / f"{task}.{options.trials}x{options.seeds}.json"
    document: Mapping[str, Any] = recorded(path, lambda: whole(task, options))
    if options.renew:
        write_json(path, document := renewed(document, measure(task, (SUBJECT,), options)))
    return document


def whole(task: str, options: Namespace) -> Mapping[str, Any]:
    """What is kept of a bench of all optimizers."""
    found = measure(task, (), options)
    kept = {key: found[key] for key in ("rows", "comparison", "settings", "failed", "cpu_seconds")}
    return {"task": task, "trials": options.trials, **kept}


def measure(task: str, optimizers: tuple[str, ...], options: Namespace) -> Mapping[str, Any]:
    """The result of a bench of these optimizers, or of all."""
    config = BenchConfig(
        tasks=(task,), optimizers=optimizers, trials=options.trials, seeds=options.seeds, workers=options.workers
    )
    with tempfile.TemporaryDirectory() as folder:
        found = bench(config, out=Path(folder) / "run")
    if found.status != "finished":
        raise SystemExit(f"{task}: {found.status}")
    return found.document


def renewed(document: Mapping[str, Any], found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A recorded bench with new runs of LODO in place of the old."""
    rows = [row for row in document["rows"] if row["optimizer"] != SUBJECT] + found["rows"]
    task: str = document["task"]
    (curve,) = [from_json(Curve, curves[SUBJECT], f"curve of {task}") for curves in found["curves"].values()]
    loss = middle_loss([from_json(RunRow, row, f"run of {task}") for row in rows], task, SUBJECT)
    comparison = []
    for row in document["comparison"]:
        ours = steps_to(curve, row["loss"])
        held = ours is not None and (row["steps"] is None or ours <= row["steps"])
        lodo = {"lodo_loss": loss if math.isfinite(loss) else None, "lodo_steps": ours, "held": held}
        comparison.append({**row, **lodo})
    return {**document, "rows": rows, "comparison": comparison}


def cell(rows: list[Mapping[str, Any]], key: str) -> str:
    """The median over seeds, a run without a loss being infinitely bad; empty where the optimizer is not meant to."""
    if not rows or rows[0]["reason"]:
        return "failed" if rows else ""
    value = median(math.inf if row["loss"] is None else row[key] for row in rows)
    return f"{value:.3g}" if math.isfinite(value) else "diverged"


def main() -> None:
    """Measure what is missing and print the tables."""
    options = arguments(__doc__, tasks=TASKS, trials=8, seeds=5, workers=1, renew=False)
    done = {task: outcome(task, options) for task in options.tasks.split(",")}
    table_head("loss (seconds)", *done)
    for name in OPPONENTS:
        cells = []
        for document in done.values():
            rows = [row for row in document["rows"] if row["optimizer"] == name]
            loss, seconds = cell(rows, "loss"), cell(rows, "seconds")
            cells.append(loss if loss in ("", "failed") else f"{loss} ({seconds})")
        table_row(name, *cells)
    print()
    table_head("task", "best first-order", "its loss", "its steps", "LODO's loss", "steps to it", "held")
    for task, document in done.items():
        for row in document["comparison"]:
            lodo = "diverged" if row["lodo_loss"] is None else f"{row['lodo_loss']:.3g}"
            ours, held = row["lodo_steps"] or "never", "yes" if row["held"] else "no"
            theirs = row["steps"] or "at the end"
            table_row(task, row["best"], f"{row['loss']:.3g}", theirs, lodo, ours, held)
    hours = sum(document["cpu_seconds"] for document in done.values()) / 3600
    print(f"\n{options.trials} settings each, {options.seeds} seeds, {hours:.2f} hours of processor time.")
    save(options.json, tasks=done)


if __name__ == "__main__":
    main()
