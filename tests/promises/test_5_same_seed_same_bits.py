"""Promise 5: the same seed, versions and number of threads give the same bits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.promises.small_runs import COMMANDS, left


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory, do_small_runs: Callable[[Path, int], None]) -> Path:
    """The small runs, in a second process, which hashes texts differently."""
    folder = tmp_path_factory.mktemp("again")
    do_small_runs(folder, 2)
    return folder


@pytest.mark.parametrize("part", COMMANDS)
def test_two_processes_agree(small_runs: Path, again: Path, part: str) -> None:
    one, other = left(small_runs / part), left(again / part)
    assert "checkpoint.safetensors" in one and "result.json" in one
    assert one == other
