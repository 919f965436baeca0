"""How long does one training step take, for a small, a median, a large and the largest puzzle, on each engine?

    python benchmarks/arc_step.py [--tasks ID,…] [--engines native,torch] [--steps 15] [--json PATH]

CPU milliseconds of one thread (equal to wall time on an idle core), median and least over steps after a warm-up, of
noise and forward pass, loss, backward pass and Adam; reading answers off the outputs is not part of a step. Every
(puzzle, engine) runs in a process of its own, the engines of a puzzle one after the other, so that the peak memory is
its own: torch and NumPy, once imported, are part of it. `published` are CPU milliseconds of the published program,
measured once on another machine with AVX-512 and an idle core: compare machines by ratios only. The native engine's
goals are for AVX-512; with AVX2 it may take 2.5 times as long.
"""

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from harness import arguments, machine_line, save, table_head, table_row

from novacula.arc.config import EngineName, SolveConfig

PUBLISHED = {"3618c87e": 372, "29623171": 702, "73251a56": 2246, "3631a71a": 8000}
"""CPU milliseconds per step of the published program; the last is a rough figure."""
GOALS = {
    "native": {"3618c87e": 9, "29623171": 50, "73251a56": 300, "3631a71a": 800},
    "torch": {"3618c87e": 110, "29623171": 330, "73251a56": 1600},
}
"""What a step must not exceed on an idle core with AVX-512."""


@dataclass(frozen=True)
class Row:
    """One puzzle on one engine: axis lengths, CPU milliseconds per step, peak memory of the process in MB."""

    task: str
    axes: str
    engine: str
    median_ms: float
    fastest_ms: float
    peak_memory_mb: float


def measure(task: str, engine_name: EngineName, steps: int, warm_up: int = 3) -> Row:
    """Train `task` for a few steps and time them."""
    import torch

    from novacula.arc.data.puzzle import preprocess
    from novacula.arc.data.sources import load_task
    from novacula.arc.network.engine_choice import make_engine
    from novacula.runs.machine import peak_memory_mb

    torch.set_num_threads(1)
    puzzle = preprocess(load_task(task))
    engine = make_engine(puzzle, SolveConfig(engine=engine_name))
    times = []
    for _ in range(warm_up + steps):
        start = time.process_time()
        engine.step()
        times.append(1e3 * (time.process_time() - start))
    axes, kept = puzzle.axes, times[warm_up:]
    shape = f"{axes.example} {axes.color} {axes.x}×{axes.y}"
    return Row(task, shape, engine.name, statistics.median(kept), min(kept), peak_memory_mb())


def alone(task: str, engine: str, steps: int) -> Row:
    """`measure` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(measure, task, engine, steps).result()  # pyright: ignore[reportArgumentType]


def main() -> None:
    """Measure and print the table."""
    options = arguments(__doc__, tasks=",".join(PUBLISHED), engines="native,torch", steps=15)
    tasks, engines = options.tasks.split(","), options.engines.split(",")
    print(f"{machine_line()}\n")
    table_head(
        "task", "examples, colors, canvas", "engine", "ms per step (median, least)", "goal", "peak MB", "published"
    )
    rows = []
    for task in tasks:
        for engine in engines:
            row = alone(task, engine, options.steps)
            rows.append(row)
            goal, published = GOALS[engine].get(task), PUBLISHED.get(task)
            times = f"{row.median_ms:.3g}, {row.fastest_ms:.3g}"
            table_row(f"`{task}`", row.axes, engine, times, goal, f"{row.peak_memory_mb:.0f}", published)
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
