"""Inputs with the digests of their contents: what a run began with is what it goes on with."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from novacula.errors import InputError
from novacula.functions import module_of
from novacula.runs import RunFolder, RunResult, Signature, Verb, located, resume
from novacula.runs import verb as module
from tests.runs.toy import Toy, ToyConfig, ToyFindings, write_page


@dataclass(frozen=True)
class SourceInputs:
    """A file, or a function."""

    source: str


def _load(config: ToyConfig, inputs: SourceInputs, folder: RunFolder) -> int:
    return len(Path(inputs.source).read_text()) if ":" not in inputs.source else 0


READER = Verb(
    Signature("toy read", ToyConfig, SourceInputs, RunResult[ToyFindings]),
    page=write_page,
    load=_load,
    begin=lambda config, subject, folder: Toy(config.length, config.seed),
    files=lambda config, inputs: (inputs.source,) if ":" not in inputs.source else (),
    functions=lambda config, inputs: (inputs.source,) if ":" in inputs.source else (),
)


@pytest.fixture(autouse=True)
def reader_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_verb", lambda folder: READER)


def cut_run(source: str, out: Path, **settings: object) -> Path:
    """A run of this source that was interrupted at step 4 of 10."""
    cutting = replace(READER, begin=lambda config, subject, folder: Toy(config.length, config.seed, interrupt_at=4))
    inputs = SourceInputs(located(source))
    result = cutting.start(ToyConfig(), inputs, 0, about="toy", out=out, **settings)  # pyright: ignore[reportArgumentType]
    assert result.status == "interrupted"
    return out


def test_a_run_goes_on_with_its_own_input_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("A", "one"), ("B", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "d.csv").write_text(text)
    monkeypatch.chdir(tmp_path / "A")
    run = cut_run("d.csv", tmp_path / "A" / "run")
    document = json.loads((run / "run.json").read_text())
    assert document["inputs"] == {"source": str(tmp_path / "A" / "d.csv")}
    assert [file["path"] for file in document["files"]] == [str(tmp_path / "A" / "d.csv")]
    monkeypatch.chdir(tmp_path / "B")
    assert resume(run).status == "finished"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_changed_input_is_refused_with_both_files_and_the_way_to_begin_anew(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "in" / "d.csv"
    source.parent.mkdir()
    source.write_text("one")
    files = READER if kind == "file" else replace(READER, files=lambda config, inputs: (source.parent,))
    folder = files.create(ToyConfig(), SourceInputs(str(source)), out=tmp_path / "run")
    source.write_text("owe")
    with pytest.raises(InputError) as error:
        resume(folder)
    message = str(error.value)
    assert "\n" not in message and f"{folder.path}/run.json" in message and str(tmp_path / "in") in message
    assert "`novacula toy read`" in message
    source.write_text("one")
    assert resume(folder).status == "finished"


def test_the_module_of_a_function_is_compared_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, number in (("A", 1), ("B", 2)):
        (tmp_path / name / "pack").mkdir(parents=True)
        (tmp_path / name / "pack" / "__init__.py").write_text("raise SystemExit('imported')")
        (tmp_path / name / "pack" / "own_one.py").write_text(f"def f(x): return {number}")
    monkeypatch.chdir(tmp_path / "A")
    assert module_of("pack.own_one:f") == tmp_path / "A" / "pack" / "own_one.py"
    assert module_of("pack.absent:f") is None and module_of("absent.x:f") is None
    run = cut_run("pack.own_one:f", tmp_path / "run")
    monkeypatch.chdir(tmp_path / "B")
    with pytest.raises(InputError) as error:
        resume(run)
    assert str(tmp_path / "A" / "pack") in str(error.value) and str(tmp_path / "B" / "pack") in str(error.value)
    monkeypatch.chdir(tmp_path / "A")
    assert resume(run).status == "finished"


def test_what_a_run_keeps_of_its_input_is_compared(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("one")
    run = cut_run(str(tmp_path / "d.csv"), tmp_path / "run", kept={"kept/a.txt": b"puzzle"})
    (tmp_path / "run").rename(tmp_path / "moved")
    run = tmp_path / "moved"
    (run / "artifacts" / "kept" / "a.txt").write_text("puzzel")
    with pytest.raises(InputError, match=r"a\.txt is damaged"):
        resume(run)
    (run / "artifacts" / "kept" / "a.txt").write_text("puzzle")
    assert resume(run).status == "finished"


@pytest.mark.parametrize("entry", ["configuration", "inputs", "files", "seed", "threads", "digest"])
def test_a_changed_entry_that_decides_the_result_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "d.csv").write_text("one")
    (tmp_path / "e.csv").write_text("one")
    run = cut_run(str(tmp_path / "d.csv"), tmp_path / "run")
    document = json.loads((run / "run.json").read_text())
    changed = {
        "configuration": {"length": 10, "seed": 1, "workers": 1},
        "inputs": {"source": str(tmp_path / "e.csv")},
        "files": [],
        "seed": 1,
        "threads": 2,
        "digest": "blake2b:0",
    }
    (run / "run.json").write_text(json.dumps(document | {entry: changed[entry]}))
    with pytest.raises(InputError, match="is damaged: its digest is not that of"):
        resume(run)
    assert RunFolder.open(run).status == "interrupted"


@pytest.mark.parametrize("name", ["p\udcff", "ordner\udce4"])
def test_a_name_that_is_not_in_utf_8_is_refused_before_a_folder_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is no name in UTF-8"):
        READER.create(ToyConfig(), SourceInputs("x"), out=tmp_path / name)
    (tmp_path / name).write_text("one")
    with pytest.raises(InputError, match="is no name in UTF-8"):
        READER.create(ToyConfig(), SourceInputs(str(tmp_path / name)), out=tmp_path / "run")
    assert not (tmp_path / "run").exists() and (tmp_path / name).read_text() == "one"


@pytest.mark.parametrize("name", ["events.jsonl", "artifacts", "lock", ".checkpoint.safetensors.next", "sub/x"])
def test_a_run_with_a_link_is_neither_continued_nor_drawn(tmp_path: Path, name: str) -> None:
    (tmp_path / "d.csv").write_text("one")
    run = cut_run(str(tmp_path / "d.csv"), tmp_path / "run")
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "mine").write_text("mine")
    place = run / name
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(tmp_path / "target" / ("" if name == "artifacts" else "mine" if name != "sub/x" else "absent"))
    for act in (resume, lambda run: READER.write_page(RunFolder.open(run))):
        with pytest.raises(InputError, match="is a link"):
            act(run)
    with pytest.raises(InputError, match="is a link"), RunFolder.open(run).lock():
        pass
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["mine"]
    assert (tmp_path / "target" / "mine").read_text() == "mine"


def test_a_run_from_before_digests_is_shown_and_not_resumed(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("one")
    run = cut_run(str(tmp_path / "d.csv"), tmp_path / "run")
    document = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(
        json.dumps({key: document[key] for key in document if key not in ("digest", "files")})
    )
    assert RunFolder.open(run).status == "interrupted"
    with pytest.raises(InputError, match="can be shown, but not resumed"):
        resume(run)
