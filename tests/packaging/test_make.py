"""`make test` runs everything, and with PART one part."""

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs make, whatever a make around this one was asked for."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", *words], cwd=folder, env=kept, capture_output=True, text=True, check=False)


def commands(*words: str) -> list[str]:
    """The lines that run the tests or a linter."""
    done = make("-n", *words)
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
    done = make("-n", "test", "PART=nothing")
    assert done.returncode != 0
    assert "PART is nothing" in done.stderr


def test_a_release_needs_its_version_its_notes_and_a_commit(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    files = {"pyproject.toml": 'version = "1.2.3"\n', "CHANGELOG.md": "## 1.2.2\n", ".gitignore": "dist\nbuild\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    release = partial(make, "release", "RELEASE=help", folder=tmp_path)
    assert "another version than VERSION=1.2.4" in release("VERSION=1.2.4").stdout
    assert "CHANGELOG.md has no heading: ## 1.2.3" in release("VERSION=1.2.3").stdout
    (tmp_path / "CHANGELOG.md").write_text("## 1.2.3\n")
    subprocess.run([*git, "init", "-q"], check=True)
    assert "changes that no commit has" in release("VERSION=1.2.3").stdout
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "all"], check=True)
    done = release("VERSION=1.2.3")
    assert done.returncode == 0
    assert "git tag -s v1.2.3" in done.stdout and "make release" in done.stdout
