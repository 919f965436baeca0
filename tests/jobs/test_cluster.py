"""The cluster executor, on Ray's own cluster of several nodes on one machine where Ray is installed."""

import importlib.util
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import novacula
from novacula.errors import InputError
from novacula.jobs import LocalExecutor, RayExecutor, Report, executor_for, run_jobs
from tests.jobs.toy import PACKAGES, WORK, begun, is_alive, notes, toy_jobs

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed; it comes with the extra [ray]"
)
NAMES = [f"job{number}" for number in range(8)]


class Nodes:
    """A head and a second node, of one core each."""

    def __init__(self) -> None:
        cluster_utils: Any = importlib.import_module("ray.cluster_utils")
        self.cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        self.second = self.cluster.add_node(num_cpus=1)
        self.cluster.wait_for_nodes()


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    paths = [Path(novacula.__file__).parents[1], Path(__file__).parents[2]]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    nodes = Nodes()
    yield nodes
    nodes.cluster.shutdown()


def results(report: Report, folder: Path) -> list[str]:
    """The lines of the outcomes' files that hold the results."""
    files = [folder / "jobs" / f"{outcome.id}.json" for outcome in report.outcomes]
    return [line for file in files for line in file.read_text().splitlines() if line.startswith('  "result"')]


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_a_node_that_is_killed_loses_nothing_and_changes_nothing(
    nodes: Nodes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    local, far = tmp_path / "local", tmp_path / "far"
    local.mkdir()
    far.mkdir()
    gate = tmp_path / "gate"

    def kill_the_second_node() -> None:
        while len(begun(far)) < 2:
            time.sleep(0.05)
        nodes.cluster.remove_node(nodes.second, allow_graceful=False)
        while all(is_alive(line["pid"]) for line in notes(far, "begin")):
            time.sleep(0.05)
        gate.touch()

    killer = threading.Thread(target=kill_the_second_node, daemon=True)
    killer.start()
    jobs = toy_jobs(far, NAMES, wait_for=str(gate))
    executor = RayExecutor(nodes.cluster.address, packages=PACKAGES)
    report = run_jobs(WORK, jobs, folder=far, seed=5, executor=executor)
    killer.join()
    assert capfd.readouterr().out == ""
    assert report.status == "finished" and report.counts.finished == len(NAMES), report
    tries = sorted(outcome.tries for outcome in report.outcomes)
    assert tries == [1] * (len(NAMES) - 1) + [2]  # the one that ran on the second node
    assert len(begun(far)) == len(NAMES) + 1

    reference = run_jobs(
        WORK, toy_jobs(local, NAMES), folder=local, seed=5, executor=LocalExecutor(1, packages=PACKAGES)
    )
    assert results(report, far) == results(reference, local)
    again = run_jobs(WORK, jobs, folder=far, seed=5, executor=RayExecutor("nowhere:1", packages=PACKAGES))
    assert again.counts.kept == len(NAMES)  # nothing is left, so no cluster is asked


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_failures_deaths_threads_and_the_time_limit_on_a_cluster(nodes: Nodes, tmp_path: Path) -> None:
    executor = RayExecutor(nodes.cluster.address, packages=PACKAGES)
    jobs = [
        *toy_jobs(tmp_path, ["fails"], fail="a reason"),
        *toy_jobs(tmp_path, ["dies-once"], deaths=1),
        *toy_jobs(tmp_path, ["dies-always"], deaths=9),
    ]
    report = run_jobs(WORK, jobs, folder=tmp_path / "a", seed=0, executor=executor)
    fails, once, always = report.outcomes
    assert (fails.status, once.status, always.status) == ("failed", "finished", "failed")
    assert (fails.tries, once.tries, always.tries) == (1, 2, 3)
    assert "ArithmeticError: a reason" in fails.error and "died at each of 3 tries" in always.error

    one = run_jobs(
        "tests.jobs.toy:threads", toy_jobs(tmp_path, ["one"]), folder=tmp_path / "b", seed=0, executor=executor
    )
    assert one.outcomes[0].result and one.outcomes[0].result["omp"] == "1"

    jobs = toy_jobs(tmp_path, ["endless", "endless-too"], wait_for=str(tmp_path / "never"))
    late = run_jobs(WORK, jobs, folder=tmp_path / "c", seed=0, executor=executor, time_limit=2.0)
    assert (late.status, late.outcomes) == ("time-limit", ())
    assert not (tmp_path / "c" / "jobs").exists()
    endless = {line["pid"] for line in notes(tmp_path, "begin") if line["name"].startswith("endless")}
    assert len(endless) == 2
    while any(map(is_alive, endless)):  # Ray ends them, if not at once
        time.sleep(0.05)


@needs_ray
def test_a_cluster_that_does_not_answer_is_said_soon(tmp_path: Path) -> None:
    executor = executor_for("127.0.0.1:1", workers=2, memory_limit_mb=None)
    with pytest.raises(InputError, match=r"--cluster 127\.0\.0\.1:1: no Ray cluster answers there"):
        run_jobs("novacula.jobs.job:job_seed", toy_jobs(tmp_path, ["a"]), folder=tmp_path, seed=0, executor=executor)


@needs_ray
@pytest.mark.parametrize("address", ["", "local", "ray://host:1", "host", "host:port", "a b:1", "auto\n"])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="must be auto or HOST:PORT"):
        executor_for(address, workers=2, memory_limit_mb=None)


def test_without_ray_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'novacula\[ray\]'"):
        executor_for("auto", workers=2, memory_limit_mb=None)


def test_without_a_cluster_the_processes_of_this_machine_are_used() -> None:
    assert executor_for(None, workers=3, memory_limit_mb=4000) == LocalExecutor(3, 4000)
