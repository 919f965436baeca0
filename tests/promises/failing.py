"""Let writes of a part's smallest run fail, one after the other: a full disk, a refusal, and a short write.

    python -m tests.promises.failing FOLDER PART [full] [refused] [short]

does that, and `tests.promises.killing`, and prints what it found as JSON. With kinds, as in the study failing_disk,
every write fails in each of them. Otherwise every second one fails, in one kind: the even ones of one part, the odd
ones of the next, since parts share most of them. Forks, and so is a program of its own with one thread.
"""

import errno
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch

from novacula.cli.main import main as novacula
from novacula.files import decode_safetensors, read_npz
from tests.files.watched import Write, watch
from tests.promises.killing import ended, forked, go_on, kill_all
from tests.promises.small_runs import COMMANDS, checkpoint_every_step, command, left, without_reports, write_inputs

KINDS = ("full", "refused", "short")


class Disk:
    """Counts the operations that change the disk; the one of number `at` fails, and on a full disk all after it."""

    def __init__(self, kind: str, at: int, count: Path) -> None:
        self.kind, self.at, self.count = kind, at, count
        self.done = 0

    def tick(self) -> None:
        """Before an operation.

        Raises:
            OSError: it is one that fails.
        """
        number = self.done
        self.done += 1
        self.count.write_text(str(self.done))
        if number == self.at or (number > self.at >= 0 and self.kind != "refused"):
            code = errno.EACCES if self.kind == "refused" else errno.ENOSPC
            raise OSError(code, os.strerror(code))

    def install(self) -> None:
        """From here on, in this process."""
        for name in ("replace", "mkdir"):  # flushing has tests of its own, in tests/runs and tests/files
            setattr(os, name, self._ticking(getattr(os, name)))
        plain = os.write
        os.write = lambda fd, data: self._write(lambda rest: plain(fd, rest), memoryview(data))
        watch(self.tick, self._write)

    def _ticking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def ticking(*args: Any, **options: Any) -> Any:
            self.tick()
            return function(*args, **options)

        return ticking

    def _write(self, write: Write, data: memoryview) -> int:
        short = self.done == self.at and self.kind == "short"
        if not short:
            self.tick()
            return write(data)
        self.done += 1
        return write(data[: len(data) // 2])


def run_on(disk: Disk, words: list[str]) -> int:
    """The exit code of a command in a process of its own, on such a disk."""
    return os.waitstatus_to_exitcode(os.waitpid(forked(words, disk.install), 0)[1])


def problems_after(part: str, kind: str, at: int, path: Path, whole: dict[str, Any]) -> list[str]:
    """Let one operation fail, look at what is left, and go on."""
    code = run_on(Disk(kind, at, path.parent / "count"), command(part, path))
    found = [] if code in (0, 2) else [f"ended with {code}"]
    found += [f"{name} is torn" for name in torn(path)]
    healthy = Disk("refused", -1, path.parent / "count")
    if code == 2 and not ended(path) and run_on(healthy, go_on(part, path)) != 0:
        if (path / "checkpoint.json").exists():
            found.append("cannot be resumed, though it has a checkpoint")
        shutil.rmtree(path)
        if run_on(healthy, command(part, path)) != 0:
            found.append("cannot be begun anew")
    now = left(path)
    found += [f"{name} differs" for name in {**whole, **now} if whole.get(name) != now.get(name)]
    return [f"{kind} at {at}: {each}" for each in found]


def torn(path: Path) -> list[str]:
    """Files that are not whole; of the log, only the last line may be, and temporary files are nobody's."""
    bad = []
    for file in (each for each in path.rglob("*") if not each.name.startswith(".")):
        try:
            if file.suffix == ".json":
                json.loads(file.read_text())
            elif file.suffix == ".safetensors":
                decode_safetensors(bytearray(file.read_bytes()), "")
            elif file.suffix == ".npz":
                read_npz(file)
            elif file.suffix == ".jsonl":
                [json.loads(line) for line in file.read_text().split("\n")[:-1] if line]
        except Exception:
            bad.append(file.name)
    return bad


def fail_all(part: str, folder: Path, kinds: Sequence[str]) -> dict[str, Any]:
    """Operations of a part's run fail: all in each of the kinds, or, where none is given, every second in one."""
    folder.mkdir()
    assert run_on(Disk("refused", -1, folder / "count"), command(part, folder / "whole")) == 0
    operations = int((folder / "count").read_text())
    whole = left(folder / "whole")
    found: list[str] = []
    for at in range(operations) if kinds else range(list(COMMANDS).index(part) % 2, operations, 2):
        for kind in kinds or [KINDS[at % len(KINDS)]]:
            found += problems_after(part, kind, at, folder / "run", whole)
            shutil.rmtree(folder / "run")
    return {"operations": operations, "problems": found}


def main(folder: Path, part: str, *kinds: str) -> None:
    """Do both to one part's run."""
    torch.set_num_threads(1)
    os.chdir(folder)
    write_inputs(Path())
    with without_reports():
        with redirect_stdout(io.StringIO()):
            novacula(command(part, Path("first")))  # all that it imports, once
        found = {"failing": fail_all(part, Path("failing"), kinds)}
        with checkpoint_every_step():
            found["killing"] = kill_all(part, Path("killing"))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
