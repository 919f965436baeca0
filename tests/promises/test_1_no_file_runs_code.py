"""Promise 1: no file that we read can run code, and a hostile one ends in our error, quickly and in little memory."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from novacula.cli.main import main
from novacula.distill.config import RunConfig
from novacula.distill.run import RUN, RunInputs
from novacula.errors import InputError
from novacula.files import write_json
from novacula.functions import FUNCTIONS
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.train import TRAIN
from novacula.runs import NoInputs, Verb
from tests.promises.hostile import FLAG, Payload, write_corpus
from tests.promises.readers import PARTS
from tests.runs.toy import environment

SECONDS, MEGABYTES = 1.0, 100.0
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "corpus"
    write_corpus(folder)
    return folder


def harmless(reading: dict) -> bool:
    """What may be read: logs leave out what is no object, anything can be scored as a submission, and so on."""
    reader, file = reading["reader"], reading["file"]
    return (
        "events.jsonl" in reader
        or (reader.startswith(("submission", "SAE: sae/cfg.json")) and file.startswith("json/"))
        or (file == "loop" and reader.split("/")[-1] in ("checkpoint.json", "result.json", "vocabulary.json"))
        or (reader, file) in {("run folder: run/result.json", "json/huge counts"), ("CSV: rows.csv", "csv/formula")}
    )


@pytest.mark.parametrize("part", PARTS)
def test_every_hostile_file_is_refused_at_little_cost(corpus: Path, tmp_path: Path, part: str) -> None:
    command = [sys.executable, "-m", "tests.promises.measuring", part, str(corpus), str(tmp_path)]
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"the process ended: {done.stderr[-2000:]}"
    readings = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(readings) >= 15
    read = [each for each in readings if each["ended"] == "read" and harmless(each)]
    wrong = [each for each in readings if each["ended"] != "refused" and each not in read]
    assert wrong == []
    costly = [each for each in readings if each["seconds"] > SECONDS or each["mb"] > MEGABYTES]
    assert costly == []
    assert not list(tmp_path.rglob(FLAG)), "a file has run code"


def test_the_payload_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Otherwise the absence of its mark would say little.
    import pickle

    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Payload()))  # noqa: S301 - that is what it is about
    assert (tmp_path / FLAG).is_dir()


@pytest.mark.parametrize(
    ("verb", "config", "inputs", "change"),
    [
        (TRAIN, TrainConfig(), NoInputs(), {"configuration": {"task": "planted:f"}}),
        (TRAIN, TrainConfig(), NoInputs(), {"configuration": {"law": "planted:f"}}),
        (RUN, RunConfig(), RunInputs("mine.csv"), {"inputs": {"source": "planted:f"}}),
    ],
    ids=["task", "law", "source"],
)
@pytest.mark.parametrize("action", ["resume", "report"])
def test_a_folder_that_names_a_function_does_not_run_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: Verb,
    config: object,
    inputs: object,
    change: dict[str, dict[str, str]],
    action: str,
) -> None:
    # As if somebody had sent a folder with a run in it, and a module beside it.
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(FUNCTIONS, raising=False)
    Path("mine.csv").write_text("x0,y0\n1,1\n")
    record = verb.create(config, inputs, out="run").record
    changed = {entry: getattr(record, entry) | names for entry, names in change.items()}
    forged = replace(record, status="interrupted", **changed).with_files([])  # with the digest that belongs to it
    forged.write(Path("run/run.json"))
    write_json("run/result.json", {"schema_version": 1, "steps": 1})
    Path("planted.py").write_text(f"import os\nos.mkdir({FLAG!r})\n\ndef f(x):\n    return x\n")
    code, said = main(["runs", action, "run"]), capsys.readouterr().err
    assert not Path(FLAG).exists(), "a file has run code"
    if action == "resume":
        assert code == 2 and "names the function planted:f, which the run would call" in said


def test_who_names_the_function_too_may_run_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FUNCTIONS, raising=False)
    theirs = TRAIN.create(TrainConfig(task="mine:f"), NoInputs(), out=tmp_path / "run")
    monkeypatch.delenv(FUNCTIONS)  # as in another process, which was only given the folder
    with pytest.raises(InputError, match="NOVACULA_FUNCTIONS=mine:f"):
        TRAIN.read(theirs)
    monkeypatch.setenv(FUNCTIONS, "other:g, mine:f")
    assert TRAIN.read(theirs)[0].task == "mine:f"
    monkeypatch.delenv(FUNCTIONS)
    mine = TRAIN.create(TrainConfig(task="mine:f"), NoInputs(), out=tmp_path / "mine")
    assert TRAIN.read(mine)[0].task == "mine:f", "who begins a run has named its function"
