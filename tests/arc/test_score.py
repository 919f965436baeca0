import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.data.sources import load_solution
from novacula.arc.data.task import Grid, Solution, Task, Verdict
from novacula.arc.findings import SolveFindings
from novacula.arc.score import score_attempts, score_outcome, score_run
from novacula.errors import InputError, RunError
from novacula.jobs import Outcome
from novacula.runs import RunFolder
from tests.arc.synthetic_run import make_run

A: Grid = ((1, 2), (3, 4))
B: Grid = ((5,),)
ONE, TWO = Solution("one", (A,)), Solution("two", (A, B))


@pytest.mark.parametrize(
    ("attempts", "solution", "expected"),
    [
        ([[A], [B]], ONE, Verdict((True, False), True, 1.0, (True,))),
        ([[B], [A]], ONE, Verdict((False, True), True, 1.0, (True,))),
        ([[[[1, 2], [3, 4]]]], ONE, Verdict((True, False), True, 1.0, (True,))),
        # Each test grid is right once, but no attempt has both: nothing by the paper's rule, all by the contest's.
        ([[A, A], [B, B]], TWO, Verdict((False, False), False, 1.0, (True, True))),
        ([[A, B], [A, A]], TWO, Verdict((True, False), True, 1.0, (True, True))),
        ([[A, A], [A, A]], TWO, Verdict((False, False), False, 0.5, (True, False))),
        ([[A], []], TWO, Verdict((False, False), False, 0.5, (True, False))),
        # Only two attempts count; an attempt with too many grids is malformed.
        ([[B], [B], [A]], ONE, Verdict((False, False), False, 0.0, (False,))),
        ([[A, A], [B]], ONE, Verdict((False, False), False, 0.0, (False,))),
        ([[[[True, 2], [3, 4]]], [[[1.0, 2], [3, 4]]]], ONE, Verdict((False, False), False, 0.0, (False,))),
        ([[[[1, 2], [3]]], [[[1, 2], [3, 4], []]]], ONE, Verdict((False, False), False, 0.0, (False,))),
        ([A, B], ONE, Verdict((False, False), False, 0.0, (False,))),
        (None, ONE, Verdict((False, False), False, 0.0, (False,))),
    ],
)
def test_cases(attempts: object, solution: Solution, expected: Verdict) -> None:
    verdict = score_attempts(attempts, solution)
    assert replace(verdict, grids=()) == expected
    assert [all(grids) for grids in verdict.grids] == list(expected.correct)
    assert [any(pair) for pair in zip(*verdict.grids, strict=True)] == list(expected.outputs)


def independent_score(attempts: object, solution: Solution) -> tuple[list[bool], bool, float]:
    """The same rules in other words: grids are compared as JSON text, which tells 1 from 1.0 and from true."""
    truth = [json.dumps(grid) for grid in solution.outputs]
    texts = []
    for number in range(2):
        try:
            attempt = attempts[number] if isinstance(attempts, list | tuple) else []  # type: ignore[index]
        except IndexError:
            attempt = []
        attempt = attempt if isinstance(attempt, list | tuple) else []
        texts.append([json.dumps(grid) for grid in attempt] if len(attempt) <= len(truth) else [])
    correct = [text == truth for text in texts]
    hits = 0
    for place, grid in enumerate(truth):
        hits += any(text[place : place + 1] == [grid] for text in texts)
    return correct, correct[0] or correct[1], hits / len(truth)


cells = st.integers(0, 2)
truths = st.integers(1, 2).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=2)
)
junk = st.none() | st.booleans() | cells | st.floats() | st.text(max_size=2) | st.just({})
near_grids = truths | st.lists(st.lists(cells | junk, max_size=2) | junk, max_size=3) | junk

Made = TypeVar("Made", Task, Solution)


def made(kind: type[Made], **values: object) -> Made:
    """What a user makes, whose types nothing checks outside of the tests."""
    one = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(one, name, value)
    one.__post_init__()
    return one


def test_grids_of_numpy_are_grids() -> None:
    cells, grid = np.array([[1, 2], [3, 4]]), ((1, 2), (3, 4))
    task = made(Task, name="mine", train=((cells, cells.tolist()),), test=[cells])
    solution = made(Solution, name="mine", outputs=[cells])
    assert (task, solution) == (Task("mine", ((grid, grid),), (grid,)), Solution("mine", (grid,)))
    for attempt in (cells, list(cells), tuple(map(tuple, cells)), torch.tensor(cells)):
        assert score_attempts([(attempt,)], solution).solved
    for attempts in (np.stack([[cells + 1], [cells]]), [cells[None]], torch.tensor(cells)[None, None]):
        assert score_attempts(attempts, solution).solved
    pair = np.stack([cells, cells])
    assert made(Task, name="mine", train=pair[None], test=cells[None]) == task
    assert made(Solution, name="mine", outputs=cells[None]) == solution
    with pytest.raises(
        InputError, match=r"train\[0\]: 3 in place of an input and an output; test: no sequence of grids"
    ):
        made(Task, name="mine", train=[[*pair, cells]], test=3)
    with pytest.raises(InputError, match="outputs: no sequence of grids"):
        made(Solution, name="mine", outputs=None)


