"""``novacula arc bench``, ``submit`` and ``score`` of a submission, as a user types them."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from novacula.cli.main import main
from novacula.jobs import campaign, executor_for
from novacula.runs import RunFolder
from tests.arc.small_set import NAMES, TASKS, outputs_of, use_small_set, use_this_process, write_challenges
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small set, and a folder of its own as the current one."""
    monkeypatch.chdir(tmp_path)
    use_small_set(monkeypatch)
    use_this_process(monkeypatch)


def test_bench_prints_one_json_object_as_agreed(novacula: Run) -> None:
    said = novacula("arc", "bench", "--tasks", f"{NAMES[0]},{NAMES[3]}", "--steps", 3, "--json", "--out", "run")
    printed = json.loads(said.out)
    assert said.code == 0 and said.errors == []
    assert printed == json.loads(Path("run/result.json").read_text())
    assert {"tasks": 2, "steps": 3, "run": "run", "schema_version": 1}.items() <= printed.items()
    assert list(printed["pass_at"]) == ["1", "2", "5", "10", "100", "1000"]
    assert all({"step", "cpu_hours", "pass_at_2"} <= set(point) for point in printed["curve"])
    assert [row["task"] for row in printed["per_task"]] == [NAMES[0], NAMES[3]]
    assert all({"task", "solved", "rank", "cpu_seconds"} <= set(row) for row in printed["per_task"])


def test_bench_shows_its_progress_is_cut_off_and_resumed(novacula: Run) -> None:
    said = novacula("arc", "bench", "--limit", 3, "--steps", 2, "--time-limit", "0.000001s", "--out", "runs/cut")
    assert said.code == 0 and "3 cut off" in said.out
    assert any("novacula runs resume runs/cut" in line for line in said.errors)
    assert novacula("runs", "list").out.count("time-limit") == 1
    said = novacula("runs", "resume", "cut")
    assert said.code == 0 and "pass@1000" in said.out and "of 3 puzzles solved with two attempts" in said.out
    assert [line.split()[0] for line in said.errors[:3]] == ["1/3", "2/3", "3/3"]
    assert novacula("runs", "report", "cut").code == 0


def test_failed_jobs_are_told_by_the_exit_code(novacula: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("novacula.arc.bench"), "WORK", "novacula.arc.campaigns.job:no_such_work")
    said = novacula("arc", "bench", "--limit", 2, "--steps", 2, "--json", "--out", "run")
    assert said.code == 1
    printed = json.loads(said.out)
    assert (printed["failed"], printed["solved"], printed["pass_at"]["1000"]) == (2, 0, 0.0)


def test_submit_and_its_score(novacula: Run, tmp_path: Path) -> None:
    challenges = write_challenges(tmp_path, torn={"test": []})
    words = ("arc", "submit", "--challenges", challenges, "--steps", 3, "--workers", 1)
    said = novacula(*words, "--out", "s.json")
    assert said.code == 1, "a puzzle is broken"
    assert "4 of 5 puzzles have attempts" in said.out and "1 broken" in said.out
    assert any("torn: train: missing" in line for line in said.errors)
    assert novacula(*words, "--out", "s.json").code == 2, "it exists"

    submission = json.loads(Path("s.json").read_text())
    solutions = {name: outputs_of(task) for name, task in TASKS.items()}
    submission[NAMES[1]][0]["attempt_1"] = solutions[NAMES[1]][0]
    submission[NAMES[1]][1]["attempt_2"] = solutions[NAMES[1]][1]
    del submission[NAMES[0]]
    Path("s.json").write_text(json.dumps(submission))
    Path("solutions.json").write_text(json.dumps(solutions))
    said = novacula("arc", "score", "s.json", "--solutions", "solutions.json", "--json")
    printed = json.loads(said.out)
    rows = {row["task"]: row for row in printed["per_task"]}
    assert said.code == 0 and printed["tasks"] == 4 and printed["unknown"] == ["torn"]
    assert rows[NAMES[0]]["problem"] == "missing"
    assert rows[NAMES[1]]["kaggle"] == 1.0
    assert printed["paper"] == printed["solved"] / 4
    assert printed["kaggle"] == printed["outputs_right"] / printed["outputs"]
    assert printed["outputs"] == sum(map(len, solutions.values()))
    assert printed["refusals"] == [f"{NAMES[0]}: missing"]
    shown = novacula("arc", "score", "s.json", "--solutions", "solutions.json")
    assert "missing" in shown.out and "by the contest's rule" in shown.out
    assert f"The contest would refuse this file: {NAMES[0]}: missing." in shown.out


def test_a_time_limit_below_one_step_leaves_a_valid_submission(novacula: Run, tmp_path: Path) -> None:
    words = ("--challenges", write_challenges(tmp_path), "--time-limit", "0.000001s", "--out", "s.json")
    said = novacula("arc", "submit", *words)
    assert said.code == 0 and "0 of 4 puzzles have attempts" in said.out
    assert list(json.loads(Path("s.json").read_text())) == list(NAMES)
    (run,) = Path("runs").iterdir()
    assert RunFolder.open(run).status == "time-limit"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["bench", "--steps", "0", "--workers", "0"],
            "--steps is 0; it must be at least 1; --workers is 0; it must lie in 1 … 4096",
        ),
        (["bench", "--tasks", "nothing"], "'nothing' is not in the training split of arc1"),
        (["bench", "--limit", "1", "--out", "file/run"], "file"),
        (["bench", "--limit", "1", "--device", "nonsense"], "--device"),
        (["bench", "--limit", "1", "--steps", "1", "--workers", "5000", "--out", "b"], "--workers is 5000"),
        (["submit", "--challenges", "absent.json"], "absent.json"),
        (["submit", "--challenges", "file"], "file: "),
        (["submit", "--challenges", "challenges.json", "--out", "nowhere/s.json"], "nowhere/s.json"),
        (["submit", "--challenges", "challenges.json", "--workers", "0"], "--workers is 0"),
        (["submit", "--challenges", "challenges.json", "--time-limit", "0"], "--time-limit is 0"),
        (["score", "file"], "--solutions: is needed"),
        (["score", "absent.json", "--solutions", "file"], "absent.json"),
        (["score", "challenges.json", "--solutions", "file"], "has no attempt_1, so it is no submission"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(novacula: Run, tmp_path: Path, words: list[str], said: str) -> None:
    write_challenges(tmp_path)
    Path("file").write_text("")
    result = novacula("arc", *words)
    assert result.code == 2 and len(result.errors) == 1
    assert result.errors[0].startswith("novacula: ") and said in result.errors[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["challenges.json", "file"]


@pytest.mark.parametrize("words", [["bench", "--limit", "1"], ["submit", "--challenges", "challenges.json"]])
def test_a_cluster_that_does_not_answer_is_refused_before_anything_is_made(
    novacula: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(campaign, "executor_for", executor_for)
    write_challenges(tmp_path)
    result = novacula("arc", *words, "--steps", "1", "--cluster", "127.0.0.1:1", "--runs", "b")
    assert result.code == 2 and len(result.errors) == 1 and "cluster" in result.errors[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["challenges.json"]


def test_a_leg_is_not_resumed_by_itself(novacula: Run) -> None:
    RunFolder.create(part="arc", verb="leg", configuration={}, seed=0, threads=1, out="leg")
    said = novacula("runs", "resume", "leg")
    assert said.code == 2 and "is a run of `arc leg`, which has no resume or report of its own" in said.errors[0]
    assert main(["arc", "bench", "--help"]) == 0
