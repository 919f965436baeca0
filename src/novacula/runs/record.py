"""What ``run.json`` says about a run."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, TypedDict, TypeVar, Union, get_args, get_origin, get_type_hints

from typing_extensions import Unpack

from novacula.errors import InputError
from novacula.files import check_schema, from_json, read_json, write_json
from novacula.functions import check_functions
from novacula.runs.consent import named_functions
from novacula.runs.machine import machine, versions

Status = Literal["running", "finished", "interrupted", "time-limit", "failed"]
"""How a run stands. ``time-limit`` and ``interrupted`` runs kept the best so far and can be resumed."""

SCHEMA_VERSION = 2
_OLD = 1
_Options = TypeVar("_Options")


class NewRun(TypedDict):
    """What is recorded of a run that begins; see `Record`."""

    part: str
    verb: str
    configuration: Mapping[str, Any]
    seed: int
    threads: int
    inputs: NotRequired[Mapping[str, Any]]
    about: NotRequired[str]


@dataclass(frozen=True)
class Record:
    """The content of ``run.json``.

    Attributes:
        part: the part of novacula that made the run, such as ``arc``.
        verb: its verb, such as ``solve``.
        about: what the run is about, such as a puzzle's id, for lists.
        configuration: every option that decides the result, as JSON.
        inputs: what the run begins with beside its options, such as the name of a file, as JSON.
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
        elsewhere: versions and platforms that computed a part of the run, where its bits may differ from what those
            above give.
    """

    part: str
    verb: str
    about: str
    configuration: dict[str, Any]
    inputs: dict[str, Any]
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
    elsewhere: list[dict[str, Any]] = field(default_factory=list)
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def new(cls, **begun: Unpack[NewRun]) -> "Record":
        """Returns the record of a run that begins now, on this machine."""
        return cls(
            part=begun["part"],
            verb=begun["verb"],
            about=begun.get("about", "") or str(begun["configuration"].get("task", "")),
            configuration=dict(begun["configuration"]),
            inputs=dict(begun.get("inputs", {})),
            seed=begun["seed"],
            threads=begun["threads"],
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
            InputError: an option is out of its range, or of another type, or names a function that the user has not
                named (`novacula.runs.consent`).
        """
        check_functions(named_functions(self.part, self.configuration))
        hints = get_type_hints(kind)
        stored = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.configuration.items()
            if name in _field_names(kind)
        }
        if wrong := [name for name, value in stored.items() if not _fits(value, hints[name])]:
            raise InputError("run.json", *(f"the option {name} is {str(stored[name])[:40]!r}" for name in wrong))
        return kind(**stored)

    def read_configuration(self, kind: type[_Options], path: Path) -> _Options:
        """Returns the configuration as the dataclass that it was made from.

        Args:
            kind: the dataclass.
            path: the run's folder, for errors.

        Raises:
            InputError: an option is unknown or missing, of another type, or out of its range; or the run was made by
                an earlier novacula.
        """
        return self._read(kind, self.configuration, f"{path}/run.json, configuration")

    def read_inputs(self, kind: type[_Options], path: Path) -> _Options:
        """Returns the inputs as the dataclass that they were made from; arguments and errors as above."""
        return self._read(kind, self.inputs, f"{path}/run.json, inputs")

    def _read(self, kind: type[_Options], stored: Mapping[str, Any], place: str) -> _Options:
        if self.schema_version == _OLD:
            raise InputError(place, "was written by an earlier novacula: the run can be shown, but not resumed")
        known = set(_field_names(kind))
        problems = [f"{name!r} is unknown" for name in sorted(stored.keys() - known)]
        problems += [f"{name!r} is missing" for name in sorted(known - stored.keys())]
        if problems:
            raise InputError(place, *problems)
        return from_json(kind, stored, place)

    def updated_with(self, *, status: Status, step: int, length: int | None, error: str = "") -> "Record":
        """The same record at another status, as of now."""
        return replace(self, status=status, step=step, length=length, error=error, updated=_now())

    def write(self, path: Path) -> None:
        """Replace `path` atomically.

        Raises:
            ValueError: the configuration holds what JSON cannot say.
            OSError: the disk or the folder refused.
        """
        write_json(path, {**asdict(self), "schema_version": self.schema_version})

    @classmethod
    def read(cls, path: Path) -> "Record":
        """The record in `path`.

        Raises:
            InputError: unreadable, not JSON, of a newer novacula, or with entries missing or of the wrong type.
        """
        document = check_schema(read_json(path), str(path), SCHEMA_VERSION)
        document = {"elsewhere": [], **document}
        if document["schema_version"] == _OLD:  # it had no entries for these two
            options = document.get("configuration")
            about = options.get("task", "") if isinstance(options, dict) else ""
            document |= {"inputs": options, "about": about if isinstance(about, str) else ""}
        problems = [
            f"{name} must be {rule}"
            for name, (rule, holds) in _RULES.items()
            if name not in document or not holds(document[name])
        ]
        if problems:
            raise InputError(str(path), *problems)
        return cls(**{name: document[name] for name in (*_RULES, "schema_version")})  # pyright: ignore[reportArgumentType]


_TEXT = ("a text", lambda value: isinstance(value, str))
_OBJECT = ("an object", lambda value: isinstance(value, dict))
_COUNT = ("a whole number from 0", lambda value: type(value) is int and value >= 0)
_TIME = ("a time in ISO 8601 with its zone", lambda value: _is_time(value))
_RULES = {
    "part": _TEXT,
    "verb": _TEXT,
    "about": _TEXT,
    "configuration": _OBJECT,
    "inputs": _OBJECT,
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
    "elsewhere": ("a list of objects", lambda value: isinstance(value, list) and all(map(_OBJECT[1], value))),
}


def _field_names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


def _fits(value: object, hint: Any) -> bool:
    """Whether an option that was read is of its field's type; types that JSON does not have are not judged."""
    within = get_args(hint)
    match get_origin(hint) or hint:
        case kind if kind is Literal:
            return value in within
        case kind if kind in (Union, UnionType):
            return any(_fits(value, each) for each in within)
        case kind if kind is tuple:
            return isinstance(value, tuple) and all(_fits(each, within[0]) for each in value)
        case kind if kind is float:
            return type(value) in (int, float)
        case kind if kind in (int, str, bool, NoneType):
            return type(value) is kind
    return True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