@pytest.mark.parametrize("wrong", [((1, -2),), ((1, 10),), ((1, 2), (3,)), (), ((),), ((1.0, 2.0),), ((True,),), "12"])
def test_a_task_of_python_with_a_wrong_grid_is_refused_by_its_place(wrong: object) -> None:
    grid = ((1, 2),)
    with pytest.raises(InputError, match=r"mine: train\[1\] output: no grid"):
        made(Task, name="mine", train=((grid, grid), (grid, wrong)), test=(grid,))
    with pytest.raises(InputError, match=r"mine: outputs\[0\]: no grid"):
        made(Solution, name="mine", outputs=(wrong,))
    with pytest.raises(InputError, match="mine: test: empty"):
        Task("mine", ((grid, grid),), ())


@given(st.lists(truths, min_size=1, max_size=3), st.data())
def test_an_independent_scorer_agrees_on_any_attempts(outputs: list[list[list[int]]], data: st.DataObject) -> None:
    solution = Solution("any", tuple(tuple(map(tuple, grid)) for grid in outputs))
    attempt = st.just(outputs) | st.lists(st.sampled_from(outputs) | near_grids, max_size=4) | junk
    attempts = data.draw(st.lists(attempt, max_size=3) | st.lists(attempt, max_size=3).map(tuple) | junk)
    verdict = score_attempts(attempts, solution)
    assert (list(verdict.correct), verdict.solved, verdict.kaggle) == independent_score(attempts, solution)
    assert verdict.solved <= (verdict.kaggle == 1.0)


@pytest.mark.parametrize("damage", [{}, {"candidates": 3, "standings": []}, {"candidates": [], "standings": [1]}])
def test_a_damaged_outcome_is_named(damage: dict) -> None:
    found = SolveFindings("one", (), (), (), 1, 0, "torch", 1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, {}, "run")
    result = {**asdict(found), **damage} if damage else {}
    outcome = Outcome("one", "finished", result, "", 0.0, 0.0, 1)
    with pytest.raises(InputError, match="the outcome of the job one"):
        score_outcome("one", "same", outcome, ONE)


class TestRuns:
    def test_the_verdict_is_added_to_the_result_and_nothing_else_changes(self, tmp_path: Path) -> None:
        folder = make_run(tmp_path / "run", "3618c87e", steps=310)
        before = folder.read_result() or {}
        verdict = score_run(folder)
        assert verdict == Verdict((True, False), True, 1.0, (True,), ((True,), (False,)))
        assert RunFolder.open(folder.path).record.outcome == "solved (attempt 1)"
        after = RunFolder.open(folder.path).read_result() or {}
        told = {"correct": [True, False], "solved": True, "kaggle": 1.0, "outputs": [True]}
        assert after.pop("verdict") == {**told, "grids": [[True], [False]]}
        assert after == before

    def test_a_wrong_answer_is_not_solved(self, tmp_path: Path) -> None:
        assert not score_run(make_run(tmp_path / "run", "3618c87e", steps=50)).solved

    def test_a_task_without_known_solution_is_refused_and_leaves_the_result_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "puzzle.json"
        folder = make_run(tmp_path / "run", "3618c87e", steps=3, source=str(file))
        file.write_text((folder.path / "artifacts" / "task.json").read_text("utf-8"), encoding="utf-8")
        before = (folder.path / "result.json").read_bytes()
        with pytest.raises(InputError, match=r"puzzle\.json: .*its solution is not known here"):
            score_run(folder)
        assert (folder.path / "result.json").read_bytes() == before

        solutions = tmp_path / "solutions.json"
        solutions.write_text(json.dumps({"x": load_solution("3618c87e").outputs, "y": [A, B]}), encoding="utf-8")
        assert score_run(folder, f"{solutions}:x").kaggle == 0.0
        with pytest.raises(InputError, match="2 test outputs where the run's task has 1"):
            score_run(folder, f"{solutions}:y")

    def test_other_runs_are_refused(self, tmp_path: Path) -> None:
        other = RunFolder.create(part="optim", verb="x", configuration={}, seed=0, threads=1, out=tmp_path / "other")
        with pytest.raises(RunError, match="is a run of optim"):
            score_run(other)
        for verb, hint in (("bench", "its result has the score"), ("submit", "score its submission file")):
            place = tmp_path / verb
            many = RunFolder.create(part="arc", verb=verb, configuration={}, seed=0, threads=1, out=place)
            many.write_result({"schema_version": 1}, "done")
            with pytest.raises(RunError, match=f"is a run of arc {verb}; {hint}"):
                score_run(many)
        unfinished = make_run(tmp_path / "run", "3618c87e", steps=3)
        (unfinished.path / "result.json").unlink()
        with pytest.raises(RunError, match="has no result to score yet"):
            score_run(unfinished)
