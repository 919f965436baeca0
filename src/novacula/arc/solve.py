"""Solve one puzzle by compressing it: ``novacula arc solve``."""

from dataclasses import asdict, dataclass, replace
from os import PathLike

import torch

from novacula.arc.config import Dataset, SolveConfig
from novacula.arc.device import check_device
from novacula.arc.drawing import puzzle_html
from novacula.arc.engine import engine_name
from novacula.arc.history import SURVIVES, read_task
from novacula.arc.parse import task_as_json
from novacula.arc.program import SolveProgram
from novacula.arc.puzzle import preprocess
from novacula.arc.report import build_report
from novacula.arc.task import Task
from novacula.files import write_json, write_npz
from novacula.runs import OnStep, RunFolder, RunResult, drive

CHECKPOINT_SECONDS = 30.0
"""Least wall time between checkpoints; a killed run repeats at most the steps since the last."""
_TASK = "task.json"
_LATENTS = "latents.npz"


@dataclass(frozen=True)
class SolveResult(RunResult):
    """How a run ended.

    Attributes:
        task: the puzzle, without its solution.
    """

    task: Task

    @property
    def attempts(self) -> list[list[list[list[int]]]]:
        """Two attempts, best first; each a list of grids, one per test input."""
        return self.document["attempts"]

    def _repr_html_(self) -> str:
        return str(puzzle_html(self.task, self.attempts))


def solve(
    task: Task,
    config: SolveConfig | None = None,
    *,
    source: str | None = None,
    dataset: Dataset | None = None,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_step: OnStep | None = None,
) -> SolveResult:
    """Train a network on this puzzle alone and read two attempts off it.

    Args:
        task: demonstrations and test inputs; a task holds no solution.
        config: steps, seed, engine and variants of the network.
        source, dataset: where the task came from, for the record and the scorer.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time after which the best so far is kept.
        checkpoint_seconds: least wall time between checkpoints.
        on_step: called after every step.

    Raises:
        InputError: a device that torch does not have.
        RunError: the run's folder cannot be made.

    Source: arXiv 2512.06104.
    """
    config = config or SolveConfig()
    check_device(config.device)
    config = replace(config, engine=engine_name(config))  # a resumed run keeps its engine
    folder = RunFolder.create(
        part="arc",
        verb="solve",
        configuration={"task": task.name, "source": source or task.name, "dataset": dataset, **asdict(config)},
        seed=config.seed,
        threads=torch.get_num_threads(),
        label=task.name,
        runs=runs,
        out=out,
    )
    write_json(folder.artifact(_TASK), {"schema_version": 1, **task_as_json(task)})
    return resume(folder, time_limit=time_limit, checkpoint_seconds=checkpoint_seconds, on_step=on_step)


def resume(
    folder: RunFolder,
    *,
    time_limit: float | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_step: OnStep | None = None,
) -> SolveResult:
    """Take a run up where its last checkpoint left it.

    Args:
        folder: a run of ``arc solve``.
        time_limit: seconds of wall time from now.
        checkpoint_seconds: least wall time between checkpoints.
        on_step: called after every step.

    Raises:
        InputError, RunError: the folder is damaged or in use.
    """
    config = folder.record.options(SolveConfig)
    check_device(config.device)
    task = read_task(folder)
    puzzle = preprocess(task)
    program = SolveProgram(puzzle, config, str(folder.path), torch.get_num_threads())

    def keep() -> None:
        survivors = program.survivors(SURVIVES)
        write_npz(folder.artifact(_LATENTS), {str(s): values for s, values in survivors.items()})

    status = drive(
        program, folder, time_limit=time_limit, checkpoint_seconds=checkpoint_seconds, on_step=on_step, keep=keep
    )
    return SolveResult(status, folder.read_result() or {}, build_report(folder), task)
