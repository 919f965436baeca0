import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from novacula.errors import InputError, RunError
from novacula.runs.checkpoint import load_checkpoint, save_checkpoint
from tests.runs import dying, toy


def step_of(folder: Path) -> int:
    """The step of a checkpoint that is whole."""
    return dying.report(folder)


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path) -> None:
    program = toy.Toy(10)
    program.step()
    arrays, data = program.state()
    save_checkpoint(tmp_path, 1, arrays, data)
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint is not None and checkpoint.step == 1 and checkpoint.data == data
    assert {name: array.tobytes() for name, array in checkpoint.arrays.items()} == {
        name: array.tobytes() for name, array in arrays.items()
    }
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.json", "checkpoint.safetensors"]


def test_there_may_be_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None


def test_a_death_at_any_moment_leaves_the_old_or_the_new_pair(tmp_path: Path) -> None:
    script = subprocess.run(
        [sys.executable, "-m", dying.__name__, str(tmp_path)],
        env=toy.environment(),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split() for line in script.stdout.splitlines()]
    assert script.returncode == 0 and script.stderr == "" and not any(line[0] == "error" for line in lines), script
    moments = {int(before): int(count) for kind, before, count in (line for line in lines if line[0] == "moments")}
    assert all(count > 20 for count in moments.values())
    for kind, before, *rest in (line for line in lines if line[0] != "moments"):
        step = int(rest[-1])
        assert step in ({int(before), 2} if kind == "once" else {int(before), 2, 3})
    # Over an old checkpoint, the new one counts from one moment on, and not before.
    steps = [int(line[3]) for line in lines if line[:2] == ["once", "1"]]
    assert steps == sorted(steps) and set(steps) == {1, 2}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_an_operation_that_fails_leaves_the_old_or_the_new_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    calls = 0
    while True:
        calls += 1
        folder = tmp_path / str(calls)
        folder.mkdir()
        dying.save(folder, 1)
        left = calls
        with monkeypatch.context() as patch:

            def failing(name: str, patch: pytest.MonkeyPatch = patch) -> None:
                original = getattr(os, name)

                def wrapped(*args: object, **options: object) -> object:
                    nonlocal left
                    left -= 1
                    if left == 0:
                        raise OSError(number, os.strerror(number))
                    return original(*args, **options)

                patch.setattr(os, name, wrapped)

            failing("replace")
            failing("fsync")
            try:
                dying.save(folder, 2)
            except OSError:
                failed = True
            else:
                failed = False
        assert failed == (left <= 0)
        committed = json.loads((folder / "checkpoint.json").read_text())["step"]
        assert step_of(folder) == committed in ({1, 2} if failed else {2})
        assert sorted(os.listdir(folder)) == ["checkpoint.json", "checkpoint.safetensors"]
        dying.save(folder, 3)
        assert step_of(folder) == 3
        if not failed:
            break
    assert calls > 6


def test_a_full_disk_leaves_the_old_pair_and_nothing_else(tmp_path: Path) -> None:
    dying.save(tmp_path, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Room for a part of the arrays; then for the arrays, and a part of the document.
    for room, step in ((1000, 2), (8400, 9000)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        try:
            with pytest.raises(OSError):
                dying.save(tmp_path, step)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert sorted(os.listdir(tmp_path)) == ["checkpoint.json", "checkpoint.safetensors"]
        assert step_of(tmp_path) == 1


def test_a_state_that_the_files_cannot_hold_leaves_the_old_pair(tmp_path: Path) -> None:
    dying.save(tmp_path, 1)
    with pytest.raises(ValueError, match=r"data\.loss is nan"):
        save_checkpoint(tmp_path, 2, {"x": np.ones(2)}, {"loss": float("nan")})
    with pytest.raises(ValueError, match="dtype"):
        save_checkpoint(tmp_path, 2, {"x": np.array(["a"])}, {})
    assert step_of(tmp_path) == 1


def test_damage_gives_an_error(tmp_path: Path) -> None:
    dying.save(tmp_path, 1)
    good = {name: (tmp_path / name).read_bytes() for name in ("checkpoint.json", "checkpoint.safetensors")}
    arrays = bytearray(good["checkpoint.safetensors"])
    arrays[-1] ^= 1
    document = json.loads(good["checkpoint.json"])
    for name, content, message in (
        ("checkpoint.safetensors", bytes(arrays), "not the arrays of step 1"),
        ("checkpoint.json", b"{", "not JSON"),
        ("checkpoint.json", json.dumps(document | {"schema_version": 99}).encode(), "newer novacula"),
        ("checkpoint.json", json.dumps(document | {"data": 3}).encode(), "damaged"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises((InputError, RunError), match=message):
            load_checkpoint(tmp_path)
        (tmp_path / name).write_bytes(good[name])
    (tmp_path / "checkpoint.safetensors").unlink()
    with pytest.raises(InputError, match="no such file"):
        load_checkpoint(tmp_path)
