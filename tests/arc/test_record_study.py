"""The plan of the study that records runs: which puzzles, drawn how, in which order."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from novacula.arc.campaigns.job import volume
from novacula.arc.data.sources import list_tasks, load_task

STUDIES = Path(__file__).parents[2] / "benchmarks" / "studies"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(STUDIES))
    return importlib.import_module("arc_record")


def test_the_training_puzzles_are_those_that_the_seeds_draw(study: ModuleType) -> None:
    ids = sorted(task.id for task in list_tasks("arc1", "training"))
    first = np.random.default_rng(251206104).choice(ids, 60, replace=False).tolist()
    rest = [task for task in ids if task not in first]
    assert list(study.TASKS) == first
    assert list(study.MORE_TASKS) == np.random.default_rng(251206105).choice(rest, 60, replace=False).tolist()
    rest = [task for task in rest if task not in study.MORE_TASKS]
    assert list(study.CHECK_TASKS) == np.random.default_rng(251206106).choice(rest, 80, replace=False).tolist()


def test_each_phase_has_its_puzzles_cheapest_first(study: ModuleType) -> None:
    evaluation = {task.id for task in list_tasks("arc1", "evaluation")}
    expected = {
        "a": {(task, 0, 1000) for task in evaluation},
        "b": {(task, seed, 1000) for task in study.TASKS + study.MORE_TASKS for seed in (0, 1)},
        "c": {(task, 1, 1000) for task in evaluation},
        "d": {(task, 0, 2000) for task in evaluation},
        "e": {(task.id, 0, 1000) for task in list_tasks("arc2", "evaluation")},
        "f": {(task, 0, 500) for task in study.CHECK_TASKS},
    }
    assert list(study.PHASES) == list(expected)
    for phase, wanted in expected.items():
        runs = study.runs_of(phase)
        assert {(run.task, run.seed, run.steps) for run in runs} == wanted
        assert len(runs) == len(wanted)
        assert {run.dataset for run in runs} == {"arc2" if phase == "e" else "arc1"}
        costs = [volume(load_task(run.task, run.dataset)) for run in runs]
        assert costs == sorted(costs)


def test_a_longer_recording_replaces_a_shorter_one(study: ModuleType, tmp_path: Path) -> None:
    from novacula.arc import SolveConfig, record
    from tests.arc.puzzles import random_task

    short, long, other = (study.Run("a", "arc1", "x", seed, steps) for seed, steps in ((0, 3), (0, 4), (1, 3)))
    assert short.file(tmp_path) == long.file(tmp_path) != other.file(tmp_path)
    assert not short.is_done(tmp_path)
    record(random_task(1, side=2), SolveConfig(steps=3, engine="torch"), out=short.file(tmp_path))
    assert (short.is_done(tmp_path), long.is_done(tmp_path), other.is_done(tmp_path)) == (True, False, False)
