"""What a job is, what becomes of it, and the seed that it computes with."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from novacula.errors import InputError
from novacula.files import JSON, from_json

Kind = TypeVar("Kind")

Ending = Literal["finished", "interrupted", "time-limit"]
"""How a run of jobs ends: ``finished`` once every job has finished or failed, otherwise what stopped it."""

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")


@dataclass(frozen=True)
class Job:
    """A pure function of (configuration, seed), still to be computed.

    Attributes:
        id: unique among the jobs of a run, without regard to case, as it names a file: at most 120 letters, digits,
            ``.``, ``_`` and ``-``, the first neither ``.`` nor ``-``.
        configuration: all that decides the result, beside the seed: a dataclass, or what JSON can say. On a cluster it
            names no file that only this machine has.
        cost: expected effort, in any unit: the largest is done first.
        memory_mb: expected peak, for the memory limit.
        cores: that a cluster keeps free for it, from 1. It computes on one thread, but may run programs of its own.
        gpus: how many GPUs, or which part of one, a cluster keeps free for it: 0, 0.25, 1, 2, ...
    """

    id: str
    configuration: object
    cost: float = 1.0
    memory_mb: float = 500.0
    cores: int = 1
    gpus: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        id: the job's.
        status: ``failed`` where the work raised an error, or its worker died at every try.
        result: what the work returned, as JSON; None where it failed.
        error: why it failed; empty otherwise.
        cpu_seconds: processor time of the last try, with that of the programs it ran; 0 where its worker died.
        peak_memory_mb: largest resident memory of the worker during that try, in 10^6 bytes; 0 where the worker died.
        tries: how many times the job was begun in the run that recorded this.
        origin: the ``versions`` and the ``platform`` that computed it; empty where its worker died.
    """

    id: str
    status: Literal["finished", "failed"]
    result: Mapping[str, JSON] | None
    error: str
    cpu_seconds: float
    peak_memory_mb: float
    tries: int
    origin: Mapping[str, JSON] = field(default_factory=dict)

    def result_as(self, kind: type[Kind]) -> Kind | None:
        """Returns the result as the dataclass that the work returned, or None where the job failed.

        Raises:
            InputError: the outcome's file is damaged.
        """
        return None if self.result is None else from_json(kind, self.result, f"the outcome of the job {self.id}")


@dataclass(frozen=True)
class Counts:
    """How many jobs stand how.

    Attributes:
        total: jobs in all.
        finished: those with a result.
        failed: those that failed since this run began.
        running: those that are being computed.
        kept: the finished ones whose result an earlier run had left.
    """

    total: int
    finished: int
    failed: int
    running: int
    kept: int


@dataclass(frozen=True)
class Report:
    """How a run of jobs ended.

    Attributes:
        status: how the run ended.
        counts: how many jobs stand how.
        outcomes: of the jobs that have finished or failed, in the order in which the jobs were given. A job without one
            was not reached, or was cut off.
    """

    status: Ending
    counts: Counts
    outcomes: tuple[Outcome, ...]


def job_seed(seed: int, job_id: str) -> int:
    """The seed of a job, in 0 … 2^64 - 1: a function of the run's seed and the job's id, of neither order nor time.

    Args:
        seed: the run's, from 0.
        job_id: the job's.
    """
    import numpy as np

    digest = hashlib.blake2b(job_id.encode(), digest_size=16).digest()
    words = [int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4)]
    return int(np.random.SeedSequence(seed, spawn_key=words).generate_state(1, np.uint64)[0])


def check_jobs(jobs: Sequence[Job]) -> None:
    """Make sure that every job can be run and its outcome be filed.

    Raises:
        InputError: an id that is no file name or is given twice, a cost or a resource out of its range; all are listed.
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
    if problems:
        raise InputError("jobs", *problems)
