"""How many puzzles do two workers solve in the time that one takes, and how long is a solve from start to report?

    python benchmarks/arc_workers.py [--steps 250] [--repeats 2] [--json PATH]

Whole commands, as a user types them, alternately: `novacula arc bench` with one worker and with two, over eight puzzles
of the training split whose steps cost alike, so that the last job keeps nobody waiting; then `novacula arc solve
29623171 --steps 2000`. Wall seconds run from the command's start to its end, report included, and mean something on an
idle machine only; CPU seconds are those of the training alone, on one thread for each worker.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from novacula.runs import instruction_set

TASKS = ("6d75e8bb", "99fa7670", "e76a88a6", "7b7f7511", "11852cab", "aba27056", "f8c80d96", "a78176bb")
SOLVED, SOLVE_STEPS = "29623171", 2000
WORKERS = (1, 2)


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    machine = f"{platform.machine()}, {instruction_set()}, {datetime.now(UTC):%Y-%m-%d}"
    rows = [campaign(workers, options.steps) for _ in range(options.repeats) for workers in WORKERS]
    middle = {
        workers: {
            key: statistics.median(row[key] for row in rows if row["workers"] == workers) for key in ("wall", "cpu")
        }
        for workers in WORKERS
    }
    print(f"{machine}: {len(TASKS)} puzzles, {options.steps} steps each, median of {options.repeats}\n")
    print("| workers | wall s | CPU s | puzzles per hour | throughput |\n|---|---|---|---|---|")
    for workers, row in middle.items():
        hourly, ratio = 3600 * len(TASKS) / row["wall"], middle[1]["wall"] / row["wall"]
        print(f"| {workers} | {row['wall']:.1f} | {row['cpu']:.1f} | {hourly:.0f} | {ratio:.2f} |")
    wall, document = command("arc", "solve", SOLVED, "--steps", str(SOLVE_STEPS))
    cpu = document["cpu_seconds"]
    print(f"\n`{SOLVED}`, {SOLVE_STEPS:,} steps, start to report: {wall:.1f} s, {cpu:.1f} CPU s of training")
    if options.json:
        solve = {"task": SOLVED, "steps": SOLVE_STEPS, "wall": wall, "cpu": cpu}
        text = json.dumps({"schema_version": 1, "machine": machine, "rows": rows, "solve": solve}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
