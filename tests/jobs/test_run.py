"""What becomes of jobs: order, tries, resumption, endings. Most of it on a pool without processes."""

import json
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacula.errors import InputError
from novacula.jobs import Counts, Executor, Job, Outcome, Report, job_seed, run, run_jobs
from novacula.jobs.job import Ended, Pool
from novacula.jobs.work import answer_request
from tests.jobs.toy import PACKAGES, WORK, begun, toy_jobs

NAMES = ["a", "b", "c", "d", "e"]


@dataclass
class Inline:
    """Computes in the driver itself. Up to `workers` jobs count as running at once, and end in a drawn order.

    `memory` limits what they declare together; `dying` draws how many of a job's tries kill its worker; `stop_after`
    is the number of answers after which SIGINT arrives.
    """

    workers: int = 1
    memory: float | None = None
    seed: int = 0
    dying: dict[str, int] = field(default_factory=dict)
    stop_after: int | None = None
    packages: tuple[str, ...] = PACKAGES
    opened: int = 0
    order: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, work: str) -> Iterator[Pool]:
        self.opened += 1
        yield InlinePool(self, work)


class InlinePool:
    def __init__(self, executor: Inline, work: str) -> None:
        self.executor, self.work = executor, work
        self.running: dict[str, tuple[Job, bytes]] = {}
        self.draws = random.Random(executor.seed)

    def room(self) -> float:
        if len(self.running) >= self.executor.workers:
            return 0.0
        if not self.running or self.executor.memory is None:
            return float("inf")
        return max(0.0, self.executor.memory - sum(job.memory_mb for job, _ in self.running.values()))

    def start(self, job: Job, request: bytes) -> None:
        assert job.id not in self.running and job.memory_mb <= self.room()
        self.running[job.id] = job, request
        self.executor.order.append(job.id)

    def wait(self, seconds: float) -> list[Ended]:
        if self.executor.stop_after is not None:
            self.executor.stop_after -= 1
            if self.executor.stop_after == -1:
                os.kill(os.getpid(), signal.SIGINT)
            if self.executor.stop_after < 0:
                return []
        name = self.draws.choice(sorted(self.running))
        _, request = self.running.pop(name)
        if self.executor.dying.get(name, 0) > 0:
            self.executor.dying[name] -= 1
            return [Ended(name, None, "SIGKILL")]
        return [Ended(name, answer_request(self.work, self.executor.packages, request))]


def conduct(jobs: list[Job], folder: Path, executor: Executor, **options: Any) -> Report:
    return run_jobs(WORK, jobs, folder=folder, seed=11, executor=executor, **options)


def results(report: Report) -> dict[str, Any]:
    return {outcome.id: outcome.result for outcome in report.outcomes}


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    workers=st.integers(1, 6),
    memory=st.none() | st.floats(1, 2000),
    order=st.permutations(NAMES),
    dying=st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2)),
    seed=st.integers(0, 100),
    numbers=st.lists(st.tuples(st.floats(0, 9), st.floats(1, 1000)), min_size=5, max_size=5),
)
def test_workers_order_memory_and_deaths_change_no_result(
    tmp_path_factory: pytest.TempPathFactory,
    workers: int,
    memory: float | None,
    order: list[str],
    dying: dict[str, int],
    seed: int,
    numbers: list[tuple[float, float]],
) -> None:
    folder = tmp_path_factory.mktemp("jobs")
    sizes = dict(zip(NAMES, numbers, strict=True))
    jobs = [
        Job(name, {"name": name, "log": str(folder)}, cost=sizes[name][0], memory_mb=sizes[name][1]) for name in order
    ]
    report = conduct(jobs, folder, Inline(workers, memory, seed, dict(dying)))
    assert (report.status, report.counts) == ("finished", Counts(5, 5, 0, 0, 0))
    assert [outcome.id for outcome in report.outcomes] == order
    assert [outcome.tries for outcome in report.outcomes] == [1 + dying.get(name, 0) for name in order]
    for outcome in report.outcomes:
        seed = job_seed(11, outcome.id)
        x = (seed % 1_000_003 + 0.5) / 1_000_003
        for _ in range(1000):
            x = 3.99 * x * (1 - x)
        assert outcome.result == {"name": outcome.id, "seed": seed, "x": x, "pair": [1, x]}


