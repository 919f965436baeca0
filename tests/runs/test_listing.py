import shutil
from pathlib import Path

import pytest

from novacula.errors import InputError, RunError
from novacula.runs import RunFolder, copy_run, find_run, list_runs, runs_before


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for task in ("6d75e8bb", "6f8cd79b"):
        RunFolder.create(
            part="arc", verb="solve", about=task, configuration={}, seed=0, threads=1, out=tmp_path / f"arc-{task}"
        )
    RunFolder.open(tmp_path / "arc-6f8cd79b").set_status("finished", step=3, length=3)
    (tmp_path / "arc-damaged").mkdir()
    (tmp_path / "arc-damaged" / "run.json").write_text("{")
    (tmp_path / "not-a-run").mkdir()
    (tmp_path / "file").touch()
    return tmp_path


def test_runs_are_listed_newest_first_and_damaged_ones_last(runs: Path) -> None:
    found = list_runs(runs)
    assert [(run.name, run.status, run.task, run.step, run.length) for run in found] == [
        ("arc-6f8cd79b", "finished", "6f8cd79b", 3, 3),
        ("arc-6d75e8bb", "killed", "6d75e8bb", 0, None),
        ("arc-damaged", "damaged", "", 0, None),
    ]
    assert "not JSON" in found[-1].error


def test_a_folder_that_does_not_exist_has_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "absent") == []


def test_a_file_is_no_folder_of_runs(runs: Path) -> None:
    with pytest.raises(InputError, match="Not a directory"):
        list_runs(runs / "file")


def test_a_run_is_found_by_name_and_by_path(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_run("arc-6d75e8bb", runs).path == runs / "arc-6d75e8bb"
    assert find_run(str(runs / "arc-6d75e8bb"), runs / "elsewhere").name == "arc-6d75e8bb"
    monkeypatch.chdir(runs / "arc-6d75e8bb")
    assert find_run(".", runs / "elsewhere").name == "arc-6d75e8bb"


@pytest.mark.parametrize("typed", ["arc-6d75e8bc", "6d75e8bb", "arc6d75e8bb"])
def test_the_nearest_name_is_suggested(runs: Path, typed: str) -> None:
    with pytest.raises(InputError, match="did you mean 'arc-6d75e8bb'"):
        find_run(typed, runs)


def test_a_folder_without_a_run_gives_an_error(runs: Path) -> None:
    with pytest.raises(RunError, match=r"it has no run\.json"):
        find_run(str(runs / "not-a-run"), runs)
    with pytest.raises(InputError, match="no such run"):
        find_run("", runs)
    with pytest.raises(InputError, match="no such run"):
        find_run("x" * 5000, runs)


def test_any_age_can_be_asked_for_and_a_run_from_a_clock_that_was_set_back_is_young(runs: Path) -> None:
    path = runs / "arc-6f8cd79b" / "run.json"
    path.write_text(path.read_text().replace('"updated": "2', '"updated": "3'))
    assert [folder.name for folder in runs_before(runs, 0.0)] == ["arc-6d75e8bb"]
    assert runs_before(runs, 1e300) == runs_before(runs, float("inf")) == []


def test_a_copy_that_is_interrupted_leaves_nothing(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(source: Path, to: Path, **options: object) -> None:
        to.mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copytree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        copy_run(RunFolder.open(runs / "arc-6f8cd79b"), runs / "copy")
    assert not (runs / "copy").exists()


def test_a_run_is_not_copied_into_itself(runs: Path) -> None:
    run = RunFolder.open(runs / "arc-6f8cd79b")
    run.artifact("a/b")  # below a folder of the run a copy had no end
    for place in (run.path / "copy", run.path / "artifacts" / "copy"):
        with pytest.raises(RunError, match="in the run itself"):
            copy_run(run, place)
        assert not place.exists()


def test_a_finished_run_is_copied_from_where_nobody_may_write(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: RunFolder) -> None:
        raise RunError("cannot be locked: Permission denied")

    finished = RunFolder.open(runs / "arc-6f8cd79b")
    finished.artifact("a.txt").write_text("a")
    for path in (finished.path, finished.path / "artifacts"):
        path.chmod(0o555)
    (finished.path / "run.json").chmod(0o444)
    monkeypatch.setattr(RunFolder, "lock", refuse)
    copy_run(finished, runs / "copy")
    assert (runs / "copy" / "artifacts" / "a.txt").read_text() == "a"
    for name in ("", "artifacts", "run.json"):
        assert (runs / "copy" / name).stat().st_mode & 0o200
    with pytest.raises(RunError, match="cannot be locked"):
        copy_run(RunFolder.open(runs / "arc-6d75e8bb"), runs / "other")
