"""Where jobs are computed: what the local and the cluster executor have in common."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from novacula.jobs.job import Job


@dataclass(frozen=True)
class Ended:
    """How a job left its pool.

    Attributes:
        id: the job's.
        answer: what `novacula.jobs.work.answer_request` returned; None where the worker died before.
        death: how the worker died.
    """

    id: str
    answer: bytes | None
    death: str = ""


@runtime_checkable
class Pool(Protocol):
    """Workers that are ready to compute jobs of one work."""

    def room(self) -> float:
        """Megabytes that the next job may declare: 0 while no worker is free, infinite while none is at work."""
        ...

    def start(self, job: Job, request: bytes) -> None:
        """Begin a job, for which there is room."""
        ...

    def wait(self, seconds: float) -> list[Ended]:
        """The jobs that have ended; where none has, wait for one, but not longer than this.

        Raises:
            RunError: no worker can be had any more.
        """
        ...


@runtime_checkable
class Executor(Protocol):
    """Offers workers. Which one computes, and with how many workers, changes no result."""

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages in which the work may lie."""
        ...

    def open(self, work: str) -> AbstractContextManager[Pool]:
        """Workers for the time of this context; at its end, whatever they still compute is ended and forgotten.

        Raises:
            InputError: there is no such place to compute.
        """
        ...
