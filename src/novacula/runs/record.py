"""The content of a run's ``run.json``."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict, TypeVar

import msgspec
from typing_extensions import Unpack

from novacula.errors import InputError, refuse
from novacula.files import StrPath, check_schema, digest_of, digest_of_file, from_json, read_json, to_json, write_json
from novacula.functions import module_of
from novacula.runs.machine import Origin, machine, versions


@dataclass(frozen=True)
class InputFile:
    """A file or a folder with which a run begins."""

    path: str  #: its absolute path; a relative one lies in the run's own folder
    digest: str  #: the digest of its content (`novacula.files.digest_of_file`)
    function: str = ""  #: the user's own function whose module this is, as ``module:function``, or empty


def located(path: StrPath) -> str:
    """Returns the absolute path of a file or a folder that exists, and any other name unchanged."""
    return os.path.abspath(path) if os.path.exists(path) else os.fspath(path)


def input_files(
    paths: Iterable[StrPath], functions: Iterable[str] = (), kept: Mapping[str, bytes] | None = None
) -> list[InputFile]:
    """Returns the files and the modules of functions with which a run begins, and the artifacts that it keeps of them.

    Raises:
        InputError: a file is unreadable.
    """
    files = [InputFile(located(path), digest_of_file(path)) for path in paths]
    for name in functions:
        if module := module_of(name):
            files.append(InputFile(located(module), digest_of_file(module), name))
    return files + [InputFile(f"artifacts/{name}", digest_of(content)) for name, content in (kept or {}).items()]


def check_inputs(files: Iterable[InputFile], folder: Path, command: str) -> None:
    """Makes sure that the inputs of a run are those with which it began. A missing one is its reader's to refuse.

    Raises:
        InputError: an input has changed; the error names it, the run's record, and the way to begin anew.
    """
    problems = []
    for file in files:
        path = module_of(file.function) if file.function else folder / file.path
        if path is None or not path.exists() or digest_of_file(path) == file.digest:
            continue
        what = f"{path} is not the {file.path} with which the run began: its content has changed"
        if not Path(file.path).is_absolute():
            problems.append(f"{path} is damaged: it is not what the run has kept of its input")
        else:
            problems.append(f"{what}; bring that back, or begin anew with `novacula {command}` and another --out")
    refuse(problems, str(folder / "run.json"))


def texts_in(value: object) -> Iterator[str]:
    """Yields the texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from texts_in(item)


Status = Literal["running", "finished", "interrupted", "time-limit", "failed"]
"""How a run stands. A run with ``time-limit`` or ``interrupted`` has its best result so far and can be resumed."""

SCHEMA_VERSION = 2
_OLD = 1
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Options = TypeVar("_Options")


class NewRun(TypedDict):
    """The first entries of a run's record; see `Record`."""

    part: str
    verb: str
    configuration: object  #: a dataclass or a mapping
    seed: int
    threads: int
    inputs: NotRequired[object]  #: a dataclass or a mapping
    about: NotRequired[str]
    files: NotRequired[list[InputFile]]


