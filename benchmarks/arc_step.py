"""How long does one training step take, for a small, a median and a large puzzle?

    python benchmarks/arc_step.py [--tasks ID,…] [--steps 15] [--json PATH]

CPU milliseconds of one thread (equal to wall time on an idle core): median over steps after a warm-up, of noise and
forward pass, loss, backward pass and Adam. Beside it the published program, measured once on another machine with
AVX-512 and an idle core: compare machines by ratios only. Reading answers off the outputs is not part of a step.
"""

import argparse
import json
import platform
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from novacula.arc.config import SolveConfig
from novacula.arc.data import load_task
from novacula.arc.engine import make_engine
from novacula.arc.program import peak_memory_mb
from novacula.arc.puzzle import preprocess
from novacula.runs import instruction_set

PUBLISHED = {"3618c87e": 372.0, "29623171": 702.0, "73251a56": 2246.0}
"""CPU milliseconds per step of the published program."""
GOALS = {"3618c87e": 110.0, "29623171": 330.0, "73251a56": 1600.0}
"""What the torch engine must not exceed on an idle core of that machine."""


@dataclass(frozen=True)
class Row:
    """One puzzle's figures: axis lengths, and CPU milliseconds per step."""

    task: str
    axes: str
    engine: str
    median_ms: float
    fastest_ms: float
    peak_memory_mb: float


def measure(task: str, engine_name: str, steps: int, warm_up: int = 3) -> Row:
    """Train `task` for a few steps and time them."""
    puzzle = preprocess(load_task(task))
    engine = make_engine(puzzle, SolveConfig(engine=engine_name))  # pyright: ignore[reportArgumentType]
    times = []
    for _ in range(warm_up + steps):
        start = time.process_time()
        engine.step()
        times.append(1e3 * (time.process_time() - start))
    axes, kept = puzzle.axes, times[warm_up:]
    shape = f"{axes.example} {axes.color} {axes.x}×{axes.y}"
    return Row(task, shape, engine.name, statistics.median(kept), min(kept), peak_memory_mb())


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=",".join(GOALS))
    parser.add_argument("--engine", default="torch")
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measure(task, options.engine, options.steps) for task in options.tasks.split(",")]
    machine = f"{platform.machine()}, {instruction_set()}, torch {torch.__version__}, 1 thread"
    print(f"{machine}, {datetime.now(UTC):%Y-%m-%d}\n")
    print("| task | examples, colors, canvas | ms per step (median, least) | goal | published program | peak MB |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        goal, published = (f"{table[row.task]:.0f}" if row.task in table else "" for table in (GOALS, PUBLISHED))
        times = f"{row.median_ms:.0f}, {row.fastest_ms:.0f}"
        print(f"| `{row.task}` | {row.axes} | {times} | {goal} | {published} | {row.peak_memory_mb:.0f} |")
    if options.json:
        document = {"schema_version": 1, "machine": machine, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
