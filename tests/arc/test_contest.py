"""A contest's files: broken puzzles among good ones, valid submissions, and a scorer that nothing upsets."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.data.files import load_challenges, load_solutions, read_submission, write_submission
from novacula.arc.data.task import Solution
from novacula.arc.score import score_submission
from novacula.errors import InputError
from tests.arc.small_set import NAMES, TASKS, write_challenges
from tests.arc.test_score import junk, near_grids, truths


def test_a_broken_puzzle_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    test = [{"input": [[1]]}] * 2
    file = write_challenges(tmp_path, torn={"train": [{"input": [[1]]}], "test": test}, text="nothing")
    found = load_challenges(file)
    assert list(found.tasks) == list(NAMES)
    assert [found.tasks[name].train for name in NAMES] == [task.train for task in TASKS.values()]
    assert found.broken["torn"] == ("train[0].output: missing",)
    assert found.tests == {**{name: len(task.test) for name, task in TASKS.items()}, "torn": 2, "text": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", "holds no puzzle that can be solved; challenges: top level: a list"),
        ('{"train": [], "test": []}', "holds no puzzle that can be solved; challenges: train: empty"),
        ('{"a": 1, "b": 2}', "holds no puzzle that can be solved; a: "),
    ],
)
def test_challenges_without_a_sound_puzzle_are_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "challenges.json"
    file.write_text(content)
    with pytest.raises(InputError, match=said):
        load_challenges(file)


def test_all_that_is_wrong_with_solutions_is_said(tmp_path: Path) -> None:
    file = tmp_path / "solutions.json"
    file.write_text(json.dumps({"a": [[[1]]], "b": [[[11]]], "c": []}))
    with pytest.raises(InputError, match=r"b: solution\[0\] row 0 column 0: 11.*; c: solution: empty"):
        load_solutions(file)
    file.write_text(json.dumps({"a": [[[1]], [[2, 3]]]}))
    assert load_solutions(file) == {"a": Solution("a", (((1,),), ((2, 3),)))}


def test_a_submission_has_a_grid_wherever_one_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "submission.json"
    write_submission(file, {"a": 2, "b": 1}, {"a": [[[[1]], [[2]]], [[[3]]]]})
    assert read_submission(file) == {
        "a": [{"attempt_1": [[1]], "attempt_2": [[3]]}, {"attempt_1": [[2]], "attempt_2": [[0]]}],
        "b": [{"attempt_1": [[0]], "attempt_2": [[0]]}],
    }


def independent_score(submission: Any, solutions: dict[str, list]) -> tuple[float, float]:
    """Both rules in other words; grids are compared as text, which tells 1 from 1.0 and from true."""
    paper = kaggle = 0.0
    for name, truth in solutions.items():
        entry = submission.get(name) if isinstance(submission, dict) else None
        if not isinstance(entry, list) or len(entry) > len(truth):
            continue
        hits = [[False] * len(truth), [False] * len(truth)]
        for place, test in enumerate(entry):
            for number in (0, 1):
                if isinstance(test, dict) and f"attempt_{number + 1}" in test:
                    given = test[f"attempt_{number + 1}"]
                    hits[number][place] = json.dumps(given) == json.dumps(truth[place])
        paper += all(hits[0]) or all(hits[1])
        kaggle += sum(one or two for one, two in zip(*hits, strict=True))
    return paper / len(solutions), kaggle / sum(map(len, solutions.values()))


@given(st.dictionaries(st.sampled_from("abc"), st.lists(truths, min_size=1, max_size=2), min_size=1), st.data())
def test_an_independent_scorer_agrees_on_any_submission(solutions: dict[str, list], data: st.DataObject) -> None:
    grids = st.sampled_from([grid for outputs in solutions.values() for grid in outputs]) | near_grids
    keys = st.sampled_from(["attempt_1", "attempt_2", "attempt_3"])
    right = st.sampled_from(
        [[{"attempt_1": grid, "attempt_2": [[9]]} for grid in outputs] for outputs in solutions.values()]
    )
    entry = right | st.lists(st.dictionaries(keys, grids) | junk, max_size=3) | junk
    submission = data.draw(st.dictionaries(st.sampled_from("abcd"), entry) | junk | st.lists(junk, max_size=2))
    truth = {
        name: Solution(name, tuple(tuple(map(tuple, grid)) for grid in outputs)) for name, outputs in solutions.items()
    }
    score = score_submission(submission, truth)
    assert (score.paper, score.kaggle) == pytest.approx(independent_score(submission, solutions))
    assert set(score.verdicts) == set(solutions)


def test_what_is_wrong_with_a_submission_is_told() -> None:
    truth = {name: Solution(name, (((1,),),)) for name in "abcd"}
    proper = [{"attempt_1": [[1]], "attempt_2": [[0]]}]
    score = score_submission({"a": proper, "b": proper * 2, "c": [{"attempt_1": [[1]]}], "e": proper}, truth)
    assert score.problems == {"b": "malformed", "c": "malformed", "d": "missing", "e": "unknown"}
    # An attempt that is there counts, whatever the other is; too many tests are wrong as a whole.
    assert [score.verdicts[name].solved for name in "abcd"] == [True, False, True, False]
    assert score.paper == score.kaggle == 0.5


def test_the_contest_counts_test_outputs_and_not_puzzles() -> None:
    one, wrong = [[1]], {"attempt_1": [[0]], "attempt_2": [[0]]}
    truth = {"a": Solution("a", (((1,),),)), "b": Solution("b", (((1,),),) * 3)}
    score = score_submission({"a": [{"attempt_1": one, "attempt_2": one}], "b": [wrong] * 3}, truth)
    assert (score.paper, score.kaggle, score.refusals) == (0.5, 0.25, ())
    found = score.findings()
    assert (found.outputs, found.outputs_right, found.kaggle) == (4, 1, 0.25)
    assert [row.outputs for row in found.per_task] == [(True,), (False, False, False)]


PROPER = {"attempt_1": [[1]], "attempt_2": [[0]]}
NO_GRID = "b: attempt_2 of test 2 is not a grid"


@pytest.mark.parametrize(
    ("submission", "reasons"),
    [
        ({"a": [PROPER], "b": [PROPER, PROPER], "more": [PROPER]}, ()),
        ([], ("it is not an object of puzzles by id", "a: missing", "b: missing")),
        ({"a": [PROPER]}, ("b: missing",)),
        ({"a": [PROPER], "b": [PROPER]}, ("b: 1 tests where the puzzle has 2",)),
        ({"a": [{"attempt_2": [[1]]}], "b": [PROPER] * 2}, ("a: test 1 has no attempt_1",)),
        ({"a": PROPER, "b": [PROPER] * 2}, ("a: not a list with an object for every test",)),
        ({"a": [[]], "b": [PROPER] * 2}, ("a: test 1 has no attempt_1", "a: test 1 has no attempt_2")),
        ({"a": [PROPER], "b": [PROPER, {**PROPER, "attempt_2": [[1], [1, 2]]}]}, (NO_GRID,)),
        ({"a": [PROPER], "b": [PROPER, {**PROPER, "attempt_2": []}]}, (NO_GRID,)),
        ({"a": [PROPER], "b": [PROPER, {**PROPER, "attempt_2": [[10]]}]}, (NO_GRID,)),
    ],
)
def test_what_the_contest_would_refuse_is_said(submission: object, reasons: tuple[str, ...]) -> None:
    truth = {"a": Solution("a", (((1,),),)), "b": Solution("b", (((1,),), ((2,),)))}
    refusals = score_submission(submission, truth).refusals
    assert len(refusals) == len(reasons)
    assert all(said.startswith(reason) for said, reason in zip(refusals, reasons, strict=True))
