"""How many puzzles do two workers solve in the time that one takes, and how long is a solve from start to report?

    python benchmarks/arc_workers.py [--steps 250] [--repeats 2] [--json PATH]

Whole commands, as a user types them, alternately: `novacula arc bench` with one worker and with two, over eight puzzles
of the training split whose steps cost alike, so that the last job keeps nobody waiting; then `novacula arc solve
29623171 --steps 2000`. Wall seconds run from the command's start to its end, report included, and mean something on an
idle machine only; CPU seconds are those of the training alone, on one thread for each worker.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from harness import arguments, machine_line, save, table_head, table_row

TASKS = ("6d75e8bb", "99fa7670", "e76a88a6", "7b7f7511", "11852cab", "aba27056", "f8c80d96", "a78176bb")
SOLVED, SOLVE_STEPS = "29623171", 2000
WORKERS = (1, 2)
THREADS = "1 thread for each worker"


def command(*words: str) -> tuple[float, dict[str, Any]]:
    """Wall seconds of a command, and the JSON object that it printed."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "-m", "novacula", *words, "--runs", folder, "--json"]
        done = subprocess.run(line, stdout=subprocess.PIPE, check=False)
    return time.perf_counter() - start, json.loads(done.stdout)


def campaign(workers: int, steps: int) -> dict[str, float]:
    """One campaign: wall seconds, and CPU seconds of its training."""
    options = ("--tasks", ",".join(TASKS), "--steps", str(steps), "--workers", str(workers))
    wall, document = command("arc", "bench", *options)
    return {"workers": workers, "wall": wall, "cpu": sum(row["cpu_seconds"] for row in document["per_task"])}


def main() -> None:
    """Measure and print the tables."""
    options = arguments(__doc__, steps=250, repeats=2)
    rows = [campaign(workers, options.steps) for _ in range(options.repeats) for workers in WORKERS]
    middle = {
        workers: {
            key: statistics.median(row[key] for row in rows if row["workers"] == workers) for key in ("wall", "cpu")
        }
        for workers in WORKERS
    }
    print(f"{machine_line(THREADS)}: {len(TASKS)} puzzles, {options.steps} steps each, median of {options.repeats}\n")
    table_head("workers", "wall s", "CPU s", "puzzles per hour", "throughput")
    for workers, row in middle.items():
        hourly, ratio = 3600 * len(TASKS) / row["wall"], middle[1]["wall"] / row["wall"]
        table_row(workers, f"{row['wall']:.1f}", f"{row['cpu']:.1f}", f"{hourly:.0f}", f"{ratio:.2f}")
    wall, document = command("arc", "solve", SOLVED, "--steps", str(SOLVE_STEPS))
    cpu = document["cpu_seconds"]
    print(f"\n`{SOLVED}`, {SOLVE_STEPS:,} steps, start to report: {wall:.1f} s, {cpu:.1f} CPU s of training")
    solve = {"task": SOLVED, "steps": SOLVE_STEPS, "wall": wall, "cpu": cpu}
    save(options.json, THREADS, rows=rows, solve=solve)


if __name__ == "__main__":
    main()
