"""``novacula arc`` as a user types it."""

import json
from pathlib import Path

import pytest

from novacula.cli.main import main
from novacula.runs import RunFolder
from tests.cli.conftest import Run

SQUARE = [[1, 0], [0, 2]]
TASK = {
    "train": [{"input": SQUARE, "output": [[0, 1], [2, 0]]}, {"input": [[0, 3], [3, 0]], "output": [[3, 0], [0, 3]]}],
    "test": [{"input": [[1, 1], [0, 2]], "output": [[1, 1], [2, 0]]}],
}


TIMES = ("per_step", "answers", "per_step_mean", "answers_mean")


@pytest.fixture
def puzzle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A puzzle's file in a folder of its own, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "puzzle.json").write_text(json.dumps(TASK))
    return Path("puzzle.json")


def test_solve_prints_one_json_object_as_agreed(puzzle: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["arc", "solve", str(puzzle), "--steps", "4", "--seed", "5", "--engine", "torch", "--json", "--out", "run"]
    assert main(words) == 0
    printed = json.loads(capfd.readouterr().out)
    assert printed == json.loads(Path("run/result.json").read_text())
    expected = {
        "task": "puzzle",
        "steps": 4,
        "seed": 5,
        "engine": "torch",
        "threads": 1,
        "run": "run",
        "schema_version": 1,
    }
    assert {key: printed[key] for key in expected} == expected
    assert [len(attempt) for attempt in printed["attempts"]] == [1, 1]
    for key in ("cpu_seconds", *(f"cpu_ms_{what}" for what in TIMES), "peak_memory_mb"):
        assert printed[key] > 0
    assert not {"verdict", "correct"} & set(printed)


def test_solve_shows_the_puzzle_and_its_progress(puzzle: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["arc", "solve", str(puzzle), "--steps", "3", "--out", "run"]) == 0
    out, err = capfd.readouterr()
    assert "attempt 1" in out and "attempt 2" in out and "3 steps" in out
    assert "step 3/3  KL " in err and "reconstruction" in err
    assert str(Path("run/report.html")) in err


def test_a_limited_run_is_resumed_shown_listed_and_reported(puzzle: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["arc", "solve", str(puzzle), "--steps", "5", "--time-limit", "0.001s", "--out", "runs/cut", "-q"]) == 0
    assert RunFolder.open("runs/cut").status == "time-limit"
    capfd.readouterr()
    assert main(["runs", "resume", "cut", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["steps"] == 5
    assert main(["runs", "list", "--json"]) == 0
    assert [run["status"] for run in json.loads(capfd.readouterr().out)["runs"]] == ["finished"]
    Path("runs/cut/report.html").unlink()
    assert main(["runs", "report", "cut"]) == 0
    assert Path("runs/cut/report.html").exists()


def test_the_scorer_judges_apart(puzzle: Path, capfd: pytest.CaptureFixture[str]) -> None:
    main(["arc", "solve", str(puzzle), "--steps", "2", "--out", "run", "-q"])
    result = json.loads(Path("run/result.json").read_text())
    result["attempts"][1] = [TASK["test"][0]["output"]]
    result["attempts"][0] = [[[7]]]
    Path("run/result.json").write_text(json.dumps(result))
    capfd.readouterr()
    assert main(["arc", "score", "run"]) == 0
    assert capfd.readouterr().out.strip() == "Solved: attempt 1 is wrong, attempt 2 is right."
    assert json.loads(Path("run/result.json").read_text())["verdict"]["correct"] == [False, True]
    assert main(["runs", "show", "run"]) == 0
    assert "correct no, yes; solved yes; kaggle 1" in capfd.readouterr().out
    result["attempts"][1] = []
    Path("run/result.json").write_text(json.dumps(result))
    assert main(["arc", "score", "run", "--json"]) == 1
    assert json.loads(capfd.readouterr().out)["solved"] is False


def test_show_and_list(puzzle: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["arc", "show", str(puzzle)]) == 0
    assert "demonstration 2" in capfd.readouterr().out
    assert main(["arc", "list", "--split", "training", "--json"]) == 0
    tasks = json.loads(capfd.readouterr().out)["tasks"]
    assert len(tasks) == 400
    assert {"id": "6d75e8bb", "demonstrations": 3}.items() <= next(t for t in tasks if t["id"] == "6d75e8bb").items()
    assert main(["arc", "list", str(puzzle), "--json"]) == 0
    (own,) = json.loads(capfd.readouterr().out)["tasks"]
    assert {"id": "puzzle", "split": None, "demonstrations": len(TASK["train"]), "tests": 1}.items() <= own.items()
    assert main(["arc", "list", str(puzzle)]) == 0
    assert "1 puzzle: puzzle.json" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"train": TASK["train"]}, "test"),
        ({"test": TASK["test"]}, "train"),
        ({"train": [], "test": TASK["test"]}, "train"),
        ({"train": [{"input": [[1, 2], [3]], "output": SQUARE}], "test": TASK["test"]}, "train[0].input"),
        ({"train": [{"input": [[1] * 31], "output": SQUARE}], "test": TASK["test"]}, "30"),
        ({"train": [{"input": [[1, 10]], "output": SQUARE}], "test": TASK["test"]}, "10"),
        ({"train": [{"input": [[1, 1.5]], "output": SQUARE}], "test": TASK["test"]}, "1.5"),
        ({"train": [{"input": [], "output": SQUARE}], "test": TASK["test"]}, "train[0].input"),
        ("no JSON", "JSON"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    puzzle: Path, capfd: pytest.CaptureFixture[str], content: object, said: str
) -> None:
    puzzle.write_text(content if isinstance(content, str) else json.dumps(content))
    assert main(["arc", "solve", str(puzzle), "--steps", "1"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("novacula: puzzle.json: ") and err.count("\n") == 1 and said in err
    assert [path.name for path in Path().iterdir()] == ["puzzle.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["arc", "solve", "6d75e8bc"], "6d75e8bb"),
        (["arc", "solve", "absent.json"], "absent.json"),
        (["arc", "solve", "puzzle.json", "--steps", "0"], "--steps is 0"),
        (["arc", "solve", "puzzle.json", "--threads", "0"], "--threads is 0"),
        (
            ["arc", "solve", "puzzle.json", "--engine", "native", "--threads", "4"],
            "--threads: is 4, but the native engine",
        ),
        (["arc", "solve", "puzzle.json", "--device", "nonsense"], "--device"),
        (["arc", "solve", "puzzle.json", "--device", "meta"], "meta is not a device of this torch"),
        (["arc", "solve", "puzzle.json", "--out", "puzzle.json"], "puzzle.json"),
        (["arc", "solve", "puzzle.json", "--device", "gpu"], "gpu is not a device of this torch: use cpu, or cuda:0"),
        (["arc", "solve", "puzzle"], "for the file, write puzzle.json"),
        (["arc", "score", "nowhere"], "nowhere"),
        (["arc", "score", "puzzle.json"], "puzzle.json: has no attempt_1, so it is no submission"),
        (["arc", "submit", "--challenges", "puzzle.json", "--out", "no/s.json"], "there is no folder"),
        (["arc", "solv"], "solve"),
    ],
)
def test_bad_options_are_said(puzzle: Path, capfd: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main(words) == 2
    err = capfd.readouterr().err
    assert err.startswith("novacula: ") and said in err and "Traceback" not in err
    assert [path.name for path in Path().iterdir()] == ["puzzle.json"]


@pytest.mark.parametrize("grid", [[[0, 0], [0, 0]], [[4]], [[2, 2, 2]]])
def test_odd_puzzles_are_solved_like_others(puzzle: Path, capfd: pytest.CaptureFixture[str], grid: list) -> None:
    puzzle.write_text(json.dumps({"train": [{"input": grid, "output": grid}], "test": [{"input": grid}]}))
    assert main(["arc", "solve", str(puzzle), "--steps", "2", "--json", "--out", "run"]) == 0
    colors = {cell for row in grid for cell in row} | {0, 1}
    attempts = json.loads(capfd.readouterr().out)["attempts"]
    assert {cell for attempt in attempts for answer in attempt for row in answer for cell in row} <= colors


def test_show_for_machines(novacula: Run) -> None:
    document = json.loads(novacula("arc", "show", "6d75e8bb", "--json").out)
    assert document["task"] == "6d75e8bb" and len(document["train"]) == 3 and "output" not in document["test"][0]
