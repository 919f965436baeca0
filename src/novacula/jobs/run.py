"""Runs many jobs, the most costly first, and records each at its end. It runs no finished job again.

The file of an outcome is ``jobs/<id>.json`` in the run's folder. It also contains a digest of work, configuration and
seed, a digest of the result, and the versions and the machine that computed it.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from novacula.errors import InputError, refuse
from novacula.files import (
    JSON,
    check_schema,
    contained,
    digest_of,
    from_json,
    parse_json,
    read_json,
    to_json,
    write_json,
)
from novacula.jobs.job import Counts, Ended, Ending, Executor, Job, Outcome, Pool, Report, check_jobs, job_seed
from novacula.jobs.work import MAX_RESULT, MAX_RESULT_MEMORY, check_work, make_request
from novacula.runs.guards import Stop, stop_signals

SCHEMA_VERSION = 1
FOLDER = "jobs"
_MAX_BYTES = MAX_RESULT + 1_000_000
_LOG = logging.getLogger(__name__)
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
    problems = []
    if document.get("id") != path.name.removesuffix(".json"):
        problems.append("id must be the file's name")
    if (document.get("status") == "finished") != (document.get("result") is not None):
        problems.append("a finished job must have a result, and a failed one none")
    if "result_digest" in document and document["result_digest"] != _digest(document.get("result")):
        problems.append("result must be the one with this result_digest")
    if problems:
        raise _DamagedError(str(path), *problems)
    origin = {name: document[name] for name in ORIGIN if isinstance(document.get(name), dict)}
    try:
        return from_json(Outcome, document | {"origin": origin}, str(path))
    except InputError as error:
        raise _DamagedError(error.source, *error.problems) from error


OnOutcome = Callable[[Outcome, Counts], None]
"""A callback in the driver for every outcome: first those of an earlier run, then each new one."""

_TRIES = 3  #: the number of tries of a job whose worker dies each time
_GRACE = 1.0  #: the seconds in which running jobs can end after a stop of the run
_TICK = 0.5  #: the longest time in seconds until the loop notices a signal


def run_jobs(
    work: str,
    jobs: Sequence[Job],
    *,
    folder: Path,
    seed: int,
    executor: Executor,
    time_limit: float | None = None,
    on_outcome: OnOutcome | None = None,
) -> Report:
    """Runs every job that has no result in the folder yet, and writes each outcome to ``<folder>/jobs`` at its end.

    A job's result depends on its configuration and on `job_seed` alone: not on the executor, the number of workers,
    their order, or the death of a worker. A job whose worker dies gets up to three tries. A job that raises an error
    has failed, and the others continue. A further call does the jobs that failed or did not begin.

    After a signal (`novacula.errors.at_signals`) or the time limit, no further job begins. The function stops jobs that
    do not end within a second, and does not record them. A second SIGINT or SIGQUIT stops them at once.

    Args:
        work: ``package.module:function``: a public function of (configuration, seed) in the executor's packages. It
            returns a dataclass or a mapping for JSON, and runs in a process with one numeric thread.
        jobs: the jobs in any order. The most costly ones begin first, if there is memory.
        folder: the run's folder, whose lock the caller holds.
        seed: the run's seed, from 0.
        executor: the place to compute.
        time_limit: the limit in seconds of wall time.
        on_outcome: the callback for every outcome, for example to show progress.

    Raises:
        InputError: the work is not allowed or does not exist, jobs cannot be run (`novacula.jobs.job.check_jobs`), the
            folder holds outcomes of another run, or there is no such cluster. Nothing has been run then.
        ValueError: a configuration holds what JSON cannot say.
        RunError: no worker can be had any more.
        OSError: the disk or the folder refused; outcomes that were recorded stay.
        KeyboardInterrupt: at the second SIGINT or SIGQUIT.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    check_work(work, executor.packages)
    check_jobs(jobs)
    queue = _Queue(folder, on_outcome, tuple(jobs))
    for job in jobs:
        job_own = job_seed(seed, job.id)
        queue.requests[job.id] = make_request(job.configuration, job_own)
        queue.digests[job.id] = digest_of_job(work, job, job_own)
    queue.keep(kept_outcomes(folder, queue.digests))
    status = "finished"
    if queue.waiting:
        with stop_signals() as stop, executor.open(work) as pool:
            status = _conduct(queue, pool, stop, deadline)
    return Report(status, queue.counts(), queue.in_order())


