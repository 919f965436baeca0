"""A run's folder, and how it is made: everything about a run, for any number of readers and one writer at a time."""

import atexit
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any, Literal, TypeVar

import numpy as np
from filelock import FileLock, Timeout
from typing_extensions import Unpack

from novacula.errors import RunError
from novacula.files import (
    JSON,
    StrPath,
    append_line,
    check_schema,
    contained,
    from_json,
    read_json,
    refuse_links,
    sync,
    to_json,
    write_json,
)
from novacula.runs.checkpoint import RESUMED, Checkpoint, load_checkpoint, read_events, save_checkpoint
from novacula.runs.machine import Origin, machine, versions
from novacula.runs.record import NewRun, Record, Status

Findings = TypeVar("Findings")

RECORD = "run.json"
LOCK = "lock"
EVENTS = "events.jsonl"
RESULT = "result.json"
RESULT_SCHEMA_VERSION = 1

# A listing holds a run's lock for an instant, to find out whether it is free. A starting run waits for longer.
_PATIENCE = 2.0
_MAX_RESULT = 200_000_000


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
        resume = f"novacula runs resume {quote(str(path))}"
        raise RunError(f"{path}: contains a run already; name another folder, or `{resume}`")
    if names:
        raise RunError(f"{path}: is not empty and not a run; name another folder, or one that does not exist")


