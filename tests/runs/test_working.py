"""Work on a run without `drive`."""

from pathlib import Path

import pytest

from novacula.errors import RunError
from novacula.runs import RunFolder, working


def folder_at(path: Path) -> RunFolder:
    return RunFolder.create(part="arc", verb="bench", configuration={"task": "toy"}, seed=0, threads=1, out=path)


def test_an_error_is_recorded_at_the_step_that_was_reached_and_raised(tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "run")
    with pytest.raises(ZeroDivisionError), working(folder):
        folder.set_status("running", step=2, length=7)
        _ = 1 / 0
    record = RunFolder.open(folder.path).record
    assert (record.status, record.step, record.length) == ("failed", 2, 7)
    assert record.error == "ZeroDivisionError: division by zero"


def test_an_interruption_is_no_failure(tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt), working(folder):
        raise KeyboardInterrupt
    record = RunFolder.open(folder.path).record
    assert (record.status, record.error) == ("interrupted", "")


def test_nobody_else_works_on_it_meanwhile(tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "run")
    other = RunFolder.open(folder.path)
    with working(folder), pytest.raises(RunError, match="in use"), working(other):
        pass
    with working(other):
        pass
