"""A job, its outcome and its seed, and the interface of the executors that compute jobs."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol, TypeVar, runtime_checkable

import msgspec

from novacula.errors import refuse
from novacula.files import JSON, from_json
from novacula.runs.machine import Origin

Kind = TypeVar("Kind")

Ending = Literal["finished", "interrupted", "time-limit"]
"""How a run of jobs ends: ``finished`` if every job has finished or failed, otherwise the reason of the stop."""

_FromZero = Annotated[float, msgspec.Meta(ge=0)]
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")


@dataclass(frozen=True)
class Job:
    """A call of a pure function of (configuration, seed)."""

    id: str
    """A name that is unique in the run, without regard to case. It names a file: it has at most 120 letters, digits,
    ``.``, ``_`` and ``-``, and begins with neither ``.`` nor ``-``."""
    configuration: object
    """Everything that decides the result beside the seed: a dataclass, or a value that JSON can express. On a
    cluster it names no file that only this machine has."""
    cost: float = 1.0  #: the expected effort in any unit; the most costly job begins first
    memory_mb: float = 500.0  #: the expected peak of memory, for the memory limit
    cores: int = 1  #: the number of cores that a cluster reserves, from 1. The job itself computes on one thread.
    gpus: float = 0.0  #: the number of GPUs, or the part of one, that a cluster reserves: 0, 0.25, 1, 2, ..


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job."""

    id: str  #: the job's id
    status: Literal["finished", "failed"]
    """``finished``, or ``failed`` if the work raised an error or its worker died at every try."""
    result: Mapping[str, JSON] | None  #: the result of the work as JSON, or None if the job failed
    error: str  #: the reason of a failure, or empty
    cpu_seconds: _FromZero  #: the processor time of the last try and of the programs that it ran; 0 if its worker died
    peak_memory_mb: _FromZero  #: the largest resident memory of the worker in it, in 10^6 bytes; 0 if the worker died
    tries: Annotated[int, msgspec.Meta(ge=1)]  #: the number of tries in the run that recorded this outcome
    origin: Origin = field(default_factory=Origin)
    """The versions and the machine that computed it; empty if its worker died."""

    def result_as(self, kind: type[Kind]) -> Kind | None:
        """Returns the result as the dataclass that the work returned, or None if the job failed.

        Raises:
            InputError: the outcome's file is damaged.
        """
        return None if self.result is None else from_json(kind, self.result, f"the outcome of the job {self.id}")


@dataclass(frozen=True)
class Counts:
    """The numbers of jobs of a run."""

    total: int  #: all jobs
    finished: int  #: the jobs with a result
    failed: int  #: the jobs that failed since this run began
    running: int  #: the jobs at work
    kept: int  #: the finished jobs whose result comes from an earlier run


@dataclass(frozen=True)
class Report:
    """The end of a run of jobs."""

    status: Ending  #: how the run ended
    counts: Counts  #: the numbers of jobs
    outcomes: tuple[Outcome, ...]
    """The outcomes of finished and failed jobs, in the order of the given jobs. The run did not begin, or cut off, a
    job without one."""


def job_seed(seed: int, job_id: str) -> int:
    """Returns the seed of a job, in 0 … 2^64 - 1. It depends on the run's seed and the job's id alone."""
    import numpy as np

    digest = hashlib.blake2b(job_id.encode(), digest_size=16).digest()
    words = [int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4)]
    return int(np.random.SeedSequence(seed, spawn_key=words).generate_state(1, np.uint64)[0])


def check_jobs(jobs: Sequence[Job]) -> None:
    """Makes sure that every job can run and that its outcome can have a file.

    Raises:
        InputError: an id is no file name or occurs twice, or a cost or a resource is out of its range. The error lists
            all problems.
    """
    problems: list[str] = []
    seen: set[str] = set()
    for job in jobs:
        if not _ID.fullmatch(job.id):
            problems.append(
                f"the id {job.id[:130]!r} must be 1 to 120 letters, digits, '.', '_' or '-' and begin with neither "
                "'.' nor '-'"
            )
        elif job.id.casefold() in seen:
            problems.append(f"the id {job.id!r} is given twice, if only in another case; ids must differ")
        seen.add(job.id.casefold())
        if not (math.isfinite(job.cost) and job.cost >= 0):
            problems.append(f"the cost of {job.id!r} is {job.cost}; it must be a number from 0")
        if not (math.isfinite(job.memory_mb) and job.memory_mb > 0):
            problems.append(f"the memory of {job.id!r} is {job.memory_mb} MB; it must be a number above 0")
        if job.cores < 1:
            problems.append(f"the cores of {job.id!r} are {job.cores}; there must be at least 1")
        if not (0 <= job.gpus <= 1 or (math.isfinite(job.gpus) and job.gpus > 0 and job.gpus == int(job.gpus))):
            problems.append(f"the GPUs of {job.id!r} are {job.gpus}; give a part of one, or a whole number")
    refuse(problems, "jobs")


@dataclass(frozen=True)
class Ended:
    """The end of a job in its pool."""

    id: str  #: the job's id
    answer: bytes | None  #: the result of `novacula.jobs.work.answer_request`, or None if the worker died before
    death: str = ""  #: how the worker died, or empty


@runtime_checkable
class Pool(Protocol):
    """Workers that can compute jobs of one work."""

    def room(self) -> float:
        """Returns the megabytes that the next job may declare: 0 if no worker is free, infinity if all are."""
        ...

    def start(self, job: Job, request: bytes) -> None:
        """Begins a job, for which the pool has room."""
        ...

    def wait(self, seconds: float) -> list[Ended]:
        """Returns the ended jobs. If there are none, it waits for one, for at most this time.

        Raises:
            RunError: workers cannot start any more.
        """
        ...


@runtime_checkable
class Executor(Protocol):
    """Offers workers. The kind and the number of workers change no result."""

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages that may contain the work."""
        ...

    def open(self, work: str) -> AbstractContextManager[Pool]:
        """Opens a pool of workers for the time of this context. The end of the context stops all jobs in the pool.

        Raises:
            InputError: this place to compute does not exist.
        """
        ...
