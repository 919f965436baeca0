"""Runs many jobs: the largest first, each recorded as soon as it ends, none that is finished run again."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from novacula.files import parse_json
from novacula.jobs.executor import Ended, Executor, Pool
from novacula.jobs.job import Counts, Ending, Job, Outcome, Report, check_jobs, job_seed
from novacula.jobs.outcomes import ORIGIN, digest_of, kept_outcomes, write_outcome
from novacula.jobs.work import MAX_RESULT_MEMORY, check_work, make_request
from novacula.runs.stopping import Stop, stop_signals

OnOutcome = Callable[[Outcome, Counts], None]
"""Called, in the driver, with every outcome: first those that an earlier run left, then each as it comes."""

_TRIES = 3
"""How often a job is begun whose worker dies each time."""
_GRACE = 1.0
"""Seconds that running jobs are given to end, once the run is to end."""
_TICK = 0.5
"""Longest time in seconds until a signal is noticed."""


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
    """Run every job that has no result in the folder yet, and file each outcome in ``<folder>/jobs`` when it ends.

    A job's result depends on its configuration and on `job_seed` alone: not on the executor, the number of workers,
    the order, or a worker that dies. A job whose worker dies is begun again, three times at most; one that raises an
    error has failed, and the others go on. Run again, the jobs that failed or were not reached are done.

    The first SIGINT or SIGTERM, or the time limit, lets no further job begin; what does not end within a second is
    ended and not recorded. A second SIGINT ends it at once.

    Args:
        work: ``package.module:function``; a public function ``(configuration, seed)``, of the executor's packages,
            that returns a mapping of what JSON can say. It is called in a process with one numeric thread.
        jobs: in any order; those of the largest cost begin first, as far as there is memory.
        folder: the run's, which the caller holds for itself.
        seed: the run's, from 0.
        executor: where to compute.
        time_limit: seconds of wall time.
        on_outcome: called with every outcome, to show progress.

    Raises:
        InputError: the work is not allowed or does not exist, jobs cannot be run (`novacula.jobs.job.check_jobs`), the
            folder holds outcomes of another run, or there is no such cluster. Nothing has been run then.
        ValueError: a configuration holds what JSON cannot say.
        RunError: no worker can be had any more.
        OSError: the disk or the folder refused; outcomes that were recorded stay.
        KeyboardInterrupt: at the second SIGINT.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    check_work(work, executor.packages)
    check_jobs(jobs)
    campaign = _Campaign(folder, on_outcome, tuple(jobs))
    for job in jobs:
        job_own = job_seed(seed, job.id)
        campaign.requests[job.id] = make_request(job.configuration, job_own)
        campaign.digests[job.id] = digest_of(work, job, job_own)
    campaign.keep(kept_outcomes(folder, campaign.digests))
    status = "finished"
    if campaign.waiting:
        with stop_signals() as stop, executor.open(work) as pool:
            status = _conduct(campaign, pool, stop, deadline)
    return Report(status, campaign.counts(), campaign.in_order())


@dataclass
class _Campaign:
    """The jobs of a run, and how each stands."""

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
        """Take over what an earlier run finished; the rest waits, the largest cost first."""
        self.kept = len(outcomes)
        for outcome in outcomes.values():
            self._tell(outcome)
        # Equal costs keep the order in which the jobs were given.
        left = [job for job in self.jobs if job.id not in outcomes]
        self.waiting = sorted(left, key=lambda job: -job.cost)

    def hand_out(self, pool: Pool) -> None:
        """Begin the largest jobs for which the pool has room, smaller ones passing those that must wait for memory."""
        while (room := pool.room()) > 0:
            index = next((index for index, job in enumerate(self.waiting) if job.memory_mb <= room), None)
            if index is None:
                return
            job = self.waiting.pop(index)
            self.tries[job.id] = self.tries.get(job.id, 0) + 1
            self.running[job.id] = job
            pool.start(job, self.requests[job.id])

    def settle(self, ended: Ended) -> None:
        """Record a job's outcome; if its worker died, let it wait for its next try, if it has one."""
        job = self.running.pop(ended.id)
        tries = self.tries[job.id]
        if ended.answer is None and tries < _TRIES:
            self.waiting.insert(0, job)
            return
        answer = _read(ended, tries)
        outcome = Outcome(id=job.id, tries=tries, **answer)
        write_outcome(self.folder, outcome, self.digests[job.id])
        self._tell(outcome)

    def counts(self) -> Counts:
        """How many jobs stand how."""
        finished = len(self.outcomes) - self.failed
        return Counts(len(self.jobs), finished, self.failed, len(self.running), self.kept)

    def in_order(self) -> tuple[Outcome, ...]:
        """The outcomes, in the order in which the jobs were given."""
        return tuple(self.outcomes[job.id] for job in self.jobs if job.id in self.outcomes)

    def _tell(self, outcome: Outcome) -> None:
        self.outcomes[outcome.id] = outcome
        self.failed += outcome.status == "failed"
        if self.on_outcome:
            self.on_outcome(outcome, self.counts())


def _conduct(campaign: _Campaign, pool: Pool, stop: Stop, deadline: float | None) -> Ending:
    """Hand out jobs and settle them until none is left, or something ends the run."""
    ending: Ending | None = None
    horizon = math.inf if deadline is None else deadline
    while campaign.waiting or campaign.running:
        now = time.monotonic()
        if not ending and (stop.requested or now >= horizon):
            ending, horizon = "interrupted" if stop.requested else "time-limit", now + _GRACE
        if ending and (now >= horizon or not campaign.running):
            return ending
        if not ending:
            campaign.hand_out(pool)
        for ended in pool.wait(min(_TICK, max(0.0, horizon - now))):
            campaign.settle(ended)
    return "finished"


def _read(ended: Ended, tries: int) -> dict[str, Any]:
    """What an outcome says beside id and tries."""
    if ended.answer is None:
        error = f"its worker died at each of {tries} tries; the last: {ended.death}"
        return {"status": "failed", "result": None, "error": error, "cpu_seconds": 0.0, "peak_memory_mb": 0.0}
    document: Any = parse_json(ended.answer, f"answer of {ended.id}", max_memory=MAX_RESULT_MEMORY)
    del document["schema_version"]
    return document | {"origin": {name: document.pop(name) for name in ORIGIN}}
