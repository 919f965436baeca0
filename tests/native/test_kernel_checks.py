"""Builds the checks of the kernels, which need no Python, and runs them under the sanitizers."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_kernels_pass_their_checks_under_the_sanitizers(tmp_path: Path) -> None:
    cmake = Path(sys.executable).parent / "cmake"
    if not cmake.exists() or not any(map(shutil.which, ("c++", "g++", "clang++"))):
        pytest.skip("there is no cmake or no C++ compiler")
    for command in (["-S", HERE, "-B", tmp_path], ["--build", tmp_path]):
        built = subprocess.run([cmake, *command], capture_output=True, text=True, check=False)
        if "cannot find -lasan" in built.stderr or "libclang_rt.asan" in built.stderr:
            pytest.skip("this compiler has no sanitizers")
        assert built.returncode == 0, built.stdout + built.stderr
    result = subprocess.run([tmp_path / "kernel_checks"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "all checks passed" in result.stdout
