"""Runs jobs on processes of this machine.

Each worker is a `novacula.child.Child`. Ctrl-C at the terminal therefore reaches only the driver, which decides about
the workers, and the end of a worker ends the programs that it runs.
"""

import logging
import math
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for
from typing import IO

from novacula.child import Child
from novacula.errors import RunError
from novacula.jobs.job import Ended, Job, Pool
from novacula.jobs.work import ONE_THREAD, PACKAGES, READY
from novacula.options import CampaignOptions

# After these seconds a new worker replaces an old one, which bounds what its jobs leak. The run gives up after this
# number of workers in a row that die before they are ready.
_LIFETIME, _STARTS = 900.0, 3
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalExecutor:
    """Processes of this machine.

    Raises:
        InputError: a number is out of its range; the error lists all problems.
    """

    workers: int = 2  #: the number of processes
    memory_limit_mb: float | None = None
    """The most memory that running jobs may declare together, in 10^6 bytes, or None. A job that declares more runs
    alone."""
    packages: tuple[str, ...] = PACKAGES  #: the packages that may contain the work. Never take them from a file.

    def __post_init__(self) -> None:
        CampaignOptions(self.workers, memory_limit=self.memory_limit_mb)  # checks them

    def warn_of_large(self, jobs: Sequence[Job]) -> None:
        """Logs a line if jobs declare more memory than the limit."""
        limit = self.memory_limit_mb or math.inf
        if large := [job.memory_mb for job in jobs if job.memory_mb > limit]:
            said = "the memory limit is %g MB; %d of %d jobs may take more, up to %g MB, and each of them runs alone"
            _LOG.warning(said, limit, len(large), len(jobs), math.ceil(max(large)))

    @contextmanager
    def open(self, work: str) -> Iterator[Pool]:
        """Opens the processes for the time of this context. Each begins when a job first needs it."""
        pool = _LocalPool(self, work)
        try:
            yield pool
        finally:
            pool.close()


@dataclass
class _Worker:
    """A worker process, on the driver's side."""

    child: Child
    complaints: IO[bytes]
    born: float = field(default_factory=time.monotonic)
    ready: bool = False
    job: Job | None = None
    request: bytes = b""

    @classmethod
    def begin(cls, work: str, packages: tuple[str, ...]) -> "_Worker":
        complaints = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the worker
        child = Child("novacula.jobs.work:serve", [work, packages], output=complaints, environment=ONE_THREAD)
        return cls(child, complaints)

    def end(self) -> None:
        """Ends the process and the programs that it runs at once."""
        self.child.end()
        self.complaints.close()

    def epitaph(self) -> str:
        """Returns how the dead or dying process died, and the last line of its output."""
        patience = time.monotonic() + 5
        while not self.child.has_died() and time.monotonic() < patience:  # the connection closes a little earlier
            time.sleep(0.005)
        self.complaints.seek(max(0, self.complaints.seek(0, os.SEEK_END) - 2000))
        said = self.complaints.read().decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
        self.end()
        how = self.child.cause_of_death()
        hint = "it may have run out of memory" if how == signal.SIGKILL.name else said
        return f"{how}: {hint}" if hint else how


class _LocalPool:
    """The workers of one work; see `novacula.jobs.job.Pool`."""

    def __init__(self, executor: LocalExecutor, work: str) -> None:
        self._executor = executor
        self._work = work
        self._workers: list[_Worker] = []
        self._stillborn = 0

    def room(self) -> float:
        declared = [worker.job.memory_mb for worker in self._workers if worker.job]
        if len(declared) >= self._executor.workers:
            return 0.0
        if not declared or self._executor.memory_limit_mb is None:
            return math.inf
        return max(0.0, self._executor.memory_limit_mb - sum(declared))

    def start(self, job: Job, request: bytes) -> None:
        worker = self._idle_worker()
        worker.job, worker.request = job, request
        with suppress(OSError):  # the worker has just died, and `wait` will notice
            worker.child.connection.send_bytes(request)

    def wait(self, seconds: float) -> list[Ended]:
        busy = [worker for worker in self._workers if worker.job]
        spoke = wait_for([worker.child.connection for worker in busy], seconds)
        # A program of a dead worker may hold the worker's connection open.
        heard = [worker for worker in busy if worker.child.connection in spoke or worker.child.has_died()]
        return [ended for worker in heard if (ended := self._hear(worker))]

    def close(self) -> None:
        while self._workers:
            self._workers.pop().end()

    def _idle_worker(self) -> _Worker:
        for worker in [worker for worker in self._workers if not worker.job]:
            if not worker.child.has_died() and time.monotonic() - worker.born < _LIFETIME:
                return worker
            self._workers.remove(worker)
            worker.end()
        self._workers.append(_Worker.begin(self._work, self._executor.packages))
        return self._workers[-1]

    def _hear(self, worker: _Worker) -> Ended | None:
        """Reads a message of a busy worker, and returns the end of its job if the message contains it."""
        assert worker.job
        try:
            message = worker.child.connection.recv_bytes() if worker.child.connection.poll() else None
        except (EOFError, OSError):
            message = None
        if message is None:
            return self._bury(worker, worker.job)
        if message == READY:
            worker.ready, self._stillborn = True, 0
            return None
        ended = Ended(worker.job.id, message)
        worker.job = None
        return ended

    def _bury(self, worker: _Worker, job: Job) -> Ended | None:
        """Removes a dead worker, and replaces one that was never ready, since its job cannot have killed it."""
        self._workers.remove(worker)
        death = worker.epitaph()
        if worker.ready:
            return Ended(job.id, None, death)
        self._stillborn += 1
        if self._stillborn >= _STARTS:
            raise RunError(f"worker processes cannot start: {death}")
        self.start(job, worker.request)
        return None
