import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from novacula.cli import PARTS
from novacula.cli.main import main
from novacula.cli.screen import Screen
from novacula.runs import RunResult, drive
from tests.jobs.this_process import ThisProcess
from tests.runs.toy import TOY, Toy, make_folder

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
def toy_part(monkeypatch: pytest.MonkeyPatch) -> list[RunResult]:
    """Adds a part named toy to the command line; the list holds the results that were shown."""
    shown: list[RunResult] = []

    def module(name: str, **members: Any) -> None:
        made = ModuleType(name)
        made.__spec__ = ModuleSpec(name, None)
        made.__path__ = []
        made.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, made)

    module("novacula.cli.toy", SCREENS={"iterate": Screen(shown.append)})
    module("novacula.toy")
    module("novacula.toy.verbs", VERBS=(TOY,))
    monkeypatch.setitem(PARTS, "toy", "Play.")
    return shown


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Campaigns compute in the process of the test: a worker's start would take most of their time."""
    monkeypatch.setattr("novacula.jobs.campaign.executor_for", lambda cluster, workers, limit: ThisProcess())


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with one run that was interrupted at step 4 of 10, and one that was killed before it began."""
    drive(Toy(10, interrupt_at=4), make_folder(tmp_path / "runs" / "toy-cut"), log_every=2)
    make_folder(tmp_path / "runs" / "toy-new")
    return tmp_path / "runs"
