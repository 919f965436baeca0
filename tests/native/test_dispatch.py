"""Which instruction set runs, and that the choice changes no bit of the noise."""

import hashlib
import os
import subprocess
import sys
from types import ModuleType

import pytest

PROGRAM = """
import hashlib
from novacula._native import instruction_set, philox_normal
print(instruction_set(), hashlib.sha256(philox_normal(2**63 + 5, 6, 7, 100_003).tobytes()).hexdigest())
"""


def run(instruction_set: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NOVACULA_INSTRUCTION_SET": instruction_set}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["portable", "avx2", "avx512"])
def test_every_instruction_set_gives_the_same_bits(native: ModuleType, name: str) -> None:
    result = run(name)
    if name != "portable" and "it must be one of those this machine runs" in result.stderr:
        pytest.skip(f"this machine or build has no {name}")
    assert result.returncode == 0, result.stderr
    here = hashlib.sha256(native.philox_normal(2**63 + 5, 6, 7, 100_003).tobytes()).hexdigest()
    assert result.stdout.split() == [name, here]


def test_an_unknown_instruction_set_is_refused_by_name(native: ModuleType) -> None:
    result = run("avx1024")
    assert result.returncode != 0
    assert "InputError: NOVACULA_INSTRUCTION_SET: is avx1024; it must be one of" in result.stderr
    assert "portable" in result.stderr
