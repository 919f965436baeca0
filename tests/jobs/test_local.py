"""The local executor, with real processes."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import novacula
from novacula.errors import InputError, RunError
from novacula.jobs import Counts, Job, LocalExecutor, Outcome, Report, local, read_outcome, run, run_jobs
from tests.jobs import campaign
from tests.jobs.toy import PACKAGES, WORK, begun, is_alive, notes, toy_jobs

NAMES = ["a", "b", "c", "d", "e"]


def conduct(jobs: list[Job], folder: Path, workers: int = 2, *, work: str = WORK, **options: Any) -> Report:
    memory = options.pop("memory", None)
    executor = LocalExecutor(workers, memory, packages=PACKAGES)
    return run_jobs(work, jobs, folder=folder, seed=11, executor=executor, **options)


def result_lines(folder: Path) -> dict[str, str]:
    """The line of each outcome's file that holds the result."""
    files = {path.name: path.read_text().splitlines() for path in (folder / "jobs").iterdir()}
    return {name: next(line for line in lines if line.startswith('  "result"')) for name, lines in files.items()}


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what must become true: a test that waits for ever has failed."""
    while not condition():
        time.sleep(0.01)


def test_one_worker_three_workers_and_killed_workers_give_the_same_results(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "three", "killed")]
    for folder in folders:
        folder.mkdir()
    one = conduct(toy_jobs(folders[0], NAMES), folders[0], 1)
    conduct(toy_jobs(folders[1], NAMES), folders[1], 3)
    jobs = [*toy_jobs(folders[2], NAMES[:3]), *toy_jobs(folders[2], ["d"], deaths=1), *toy_jobs(folders[2], ["e"])]
    killed = conduct(jobs, folders[2], 2)
    assert result_lines(folders[0]) == result_lines(folders[1]) == result_lines(folders[2])
    assert [outcome.tries for outcome in killed.outcomes] == [1, 1, 1, 2, 1]
    assert len(begun(folders[0])) == 5 and len({line["pid"] for line in notes(folders[0])}) == 1  # one process for all
    assert one.counts == Counts(5, 5, 0, 0, 0)


def test_a_worker_that_never_lives_to_the_end_costs_its_job_three_tries(tmp_path: Path) -> None:
    report = conduct([Job("leaves", {}), Job("dies", {"kill": True})], tmp_path, work="tests.jobs.toy:leave")
    leaves, dies = report.outcomes
    assert (dies.status, dies.tries) == (leaves.status, leaves.tries) == ("failed", 3)
    assert dies.error.endswith("the last: SIGKILL: it may have run out of memory")
    assert leaves.error.endswith("the last: exit code 3: a last word")


def test_the_largest_begin_first_and_declared_memory_stays_below_the_limit(tmp_path: Path) -> None:
    sizes = [400.0, 900.0, 300.0, 300.0, 5000.0, 700.0, 100.0]
    jobs = [
        Job(f"job{size:g}-{index}", {"name": f"{size:g}", "log": str(tmp_path), "sleep": 0.03}, size, size)
        for index, size in enumerate(sizes)
    ]
    assert conduct(jobs, tmp_path, 3, memory=1000.0).counts.finished == len(jobs)
    running: list[float] = []
    for line in notes(tmp_path):
        size = float(line["name"])
        if line["event"] == "begin":
            running.append(size)
            assert sum(running) <= 1000 or running == [5000.0]  # which is alone
        else:
            running.remove(size)
    assert begun(tmp_path)[0] == "5000"


def test_a_worker_has_one_thread_and_a_session_of_its_own_and_is_replaced_when_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(local, "_LIFETIME", 0.0)
    report = conduct([Job(name, {}) for name in NAMES[:2]], tmp_path, 1, work="tests.jobs.toy:threads")
    found = [outcome.result for outcome in report.outcomes if outcome.result]
    assert [result["omp"] for result in found] == ["1", "1"]
    assert all(result["pid"] == result["session"] for result in found)
    assert found[0]["pid"] != found[1]["pid"]
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_the_time_limit_ends_what_runs_and_records_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_GRACE", 0.1)
    jobs = [*toy_jobs(tmp_path, ["a"]), *toy_jobs(tmp_path, ["b", "c"], wait_for=str(tmp_path / "gate"))]
    report = conduct(jobs, tmp_path, 1, time_limit=1.0)
    assert report.status == "time-limit" and len(report.outcomes) <= 1
    assert "c" not in begun(tmp_path)
    assert all(path.name == "a.json" for path in tmp_path.glob("jobs/*"))
    assert not any(is_alive(line["pid"]) for line in notes(tmp_path))


def test_an_error_in_the_driver_leaves_no_worker(tmp_path: Path) -> None:
    def on_outcome(outcome: Outcome, counts: Counts) -> None:
        raise ZeroDivisionError

    jobs = [*toy_jobs(tmp_path, ["a"]), *toy_jobs(tmp_path, ["b"], wait_for=str(tmp_path / "gate"))]
    with pytest.raises(ZeroDivisionError):
        conduct(jobs, tmp_path, on_outcome=on_outcome)
    assert not any(is_alive(line["pid"]) for line in notes(tmp_path))
    outcome = read_outcome(tmp_path, "a")
    assert outcome and outcome.status == "finished"  # filed before anybody was told


def test_workers_that_cannot_start_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.child._PROGRAM", "raise SystemExit('no such interpreter')")
    with pytest.raises(RunError, match="worker processes cannot start: exit code 1: no such interpreter"):
        conduct(toy_jobs(tmp_path, NAMES), tmp_path)
    assert not (tmp_path / "jobs").exists()


def driver(folder: Path) -> "subprocess.Popen[bytes]":
    """The campaign in a process of its own, once its quick jobs are done and two endless ones run."""
    paths = [Path(novacula.__file__).parents[1], Path(__file__).parents[2]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    process = subprocess.Popen(
        [sys.executable, campaign.__file__, str(folder)], stdout=subprocess.PIPE, env=environment
    )
    wait_until(lambda: process.poll() is not None or len(begun(folder)) == campaign.QUICK + 2)
    wait_until(lambda: len(list(folder.glob("jobs/*.json"))) == campaign.QUICK)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_driver_that_is_stopped_or_killed_leaves_whole_files_and_no_orphan(tmp_path: Path, number: int) -> None:
    with driver(tmp_path) as process:
        process.send_signal(number)
        assert process.stdout
        said = process.stdout.read()
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert (process.returncode, said) == (130, b"interrupted 2\n")
    pids = {line["pid"] for line in notes(tmp_path)}
    assert pids
    wait_until(lambda: not any(map(is_alive, pids)))  # of a driver that is killed, they notice it themselves
    assert sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["job0.json", "job1.json"]

    (tmp_path / "gate").touch()
    jobs = [
        *toy_jobs(tmp_path, campaign.NAMES[: campaign.QUICK]),
        *toy_jobs(tmp_path, campaign.NAMES[campaign.QUICK :], wait_for=str(tmp_path / "gate")),
    ]
    executor = LocalExecutor(1, packages=PACKAGES)
    report = run_jobs(WORK, jobs, folder=tmp_path, seed=3, executor=executor)
    assert report.counts == Counts(6, 6, 0, 0, 2)


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    with driver(tmp_path) as process:
        # Far apart enough to be two, and within the time that running jobs are given.
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.stdout
        assert process.stdout.read() == b""
    assert process.returncode == -signal.SIGINT
    assert not any(is_alive(line["pid"]) for line in notes(tmp_path))


@pytest.mark.parametrize("options", [(0, None), (-1, 100.0), (5000, None), (2, 0.0), (2, -1.0), (2, math.nan)])
def test_impossible_numbers_are_refused(options: tuple[int, float | None]) -> None:
    with pytest.raises(InputError, match=r"(workers|memory_limit) is"):
        LocalExecutor(*options)
