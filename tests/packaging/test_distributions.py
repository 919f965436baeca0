"""The sdist and the wheels built from it, with and without a C++ compiler, each installed into a clean environment."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from novacula.arc import load_task
from novacula.arc.data.parse import task_as_json

ROOT = Path(__file__).parents[2]
NO_COMPILER = {"CXX": "/nonexistent/c++"}
COMPILER = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command outside the source tree, without a network, and without this run's own build settings."""
    kept = {name: value for name, value in os.environ.items() if not re.match("CXX|NOVACULA_|PYTHON|PIP_", name)}
    # The build tools that were installed beside this interpreter are found on the path.
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return subprocess.run(
        [str(part) for part in command],
        env=kept | {"PIP_NO_INDEX": "1"} | variables,
        cwd=ROOT.anchor,
        capture_output=True,
        text=True,
        check=False,
    )


def build(kind: str, source: Path, target: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", target, source, **variables)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution."""
    folder = tmp_path_factory.mktemp("sdist")
    result = build("sdist", ROOT, folder)
    assert result.returncode == 0, result.stdout + result.stderr
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def wheel_of(sdist: Path, target: Path, **variables: str) -> Path:
    result = build("wheel", sdist, target, **variables)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = target.glob("*.whl")
    return wheel


def installed(wheel: Path, folder: Path) -> Path:
    """The bin folder of a new environment that holds the wheel and, by way of a path file, our dependencies.

    Path files are not followed twice, so the development install of novacula stays invisible there.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    result = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-compile", wheel)
    assert result.returncode == 0, result.stdout + result.stderr
    (packages,) = folder.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(here))
    return python.parent


def package_files() -> set[str]:
    """What every wheel must hold: the package without the C++ sources."""
    source = ROOT / "src"
    files = (path.relative_to(source) for path in source.rglob("*") if path.is_file())
    return {
        path.as_posix()
        for path in files
        if path.parts[1] != "_native" and "__pycache__" not in path.parts and path.suffix != ".so"
    }


def test_the_source_distribution_holds_what_a_build_and_the_tests_need(sdist: Path) -> None:
    for name in ("LICENSE", "README.md", "Makefile", "constraints.txt", "tests/conftest.py"):
        assert (sdist / name).is_file(), name
    kernels = [path.relative_to(ROOT) for path in (ROOT / "src/novacula/_native").rglob("*") if path.is_file()]
    assert len(kernels) > 30
    assert [path for path in kernels if not (sdist / path).is_file()] == []
    assert not [name for name in (".venv", "build", "dist", "runs", ".git") if (sdist / name).exists()]


def test_without_a_compiler_the_wheel_is_pure_python_and_works(sdist: Path, tmp_path: Path) -> None:
    wheel = wheel_of(sdist, tmp_path, **NO_COMPILER)
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if name.startswith("novacula/")} == package_files()

    python = installed(wheel, tmp_path / "environment") / "python"
    result = run(python, "-c", "import novacula.errors; print(novacula.errors.__file__); import novacula._native")
    assert Path(result.stdout.strip()).is_relative_to(tmp_path)
    assert "ModuleNotFoundError: No module named 'novacula._native'" in result.stderr
    version = run(python.with_name("novacula"), "--version")
    assert version.returncode == 0, version.stderr
    assert wheel.name.split("-")[1] in version.stdout


@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler")
def test_with_a_compiler_the_wheel_holds_the_kernels_and_works(sdist: Path, tmp_path: Path) -> None:
    # Without optimization, which takes most of a compiler's time; `make` builds the kernels that the tests run with it.
    quick = tmp_path / "quick-c++"
    quick.write_text(f'#!/bin/sh\nexec {COMPILER} "$@" -O0\n')
    quick.chmod(0o755)
    wheel = wheel_of(sdist, tmp_path, CXX=str(quick))
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if name.startswith("novacula/")}
    (kernels,) = files - package_files()
    assert re.fullmatch(r"novacula/_native\..*\.(so|pyd)", kernels)
    assert files - {kernels} == package_files()

    python = installed(wheel, tmp_path / "environment") / "python"
    result = run(python, "-c", "import novacula._native as n; print(n.__file__); print(n.instruction_set())")
    assert result.returncode == 0, result.stderr
    path, instruction_set = result.stdout.split()
    assert Path(path).is_relative_to(tmp_path)
    assert instruction_set in {"portable", "avx2", "avx512"}

    # As in a contest's notebook: from the wheel alone, without an index, to a submission.
    task = load_task("6d75e8bb")
    (tmp_path / "challenges.json").write_text(json.dumps({"6d75e8bb": task_as_json(task)}))
    words = ["--steps", "2", "--workers", "auto", "--runs", tmp_path / "runs", "--out", tmp_path / "submission.json"]
    submit = (python.with_name("novacula"), "arc", "submit", "--challenges", tmp_path / "challenges.json", *words)
    answered = run(*submit)
    assert answered.returncode == 0, answered.stderr
    ((first, *_),) = json.loads((tmp_path / "submission.json").read_text()).values()
    assert set(first) == {"attempt_1", "attempt_2"}
    configuration = json.loads(next((tmp_path / "runs").glob("*/run.json")).read_text())["configuration"]
    assert (configuration["engine"], configuration["workers"]) == ("native", "auto")


def test_the_wheels_to_bring_to_a_contest_and_what_is_there_are_all_that_is_needed() -> None:
    needed: set[str] = set()
    waiting = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    while waiting:
        wanted = Requirement(waiting.pop())
        name = canonicalize_name(wanted.name)
        if name not in needed and (not wanted.marker or wanted.marker.evaluate({"extra": ""})):
            needed.add(name)
            waiting += requires(name) or []
    text = (ROOT / "docs/arc.md").read_text()
    (brought,) = re.findall(r"--dest wheels ([a-z\s\\-]+)```", text)
    (there,) = re.findall(r"in the second line: ([^.]+)\.", text)
    named = {*brought.replace("\\", " ").split(), *there.replace(",", " ").split()}
    gpu = {name for name in needed if name.startswith(("nvidia-", "cuda-", "triton"))}
    assert needed - gpu <= named
    assert len(brought.replace("\\", " ").split()) == 10, "the page says eleven, with our own"


def test_metadata_names_the_license_the_python_and_the_extras(sdist: Path) -> None:
    described = Parser().parsestr((sdist / "PKG-INFO").read_text())
    assert described["License-Expression"] == "MIT"
    assert described["Requires-Python"] == ">=3.11"
    assert "torch>=2.12.1" in described.get_all("Requires-Dist", [])
    extras = {"distill", "lm", "onnx", "ray", "topology", "bench", "docs", "dev"}
    assert set(described.get_all("Provides-Extra", [])) == extras
