"""Working on a run without `drive`, and its options read back."""

from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from novacula.errors import RunError
from novacula.runs import RunFolder, working


@dataclass(frozen=True)
class Options:
    """Some options."""

    names: tuple[str, ...] = ("a", "b")
    size: int = 3


def folder_at(path: Path) -> RunFolder:
    configuration = {"task": "toy", **asdict(Options(size=5))}
    return RunFolder.create(part="arc", verb="bench", configuration=configuration, seed=0, threads=1, out=path)


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


def test_options_are_read_back_as_they_were_whatever_else_is_recorded(tmp_path: Path) -> None:
    folder_at(tmp_path / "run")
    assert RunFolder.open(tmp_path / "run").record.options(Options) == Options(size=5)
