"""A run made of jobs: what has a result is kept, and another machine that computed a job is recorded."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from novacula.jobs import Job, LocalExecutor, Outcome, run_missing
from novacula.runs import RunFolder
from tests.jobs.this_process import ThisProcess
from tests.jobs.toy import PACKAGES, WORK, begun, toy_jobs


def elsewhere(answer: bytes) -> bytes:
    """An answer as a machine gives it that says that it is another."""
    said = json.loads(answer)
    said["platform"]["instruction_set"] = "of-the-future"
    return json.dumps(said).encode()


def test_what_has_a_result_is_kept_and_another_machine_is_recorded(tmp_path: Path) -> None:
    folder = RunFolder.create(part="toy", verb="run", configuration={}, seed=3, threads=1, out=tmp_path / "run")
    told: list[Outcome] = []

    def run(names: list[str]) -> str:
        jobs = toy_jobs(tmp_path, names)
        executor = ThisProcess(PACKAGES, elsewhere)
        return run_missing(
            WORK, jobs, folder=folder, seed=3, executor=executor, time_limit=None, on_outcome=told.append
        )

    assert run(["a", "b"]) == "finished"
    (folder.path / "jobs" / "a.json").write_text("{")
    assert run(["a", "b", "c"]) == "finished"
    assert begun(tmp_path) == ["a", "b", "a", "c"]
    assert [outcome.id for outcome in told] == ["a", "b", "b", "a", "c"]
    assert told[0].result == told[3].result
    (found,) = RunFolder.open(folder.path).record.elsewhere
    assert found.platform["instruction_set"] == "of-the-future"

    # A driver that died before it could say so: the outcomes do.
    folder = RunFolder(folder.path, replace(folder.record, elsewhere=[]))
    assert run(["a"]) == "finished"
    assert len(folder.record.elsewhere) == 1


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (None, []),
        (700.0, []),
        (699.0, ["the memory limit is 699 MB; 1 of 3 jobs may take more, up to 700 MB, and each of them runs alone"]),
        (40.0, ["the memory limit is 40 MB; 3 of 3 jobs may take more, up to 700 MB, and each of them runs alone"]),
    ],
)
def test_jobs_that_the_memory_limit_makes_run_alone_are_counted_in_a_line(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    limit: float | None,
    said: list[str],
) -> None:
    monkeypatch.setattr(LocalExecutor, "open", lambda self, work: ThisProcess(PACKAGES).open(work))
    folder = RunFolder.create(part="toy", verb="run", configuration={}, seed=3, threads=1, out=tmp_path / "run")
    jobs = [
        Job(job.id, job.configuration, memory_mb=memory)
        for job, memory in zip(toy_jobs(tmp_path, ["a", "b", "c"]), (500.0, 699.0, 700.0), strict=True)
    ]

    def run() -> str:
        executor = LocalExecutor(2, limit, packages=PACKAGES)
        return run_missing(
            WORK, jobs, folder=folder, seed=3, executor=executor, time_limit=None, on_outcome=lambda outcome: None
        )

    assert run() == "finished" and caplog.messages == said
    assert run() == "finished" and caplog.messages == said  # no job is left, so nothing runs alone
