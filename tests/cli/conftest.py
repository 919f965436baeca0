import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from novacula.cli import parts
from novacula.cli.main import main
from novacula.runs import RunFolder, drive
from tests.runs.toy import Toy, make_folder

Run = Callable[..., Any]


@pytest.fixture
def novacula(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: its exit code, and the lines on stdout and stderr."""

    def run(*arguments: object) -> SimpleNamespace:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, lines=said.out.splitlines(), errors=said.err.splitlines())

    return run


@pytest.fixture
def toy_part(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Add a part named toy to the command line; the result lists the options with which it was resumed."""
    resumed: list[Any] = []

    def resume(folder: RunFolder, options: Any) -> int:
        resumed.append(options)
        drive(Toy(10), folder)
        return 0

    def build_report(folder: RunFolder) -> Path:
        path = folder.path / "report.html"
        path.write_text("<p>toy</p>")
        return path

    def module(name: str, **members: Any) -> None:
        made = ModuleType(name)
        made.__spec__ = ModuleSpec(name, None)
        made.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, made)

    module("novacula.cli.toy", resume=resume)
    module("novacula.toy")
    module("novacula.toy.report", build_report=build_report)
    monkeypatch.setitem(parts.PARTS, "toy", "Play.")
    return resumed


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with one run that was interrupted at step 4 of 10, and one that was killed before it began."""
    drive(Toy(10, interrupt_at=4), make_folder(tmp_path / "runs" / "toy-cut"), log_every=2)
    make_folder(tmp_path / "runs" / "toy-new")
    return tmp_path / "runs"
