"""`make test` runs everything, and with PART one part."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """What make would do, whatever a make around this one was asked for."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", "-n", *words], cwd=ROOT, env=kept, capture_output=True, text=True, check=False)


def commands(*words: str) -> list[str]:
    """The lines that run the tests or a linter."""
    done = make(*words)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if "pytest" in line or "ruff" in line or "basedpyright" in line]


def test_without_a_part_everything_is_linted_and_tested() -> None:
    lines = commands("test")
    assert any("basedpyright" in line for line in lines)
    assert lines[-1].split()[-1] == "worksteal"


@pytest.mark.parametrize("part", ["arc", "distill", "features", "hypernet", "optim"])
def test_a_part_is_its_tests_and_those_of_its_commands(part: str) -> None:
    (line,) = commands("test", f"PART={part}")
    paths = line.split("worksteal")[1].split()
    assert paths[0] == f"tests/{part}"
    assert f"tests/cli/test_{part}.py" in paths
    assert all(path.startswith((f"tests/{part}", f"tests/cli/test_{part}")) for path in paths)


def test_a_part_that_is_none_is_refused() -> None:
    done = make("test", "PART=nothing")
    assert done.returncode != 0
    assert "PART is nothing" in done.stderr
