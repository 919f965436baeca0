"""Promise 11: a run reads the inputs with which it began, or stops, and writes nowhere but into its own folder."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from novacula.cli.main import main
from novacula.runs import RunFolder
from tests.arc.small_set import use_this_process
from tests.files.test_npz import header, npy
from tests.runs.toy import environment

PAIR = {"input": [[1, 0], [0, 1]], "output": [[2, 0], [0, 2]]}
TASK: dict[str, Any] = {"train": [PAIR, {"input": [[0, 1]], "output": [[0, 2]]}], "test": [PAIR]}
SUBMIT = "arc submit --challenges c.json --steps 3 --workers 1 --time-limit 0.001s --out s.json -q"
FORGED: list[dict[str, Any]] = [
    *({"tests": 5}, {"broken": None}, {"tests": {"one": 10**12}}, {"tests": {}}, {"broken": {"x": ["y"]}}),
    {"source": []},
]


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the folders A, the working one, and B."""
    for name in "AB":
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "A")
    return tmp_path


def one_line(capfd: pytest.CaptureFixture[str], words: list[str]) -> str:
    """What a command that is refused prints."""
    capfd.readouterr()
    assert main(words) == 2
    (line,) = capfd.readouterr().err.splitlines()
    return line


def test_a_verdict_comes_from_the_file_that_was_solved(
    places: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("p.json").write_text(json.dumps(TASK | {"test": [PAIR | {"output": [[9, 9], [9, 9]]}]}))
    assert main(["arc", "solve", "p.json", "--steps", "2", "--out", "run", "-q"]) == 0
    attempt = json.loads(Path("run/result.json").read_text())["attempts"][0][0]
    false = TASK | {"test": [PAIR | {"output": attempt}]}
    (places / "B" / "p.json").write_text(json.dumps(false))
    monkeypatch.chdir(places / "B")
    assert main(["arc", "score", "../A/run"]) == 1
    assert "A/p.json" not in (places / "A" / "run" / "report.html").read_text()

    (places / "A" / "p.json").write_text(json.dumps(false))
    assert "its content has changed" in one_line(capfd, ["arc", "score", "../A/run"])
    (places / "B" / "p.json").write_text(json.dumps(false | {"train": [PAIR]}))
    line = one_line(capfd, ["arc", "score", "../A/run", "--solutions", "p.json"])
    assert "other demonstrations or test inputs" in line


def test_data_of_another_folder_do_not_enter_a_run(
    places: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = ["sequence,step,x0,y0", *(f"{s},{t},{(s * t) % 2},{(s * t) % 2}" for s in range(12) for t in range(4))]
    Path("d.csv").write_text("\n".join(rows))
    assert main(["distill", "run", "d.csv", "--out", "run", "--time-limit", "0.001s", "-q"]) in (0, 1)
    record = RunFolder.open("run").record
    assert (record.inputs["source"], record.about) == (str(places / "A" / "d.csv"), "d.csv")
    assert str(places) not in Path("run/report.html").read_text().replace(str(places / "A" / "run"), "")
    Path("d.csv").write_text("\n".join(rows).replace("1,1", "1,0"))
    monkeypatch.chdir(places / "B")
    line = one_line(capfd, ["runs", "resume", "../A/run"])
    assert "d.csv with which the run began" in line and "`novacula distill run`" in line


@pytest.mark.parametrize("out", [5, "", ".", "a\0b", "/absent/x", "mine"])
def test_a_resumed_submission_is_written_into_its_run(
    places: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, out: object
) -> None:
    use_this_process(monkeypatch)
    Path("c.json").write_text(json.dumps({"one": TASK, "two": TASK, "bad": {}}))
    assert main(SUBMIT.split()) == 1
    (run,) = Path("runs").iterdir()
    Path("mine").write_text("mine")
    forge(run, out=out)
    if out == 5:
        assert "out: Expected `str`, got `int`" in one_line(capfd, f"runs resume {run}".split())
    else:
        assert main(f"runs resume {run} -q".split()) == 1
        assert json.loads((run / "artifacts" / "submission.json").read_text()).keys() == {"one", "two", "bad"}
    assert Path("mine").read_text() == "mine" and {path.name for path in places.iterdir()} == {"A", "B"}
    assert {path.name for path in Path().iterdir()} == {"c.json", "mine", "runs", "s.json"}


@pytest.mark.parametrize("change", FORGED)
def test_a_forged_submission_is_refused_in_one_line(
    places: Path, capfd: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    Path("c.json").write_text(json.dumps({"one": TASK}))
    assert main(SUBMIT.split()) == 0
    (run,) = Path("runs").iterdir()
    forge(run, **change)
    assert "Traceback" not in one_line(capfd, f"runs resume {run}".split())


def forge(run: Path, **inputs: Any) -> None:
    """Changes inputs of a run, as somebody does who knows how its digest is made."""
    folder = RunFolder.open(run)
    record = folder.record
    record.inputs.update(inputs)
    record.with_files(record.files).write(run / "run.json")


@pytest.mark.parametrize("words", ["arc solve p\\xff.json", "distill run d\\xff.csv", "arc solve p.json --out o\\xff"])
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_names_that_are_not_in_utf_8_are_refused_in_one_line(places: Path, words: str, locale: str) -> None:
    Path("p.json").write_text(json.dumps(TASK))
    named = [os.fsencode(sys.executable), b"-m", b"novacula", *words.encode().replace(b"\\xff", b"\xff").split()]
    if locale == "C":
        named = [word.replace(b"\xff", "ü".encode()) for word in named]
    variables = environment() | {"LC_ALL": locale, "PYTHONUTF8": "0"}
    done = subprocess.run(named, env=variables, capture_output=True, check=False)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and b"no name in UTF-8" in done.stderr
    assert [path.name for path in Path().iterdir()] == ["p.json"]


def test_a_cloud_of_no_elements_with_a_huge_side_is_refused_in_one_line(
    places: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("points.npy", npy(header("'<f8'", "(99999999999999, 0)")))
    Path("cloud.npz").write_bytes(content.getvalue())
    assert "declares no elements" in one_line(capfd, ["features", "score", "cloud.npz"])


@pytest.mark.parametrize("value", ["1e400", "[" * 100 + "]" * 100])
def test_an_odd_event_does_not_keep_a_run_from_being_shown(
    places: Path, capfd: pytest.CaptureFixture[str], value: str
) -> None:
    folder = RunFolder.create(part="toy", verb="iterate", configuration={}, seed=0, threads=1, out="run")
    (folder.path / "events.jsonl").write_text(f'{{"step":1,"x":2}}\n{{"step":2,"x":{value}}}\n')
    assert main(["runs", "show", "run", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["last_metrics"] == {"step": 1, "x": 2}
