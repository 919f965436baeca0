"""The interface of the local and the cluster executor, which compute jobs."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from novacula.jobs.job import Job


@dataclass(frozen=True)
class Ended:
    """The end of a job in its pool.

    Attributes:
        id: the job's id.
        answer: the result of `novacula.jobs.work.answer_request`, or None if the worker died before.
        death: how the worker died, or empty.
    """

    id: str
    answer: bytes | None
    death: str = ""


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
