"""A submission within a time: valid at every moment, in rounds that go on exactly, and nothing lost however it ends."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.campaigns.job import PuzzleJob, Unfinished, solve_job, unfinished
from novacula.arc.config import SolveConfig, SubmitConfig
from novacula.arc.data.files import load_challenges, read_submission
from novacula.arc.data.task import Task
from novacula.arc.submit import SUBMIT, PuzzleState, SubmitResult, round_ends, submit
from novacula.errors import InputError, RunError
from novacula.jobs import job_seed
from novacula.runs import RunFolder, Step, Work, resume
from tests.arc.small_set import NAMES, TASKS, solved_alone, use_this_process, with_tests, write_challenges
from tests.report.test_page import Page, external_references

MODULE = import_module("novacula.arc.submit")  # the package shows the function of this name
BROKEN = {"train": [{"input": [[1]]}], "test": [{"input": [[1]]}, {"input": [[1]]}]}
CONFIG = SubmitConfig(steps=6, seed=4, workers=1)
LONG = replace(CONFIG, steps=30)  #: long enough to be stopped in the midst of it

# A driver of its own, with workers of its own.
DRIVER = """
import sys
from novacula.arc.submit import submit
from tests.arc.test_submit import LONG
submit(sys.argv[1], LONG, out=sys.argv[2], runs=sys.argv[3])
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, without_reports: None) -> None:
    use_this_process(monkeypatch)
    monkeypatch.setattr(MODULE, "ROUNDS", (4,))


def assert_valid(file: Path, challenges: Path) -> dict:
    """The submission, once it has for every test input two grids."""
    submission = read_submission(file)
    assert isinstance(submission, dict)
    tests = load_challenges(challenges).tests
    assert {name: len(entry) for name, entry in submission.items()} == tests
    for entry in submission.values():
        for test in entry:
            assert list(test) == ["attempt_1", "attempt_2"]
            for grid in test.values():
                assert len({len(row) for row in grid}) == 1 and all(0 <= c <= 9 for row in grid for c in row)
    return submission


def only_run(runs: Path) -> RunFolder:
    (path,) = runs.iterdir()
    return RunFolder.open(path)


def test_good_puzzles_are_answered_beside_a_broken_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    challenges, out = write_challenges(tmp_path, torn=BROKEN), tmp_path / "submission.json"
    seen: list[Step] = []

    def look(work: Work, step: Step) -> None:
        assert_valid(out, challenges)
        seen.append(step)

    result = submit(challenges, CONFIG, out=out, runs=tmp_path / "runs", on_step=look)
    assert result.status == "finished" and result.submission == out
    assert [step.metrics["until"] for step in seen] == [4] * 4 + [6] * 4
    assert [step.metrics["trained"] for step in seen] == [1, 2, 3, 4] * 2
    assert "torn: train[0].output: missing; it gets a placeholder" in caplog.text
    document = result.document
    assert (document["tasks"], document["answered"], document["decided"], document["failed"]) == (5, 4, 4, 0)
    assert document["broken"] == {"torn": ["train[0].output: missing"]}
    submission = assert_valid(out, challenges)
    assert submission["torn"] == [{"attempt_1": [[0]], "attempt_2": [[0]]}] * 2
    assert not list(only_run(tmp_path / "runs").path.glob("puzzles/*")), "no checkpoint is needed any more"


@pytest.mark.parametrize(("share", "steps"), [(False, 6), (True, 3)])
def test_restarts_go_on_from_round_to_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: bool, steps: int
) -> None:
    config = replace(CONFIG, restarts=2, share_steps=share)
    challenges, files = write_challenges(tmp_path), [tmp_path / "a.json", tmp_path / "b.json"]
    whole = submit(challenges, config, out=files[0])
    assert whole.findings.decided == 4 and {row.steps for row in whole.findings.per_task} == {steps}
    monkeypatch.setattr(MODULE, "ROUNDS", (steps,))  # one round, and so no checkpoint in between
    submit(challenges, config, out=files[1])
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_time_limit_counts_what_comes_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = MODULE.kept_tasks

    def keep_slowly(tasks: Mapping[str, Task]) -> dict[str, bytes]:
        time.sleep(0.3)
        return keep(tasks)

    monkeypatch.setattr(MODULE, "kept_tasks", keep_slowly)
    result = submit(write_challenges(tmp_path), CONFIG, out=tmp_path / "s.json", runs=tmp_path / "r", time_limit=0.2)
    assert result.status == "time-limit"
    assert [row.steps for row in result.findings.per_task] == [0] * 4


