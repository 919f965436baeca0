"""A run's folder: everything about a run, readable by anybody, written by one process at a time."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from filelock import FileLock, Timeout
from typing_extensions import Unpack

from novacula.errors import RunError
from novacula.files import (
    JSON,
    append_line,
    check_schema,
    contained,
    from_json,
    read_json,
    sync,
    to_json,
    write_json,
)
from novacula.functions import allow_functions
from novacula.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from novacula.runs.consent import named_functions
from novacula.runs.events import RESUMED, read_events
from novacula.runs.machine import machine, versions
from novacula.runs.record import NewRun, Record, Status

Findings = TypeVar("Findings")

RECORD = "run.json"
EVENTS = "events.jsonl"
RESULT = "result.json"
LOCK = "lock"
RESULT_SCHEMA_VERSION = 1

# A listing holds a run's lock for an instant while it looks whether it is free; starting a run outwaits that.
_PATIENCE = 2.0
_MAX_RESULT = 32_000_000


class RunFolder:
    """An existing run folder.

    Make one with `create` or `open`. Whoever changes a run holds its `lock`; reading needs none, as every file is
    replaced whole.

    Attributes:
        path: the folder.
        record: what run.json said when it was last read or written through this object.
    """

    def __init__(self, path: Path, record: Record) -> None:
        self.path = path
        self.record = record
        self._lock = FileLock(path / LOCK)

    @classmethod
    def create(
        cls,
        *,
        label: str = "",
        runs: str | os.PathLike[str] = "runs",
        out: str | os.PathLike[str] | None = None,
        **begun: Unpack[NewRun],
    ) -> "RunFolder":
        """Makes the folder of a new run: wholly, or not at all.

        Args:
            label: what the run is about, for its name under `runs`, such as a task's id.
            runs: folder of runs in which a unique name is chosen.
            out: the folder itself, instead: one that does not exist, or is empty.
            begun: what run.json says (`novacula.runs.Record`).

        Raises:
            RunError: `out` holds something already, or the folder cannot be made.
            ValueError: the configuration holds what JSON cannot say.
        """
        allow_functions(named_functions(begun["part"], begun["configuration"]))
        record = Record.new(**begun)
        made: list[Path] = []
        try:
            path = (
                _make(Path(out), made) if out is not None else _make_named(Path(runs), f"{record.part}-{label}", made)
            )
            folder = cls(path, record)
            folder._fill()
        except BaseException as error:
            for parent in reversed(made):
                with suppress(OSError):  # somebody else put something there meanwhile
                    parent.rmdir()
            if isinstance(error, OSError):
                where = os.fspath(out if out is not None else runs)
                raise RunError(f"{where}: cannot make a run folder: {error.strerror or error}") from error
            raise
        return folder

    def _fill(self) -> None:
        """Turn an empty folder into this run, or leave it empty."""
        _refuse_content(self.path)  # before the lock, which is a file itself
        with self.lock():
            try:
                _refuse_content(self.path)
                self.record.write(self.path / RECORD)
            except BaseException:
                if not (self.path / RECORD).exists():
                    (self.path / LOCK).unlink(missing_ok=True)
                raise

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "RunFolder":
        """The run in an existing folder.

        Raises:
            RunError: there is no run in it.
            InputError: its run.json is damaged or of a newer novacula.
        """
        path = Path(path)
        if not os.path.isdir(path):
            raise RunError(f"{path}: no such run folder")
        if not os.path.exists(path / RECORD):
            raise RunError(f"{path}: not a run folder: it has no {RECORD}")
        return cls(path, Record.read(path / RECORD))

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for this process; within it, the same object may lock again.

        Raises:
            RunError: another process holds it, or the folder cannot be written.
        """
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
        """Whether a process holds the run now, this one included."""
        if self._lock.is_locked:
            return True
        if not (self.path / LOCK).exists():
            return False
        try:
            with FileLock(self.path / LOCK, timeout=0):
                return False
        except (Timeout, OSError):  # an unwritable folder: whether somebody else computes there cannot be told
            return True

    @property
    def status(self) -> Status | Literal["killed"]:
        """The recorded status, but ``killed`` where the run says that it runs and no process holds it."""
        if self.record.status == "running" and not self.in_use():
            return "killed"
        return self.record.status

    def set_status(self, status: Status, *, step: int, length: int, error: str = "") -> None:
        """Record how the run stands.

        Raises:
            OSError: the disk or the folder refused.
        """
        self.record = self.record.updated_with(status=status, step=step, length=length, error=error)
        self.record.write(self.path / RECORD)

    def note_origin(self, origin: Mapping[str, Any]) -> None:
        """Record which versions and platform computed a part of the run, where they may have changed its bits.

        Those are other versions than the run's, another kind of machine, and another instruction set.

        Args:
            origin: ``versions`` and ``platform``, as `novacula.runs.versions` and `novacula.runs.machine` tell.

        Raises:
            OSError: the disk or the folder refused.
        """
        found = {key: dict(origin.get(key) or {}) for key in ("versions", "platform")}
        found["platform"].pop("cores", None)
        mine = {"versions": self.record.versions, "platform": self.record.platform}
        # What only one of the two has loaded tells nothing.
        same = all(mine[key].get(name, value) == value for key in found for name, value in found[key].items())
        if not same and found not in self.record.elsewhere:
            self.record = replace(self.record, elsewhere=[*self.record.elsewhere, found])
            self.record.write(self.path / RECORD)

    def append_event(self, event: Mapping[str, Any]) -> None:
        """Append one event, with its ``step``, to the log.

        Raises:
            ValueError: the event holds what JSON cannot say, such as NaN.
            OSError: the disk or the folder refused.
        """
        append_line(self.path / EVENTS, event)

    def append_resumed(self, step: int) -> None:
        """Mark in the log, where there is one, that the steps from `step` on are done again.

        The mark records which versions and which machine go on, where they are not those that began.

        Raises:
            OSError: the disk or the folder refused.
        """
        if not (self.path / EVENTS).exists():
            return
        now = {"versions": versions(), "platform": machine()}
        began = {"versions": self.record.versions, "platform": self.record.platform}
        changes = {key: now[key] for key in now if now[key] != began[key]}
        self.append_event({"event": RESUMED, "step": step, **changes})

    def events(self) -> Iterator[dict[str, JSON]]:
        """The logged events that count, lazily (`novacula.runs.events.read_events`).

        Raises:
            InputError: the log cannot be read.
        """
        return read_events(self.path / EVENTS)

    def save_checkpoint(self, step: int, arrays: Mapping[str, np.ndarray], data: object) -> None:
        """Replaces the checkpoint (`novacula.runs.checkpoint.save_checkpoint`) after it has flushed the log.

        Raises:
            ValueError: a state that the files cannot hold.
            OSError: the disk or the folder refused; the old checkpoint stands.
        """
        if (self.path / EVENTS).exists():
            sync(self.path / EVENTS)
        save_checkpoint(self.path, step, arrays, data)

    def load_checkpoint(self) -> Checkpoint | None:
        """The checkpoint, or None where there is none yet.

        Raises:
            InputError, RunError: it is damaged or of a newer novacula.
        """
        return load_checkpoint(self.path)

    def write_result(self, result: object) -> None:
        """Replaces result.json.

        Args:
            result: a dataclass, or a mapping; ``schema_version`` is added where it has none.

        Raises:
            ValueError: the result holds what JSON cannot say.
            OSError: the disk or the folder refused.
        """
        document = to_json(result)
        if not isinstance(document, dict):
            raise TypeError(f"a result is a dataclass or a mapping, not a {type(result).__name__}")
        write_json(self.path / RESULT, {"schema_version": RESULT_SCHEMA_VERSION, **document})

    def read_findings(self, kind: type[Findings]) -> Findings | None:
        """Returns what result.json says as the dataclass that it was written from, or None where there is none yet.

        Raises:
            InputError: result.json is damaged, or of a newer novacula.
        """
        document = self.read_result()
        return None if document is None else from_json(kind, document, str(self.path / RESULT))

    def read_result(self) -> dict[str, JSON] | None:
        """The outcome so far, or None where there is none yet.

        Raises:
            InputError: result.json is damaged or of a newer novacula.
        """
        path = self.path / RESULT
        if not path.exists():
            return None
        return check_schema(read_json(path, max_bytes=_MAX_RESULT), str(path), RESULT_SCHEMA_VERSION)

    def artifact(self, name: str) -> Path:
        """Where a picture, program or network of this name belongs, its folder being made.

        Raises:
            InputError: the name leads out of the folder of artifacts.
            OSError: the disk or the folder refused.
        """
        path = contained(self.path / "artifacts", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _make(path: Path, made: list[Path]) -> Path:
    """Make a folder and what it stands in, noting in `made` what was not there before."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        with suppress(FileExistsError):
            folder.mkdir()
            made.append(folder)
    if not path.is_dir():
        raise RunError(f"{path}: is not a folder")
    return path


def _make_named(runs: Path, stem: str, made: list[Path]) -> Path:
    """Make a folder in `runs` whose readable name no other run has."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:60].strip("-.")
    name = f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"
    _make(runs, made)
    for suffix in ("", *(f"-{number}" for number in range(2, 10_000))):
        path = runs / f"{name}{suffix}"
        with suppress(FileExistsError):
            path.mkdir()
            made.append(path)
            return path
    raise RunError(f"{runs}: no free name for {name}")


def _refuse_content(path: Path) -> None:
    """Make sure that nothing but what a killed `create` may have left stands in the folder."""
    names = [name for name in os.listdir(path) if name != LOCK and not re.fullmatch(r"\.run\.json\..*\.tmp", name)]
    if RECORD in names:
        raise RunError(f"{path}: holds a run already; go on with it by `novacula runs resume {path}`, or name another")
    if names:
        raise RunError(f"{path}: is not empty and not a run; name another folder, or one that does not exist")
