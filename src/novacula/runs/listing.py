"""Lists the runs in a folder by reading each of them."""

import os
import shutil
import stat
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from novacula.errors import InputError, NovaculaError, RunError
from novacula.files import StrPath, refuse_links
from novacula.options import near_names
from novacula.runs.folder import LOCK, RECORD, RunFolder


@dataclass(frozen=True)
class RunSummary:
    """One line of a listing."""

    name: str  #: the folder's name
    path: str  #: the folder
    part: str = ""
    """The part of novacula. If run.json is damaged, this and the fields below except `status` are empty."""
    verb: str = ""  #: the verb
    task: str = ""  #: the subject of the run
    status: str = "damaged"  #: the status in run.json, ``killed``, or ``damaged``
    step: int = 0  #: the number of steps done at the last recording
    length: int | None = None  #: the number of all steps; None if the run has not begun
    created: str = ""  #: the time of the run's beginning, as ISO 8601 in UTC
    updated: str = ""  #: the time of the last recording
    error: str = ""  #: the reason of a failure, or the damage
    outcome: str = ""  #: what the run has found, in a few words


def list_runs(runs: StrPath = "runs") -> list[RunSummary]:
    """Returns the runs right inside a folder, the newest first, and none if the folder does not exist.

    Raises:
        InputError: the folder is unreadable.
    """
    try:
        paths = [path for path in Path(runs).iterdir() if _may_be_run(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(os.fspath(runs), error.strerror or str(error)) from error
    return sorted(map(summarize, paths), key=lambda run: (run.created, run.name), reverse=True)


def summarize(path: Path) -> RunSummary:
    """Returns the line of a listing for the run in a folder, even for a damaged run."""
    try:
        os.stat(path / RECORD)
        folder = RunFolder.open(path)
    except NovaculaError as error:
        return RunSummary(name=path.name, path=str(path), error=str(error))
    except OSError as error:
        return RunSummary(name=path.name, path=str(path), error=f"{path}: {error.strerror or error}")
    record = folder.record
    names = ("part", "verb", "step", "length", "created", "updated", "error", "outcome")
    same = {name: getattr(record, name) for name in names}
    return RunSummary(name=folder.name, path=str(path), task=record.about, status=folder.status, **same)


def _may_be_run(path: Path) -> bool:
    """Returns whether a folder has a record, or hides from this user whether it has one."""
    try:
        return (path / RECORD).exists()
    except OSError:
        return True


def runs_before(runs: StrPath, seconds: float) -> list[RunFolder]:
    """Returns the undamaged runs directly inside a folder whose last write is at least `seconds` ago."""
    now = datetime.now(UTC)
    sound = [run for run in list_runs(runs) if run.updated]
    ages = [(now - datetime.fromisoformat(run.updated)).total_seconds() for run in sound]
    return [RunFolder.open(run.path) for run, age in zip(sound, ages, strict=True) if age >= seconds]


def copy_run(folder: RunFolder, to: StrPath) -> RunFolder:
    """Copies a run, without files of a process, and returns the copy, which this user may change.

    A finished run may lie in a folder that is not writable, such as that of another user.

    Raises:
        RunError: `to` exists or lies in the run, a process works in the run, or the system refuses.
        InputError: the run has a link.
    """
    if os.path.lexists(to):
        raise RunError(f"{os.fspath(to)}: exists already; name a folder that does not")
    folder = RunFolder.open(folder.path)  # as it is now
    if Path(to).resolve().is_relative_to(folder.path.resolve()):
        raise RunError(f"{os.fspath(to)}: is a place in the run itself; name a folder outside")
    refuse_links(folder.path)
    with nullcontext() if folder.record.status == "finished" else folder.lock():
        try:
            ignore = shutil.ignore_patterns(LOCK, "*.tmp")
            shutil.copytree(folder.path, to, ignore=ignore, copy_function=shutil.copyfile)
            for place, *_ in os.walk(to):
                os.chmod(place, os.stat(place).st_mode | stat.S_IRWXU)
        except BaseException as error:
            shutil.rmtree(to, ignore_errors=True)
            if isinstance(error, OSError):  # such as `shutil.Error`
                raise RunError(f"{os.fspath(to)}: cannot be copied: {error}") from error
            raise
    return RunFolder.open(to)


def remove_run(folder: RunFolder) -> None:
    """Removes a run with all its files. It follows no link.

    Raises:
        RunError: a process works in the run, the folder is a link, or the system refuses.
    """
    with folder.lock():
        try:
            shutil.rmtree(folder.path)
        except OSError as error:
            raise RunError(f"{folder.path}: cannot be removed: {error.strerror or error}") from error


def find_run(run: str, runs: StrPath = "runs") -> RunFolder:
    """Returns the run that a user names by its path, or by its name in `runs`.

    Raises:
        InputError: there is no such run; the error suggests similar names.
        RunError, InputError: as `RunFolder.open`.
    """
    for path in (Path(runs) / run, Path(run)):
        if run and os.path.exists(path / RECORD):
            return RunFolder.open(path)
    if os.path.isdir(run):
        return RunFolder.open(run)  # its error says why this is no run
    names = [summary.name for summary in list_runs(runs)]
    near = near_names(run, names)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise InputError(repr(run), f"no such run in {os.fspath(runs)}, and no such folder{hint}")
