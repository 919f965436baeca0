"""The runs in a folder of runs, made by reading them."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from novacula.errors import InputError, NovaculaError
from novacula.runs.folder import RECORD, RunFolder


@dataclass(frozen=True)
class RunSummary:
    """One line of a listing.

    Attributes:
        name: the folder's name.
        path: the folder.
        part: the part of novacula; empty, as all below but `status`, where run.json cannot be read.
        verb: its verb.
        task: what the run is about.
        status: how it stands: as in run.json, ``killed``, or ``damaged``.
        step: steps done when that was last recorded.
        length: steps in all; None where the run has not begun.
        created: when, as ISO 8601 in UTC.
        updated: when the record was last written.
        error: why the run failed, or what is damaged.
    """

    name: str
    path: str
    part: str = ""
    verb: str = ""
    task: str = ""
    status: str = "damaged"
    step: int = 0
    length: int | None = None
    created: str = ""
    updated: str = ""
    error: str = ""


def list_runs(runs: str | os.PathLike[str] = "runs") -> list[RunSummary]:
    """The runs right inside a folder, the newest first; none where the folder does not exist.

    Raises:
        InputError: the folder cannot be read.
    """
    try:
        paths = [path for path in Path(runs).iterdir() if (path / RECORD).exists()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(os.fspath(runs), error.strerror or str(error)) from error
    return sorted(map(summarize, paths), key=lambda run: (run.created, run.name), reverse=True)


def summarize(path: Path) -> RunSummary:
    """What a listing says of the run in a folder, even of a damaged one."""
    try:
        folder = RunFolder.open(path)
    except NovaculaError as error:
        return RunSummary(name=path.name, path=str(path), error=str(error))
    record = folder.record
    return RunSummary(
        name=folder.name,
        path=str(path),
        part=record.part,
        verb=record.verb,
        task=record.about,
        status=folder.status,
        step=record.step,
        length=record.length,
        created=record.created,
        updated=record.updated,
        error=record.error,
    )


def find_run(run: str, runs: str | os.PathLike[str] = "runs") -> RunFolder:
    """The run that a user means: a path, or a name in `runs`.

    Raises:
        InputError: there is none; the nearest names are suggested.
        RunError, InputError: as `RunFolder.open`.
    """
    for path in (Path(runs) / run, Path(run)):
        if run and os.path.exists(path / RECORD):
            return RunFolder.open(path)
    if os.path.isdir(run):
        return RunFolder.open(run)  # which says why it is none
    names = [summary.name for summary in list_runs(runs)]
    near = difflib.get_close_matches(run, names, n=3, cutoff=0.4) or [name for name in names if run and run in name][:3]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InputError(repr(run), f"no such run in {os.fspath(runs)}, and no such folder{hint}")
