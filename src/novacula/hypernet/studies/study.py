"""A study: a campaign whose jobs are all known from the beginning. Source: ours."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from typing_extensions import override

from novacula.jobs import Campaign, CampaignOptions, Job, Round

Failure = tuple[str, str]
"""A job that failed, and why."""
Kind = TypeVar("Kind")


class Study(Campaign):
    """Jobs of one work.

    Args:
        work: the work, as ``package.module:function``.
        jobs: all of them.
        options: where they are computed.
        seed: the run's.
    """

    def __init__(self, work: str, jobs: Sequence[Job], options: CampaignOptions, seed: int) -> None:
        super().__init__(options, seed)
        self._work, self._jobs = work, jobs

    @property
    @override
    def length(self) -> int:
        return len(self._jobs)

    @override
    def rounds(self) -> Iterator[Round]:
        yield Round(self._work, self._jobs)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The jobs that failed, in the order of all jobs."""
        known = [self.outcomes[job.id] for job in self._jobs if job.id in self.outcomes]
        return tuple((outcome.id, outcome.error) for outcome in known if outcome.status == "failed")

    def results(self, kind: type[Kind]) -> list[Kind]:
        """The results of the jobs that finished, in the order of all jobs."""
        known = [self.outcomes[job.id].result_as(kind) for job in self._jobs if job.id in self.outcomes]
        return [result for result in known if result is not None]