def test_rounds_come_to_what_one_run_would_have(tmp_path: Path) -> None:
    challenges, out = write_challenges(tmp_path), tmp_path / "submission.json"
    submit(challenges, CONFIG, out=out, runs=tmp_path / "runs")
    name = NAMES[1]
    first, second = solved_alone(name, SolveConfig(steps=6, seed=job_seed(4, name))).attempts
    expected = json.loads(json.dumps([{"attempt_1": a, "attempt_2": b} for a, b in zip(first, second, strict=True)]))
    assert assert_valid(out, challenges)[name] == expected


def test_a_decided_puzzle_gets_no_more_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "ROUNDS", (4, 15))
    monkeypatch.setattr("novacula.arc.answers.answers.EARLY_STEPS", 9)
    monkeypatch.setattr("novacula.arc.answers.certainty.SETTLED_FROM", 10)
    monkeypatch.setattr("novacula.arc.answers.certainty.LEAST_GAIN", 1.0)
    config = replace(CONFIG, steps=30)
    result = submit(write_challenges(tmp_path), config, out=tmp_path / "s.json", runs=tmp_path / "runs")
    assert [(row.steps, row.decided) for row in result.findings.per_task] == [(10, True)] * 4
    expected = sum(sum(row.probabilities) for row in result.findings.per_task)
    assert 0 < expected < 4
    assert result.findings.expected == pytest.approx(expected)


def test_no_puzzle_is_decided_early_where_that_is_not_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.arc.answers.certainty.SETTLED_FROM", 1)
    monkeypatch.setattr("novacula.arc.answers.certainty.LEAST_GAIN", 1.0)
    config = replace(CONFIG, steps=12, stop="never")
    result = submit(write_challenges(tmp_path), config, out=tmp_path / "s.json", runs=tmp_path / "runs")
    assert {row.steps for row in result.findings.per_task} == {12}


def test_the_most_promising_puzzles_come_first() -> None:
    task = TASKS[NAMES[0]]
    sure, open_ = (PuzzleState("p", task, 200, probabilities=(p, 0.1), cpu_seconds=4.0) for p in (0.8, 0.2))
    dear = PuzzleState("p", task, 200, probabilities=(0.2, 0.1), cpu_seconds=8.0)
    assert open_.value(400) == pytest.approx(0.7 / 4.0)
    assert open_.value(400) > dear.value(400) > sure.value(400)


def test_a_time_limit_leaves_a_valid_submission_that_goes_on(tmp_path: Path) -> None:
    challenges = write_challenges(tmp_path)
    whole, cut = tmp_path / "whole.json", tmp_path / "cut.json"
    submit(challenges, CONFIG, out=whole, runs=tmp_path / "a")
    result = submit(challenges, CONFIG, out=cut, runs=tmp_path / "b", time_limit=0.2)
    assert result.status in ("time-limit", "finished")
    assert_valid(cut, challenges)
    folder = only_run(tmp_path / "b")
    before, written = cut.read_bytes(), cut
    if folder.status != "finished":
        resumed = resume(folder)
        assert isinstance(resumed, SubmitResult) and (resumed.status, resumed.wanted) == ("finished", cut)
        written = folder.path / "artifacts" / "submission.json"
        assert resumed.submission == written and cut.read_bytes() == before
    assert written.read_bytes() == whole.read_bytes()


def test_a_stopped_driver_leaves_a_valid_submission_that_goes_on(tmp_path: Path) -> None:
    challenges = write_challenges(tmp_path)
    out, runs = tmp_path / "out.json", tmp_path / "runs"
    command = [sys.executable, "-c", DRIVER, str(challenges), str(out), str(runs)]
    driver = subprocess.Popen(command, env=with_tests(), stderr=subprocess.DEVNULL)
    while not list(runs.glob("*/jobs/*.json")) and driver.poll() is None:
        time.sleep(0.005)
    driver.send_signal(signal.SIGTERM)
    driver.wait()
    assert_valid(out, challenges)
    folder = only_run(runs)
    assert folder.status == "interrupted"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "ROUNDS", (20, 200))  # as the driver, which is another process, had them
        assert resume(folder).status == "finished"
        resumed = (folder.path / "artifacts" / "submission.json").read_bytes()
        submit(challenges, LONG, out=tmp_path / "whole.json", runs=tmp_path / "whole")
    assert resumed == (tmp_path / "whole.json").read_bytes()


