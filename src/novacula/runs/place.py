"""Where the folder of a new run is made, and how a temporary one goes."""

import atexit
import functools
import os
import re
import shutil
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from novacula.errors import RunError

RECORD = "run.json"
LOCK = "lock"


@functools.cache
def temporary_runs() -> str:
    """Makes the folder of runs that this process removes at its end; a process that was forked from it does not."""
    runs = tempfile.mkdtemp(prefix="novacula-")
    atexit.register(_remove, runs, os.getpid())
    return runs


def _remove(runs: str, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(runs, ignore_errors=True)


def make(path: Path, made: list[Path]) -> Path:
    """Makes a folder and its parents, and adds the new ones to `made`."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):
            folder.mkdir()
            made.append(folder)
    if not path.is_dir():
        raise RunError(f"{path}: is not a folder")
    return path


def make_named(runs: Path, stem: str, made: list[Path]) -> Path:
    """Makes a folder in `runs` with a readable name that no other run has."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:60].strip("-.")
    name = f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"
    make(runs, made)
    for suffix in ("", *(f"-{number}" for number in range(2, 10_000))):
        path = runs / f"{name}{suffix}"
        with suppress(FileExistsError):
            path.mkdir()
            made.append(path)
            return path
    raise RunError(f"{runs}: no free name for {name}")


def refuse_content(path: Path) -> None:
    """Makes sure that the folder is empty, except for files that a killed `create` may have left."""
    names = [name for name in os.listdir(path) if name != LOCK and not re.fullmatch(r"\.run\.json\..*\.tmp", name)]
    if RECORD in names:
        raise RunError(f"{path}: contains a run already; name another folder, or `novacula runs resume {path}`")
    if names:
        raise RunError(f"{path}: is not empty and not a run; name another folder, or one that does not exist")