class RunFolder:
    """An existing run folder.

    `create` and `open` make this object. A process that changes the run holds its `lock`. Readers need no lock, since
    writers replace every file as a whole. A method that writes raises OSError if the disk or the folder refuses.

    Attributes:
        path: the folder.
        record: the content of run.json when this object last read or wrote it.
    """

    def __init__(self, path: Path, record: Record) -> None:
        self.path = path
        self.record = record
        self._lock = FileLock(path / LOCK)

    def __repr__(self) -> str:
        return f"<RunFolder {self.path}: {self.record.outcome or self.record.status}>"

    def __reduce__(self) -> tuple[type, tuple[Path, Record]]:  # a lock has no copy
        return RunFolder, (self.path, self.record)

    @classmethod
    def create(
        cls, *, label: str = "", runs: StrPath | None = None, out: StrPath | None = None, **begun: Unpack[NewRun]
    ) -> "RunFolder":
        """Makes the folder of a new run as a whole or not at all.

        Args:
            label: the subject of the run, such as a task's id, for the folder's name under `runs`.
            runs: the folder of runs in which the new folder gets a unique name.
            out: the folder itself, instead: it does not exist yet, or is empty. Without both, the folder is a temporary
                one that is removed at the end of this process.
            begun: the first content of run.json (`novacula.runs.Record`).

        Raises:
            RunError: `out` is not empty, or the system refuses to make the folder.
            ValueError: JSON cannot express the configuration.
        """
        record = Record.new(**begun)
        made: list[Path] = []
        try:
            if out is None and runs is None:
                runs = temporary_runs()
            stem = f"{record.part}-{label}"
            path = make(Path(out), made) if out is not None else make_named(Path(runs or ""), stem, made)
            folder = cls(path, record)
            folder._fill()
        except BaseException as error:
            for parent in reversed(made):
                with suppress(OSError):  # another process has put something there
                    parent.rmdir()
            if isinstance(error, OSError):
                where = os.fspath(out if out is not None else "a temporary folder" if runs is None else runs)
                raise RunError(f"{where}: cannot make a run folder: {error.strerror or error}") from error
            raise
        return folder

    def _fill(self) -> None:
        """Turns an empty folder into this run, or leaves it empty."""
        refuse_content(self.path)  # before the lock, which is a file too
        with self.lock():
            try:
                refuse_content(self.path)
                self.record.write(self.path / RECORD)
            except BaseException:
                if not (self.path / RECORD).exists():
                    (self.path / LOCK).unlink(missing_ok=True)
                raise

    @classmethod
    def open(cls, path: StrPath) -> "RunFolder":
        """Returns the run in an existing folder.

        Raises:
            RunError: the folder contains no run.
            InputError: its run.json is damaged, or a newer novacula wrote it.
        """
        path = Path(path)
        if not os.path.exists(path / RECORD):
            said = f"not a run folder: it has no {RECORD}" if os.path.isdir(path) else "no such run folder"
            raise RunError(f"{path}: {said}")
        return cls(path, Record.read(path / RECORD))

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the run for this process. The same object may lock it again meanwhile.

        Raises:
            RunError: another process holds the run, or the folder is not writable, or is no more.
            InputError: the folder contains a link, through which a write would change files elsewhere.
        """
        if not os.path.isdir(self.path):  # which the lock would make again
            raise RunError(f"{self.path}: no such run folder")
        if not self._lock.is_locked:
            refuse_links(self.path)
        try:
            self._lock.acquire(timeout=_PATIENCE, poll_interval=0.02)
        except Timeout as error:
            raise RunError(f"{self.path}: in use by another process") from error
        except OSError as error:
            raise RunError(f"{self.path}: cannot be locked: {error.strerror or error}") from error
        try:
            yield
        finally:
            self._lock.release()

    def in_use(self) -> bool:
        """Returns whether a process, perhaps this one, holds the run now."""
        if self._lock.is_locked or not (self.path / LOCK).exists():
            return self._lock.is_locked
        try:
            with FileLock(self.path / LOCK, timeout=0):
                return False
        except (Timeout, OSError):  # in a folder that is not writable, nothing shows whether another process works
            return True

    @property
    def status(self) -> Status | Literal["killed"]:
        """The recorded status, or ``killed`` if the record says running and no process holds the run."""
        if self.record.status == "running" and not self.in_use():
            return "killed"
        return self.record.status

    def set_status(self, status: Status, *, step: int, length: int, error: str = "") -> None:
        """Records the run's status, its steps, and its error."""
        self.record = self.record.updated_with(status=status, step=step, length=length, error=error)
        self.record.write(self.path / RECORD)

    def named(self, text: str) -> str:
        """Returns a text with the names of the run's inputs in place of their paths, for pages that others see."""
        for path in sorted((file.path for file in self.record.files), key=len, reverse=True):
            text = text.replace(path, os.path.basename(path)) if os.path.isabs(path) else text
        return text

    def note_origin(self, origin: Origin) -> None:
        """Records the versions and the machine that computed a part of the run, if they may change its bits.

        They may if the versions, the kind of machine or the instruction set differ from the run's.
        """
        found = Origin(origin.versions, {name: it for name, it in origin.platform.items() if name != "cores"})
        # A library that only one of the two has loaded makes no difference.
        same = all(self.record.versions.get(name, value) == value for name, value in found.versions.items())
        same &= all(self.record.platform.get(name, value) == value for name, value in found.platform.items())
        if not same and found not in self.record.elsewhere:
            self.record = replace(self.record, elsewhere=[*self.record.elsewhere, found])
            self.record.write(self.path / RECORD)

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Appends one event, with its ``step``, to the log.

        Raises:
            ValueError: JSON cannot express the event, for example because of NaN.
        """
        append_line(self.path / EVENTS, event)

    def append_resumed(self, step: int) -> None:
        """Marks in the log, if there is one, that the run repeats the steps from `step` on.

        The mark contains the versions and the machine if they differ from those at the run's beginning.
        """
        if not (self.path / EVENTS).exists():
            return
        now = {"versions": versions(), "platform": machine()}
        changes = {name: value for name, value in now.items() if value != getattr(self.record, name)}
        self.append_event({"event": RESUMED, "step": step, **changes})

    def events(self) -> Iterator[dict[str, JSON]]:
        """Yields the logged events that count (`novacula.runs.checkpoint.read_events`).

        Raises:
            InputError: the log is unreadable.
        """
        return read_events(self.path / EVENTS)

    def save_checkpoint(self, step: int, arrays: Mapping[str, np.ndarray], data: object) -> None:
        """Replaces the checkpoint after it has flushed the log; see `novacula.runs.checkpoint.save_checkpoint`."""
        if (self.path / EVENTS).exists():
            sync(self.path / EVENTS)
        save_checkpoint(self.path, step, arrays, data)

    def load_checkpoint(self) -> Checkpoint | None:
        """Returns the checkpoint, or None if there is none yet.

        Raises:
            InputError, RunError: the checkpoint is damaged, or a newer novacula wrote it.
        """
        return load_checkpoint(self.path)

    def write_result(self, result: object, outcome: str | None = None) -> None:
        """Replaces result.json, and records the outcome, and what was imported or used since the beginning.

        Args:
            result: a dataclass or a mapping. The file also gets a ``schema_version`` if the result has none.
            outcome: the result in a few words for lists; by default its attribute ``summary`` or ``outcome``, if any.

        Raises:
            ValueError: JSON cannot express the result.
        """
        document = to_json(result)
        if not isinstance(document, dict):
            raise TypeError(f"a result is a dataclass or a mapping, not a {type(result).__name__}")
        write_json(self.path / RESULT, {"schema_version": RESULT_SCHEMA_VERSION, **document})
        said = getattr(result, "summary", getattr(result, "outcome", "")) if outcome is None else outcome
        record = replace(self.record, outcome=said, versions={**versions(), **self.record.versions})
        if record.platform.items() <= (now := machine()).items():  # the same machine, which may have used its GPU
            record = replace(record, platform=now)
        if record != self.record:
            self.record = record
            self.record.write(self.path / RECORD)

    def read_findings(self, kind: type[Findings]) -> Findings | None:
        """Returns the result as the dataclass of its verb, or None if there is none yet; it raises as `read_result`."""
        document = self.read_result()
        return None if document is None else from_json(kind, document, str(self.path / RESULT))

    def read_result(self) -> dict[str, JSON] | None:
        """Returns the content of result.json, or None if there is no result yet.

        Raises:
            InputError: result.json is damaged, or a newer novacula wrote it.
        """
        path = self.path / RESULT
        if not path.exists():
            return None
        return check_schema(read_json(path, max_bytes=_MAX_RESULT, max_memory=None), str(path), RESULT_SCHEMA_VERSION)

    def artifact(self, name: str) -> Path:
        """Returns the path of a picture, program or network of this name, and makes its folder.

        Raises:
            InputError: the name leads out of the folder of artifacts, or a part of it is a link.
        """
        path = contained(contained(self.path, "artifacts"), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
