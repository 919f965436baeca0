"""On how many cores does the campaign over 400 puzzles stop getting faster, and why?

    python benchmarks/studies/cluster_scaling.py [--split training] [--json PATH]

Measured here: what a worker's start costs on local processes and on Ray, what a further job costs, and how long the
driver of `arc bench` is busy with a job, from handing it out to its scored, filed result. Taken from earlier
measurements: processor time of 2,000 steps by puzzle (benchmarks/results/arc_runs/) and of single steps on the largest
puzzles (arc_step.json); a puzzle that was not measured takes what a line through them, by its volume, says. Memory is
what the jobs declare.

Simulated: `novacula.jobs` on nodes of 16 cores with 2 GB for each, event by event. Jobs are handed out one after the
other by one driver, the largest first, to a node with a free core and enough memory; a core's first job also starts a
worker. A network's delays and a slow file system are not simulated.
"""

import heapq
import importlib
import importlib.util
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import RESULTS, arguments, save, table_head, table_row

from novacula.arc.bench import bench
from novacula.arc.campaigns.job import memory_mb, volume
from novacula.arc.config import BenchConfig, SolveConfig
from novacula.arc.data.sources import list_tasks, load_task
from novacula.files import read_json
from novacula.jobs import Executor, Job, LocalExecutor, RayExecutor, campaign, run_jobs
from novacula.jobs.job import Ended, Pool
from novacula.jobs.work import answer_request
from novacula.runs import Verb

STEPS = 2000
CORES = (1, 2, 4, 8, 16, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1000)
NODE_CORES, CORE_MB = 16, 2000.0
WORK = "cluster_scaling:probe"
PACKAGES = ("cluster_scaling",)
JOBS = 40  #: jobs that do nothing, by which the cost of a job is measured
ENOUGH = 1.05  #: scaling ends where the wall time is within so much of what any number of cores reaches


@dataclass(frozen=True)
class Puzzle:
    """A job of the campaign: seconds of one core, and the memory and cost that it declares."""

    seconds: float
    memory_mb: float
    volume: float


@dataclass(frozen=True)
class Overheads:
    """Seconds: of a worker's start, of each job beside its work, and of the driver, which is one, for each job."""

    start: float
    job: float
    driver: float


@dataclass(frozen=True)
class Schedule:
    """How a campaign went: wall seconds, the part of the time that cores and the driver were busy, idle waits."""

    wall: float
    busy: float
    driver: float
    memory_waits: int


