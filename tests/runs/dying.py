"""Save a checkpoint over another in a process that dies at every moment between two operations on the disk, in turn.

Prints one line per moment: the step that the checkpoint left behind is of, or what went wrong. Forks, and so runs as a
program of its own that has one thread.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from novacula.runs.checkpoint import load_checkpoint, save_checkpoint
from tests.files.watched import Write, watch


def state(step: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    return {"x": np.full(1000, step / 3), "n": np.array(step)}, {"step": step, "history": list(range(step))}


def save(folder: Path, step: int) -> None:
    save_checkpoint(folder, step, *state(step))


def die_at(moment: int) -> None:
    """Die at the given moment, counted over all operations on the disk from now on."""
    left = moment

    def tick() -> None:
        nonlocal left
        if left == 0:
            os._exit(9)
        left -= 1

    def around(function: Any) -> Any:
        def wrapped(*args: Any, **options: Any) -> Any:
            tick()
            result = function(*args, **options)
            tick()
            return result

        return wrapped

    def torn(write: Write, data: memoryview) -> int:
        """A dying process has written any part."""
        tick()
        half = write(data[: len(data) // 2])
        tick()
        return half + write(data[half:])

    for name in ("replace", "fsync", "unlink", "remove"):
        setattr(os, name, around(getattr(os, name)))
    watch(tick, torn)


def died(action: Any, moment: int) -> bool:
    child = os.fork()
    if child == 0:
        try:
            die_at(moment)
            action()
        except BaseException as error:
            print("error", repr(error), flush=True)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def report(folder: Path) -> int:
    checkpoint = load_checkpoint(folder)
    if checkpoint is None:
        return 0
    arrays, data = state(checkpoint.step)
    assert checkpoint.data == data, "the data is of another step"
    assert all(np.array_equal(checkpoint.arrays[name], arrays[name]) for name in arrays), (
        "the arrays are of another step"
    )
    return checkpoint.step


def main(scratch: Path) -> None:
    for before in (0, 1):  # over no checkpoint, and over one
        start = scratch / f"start{before}"
        start.mkdir()
        if before:
            save(start, 1)
        moment, dead = 0, True
        while dead:
            folder = scratch / f"{before}-{moment}"
            shutil.copytree(start, folder)
            dead = died(lambda: save(folder, 2), moment)  # noqa: B023 - called at once
            again = 0
            if moment % 9 == 0:  # who takes over may die as well, while it loads or saves
                while died(lambda: (load_checkpoint(folder), save(folder, 3)), again):  # noqa: B023
                    seen = report(Path(shutil.copytree(folder, scratch / f"{before}-{moment}-{again}")))
                    print("again", before, moment, again, seen)
                    again += 1
                assert report(folder) == 3
            else:
                print("once", before, moment, report(folder))
                save(folder, 3)
                assert report(folder) == 3
            left = sorted(path.name for path in folder.iterdir() if not path.name.endswith(".tmp"))
            assert left == ["checkpoint.json", "checkpoint.safetensors"], left
            moment += 1
        print("moments", before, moment)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