@dataclass
class _Queue:
    """The jobs of a run: waiting, running, and ended ones."""

    folder: Path
    on_outcome: OnOutcome | None
    jobs: tuple[Job, ...]
    requests: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    waiting: list[Job] = field(default_factory=list)
    running: dict[str, Job] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    kept: int = 0
    failed: int = 0

    def keep(self, outcomes: Mapping[str, Outcome]) -> None:
        """Takes the outcomes of an earlier run. The other jobs wait, the most costly first."""
        self.kept = len(outcomes)
        for outcome in outcomes.values():
            self._add(outcome)
        # Jobs of equal cost keep the order of the given jobs.
        left = [job for job in self.jobs if job.id not in outcomes]
        self.waiting = sorted(left, key=lambda job: -job.cost)

    def hand_out(self, pool: Pool) -> None:
        """Begins the most costly jobs for which the pool has room. Jobs that wait for memory let smaller ones pass."""
        while (room := pool.room()) > 0:
            index = next((index for index, job in enumerate(self.waiting) if job.memory_mb <= room), None)
            if index is None:
                return
            job = self.waiting.pop(index)
            self.tries[job.id] = self.tries.get(job.id, 0) + 1
            self.running[job.id] = job
            pool.start(job, self.requests[job.id])

    def settle(self, ended: Ended) -> None:
        """Records a job's outcome. If its worker died and it has a further try, the job waits again."""
        job = self.running.pop(ended.id)
        tries = self.tries[job.id]
        if ended.answer is None and tries < _TRIES:
            self.waiting.insert(0, job)
            return
        outcome = _read(ended, tries)
        write_outcome(self.folder, outcome, self.digests[job.id])
        self._add(outcome)

    def counts(self) -> Counts:
        """Returns the numbers of jobs."""
        finished = len(self.outcomes) - self.failed
        return Counts(len(self.jobs), finished, self.failed, len(self.running), self.kept)

    def in_order(self) -> tuple[Outcome, ...]:
        """Returns the outcomes in the order of the given jobs."""
        return tuple(self.outcomes[job.id] for job in self.jobs if job.id in self.outcomes)

    def _add(self, outcome: Outcome) -> None:
        self.outcomes[outcome.id] = outcome
        self.failed += outcome.status == "failed"
        if self.on_outcome:
            self.on_outcome(outcome, self.counts())


def _conduct(queue: _Queue, pool: Pool, stop: Stop, deadline: float | None) -> Ending:
    """Hands out jobs and settles them until none is left, or a signal or the time limit ends the run."""
    ending: Ending | None = None
    horizon = math.inf if deadline is None else deadline
    while queue.waiting or queue.running:
        now = time.monotonic()
        if not ending and (stop.requested or now >= horizon):
            ending, horizon = "interrupted" if stop.requested else "time-limit", now + _GRACE
        if ending and (now >= horizon or not queue.running):
            return ending
        if not ending:
            queue.hand_out(pool)
        for ended in pool.wait(min(_TICK, max(0.0, horizon - now))):
            queue.settle(ended)
    return "finished"


def _read(ended: Ended, tries: int) -> Outcome:
    """Returns the outcome of an ended job."""
    if ended.answer is None:
        error = f"its worker died at each of {tries} tries; the last: {ended.death}"
        return Outcome(ended.id, "failed", None, error, cpu_seconds=0.0, peak_memory_mb=0.0, tries=tries)
    place = f"answer of {ended.id}"
    document = parse_json(ended.answer, place, max_memory=MAX_RESULT_MEMORY)
    assert isinstance(document, dict), "our own workers answer with an object"
    origin = {name: document[name] for name in ORIGIN}
    return from_json(Outcome, {**document, "id": ended.id, "tries": tries, "origin": origin}, place)
