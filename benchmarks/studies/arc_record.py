"""Records runs of ARC puzzles, so that any rule of choice can be computed later without training again.

    python benchmarks/studies/arc_record.py --list
    nice -n 19 python benchmarks/studies/arc_record.py [--workers 2] [--phase a,b] [--limit N] [--scratch DIR]

Phases, in this order, each with its cheapest puzzles (by the volume of their canvas) first:

    a  the 400 evaluation puzzles of ARC-AGI-1, seed 0, 1,000 steps
    b  120 training puzzles of ARC-AGI-1 (`arc_tasks`), seeds 0 and 1, 1,000 steps
    c  the 400 evaluation puzzles, seed 1, 1,000 steps
    d  the 400 evaluation puzzles, seed 0, 2,000 steps: replaces the recordings of (a), which are their beginnings
    e  the 120 public evaluation puzzles of ARC-AGI-2, seed 0, 1,000 steps
    f  80 further training puzzles of ARC-AGI-1 (`arc_tasks`), seed 0, 500 steps

Every recording is a file ID-SEED.npz in benchmarks/results/arc_record/, those of (e) in its folder arc2; what is there
is not run again. SIGINT and SIGTERM end it within seconds, and the next call goes on from the last step. Neither this
study nor what it calls reads a solution: it says nothing about right and wrong, and a second script has to.
"""

import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from arc_tasks import CHECK_TASKS, MORE_TASKS, TASKS

import novacula
from novacula.arc.answers.recording_file import read_recording
from novacula.arc.campaigns.job import volume
from novacula.arc.config import Dataset, SolveConfig
from novacula.arc.data.sources import list_tasks, load_task
from novacula.arc.network.engine_choice import engine_name
from novacula.arc.record import record
from novacula.runs import Step, Work, instruction_set

RESULTS = Path(__file__).parents[1] / "results" / "arc_record"
SCRATCH = Path(tempfile.gettempdir()) / "novacula-arc-record"
PHASES = "abcdef"


@dataclass(frozen=True)
class Run:
    """One recording to be made."""

    phase: str  #: of `PHASES`
    dataset: Dataset  #: the public set of the puzzle
    task: str  #: the puzzle
    seed: int  #: of its training
    steps: int  #: of its training

    @property
    def name(self) -> str:
        """The name of its file in the folder of results."""
        return f"{'arc2/' if self.dataset == 'arc2' else ''}{self.task}-{self.seed}"

    def file(self, results: Path) -> Path:
        """Where the recording is."""
        return results / f"{self.name}.npz"

    def is_done(self, results: Path) -> bool:
        """Whether there is a recording of so many steps."""
        path = self.file(results)
        return path.exists() and len(read_recording(path).kl) >= self.steps


def runs_of(phase: str) -> list[Run]:
    """The recordings of a phase, cheapest first."""
    dataset: Dataset = "arc2" if phase == "e" else "arc1"
    seeds = {"b": (0, 1), "c": (1,)}.get(phase, (0,))
    steps = {"d": 2000, "f": 500}.get(phase, 1000)
    training = {"b": (*MORE_TASKS, *TASKS), "f": CHECK_TASKS}
    tasks = training.get(phase) or [task.id for task in list_tasks(dataset, "evaluation")]
    costs = {task: volume(load_task(task, dataset)) for task in tasks}
    runs = [Run(phase, dataset, task, seed, steps) for task in tasks for seed in seeds]
    return sorted(runs, key=lambda run: costs[run.task])


def make(run: Run, results: Path, scratch: Path) -> str:
    """Make a recording; a line that tells what it took."""
    path = run.file(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    recording = record(
        load_task(run.task, run.dataset),
        SolveConfig(steps=run.steps, seed=run.seed),
        out=path,
        scratch=scratch / f"{run.name}-{run.steps}",
        on_step=_end_without_parent,
    )
    seconds, kilobytes = recording.origin.cpu_seconds, path.stat().st_size / 1000
    dropped = f"  {recording.dropped} grids dropped" if recording.dropped else ""
    return f"{run.name}  {run.steps} steps  {seconds:.1f} CPU s  {kilobytes:.1f} kB{dropped}"


def work(runs: Sequence[Run], following: "Synchronized[int]", results: Path, scratch: Path) -> None:
    """A worker: takes the next run until none is left. Exit code 1 if one failed."""
    import torch

    torch.set_num_threads(1)
    failed = False
    while True:
        with following.get_lock():
            number, following.value = following.value, following.value + 1
        if number >= len(runs):
            sys.exit(int(failed))
        run = runs[number]
        phase = [each for each in runs if each.phase == run.phase]
        place = f"phase {run.phase}, {phase.index(run) + 1} of {len(phase)} missing"
        try:
            print(f"{place}: {make(run, results, scratch)}", flush=True)
        except KeyboardInterrupt:
            return
        except Exception as error:
            failed = True
            print(f"{place}: FAILED {run.name}: {type(error).__name__}: {error}", flush=True)


def _end_without_parent(program: Work, step: Step) -> None:
    """Let this worker end, as by SIGTERM, once the process that began it has died."""
    parent = multiprocessing.parent_process()
    if parent and not parent.is_alive():
        os.kill(os.getpid(), signal.SIGTERM)


def conduct(runs: Sequence[Run], workers: int, results: Path, scratch: Path) -> None:
    """Let workers make all recordings; a signal ends them after their step."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    context = multiprocessing.get_context("spawn")
    following = context.Value("i", 0)
    processes: list[BaseProcess] = []
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: stopped.append(number))
    for _ in range(min(workers, len(runs))):
        processes.append(context.Process(target=work, args=(runs, following, results, scratch)))
        processes[-1].start()
    while any(process.is_alive() for process in processes):
        if stopped:
            following.value = len(runs)
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()
        time.sleep(0.2)
    if stopped:
        print("Ended by a signal; the next call goes on from here.", flush=True)
    if any(process.exitcode not in (0, -signal.SIGTERM) for process in processes):
        sys.exit("Not all recordings could be made; the next call tries again.")


def main() -> None:
    """Make the recordings that are missing, or list how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--phase", default=",".join(PHASES), help="which, with commas between them; by default all")
    parser.add_argument("--limit", type=int, help="make so many recordings at most")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, default=SCRATCH, help="folder of the checkpoints")
    parser.add_argument("--list", action="store_true", help="only say how many are done")
    options = parser.parse_args()
    phases = options.phase.split(",")
    if not set(phases) <= set(PHASES):
        parser.error(f"--phase is {options.phase}; it must be some of {','.join(PHASES)}")
    missing: list[Run] = []
    for phase in sorted(phases):
        runs = runs_of(phase)
        left = [run for run in runs if not run.is_done(options.results)]
        print(f"phase {phase}: {len(runs) - len(left)} of {len(runs)} done", flush=True)
        missing += left
    if not options.list:
        print(f"{engine_name(SolveConfig())} engine, {instruction_set()}, {Path(novacula.__file__).parent}", flush=True)
        conduct(missing[: options.limit], options.workers, options.results, options.scratch)


if __name__ == "__main__":
    main()
