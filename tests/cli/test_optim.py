"""``novacula optim`` as a user types it."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from novacula.cli.main import main
from novacula.runs import RunFolder

ROW = {"task", "optimizer", "seed", "trials", "steps", "loss", "seconds", "memory_mb", "diverged"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_demo_goes_on_where_it_was_cut_off_and_draws_two_pictures(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("novacula.optim.demo"), "RACERS", ("adamw", "lodo"))
    words = ["--trials", "1", "--steps", "400", "--time-limit", "0.001s", "--json", "--out", "runs/cut"]
    assert main(["optim", "demo", *words]) == 0
    cut = json.loads(capfd.readouterr().out)
    assert [path["optimizer"] for path in cut["valley"]] == ["adamw"] and cut["bowl"] is None
    assert main(["runs", "resume", "cut"]) == 0
    assert "After 400 steps" in capfd.readouterr().out
    whole = json.loads(Path("runs/cut/result.json").read_text())
    assert whole["valley"][0] == cut["valley"][0] and whole["valley"][1]["optimizer"] == "lodo"
    assert all(path["path"][0] == [-0.5, 2.0] and len(path["path"]) == 201 for path in whole["valley"])
    distances = [each["distance"] for each in whole["bowl"]["learned"]]
    assert len(distances) == 4 and distances[-1] < 0.9 * distances[0]
    page = Path("runs/cut/report.html").read_text()
    assert page.count("<svg") == 4 and "inverse Hessian" in page


@pytest.mark.usefixtures("one_process")
def test_bench_is_cut_off_and_resumed_and_prints_rows(capfd: pytest.CaptureFixture[str]) -> None:
    words = [
        "optim",
        "bench",
        "--tasks",
        "rosenbrock-2",
        "--optimizers",
        "adamw,lodo",
        "--trials",
        "2",
        "--seeds",
        "2",
        "--steps-scale",
        "0.2",
    ]
    assert main([*words, "--out", "bench", "--time-limit", "0.001s", "--json"]) == 0
    cut = json.loads(capfd.readouterr().out)
    assert {row["reason"] for row in cut["rows"]} == {"cut off"} and RunFolder.open("bench").status == "time-limit"
    assert main(["runs", "resume", "bench"]) == 0
    out, err = capfd.readouterr()
    assert "rosenbrock-2" in out and "of 1 tasks" in out and "13/13  run.rosenbrock-2" in err
    document = json.loads(Path("bench/result.json").read_text())
    assert len(document["rows"]) == 4 and all(set(row) >= ROW and row["loss"] < 10 for row in document["rows"])
    assert {row["optimizer"]: row["trials"] for row in document["rows"]} == {"lodo": 0, "adamw": 2}
    assert [each["factor"] for each in document["sensitivity"]][:5] == [0.25, 0.5, 1.0, 2.0, 4.0]
    assert "LODO with nothing tuned" in Path("bench/report.html").read_text()
    assert Path("bench/artifacts/trials.csv").read_text().count("adamw") == 2
    assert len(Path("bench/artifacts/rows.csv").read_text().splitlines()) == 5


OWN = """
import torch


def problem(generator):
    model = torch.nn.Linear(3, 1)
    x = torch.randn(64, 3, generator=generator)
    y = x.sum(1, keepdim=True)

    def loss():
        return (model(x) - y).square().mean()

    return model.parameters(), loss, loss


problem.steps = 40


def nothing(generator):
    return torch.nn.Linear(3, 1)


def fails(generator):
    raise ValueError("no data")


def alone(generator):
    x = torch.nn.Parameter(torch.ones(3))
    return x, lambda: x.square().sum()


def named(generator):
    x = torch.nn.Parameter(torch.ones(3))
    return {"x": x}, lambda: x.square().sum()


def pair(generator):
    x = torch.nn.Parameter(torch.ones(3))
    return [x], lambda: x.square().sum(), lambda: (1, 2)
"""

REFUSED = {
    "nothing": "parameters and a loss are needed",
    "fails": "ValueError: no data",
    "alone": "returns a tensor that was computed among the parameters",
    "named": "returns a str among the parameters",
    "pair": "fails with TypeError",
}


@pytest.mark.usefixtures("one_process")
def test_a_problem_of_the_user_is_a_task(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("own_bench.py").write_text(OWN)
    words = ["optim", "bench", "--optimizers", "adamw,lodo,lbfgs", "--trials", "1", "--seeds", "2", "--json"]
    assert main([*words, "--out", "bench", "--tasks", "own_bench:problem", "--time-limit", "0.001s"]) == 0
    capfd.readouterr()
    monkeypatch.delenv("NOVACULA_FUNCTIONS")  # a folder may come from somebody else
    assert main(["runs", "resume", "bench"]) == 2 and "own_bench:problem" in capfd.readouterr().err
    monkeypatch.setenv("NOVACULA_FUNCTIONS", "own_bench:problem")
    assert main(["runs", "resume", "bench", "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["rows"]
    assert {(row["task"], row["steps"]) for row in rows if row["optimizer"] != "lbfgs"} == {("own_bench:problem", 40)}
    assert len(rows) == 6  # L-BFGS takes part, since the loss is the same at every step
    assert rows[0]["loss"] != rows[1]["loss"] and max(row["loss"] for row in rows) < 10
    for name, says in REFUSED.items():
        assert main([*words, "--tasks", f"own_bench:{name}"]) == 2
        assert says in capfd.readouterr().err


def test_optimizers_of_which_none_suits_a_task_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["optim", "bench", "--tasks", "rosenbrock-2", "--optimizers", "muon"]) == 2
    assert "none of muon is meant for rosenbrock-2" in capfd.readouterr().err and not Path("runs").exists()


def test_an_optimizer_that_is_not_installed_has_rows_that_say_so(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("novacula.optim.tasks.task"), "find_spec", lambda name: None)
    words = [
        "optim",
        "bench",
        "--tasks",
        "poisson",
        "--optimizers",
        "psgd-kron",
        "--seeds",
        "2",
        "--json",
        "--out",
        "bench",
    ]
    assert main(words) == 0
    rows = json.loads(capfd.readouterr().out)["rows"]
    assert [row["loss"] for row in rows] == [None, None] and "heavyball is not installed" in rows[0]["reason"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bench --tasks nonsense --optimizers adamw,adamw", "'nonsense' is none of bowl-100-c10"),
        ("bench --tasks rosenbrok-2", "; is rosenbrock-2 or rosenbrock-100 meant?"),
        ("bench --optimizers adamw,adamw", "adamw is given twice"),
        ("bench --trials 0 --seeds 0", "--trials is 0; it must lie in 1 … 10000"),
        ("bench --steps-scale 0", "--steps-scale is 0"),
        ("demo --steps 1", "--steps is 1; it must lie in 10"),
    ],
)
def test_bad_options_are_said_before_anything_is_made(words: str, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["optim", *words.split()]) == 2
    assert said in capfd.readouterr().err
    assert not Path("runs").exists()