@dataclass(frozen=True)
class Record:
    """The content of ``run.json``."""

    part: str  #: the part of novacula that made the run, such as ``arc``
    verb: str  #: the verb, such as ``solve``
    about: str  #: the subject of the run, such as a puzzle's id, for lists
    configuration: dict[str, Any]  #: all options that decide the result, as JSON
    inputs: dict[str, Any]  #: what the run begins with beside its options, such as the name of a file, as JSON
    seed: _Count  #: the run's seed
    threads: _Count  #: the number of numeric threads
    versions: dict[str, str]  #: see `novacula.runs.machine.versions`
    platform: dict[str, str | int]  #: see `novacula.runs.machine.machine`
    status: Status  #: how the run stands
    step: _Count  #: the number of steps done at the last recording
    length: _Count | None  #: the number of all steps; None until the run has begun
    created: str  #: the time of the run's beginning, as ISO 8601 in UTC
    updated: str  #: the time of the last recording
    error: str  #: the reason of a failure, or empty
    outcome: str = ""  #: what the run has found, in a few words for lists; empty before there is a result
    elsewhere: list[Origin] = field(default_factory=list)
    """Other versions and machines that computed a part of the run and may have changed its bits."""
    files: list[InputFile] = field(default_factory=list)  #: the files of the inputs, with the digests of their contents
    digest: str = ""
    """The digest of everything that decides the result: configuration, inputs, their files, seed and threads."""
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def new(cls, **begun: Unpack[NewRun]) -> "Record":
        """Returns the record of a run that begins now, on this machine."""
        configuration, inputs = to_json(begun["configuration"]), to_json(begun.get("inputs", {}))
        assert isinstance(configuration, dict) and isinstance(inputs, dict), "both are dataclasses or mappings"
        return cls(
            part=begun["part"],
            verb=begun["verb"],
            about=begun.get("about", ""),
            configuration=configuration,
            inputs=inputs,
            seed=begun["seed"],
            threads=begun["threads"],
            versions=versions(),
            platform=machine(),
            status="running",
            step=0,
            length=None,
            created=_now(),
            updated=_now(),
            error="",
        ).with_files(begun.get("files", []))

    def with_files(self, files: list[InputFile]) -> "Record":
        """Returns this record with the files of its inputs."""
        record = replace(self, files=files)
        return replace(record, digest=record._own_digest())

    def _own_digest(self) -> str:
        decisive = asdict(self)
        decisive = {name: decisive[name] for name in ("part", "verb", "configuration", "inputs", "files", "threads")}
        return digest_of(json.dumps([decisive, self.seed], sort_keys=True).encode())

    def read_configuration(self, kind: type[_Options], path: Path) -> _Options:
        """Returns the configuration as its dataclass.

        Raises:
            InputError: an option is unknown or missing, has another type, is out of its range, or was changed; or an
                earlier novacula made the run.
        """
        return self._read(kind, "configuration", path)

    def read_inputs(self, kind: type[_Options], path: Path) -> _Options:
        """Returns the inputs as their dataclass, with arguments and errors as `read_configuration`."""
        return self._read(kind, "inputs", path)

    def _read(self, kind: type[_Options], entry: Literal["configuration", "inputs"], path: Path) -> _Options:
        stored, place = getattr(self, entry), f"{path}/run.json, {entry}"
        if self.schema_version == _OLD or not self.digest:
            raise InputError(place, "was written by an earlier novacula: the run can be shown, but not resumed")
        known = {field.name for field in fields(kind)}  # pyright: ignore[reportArgumentType]
        problems = [f"{name!r} is unknown" for name in sorted(stored.keys() - known)]
        problems += [f"{name!r} is missing" for name in sorted(known - stored.keys())]
        refuse(problems, place)
        options = from_json(kind, stored, place)
        if self.digest != self._own_digest():
            problem = "its digest is not that of its configuration, inputs, files, seed and threads: one was changed"
            raise InputError(f"{path}/run.json", f"is damaged: {problem}")
        return options

    def updated_with(self, *, status: Status, step: int, length: int | None, error: str = "") -> "Record":
        """Returns this record with another status and the present time."""
        return replace(self, status=status, step=step, length=length, error=error, updated=_now())

    def write(self, path: Path) -> None:
        """Replaces `path` atomically.

        Raises:
            ValueError: JSON cannot express the configuration.
            OSError: the disk or the folder refused.
        """
        write_json(path, {**asdict(self), "schema_version": self.schema_version})

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Returns the record in `path`.

        Raises:
            InputError: the file is unreadable or no JSON, a newer novacula wrote it, or an entry is missing or wrong.
        """
        document = check_schema(read_json(path), str(path), SCHEMA_VERSION)
        document = {"outcome": "", "elsewhere": [], "files": [], "digest": "", **document}
        if document["schema_version"] == _OLD:  # it lacks these two entries
            options = document.get("configuration")
            about = options.get("task", "") if isinstance(options, dict) else ""
            document |= {"inputs": options, "about": about if isinstance(about, str) else ""}
        record = from_json(cls, document, str(path))
        times = {"created": record.created, "updated": record.updated}
        wrong = [name for name, time in times.items() if not _is_time(time)]
        refuse([f"{name} must be a time in ISO 8601 with its zone" for name in wrong], str(path))
        return record


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
