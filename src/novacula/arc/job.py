"""One puzzle of a campaign, as a job: what a worker computes. It is given no solution, and could read none."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from novacula.arc.config import SolveConfig
from novacula.arc.parse import parse_task, task_as_json
from novacula.arc.program import SolveProgram
from novacula.arc.puzzle import preprocess
from novacula.arc.standings import Standings, is_recorded
from novacula.arc.task import Task
from novacula.files import JSON
from novacula.jobs import Job
from novacula.runs import RunFolder, Step, drive
from novacula.runs.checkpoint import load_checkpoint

WORK = "novacula.arc.job:solve_job"
"""The name under which `novacula.jobs` calls `solve_job`."""
CHECKPOINT_SECONDS = 20.0
"""Least wall time between checkpoints of a puzzle: a campaign that is cut off loses so much of each worker's time."""


class Leg:
    """A puzzle's training up to some step, with what a campaign keeps of it (`novacula.runs.Program`).

    Args:
        program: the whole training.
        until: the step at which this leg ends.
    """

    def __init__(self, program: SolveProgram, until: int) -> None:
        self._program, self._until = program, min(until, program.length)
        self._standings = Standings()
        self._leader: JSON = None
        self._led_since = 0

    @property
    def position(self) -> int:
        """Steps done."""
        return self._program.position

    @property
    def length(self) -> int:
        """Steps at the end of the leg."""
        return self._until

    def step(self) -> Step:
        """One training step."""
        step = self._program.step()
        for milestone in step.milestones:
            self._follow(milestone["attempts"])
        if is_recorded(self.position, self._program.length):
            self._standings.add(self.position, self._program.cpu_seconds, self._program.ranking())
        return Step(step.metrics)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """The program's, the standings, and the answer that leads."""
        arrays, data = self._program.state()
        lead: list[JSON] = [self._leader, self._led_since]
        return arrays, {"program": data, "standings": self._standings.state(), "lead": lead}

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Take up `state`."""
        self._program.load(arrays, data["program"])
        self._standings.load(data["standings"])
        self._leader, self._led_since = data["lead"]

    def result(self) -> dict[str, JSON]:
        """What the program says, and since which step attempt 1 leads; at the end of all training, the standings."""
        standings = self._standings.state() if self.position >= self._program.length else {}
        return {**self._program.result(), **standings, "led_since": self._led_since}

    def _follow(self, attempts: Any) -> None:
        if attempts[0] != self._leader:
            self._leader, self._led_since = attempts[0], self.position


def puzzle_job(
    job_id: str, task: Task, config: SolveConfig, until: int, folder: Path, cost: float, gpus: float = 0.0
) -> Job:
    """The job that trains on a puzzle up to a step.

    Args:
        job_id: of the job.
        task: the puzzle, which holds no solution.
        config: how it is solved; its `steps` are those of the whole training.
        until: the step at which the job ends.
        folder: where the puzzle's checkpoints are; those of an earlier job are taken up.
        cost, gpus: see `novacula.jobs.Job`.
    """
    configuration: dict[str, JSON] = {
        "task": task.name,
        "puzzle": task_as_json(task),
        "solve": asdict(config),
        "until": until,
        "folder": str(folder.resolve()),
    }
    return Job(job_id, configuration, cost, memory_mb(task, config.engine), gpus=gpus)


def volume(task: Task) -> int:
    """Examples × colors × rows × columns of a puzzle's canvas, to which the time of a large puzzle's step is due."""
    axes = preprocess(task).axes
    return axes.example * axes.color * axes.x * axes.y


def memory_mb(task: Task, engine: str) -> float:
    """What solving a puzzle takes about, in MB (10^6 bytes), as measured on small and on the largest puzzles."""
    fixed, per_place = (300.0, 0.015) if engine == "native" else (500.0, 0.05)
    return fixed + per_place * volume(task)


def solve_job(configuration: Mapping[str, Any], seed: int) -> dict[str, JSON]:
    """Trains on a puzzle up to a step, from its checkpoint where there is one: that changes no result, only the time.

    Args:
        configuration: of `puzzle_job`. It holds the puzzle's own seed, so that legs of one training agree.
        seed: the job's, which is not used.

    Returns:
        What ``arc solve`` puts into result.json, the standings of the candidates, and since when attempt 1 leads.
    """
    name, path = str(configuration["task"]), Path(configuration["folder"])
    config = SolveConfig(**configuration["solve"])
    task = parse_task(configuration["puzzle"], name, name)
    if not (path / "run.json").exists():
        RunFolder.create(
            part="arc",
            verb="leg",
            configuration={"task": name, **configuration["solve"]},
            seed=config.seed,
            threads=1,
            out=path,
        )
    leg = Leg(SolveProgram(preprocess(task), config, str(path), threads=1), configuration["until"])
    status = drive(leg, RunFolder.open(path), checkpoint_seconds=CHECKPOINT_SECONDS, log_every=500)
    if status != "finished":
        raise KeyboardInterrupt  # somebody told this worker to end; the job goes on in another
    return leg.result()


def unfinished_attempts(folder: Path) -> tuple[int, list[Any]] | None:
    """The steps and the attempts of a puzzle that was cut off, at its last checkpoint; None where it has none.

    Raises:
        InputError, RunError: the checkpoint is damaged.
    """
    checkpoint = load_checkpoint(folder)
    program: Any = checkpoint.data["program"] if checkpoint else {}
    return (checkpoint.step, program["shown"]) if checkpoint and program["shown"] else None


def discard(folder: Path) -> None:
    """Remove a puzzle's checkpoints, once no leg will follow."""
    shutil.rmtree(folder, ignore_errors=True)
