"""What holds in every test: checked shapes and types, one numeric thread, no ignored signals, repeatable examples."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import type_checker

# Read by torch and OpenBLAS when they load, and inherited by every program that a test starts.
os.environ["OMP_NUM_THREADS"] = "1"

# A shell that begins the tests in the background, or nohup, has them ignore signals, and a run leaves those ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)

# Before anything imports novacula: every annotation in it is checked at every call, for as long as the tests run.
type_checker.install("novacula")

# An example's time depends on what else the machine does, so it is never a reason to fail.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of recorded reference values; its README says what is in it and how closely to agree."""
    folder = os.environ.get("NOVACULA_CONFORMANCE")
    if not folder:
        pytest.skip("NOVACULA_CONFORMANCE is not set: it names the folder of recorded reference values")
    return Path(folder)


@pytest.fixture
def without_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs have no page: drawing takes longer than all else in a small one. Tests of a report do without this."""
    monkeypatch.setattr("novacula.runs.Verb.draw", lambda verb, folder: folder.path / "report.html")


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """The command sets what the package logs for the whole process; the next test starts as the first did."""
    logger = logging.getLogger("novacula")
    level, handlers = logger.level, logger.handlers[:]
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers
