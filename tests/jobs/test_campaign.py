"""A run made of jobs: what has a result is kept, and another machine that computed a job is recorded."""

import json
from dataclasses import replace
from pathlib import Path

from novacula.jobs import Outcome, run_missing
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