def test_a_puzzle_that_is_cut_off_answers_from_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenges, out = write_challenges(tmp_path), tmp_path / "submission.json"
    result = submit(challenges, CONFIG, out=out, runs=tmp_path / "runs")
    found = Unfinished(5, result.findings.per_task[0].attempts, (0.5, 0.25), (0.375, 0.125), 2.5)
    monkeypatch.setattr(MODULE, "unfinished", lambda folder, task, sizes, beyond: found)
    late = submit(challenges, CONFIG, out=tmp_path / "late.json", runs=tmp_path / "late", time_limit=1e-9)
    row = late.findings.per_task[0]
    assert row.steps == 5 and late.status == "time-limit"
    assert (row.shares, row.probabilities, row.cpu_seconds) == (found.shares, found.probabilities, 2.5)
    assert late.findings.expected == 2.0
    late_entry = assert_valid(tmp_path / "late.json", challenges)[NAMES[0]]
    assert late_entry == assert_valid(out, challenges)[NAMES[0]]


def test_a_checkpoint_says_what_a_leg_would_have_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.arc.answers.answers.EARLY_STEPS", 9)
    name = max(NAMES, key=lambda name: len(TASKS[name].test))
    config = SolveConfig(steps=60)
    leg = solve_job(PuzzleJob(TASKS[name], config, 30, str(tmp_path)))
    left = unfinished(tmp_path, TASKS[name], config, 20)
    assert left and len(left.probabilities) == 2
    assert {key: getattr(leg, key) for key in vars(left)} == vars(left)
    assert unfinished(tmp_path, TASKS[name], config, 30) is None


def test_an_estimate_says_on_how_many_puzzles_it_stands(tmp_path: Path) -> None:
    result = submit(write_challenges(tmp_path), CONFIG, out=tmp_path / "s.json", runs=tmp_path / "runs")
    findings = result.findings
    assert (findings.outcome, findings.expected) == ("4 of 4 puzzles answered, too early for a probability", None)
    first, *others = findings.per_task
    one = replace(findings, per_task=(replace(first, probabilities=(0.5, 0.25)), *others), expected=0.75)
    assert one.estimate == "0.8 probably right among the 1 that have a probability"
    assert replace(one, answered=1).estimate == "0.8 probably right"


def test_nothing_that_exists_is_overwritten_or_left_behind(tmp_path: Path) -> None:
    challenges, out = write_challenges(tmp_path), tmp_path / "submission.json"
    out.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        submit(challenges, CONFIG, out=out, runs=tmp_path / "runs")
    assert out.read_text() == "mine" and not (tmp_path / "runs").exists()
    with pytest.raises(OSError, match="nowhere"):
        submit(challenges, CONFIG, out=tmp_path / "nowhere" / "s.json", runs=tmp_path / "runs")
    with pytest.raises(RunError, match=r"submission\.json"):
        submit(challenges, CONFIG, out=tmp_path / "new.json", runs=out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["challenges.json", "submission.json"]


def test_the_report_is_a_sound_page(tmp_path: Path) -> None:
    submit(write_challenges(tmp_path, torn=BROKEN), CONFIG, out=tmp_path / "s.json", runs=tmp_path / "runs")
    html = SUBMIT.page(only_run(tmp_path / "runs")).read_text("utf-8")
    page = Page(html)
    assert page.open == [] and external_references(html) == []
    assert page.tags.count("details") == 4 and "train[0].output: missing" in page.text
    assert "--challenges challenges.json" in page.text and str(tmp_path) not in html and "6 steps, decided" in page.text


@given(st.integers(1, 50_000))
def test_rounds_grow_to_the_end(steps: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "ROUNDS", (20, 200, 400, 4000))
        ends = round_ends(steps)
    assert ends[-1] == steps and ends == sorted(set(ends))