def probe(configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The work of a job that does nothing: tells the processor time that its worker has used before."""
    return {"pid": os.getpid(), "cpu": time.process_time()}


def worker_costs(executor: Executor) -> tuple[float, float]:
    """Processor seconds of a worker until its first job, and from job to job."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = [Job(f"job{number}", {}, memory_mb=100.0) for number in range(JOBS)]
        report = run_jobs(WORK, jobs, folder=Path(folder), seed=0, executor=executor)
    seen: dict[int, list[float]] = {}
    for outcome in report.outcomes:
        assert outcome.result, outcome.error
        seen.setdefault(int(str(outcome.result["pid"])), []).append(float(str(outcome.result["cpu"])))
    times = max(seen.values(), key=len)
    return min(times), (max(times) - min(times)) / (len(times) - 1)


@contextmanager
def small_cluster() -> Iterator[str]:
    """The address of a Ray cluster of one core on this machine."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(Path(__file__).parent)}
    utils: Any = importlib.import_module("ray.cluster_utils")
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = utils.Cluster(initialize_head=True, head_node_args=node)
    try:
        yield cluster.address
    finally:
        cluster.shutdown()


class Replay:
    """An executor that answers at once what it computed before, so that only the driver's time is left."""

    packages = ("novacula",)

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers

    @contextmanager
    def open(self, work: str) -> Iterator[Pool]:
        """The pool of one campaign."""
        yield _ReplayPool(work, self.answers)


class _ReplayPool:
    def __init__(self, work: str, answers: dict[str, bytes]) -> None:
        self.work, self.answers = work, answers
        self.ended: list[Ended] = []

    def room(self) -> float:
        return 0.0 if self.ended else math.inf

    def start(self, job: Job, request: bytes) -> None:
        if job.id not in self.answers:
            self.answers[job.id] = answer_request(self.work, Replay.packages, request)
        self.ended.append(Ended(job.id, self.answers[job.id]))

    def wait(self, seconds: float) -> list[Ended]:
        ended, self.ended = self.ended, []
        return ended


def driver_seconds() -> float:
    """Wall seconds of the driver of `arc bench` for each job: the difference between 24 puzzles and 4, median of 5."""
    listed = sorted((volume(load_task(task.id)), task.id) for task in list_tasks("arc1", "training"))
    names = tuple(name for _, name in listed[:24])
    answers: dict[str, bytes] = {}
    Verb.draw = lambda self, folder: folder.path / "report.html"  # written once, at the end
    campaign.executor_for = lambda cluster, workers, limit: Replay(answers)

    def wall(count: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            config = BenchConfig(steps=60, tasks=names[:count])
            bench(config, out=Path(folder) / "run")
            return time.perf_counter() - begin

    wall(len(names))  # computes the answers
    return statistics.median(wall(len(names)) - wall(4) for _ in range(5)) / (len(names) - 4)


def puzzles_of(split: str) -> tuple[list[Puzzle], dict[str, Any]]:
    """The jobs of a campaign, and how their times are known."""
    measured = {}
    for path in sorted((RESULTS / "arc_runs").glob("*-0.json")):
        row: Any = read_json(path)
        measured[row["task"]] = row["cpu_seconds"] * STEPS / row["steps"]
    known = [(volume(load_task(name)), seconds) for name, seconds in measured.items()]
    document: Any = read_json(RESULTS / "arc_step.json")
    for row in document["rows"]:
        if row["engine"] == "native":
            known.append((volume(load_task(row["task"])), STEPS * row["median_ms"] / 1000))
    sizes, times = np.array(known, dtype=float).T
    # Seconds as a line in the volume; errors count in parts of the time.
    design = np.stack([np.ones_like(sizes), sizes], axis=1) / times[:, None]
    base, slope = np.linalg.lstsq(design, np.ones_like(times), rcond=None)[0]
    errors = np.abs((base + slope * sizes) / times - 1)
    found = []
    for task in list_tasks("arc1", "training" if split == "training" else "evaluation"):
        puzzle = load_task(task.id)
        size = volume(puzzle)
        seconds = measured.get(task.id, base + slope * size)
        found.append(Puzzle(float(seconds), memory_mb(puzzle, SolveConfig(engine="native")), float(size)))
    model = {
        "seconds": f"{base:.1f} + {1000 * slope:.2f} × volume / 1,000",
        "measured_puzzles": len(known),
        "median_error": float(np.median(errors)),
        "worst_error": float(errors.max()),
    }
    return found, model


def simulate(puzzles: Sequence[Puzzle], cores: int, overheads: Overheads) -> Schedule:
    """One campaign, event by event."""
    sizes = [min(NODE_CORES, cores - first) for first in range(0, cores, NODE_CORES)]
    free, memory = sizes[:], [size * CORE_MB for size in sizes]
    cold = sizes[:]  # cores whose worker has not been started
    waiting = sorted(puzzles, key=lambda puzzle: -puzzle.volume)
    running: list[tuple[float, int, int, Puzzle]] = []
    now = driver = 0.0
    waits = 0
    while waiting or running:
        placed = True
        while waiting and placed and any(free):
            placed = False
            for index, puzzle in enumerate(waiting):
                fitting = [
                    node for node, cores_left in enumerate(free) if cores_left and memory[node] >= puzzle.memory_mb
                ]
                if not fitting:
                    waits += 1
                    continue
                node = max(fitting, key=lambda node: (free[node], -node))
                waiting.pop(index)
                now += overheads.driver / 2
                starts = cold[node] >= free[node]  # no worker that has been at work is idle
                cold[node] -= starts
                free[node] -= 1
                memory[node] -= puzzle.memory_mb
                end = now + starts * overheads.start + overheads.job + puzzle.seconds
                heapq.heappush(running, (end, len(waiting), node, puzzle))
                placed = True
                break
        end, _, node, puzzle = heapq.heappop(running)
        now = max(now, end) + overheads.driver / 2
        driver += overheads.driver
        free[node] += 1
        memory[node] += puzzle.memory_mb
    work = sum(puzzle.seconds for puzzle in puzzles)
    return Schedule(now, work / (now * cores), driver / now, waits)


def limit_of(puzzles: Sequence[Puzzle], cores: int, overheads: Overheads, schedule: Schedule) -> str:
    """What a campaign could not be faster for."""
    bounds = {
        "cores": sum(puzzle.seconds + overheads.job for puzzle in puzzles) / cores + overheads.start,
        "the longest puzzle": max(puzzle.seconds for puzzle in puzzles) + overheads.start + overheads.job,
        "the driver": overheads.driver * len(puzzles),
    }
    name = max(bounds, key=lambda name: bounds[name])
    return name if bounds[name] > 0.9 * schedule.wall else f"{name}, and how the last jobs fall"


def main() -> None:
    """Measure, simulate, and print the table."""
    options = arguments(__doc__, split=("training", "evaluation"), json=RESULTS / "cluster_scaling.json")
    driver = driver_seconds()
    start, job = worker_costs(LocalExecutor(1, packages=PACKAGES))
    measured = {"local": Overheads(start, job, driver)}
    if importlib.util.find_spec("ray"):
        with small_cluster() as address:
            measured["ray"] = Overheads(*worker_costs(RayExecutor(address, packages=PACKAGES)), driver)
    for name, each in measured.items():
        print(
            f"{name}: a worker starts in {each.start:.2f} CPU s, a job costs {1000 * each.job:.1f} CPU ms more, the "
            f"driver is busy for {1000 * each.driver:.1f} ms with each"
        )
    overheads = measured.get("ray", measured["local"])
    puzzles, model = puzzles_of(options.split)
    print(f"{len(puzzles)} puzzles, {sum(each.seconds for each in puzzles) / 3600:.1f} core hours; {model}")
    alone = simulate(puzzles, 1, overheads).wall
    best = simulate(puzzles, 10 * len(puzzles), overheads).wall
    rows = []
    table_head("cores", "wall time", "speed-up", "efficiency", "driver busy", "limited by")
    for cores in CORES:
        schedule = simulate(puzzles, cores, overheads)
        limit = limit_of(puzzles, cores, overheads, schedule)
        row = {"cores": cores, "wall": schedule.wall, "speed_up": alone / schedule.wall, "limit": limit}
        rows.append(row | {"efficiency": row["speed_up"] / cores, "driver": schedule.driver})
        times = (f"{schedule.wall / 60:,.1f} min", f"{row['speed_up']:.1f}", f"{row['speed_up'] / cores:.0%}")
        table_row(f"{cores:,}", *times, f"{schedule.driver:.1%}", limit)
    end = next(
        cores for cores in range(1, 10 * len(puzzles)) if simulate(puzzles, cores, overheads).wall < ENOUGH * best
    )
    longest = max(puzzle.seconds for puzzle in puzzles)
    print(
        f"It stops getting faster at {end} cores: {best / 60:.1f} min at best, and the longest puzzle alone takes "
        f"{longest / 60:.1f} min."
    )
    halved = [replace(each, seconds=min(each.seconds, longest / 2)) for each in puzzles]
    further = simulate(halved, 10 * len(puzzles), overheads).wall
    print(f"Were no puzzle longer than half of that: {further / 60:.1f} min.")
    save(
        options.json,
        overheads=measured,
        model=model,
        core_hours=sum(each.seconds for each in puzzles) / 3600,
        longest=longest,
        stops_at=end,
        rows=rows,
    )


if __name__ == "__main__":
    main()
