"""Promise 3: a run that is killed, or whose disk refuses, loses at most the steps since its last checkpoint."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.promises.small_runs import COMMANDS
from tests.runs.toy import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program found; it forks what has been imported, and so works for both tests."""
    folder = tmp_path_factory.mktemp("failing")
    command = [sys.executable, "-m", "tests.promises.failing", str(folder)]
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("part", COMMANDS)
def test_killed_at_random_moments_a_run_ends_as_an_undisturbed_one(found: dict[str, Any], part: str) -> None:
    (row,) = [row for row in found["killing"] if row["part"] == part]
    assert row["problems"] == [] and row["differs"] == []


def test_the_moments_were_within_the_runs(found: dict[str, Any]) -> None:
    assert sum(row["kills"] for row in found["killing"]) >= len(COMMANDS)


def test_every_write_may_fail(found: dict[str, Any]) -> None:
    (row,) = found["failing"]
    assert row["operations"] >= 20 and row["problems"] == []
