"""``novacula distill`` as a user types it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from novacula.cli.main import main
from novacula.distill.networks.network import Layer, Network, save_network
from novacula.distill.tasks import TASKS
from novacula.runs import RunFolder
from tests.cli.conftest import Run

CONTRACT = {"task", "tier", "route", "program", "nodes", "states", "checked", "seconds", "run", "schema_version"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network's file and data, which is also the current one."""
    monkeypatch.chdir(tmp_path)
    delay = Network(
        (Layer(np.array([[0.0, 0, 1], [1, 0, 0]]), np.zeros(2)),),
        (Layer(np.array([[1.0, -1]]), np.zeros(1)),),
        "relu",
        0,
        3,
        6,
    )
    save_network("delay.safetensors", delay)
    generator = np.random.default_rng(1)
    lines = ["sequence,step,x0,y0"]
    for number in range(60):
        x = generator.integers(0, 3, generator.integers(4, 8))
        lines += [f"{number},{step},{value},{value}" for step, value in enumerate(x)]
    Path("same.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_words_of_an_alphabet_are_separated_by_commas_or_given_one_by_one(folder: Path, novacula: Run) -> None:
    Path("gates.py").write_text("def turns(xs):\n    return ['turns' if a == 'coin' else 'rests' for a in xs]\n")
    for number, words in enumerate((["--alphabet", "coin,push"], ["--alphabet", "coin", "--alphabet", "push"])):
        done = novacula("distill", "run", "gates:turns", *words, "--out", f"run-{number}", "-q", "--json")
        assert done.code == 0, done.err
        record = RunFolder.open(f"run-{number}").record
        assert record.configuration["alphabet"] == ["coin", "push"]
        assert json.loads(done.out)["outcome"] == "right"


def test_run_prints_one_json_object_as_agreed(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["distill", "run", "delay.safetensors", "--json", "--out", "run"]) == 0
    out, err = capfd.readouterr()
    printed = json.loads(out)
    assert err == "" and printed == json.loads(Path("run/result.json").read_text())
    assert set(printed) >= CONTRACT
    expected = {"task": "delay.safetensors", "tier": "S4", "route": "opened", "states": 4, "run": "run"}
    assert {key: printed[key] for key in expected} == expected
    assert "length 6" in printed["checked"] and printed["nodes"] <= 5
    assert set(printed["seconds"]) >= {"normalize", "states", "synth", "verify"}
    script = f"{printed['program']}\nprint(run([3, 1, 0, 2]))"
    said = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[3, -2, -1, 2]"


def test_run_shows_the_program_and_resumes_and_reports(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["distill", "run", "same.csv", "--no-shortcuts", "--out", "runs/cut", "--time-limit", "0.001s"]) == 1
    out, err = capfd.readouterr()
    assert "It was stopped before its end." in out and "novacula runs resume" in err
    assert main(["runs", "resume", "cut"]) == 0
    out, err = capfd.readouterr()
    assert "def step(state, x):" in out and "same.csv: right" in out and "train" in out
    assert RunFolder.open("runs/cut").status == "finished"
    Path("runs/cut/report.html").unlink()
    assert main(["runs", "report", "cut"]) == 0
    assert "same.csv, as a program" in Path("runs/cut/report.html").read_text()


@pytest.mark.usefixtures("one_process")
def test_bench_prints_a_table_beside_the_published_columns(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["distill", "bench", "--tasks", "Bitwise_Not,Current_Number", "--workers", "1", "--out", "bench"]
    assert main(words) == 0
    out, err = capfd.readouterr()
    assert "Of 2 tasks 2 reach S0" in out and "2 reach S4" in out
    assert "Bitwise_Not" in out and "GPT-4" in out and "2/2  " in err
    assert main(["runs", "show", "bench", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["result"]["solved"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "Div_33"], "close: Div_3"),
        (["run", "gone.jsonl"], "gone.jsonl"),
        (["run", "delay.safetensors", "--networks", "0"], "--networks is 0"),
        (["run", "nowhere:function"], "nowhere"),
        (["run", "short.csv"], "short.csv"),
        (["bench", "--tasks", "Div_33"], "Div_33"),
        (["bench", "--workers", "0"], "--workers is 0"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    Path("short.csv").write_text("sequence,step,x0,y0\n0,0,1,1\n")
    before = sorted(folder.iterdir())
    assert main(["distill", *words]) == 2
    out, err = capfd.readouterr()
    assert out == "" and said in err and err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("words", [["run", "Div_3"], ["bench", "--tasks", "Div_3"]])
def test_without_the_extra_the_message_says_how_to_get_it(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr("novacula.options.find_spec", lambda name: None if name == "aalpy" else object())
    before = sorted(folder.iterdir())
    assert main(["distill", *words]) == 2
    assert "pip install -e '.[distill]'" in capfd.readouterr().err
    assert sorted(folder.iterdir()) == before


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "matplotlib", "numpy", "z3", "sympy", "aalpy", "sklearn")
    code = (
        "import sys; from novacula.cli.main import main; main(['distill', 'run', '--help']); "
        f"main(['distill', 'bench', '--help']); print([m for m in {heavy} if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"
    assert "--no-shortcuts" in said and "--workers" in said


def test_list_names_every_task(novacula: Run) -> None:
    found = json.loads(novacula("distill", "list", "--json").out)["tasks"]
    assert [row["name"] for row in found] == list(TASKS)
    assert sum(row["solved_by_paper"] for row in found) == 32
    assert "Binary_Addition" in novacula("distill", "list").out
