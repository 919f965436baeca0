import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from novacula.files import write_bytes, write_durably, write_json, write_npz, write_text

OPERATIONS = ("fsync", "replace")


def failing_at(monkeypatch: pytest.MonkeyPatch, k: int) -> Callable[[], int]:
    """Make the k-th call of fsync or replace, counted together, fail; the result counts the calls."""
    calls = 0

    def wrap(name: str) -> None:
        original = getattr(os, name)

        def wrapped(*args: object, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls == k:
                raise OSError(errno.EIO, "injected")
            return original(*args, **options)

        monkeypatch.setattr(os, name, wrapped)

    for name in OPERATIONS:
        wrap(name)
    return lambda: calls


def test_content_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "Größe 1×2")
    assert path.read_text(encoding="utf-8") == "Größe 1×2"
    assert os.listdir(tmp_path) == ["a.txt"]
    write_text(tmp_path / ("é" * 127), "a name as long as any can be")
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "é" * 127]


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_failing_operation_raises_and_leaves_the_old_or_the_new_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, k: int
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    failing_at(monkeypatch, k)
    with pytest.raises(OSError, match=r"injected: '.*a\.bin'"):
        write_bytes(path, b"new")
    # The file itself, then the rename, then the folder: only after the second is the new content there.
    assert path.read_bytes() == (b"new" if k == 3 else b"old")
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_write_is_flushed_before_and_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = failing_at(monkeypatch, 0)
    write_bytes(tmp_path / "a", b"1")
    assert calls() == 3


def test_a_short_write_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))  # the kernel then writes 1000 bytes and refuses more
    try:
        with pytest.raises(OSError, match=r"a\.bin"):
            write_bytes(path, bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent/a"):
        write_bytes(tmp_path / "absent" / "a", b"")


def test_what_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    import numpy as np

    with pytest.raises(ValueError, match="schema_version"):
        write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match="only numbers"):
        write_npz(tmp_path / "a.npz", {"a": np.array(["text"])})
    assert os.listdir(tmp_path) == []


def test_a_step_of_a_write_follows_no_link_and_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "next").symlink_to("absent")
    with pytest.raises(OSError, match=r"next"):
        write_durably(tmp_path / "next", b"x")
    assert not (tmp_path / "absent").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no device that is always full")
def test_a_full_disk_names_the_file() -> None:
    with pytest.raises(OSError, match=r"/dev/full") as error:
        write_durably(Path("/dev/full"), b"x")
    assert error.value.errno == errno.ENOSPC
