import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.toy import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def do_small_runs() -> Callable[[Path, int], None]:
    """Do all small runs in a process of its own, without the tests' checks of types, which take most of the time."""

    def do(folder: Path, hash_seed: int) -> None:
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        hashing = environment() | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": paths}
        command = [sys.executable, "-m", "tests.promises.small_runs", str(folder)]
        done = subprocess.run(command, env=hashing, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    return do


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory: pytest.TempPathFactory, do_small_runs: Callable[[Path, int], None]) -> Path:
    """A folder with the small run of every part, undisturbed."""
    folder = tmp_path_factory.mktemp("small-runs")
    do_small_runs(folder, 1)
    return folder
