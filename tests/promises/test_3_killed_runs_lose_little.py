"""Promise 3: a run that is killed, or whose disk refuses, loses at most the steps since its last checkpoint."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.promises.small_runs import COMMANDS
from tests.runs.toy import environment

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", COMMANDS)
def test_killed_and_refused_a_run_ends_as_an_undisturbed_one(tmp_path: Path, part: str) -> None:
    command = [sys.executable, "-m", "tests.promises.failing", str(tmp_path), part]
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["failing"]["operations"] >= 20 and found["failing"]["problems"] == []
    assert found["killing"]["kills"] >= 1
    assert found["killing"]["problems"] == [] and found["killing"]["differs"] == []