def test_the_largest_cost_is_first_and_equal_costs_keep_their_order(tmp_path: Path) -> None:
    costs = [1.0, 5.0, 3.0, 5.0, 0.0]
    jobs = [Job(name, {"name": name, "log": str(tmp_path)}, cost=cost) for name, cost in zip(NAMES, costs, strict=True)]
    executor = Inline()
    conduct(jobs, tmp_path, executor)
    assert executor.order == ["b", "d", "c", "a", "e"]


def test_a_smaller_job_passes_one_that_must_wait_for_memory(tmp_path: Path) -> None:
    sizes = {"a": 600.0, "b": 500.0, "c": 300.0, "d": 5000.0}
    jobs = [
        Job(name, {"name": name, "log": str(tmp_path)}, cost=cost, memory_mb=sizes[name])
        for name, cost in zip(sizes, (4, 3, 2, 1), strict=True)
    ]
    executor = Inline(3, memory=1000.0)
    assert conduct(jobs, tmp_path, executor).counts.finished == 4
    assert executor.order[:2] == ["a", "c"] and executor.order[-1] == "d"  # which needs more than there is: alone


def test_what_an_earlier_run_finished_is_kept_and_the_rest_done(tmp_path: Path) -> None:
    jobs = toy_jobs(tmp_path, NAMES)
    assert conduct(jobs[1:3], tmp_path, Inline()).counts.finished == 2
    seen: list[tuple[str, Counts]] = []
    report = conduct(jobs, tmp_path, Inline(), on_outcome=lambda outcome, counts: seen.append((outcome.id, counts)))
    assert begun(tmp_path) == ["b", "c", "a", "d", "e"]
    assert report.counts == Counts(5, 5, 0, 0, 2)
    assert [name for name, _ in seen] == ["b", "c", "a", "d", "e"]
    assert [counts.finished for _, counts in seen] == [1, 2, 3, 4, 5]
    assert results(report) == results(conduct(jobs, tmp_path, executor := Inline()))
    assert executor.opened == 0  # nothing was left to do


def test_a_damaged_outcome_is_computed_again(tmp_path: Path) -> None:
    jobs = toy_jobs(tmp_path, NAMES)
    first = conduct(jobs, tmp_path, Inline())
    path = tmp_path / "jobs" / "c.json"
    path.write_bytes(path.read_bytes()[:50])
    assert results(conduct(jobs, tmp_path, executor := Inline())) == results(first)
    assert executor.order == ["c"]


def test_a_folder_of_another_configuration_or_seed_is_refused_and_stays(tmp_path: Path) -> None:
    jobs = toy_jobs(tmp_path, NAMES)
    conduct(jobs, tmp_path, Inline())
    before = {path.name: path.read_bytes() for path in (tmp_path / "jobs").iterdir()}
    with pytest.raises(InputError, match=r"e\.json is of another work, configuration or seed"):
        conduct(toy_jobs(tmp_path, NAMES, sleep=0), tmp_path, Inline())
    with pytest.raises(InputError, match="of another work, configuration or seed"):
        run_jobs(WORK, jobs, folder=tmp_path, seed=12, executor=Inline())
    assert {path.name: path.read_bytes() for path in (tmp_path / "jobs").iterdir()} == before


def test_a_job_that_fails_is_recorded_the_others_go_on_and_it_is_tried_again(tmp_path: Path) -> None:
    jobs = toy_jobs(tmp_path, NAMES)
    bad = toy_jobs(tmp_path, ["bad"], fail="no such puzzle")
    report = conduct([*bad, *jobs], tmp_path, Inline())
    assert (report.status, report.counts) == ("finished", Counts(6, 5, 1, 0, 0))
    failed = report.outcomes[0]
    assert (failed.id, failed.status, failed.result, failed.tries) == ("bad", "failed", None, 1)
    assert failed.error.startswith("ArithmeticError: no such puzzle")
    assert json.loads((tmp_path / "jobs" / "bad.json").read_text())["error"] == failed.error
    conduct([*bad, *jobs], tmp_path, executor := Inline())
    assert executor.order == ["bad"]


