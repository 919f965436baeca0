"""A run made of jobs: what has a result is kept, and what another machine computed is said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from novacula.jobs import Job, Outcome, run_missing
from novacula.jobs.executor import Ended, Pool
from novacula.jobs.work import answer_request
from novacula.runs import RunFolder
from tests.jobs.toy import PACKAGES, WORK, begun, toy_jobs


class Elsewhere:
    """An executor whose only worker is the caller, on a machine that says that it is another."""

    packages = PACKAGES

    @contextmanager
    def open(self, work: str) -> Iterator[Pool]:
        yield _Pool(work)


class _Pool:
    def __init__(self, work: str) -> None:
        self.work = work
        self.ended: list[Ended] = []

    def room(self) -> float:
        return 0.0 if self.ended else float("inf")

    def start(self, job: Job, request: bytes) -> None:
        answer = json.loads(answer_request(self.work, PACKAGES, request))
        answer["platform"]["instruction_set"] = "of-the-future"
        self.ended.append(Ended(job.id, json.dumps(answer).encode()))

    def wait(self, seconds: float) -> list[Ended]:
        ended, self.ended = self.ended, []
        return ended


def test_what_has_a_result_is_kept_and_another_machine_is_recorded(tmp_path: Path) -> None:
    folder = RunFolder.create(part="toy", verb="run", configuration={}, seed=3, threads=1, out=tmp_path / "run")
    told: list[Outcome] = []

    def run(names: list[str]) -> str:
        jobs = toy_jobs(tmp_path, names)
        return run_missing(
            WORK, jobs, folder=folder, seed=3, executor=Elsewhere(), time_limit=None, on_outcome=told.append
        )

    assert run(["a", "b"]) == "finished"
    (folder.path / "jobs" / "a.json").write_text("{")
    assert run(["a", "b", "c"]) == "finished"
    assert begun(tmp_path) == ["a", "b", "a", "c"]
    assert [outcome.id for outcome in told] == ["a", "b", "b", "a", "c"]
    assert told[0].result == told[3].result
    (found,) = RunFolder.open(folder.path).record.elsewhere
    assert found["platform"]["instruction_set"] == "of-the-future"

    # A driver that died before it could say so: the outcomes do.
    folder = RunFolder(folder.path, folder.record.__class__(**vars(folder.record) | {"elsewhere": []}))
    assert run(["a"]) == "finished"
    assert len(folder.record.elsewhere) == 1
