"""Promise 2: whatever bytes a file holds, reading it gives a result or one of our errors, never anything else."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacula.errors import NovaculaError
from tests.promises.readers import READERS, Reader, mutated

ATTACKS = [(reader, file) for reader in READERS for file in reader.attacked]
NAMES = [f"{reader.name}: {file}" for reader, file in ATTACKS]
CHECKS: list[Any] = list(HealthCheck)


@cache
def example(reader: Reader, scratch: Path) -> tuple[Path, dict[str, bytes]]:
    """A folder that the reader can read, and what its files hold."""
    folder = scratch / str(READERS.index(reader))
    folder.mkdir()
    reader.write(folder)
    reader.read(folder)
    return folder, {file: (folder / file).read_bytes() for file in reader.attacked}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("examples")
    example.cache_clear()


def read_with(reader: Reader, file: str, scratch: Path, make: Callable[[bytes], bytes]) -> None:
    """Read the example once with one file replaced; any error but ours is the test's."""
    folder, good = example(reader, scratch)
    (folder / file).write_bytes(make(good[file]))
    try:
        with suppress(NovaculaError):
            reader.read(folder)
    finally:
        (folder / file).write_bytes(good[file])


@pytest.mark.parametrize(("reader", "file"), ATTACKS, ids=NAMES)
@settings(max_examples=25, suppress_health_check=CHECKS)
@given(data=st.data())
def test_a_valid_file_that_was_changed(scratch: Path, reader: Reader, file: str, data: st.DataObject) -> None:
    def draw(below: int) -> int:
        return data.draw(st.integers(0, below - 1)) if below > 1 else 0

    read_with(reader, file, scratch, lambda good: mutated(good, reader.attacked[file], draw))


@pytest.mark.parametrize(("reader", "file"), ATTACKS, ids=NAMES)
@settings(max_examples=6, suppress_health_check=CHECKS)
@given(content=st.binary(max_size=200))
def test_any_bytes(scratch: Path, reader: Reader, file: str, content: bytes) -> None:
    read_with(reader, file, scratch, lambda good: content)