def test_a_job_whose_worker_dies_thrice_has_failed(tmp_path: Path) -> None:
    report = conduct(toy_jobs(tmp_path, NAMES), tmp_path, executor := Inline(dying={"b": 9}))
    assert report.counts == Counts(5, 4, 1, 0, 0)
    outcome = report.outcomes[1]
    assert (outcome.status, outcome.tries, outcome.cpu_seconds) == ("failed", 3, 0.0)
    assert outcome.error == "its worker died at each of 3 tries; the last: SIGKILL"
    assert executor.order.count("b") == 3
    assert conduct(toy_jobs(tmp_path, NAMES), tmp_path, Inline()).counts == Counts(5, 5, 0, 0, 4)


def test_a_signal_lets_no_further_job_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_GRACE", 0.0)
    before = signal.getsignal(signal.SIGINT)
    report = conduct(toy_jobs(tmp_path, NAMES), tmp_path, executor := Inline(2, stop_after=2))
    assert (report.status, report.counts.finished) == ("interrupted", 2)
    assert len(executor.order) == 4 and len(list((tmp_path / "jobs").iterdir())) == 2
    assert signal.getsignal(signal.SIGINT) is before
    assert conduct(toy_jobs(tmp_path, NAMES), tmp_path, Inline()).counts == Counts(5, 5, 0, 0, 2)


def test_what_ends_within_the_grace_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(run.time, "monotonic", lambda: now)

    def on_outcome(outcome: Outcome, counts: Counts) -> None:
        nonlocal now
        now += 1.0

    executor = Inline(2)
    report = conduct(toy_jobs(tmp_path, NAMES), tmp_path, executor, time_limit=2.0, on_outcome=on_outcome)
    assert (report.status, report.counts.finished) == ("time-limit", 3)
    assert len(executor.order) == 3
    late = conduct(toy_jobs(tmp_path, NAMES), tmp_path, Inline(), time_limit=0.0)
    assert (late.status, late.counts) == ("time-limit", Counts(5, 3, 0, 0, 3))


def test_a_full_disk_loses_nothing_that_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_outcome(outcome: Outcome, counts: Counts) -> None:
        if counts.finished == 2:

            def refuse(*_: object) -> None:
                raise OSError(28, "No space left on device")

            monkeypatch.setattr(os, "fsync", refuse)

    with monkeypatch.context() as monkeypatch, pytest.raises(OSError, match="No space left"):
        conduct(toy_jobs(tmp_path, NAMES), tmp_path, Inline(), on_outcome=on_outcome)
    assert sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["a.json", "b.json"]
    assert conduct(toy_jobs(tmp_path, NAMES), tmp_path, Inline()).counts == Counts(5, 5, 0, 0, 2)


def test_bad_jobs_and_work_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    executor = Inline()
    with pytest.raises(InputError, match="must be 1 to 120"):
        conduct([*toy_jobs(tmp_path, NAMES), Job("../x", {})], tmp_path, executor)
    with pytest.raises(InputError, match=r"must lie in tests\.jobs"):
        run_jobs("os:system", toy_jobs(tmp_path, NAMES), folder=tmp_path, seed=0, executor=executor)
    with pytest.raises(ValueError, match=r"configuration\.x is nan"):
        conduct([*toy_jobs(tmp_path, NAMES), Job("x", {"x": float("nan")})], tmp_path, executor)
    assert executor.opened == 0 and not list(tmp_path.iterdir())


def test_no_jobs_are_a_finished_run(tmp_path: Path) -> None:
    assert conduct([], tmp_path, Inline()) == Report("finished", Counts(0, 0, 0, 0, 0), ())
