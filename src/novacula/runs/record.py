"""What ``run.json`` says about a run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from novacula.errors import InputError
from novacula.files import check_schema, read_json, write_json
from novacula.runs.machine import machine, versions

Status = Literal["running", "finished", "interrupted", "time-limit", "failed"]
"""How a run stands. ``time-limit`` and ``interrupted`` runs kept the best so far and can be resumed."""

SCHEMA_VERSION = 1
_Options = TypeVar("_Options")


@dataclass(frozen=True)
class Record:
    """The content of ``run.json``.

    Attributes:
        part: the part of novacula that made the run, such as ``arc``.
        verb: its verb, such as ``solve``.
        configuration: every option that decides the result, as JSON.
        seed: the run's seed.
        threads: numeric threads that it computes with.
        versions: see `novacula.runs.machine.versions`.
        platform: see `novacula.runs.machine.machine`.
        status: how the run stands.
        step: steps done when the record was last written.
        length: steps in all; None until the run has begun.
        created: when, as ISO 8601 in UTC.
        updated: when the record was last written.
        error: why the run failed; empty otherwise.
    """

    part: str
    verb: str
    configuration: dict[str, Any]
    seed: int
    threads: int
    versions: dict[str, Any]
    platform: dict[str, Any]
    status: Status
    step: int
    length: int | None
    created: str
    updated: str
    error: str

    @classmethod
    def new(cls, *, part: str, verb: str, configuration: Mapping[str, Any], seed: int, threads: int) -> "Record":
        """The record of a run that begins now, on this machine."""
        return cls(
            part=part,
            verb=verb,
            configuration=dict(configuration),
            seed=seed,
            threads=threads,
            versions=dict(versions()),
            platform=dict(machine()),
            status="running",
            step=0,
            length=None,
            created=_now(),
            updated=_now(),
            error="",
        )

    def options(self, kind: type[_Options]) -> _Options:
        """The configuration as the dataclass that it was made from; what that has no field for is left out.

        Raises:
            InputError: an option is out of its range.
        """
        stored = {
            name: tuple(value) if isinstance(value, list) else value for name, value in self.configuration.items()
        }
        return kind(**{name: stored[name] for name in _field_names(kind) if name in stored})

    def updated_with(self, *, status: Status, step: int, length: int | None, error: str = "") -> "Record":
        """The same record at another status, as of now."""
        return replace(self, status=status, step=step, length=length, error=error, updated=_now())

    def write(self, path: Path) -> None:
        """Replace `path` atomically.

        Raises:
            ValueError: the configuration holds what JSON cannot say.
            OSError: the disk or the folder refused.
        """
        write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(self)})

    @classmethod
    def read(cls, path: Path) -> "Record":
        """The record in `path`.

        Raises:
            InputError: unreadable, not JSON, of a newer novacula, or with entries missing or of the wrong type.
        """
        document = check_schema(read_json(path), str(path), SCHEMA_VERSION)
        problems = [f"{name} must be {rule}" for name, (rule, holds) in _RULES.items() if not holds(document.get(name))]
        if problems:
            raise InputError(str(path), *problems)
        return cls(**{name: document[name] for name in _RULES})  # pyright: ignore[reportArgumentType]


_TEXT = ("a text", lambda value: isinstance(value, str))
_OBJECT = ("an object", lambda value: isinstance(value, dict))
_COUNT = ("a whole number from 0", lambda value: type(value) is int and value >= 0)
_TIME = ("a time in ISO 8601 with its zone", lambda value: _is_time(value))
_RULES = {
    "part": _TEXT,
    "verb": _TEXT,
    "configuration": _OBJECT,
    "seed": _COUNT,
    "threads": _COUNT,
    "versions": _OBJECT,
    "platform": _OBJECT,
    "status": (f"one of {', '.join(get_args(Status))}", lambda value: value in get_args(Status)),
    "step": _COUNT,
    "length": ("a whole number from 0, or null", lambda value: value is None or _COUNT[1](value)),
    "created": _TIME,
    "updated": _TIME,
    "error": _TEXT,
}


def _field_names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
