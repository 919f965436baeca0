"""Reads and writes the files of outcomes: ``jobs/<id>.json`` in the run's folder, one for every ended job.

A file also contains a digest of work, configuration and seed, a digest of the result, and the versions and the machine
that computed it.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from novacula.errors import InputError, refuse
from novacula.files import (
    JSON,
    TEXT,
    Rules,
    check_entries,
    check_schema,
    contained,
    digest_of,
    from_json,
    read_json,
    to_json,
    write_json,
)
from novacula.jobs.job import Job, Outcome
from novacula.jobs.work import MAX_RESULT, MAX_RESULT_MEMORY

SCHEMA_VERSION = 1
FOLDER = "jobs"
_MAX_BYTES = MAX_RESULT + 1_000_000
_LOG = logging.getLogger(__name__)
_NUMBER = ("a number from 0", lambda value: type(value) in (int, float) and value >= 0)
_RULES: Rules = {
    "id": TEXT,
    "status": ("finished or failed", lambda value: value in ("finished", "failed")),
    "result": ("an object, or null", lambda value: value is None or isinstance(value, dict)),
    "error": TEXT,
    "cpu_seconds": _NUMBER,
    "peak_memory_mb": _NUMBER,
    "tries": ("a whole number from 1", lambda value: type(value) is int and value >= 1),
}
ORIGIN = ("versions", "platform")
"""The entries of a file that contain the outcome's origin; see `novacula.runs.Origin`."""


class _DamagedError(InputError):
    """A file contains no outcome."""


def digest_of_job(work: str, job: Job, seed: int) -> str:
    """Returns the digest of work, configuration and seed, by which a file names the job of its outcome."""
    return _digest([work, to_json(job.configuration), seed])


def read_outcome(folder: Path, job_id: str) -> Outcome | None:
    """Returns the outcome of a job in a run's folder, or None if there is none.

    Raises:
        InputError: the file is damaged, a newer novacula wrote it, or the id leads out of the folder.
    """
    path = _path(folder, job_id)
    return _outcome(_document(path), path) if path.exists() else None


def write_outcome(folder: Path, outcome: Outcome, digest: str) -> None:
    """Writes the file of an outcome atomically, with its `digest_of_job`.

    Raises:
        OSError: the disk or the folder refused.
    """
    path = _path(folder, outcome.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    document = asdict(outcome)
    origin = {name: value or None for name, value in document.pop("origin").items()}
    digests = {"digest": digest, "result_digest": _digest(document["result"])}
    write_json(path, {"schema_version": SCHEMA_VERSION, **document, **digests, **origin})


def kept_outcomes(folder: Path, digests: Mapping[str, str]) -> dict[str, Outcome]:
    """Returns the outcomes of finished jobs from an earlier run; `digests` are those of all jobs, by id.

    A failed job counts as not done. So does a job with a damaged file, which the function logs.

    Raises:
        InputError: an outcome belongs to a newer novacula, or to another work, configuration or seed. The folder then
            belongs to another run, and nobody may change it.
    """
    kept: dict[str, Outcome] = {}
    problems: list[str] = []
    for job_id, digest in digests.items():
        path = _path(folder, job_id)
        if not path.exists():
            continue
        try:
            document = _document(path)
            outcome = _outcome(document, path)
        except _DamagedError as error:
            _LOG.warning("%s; this job is done again", error)
            continue
        if document.get("digest") != digest:
            problems.append(f"{path.name} is of another work, configuration or seed")
        elif outcome.status == "finished":
            kept[job_id] = outcome
    refuse(problems, str(folder / FOLDER))
    return kept


def _digest(value: object) -> str:
    return digest_of(json.dumps(value, sort_keys=True).encode())


def _path(folder: Path, job_id: str) -> Path:
    return contained(folder, f"{FOLDER}/{job_id}.json")


def _document(path: Path) -> dict[str, JSON]:
    try:
        document = read_json(path, max_bytes=_MAX_BYTES, max_memory=MAX_RESULT_MEMORY)
    except InputError as error:
        raise _DamagedError(error.source, *error.problems) from error
    if not isinstance(document, dict) or type(document.get("schema_version")) is not int:
        raise _DamagedError(str(path), "must hold an object with a schema_version")
    return check_schema(document, str(path), SCHEMA_VERSION)


def _outcome(document: dict[str, JSON], path: Path) -> Outcome:
    problems = check_entries(document, _RULES)
    if document.get("id") != path.name.removesuffix(".json"):
        problems.append("id must be the file's name")
    if (document.get("status") == "finished") != (document.get("result") is not None):
        problems.append("a finished job must have a result, and a failed one none")
    if "result_digest" in document and document["result_digest"] != _digest(document.get("result")):
        problems.append("result must be the one with this result_digest")
    if problems:
        raise _DamagedError(str(path), *problems)
    origin = {name: document[name] for name in ORIGIN if isinstance(document.get(name), dict)}
    return from_json(Outcome, document | {"origin": origin}, str(path))
