"""The cluster executor, on Ray's own cluster of several nodes on one machine where Ray is installed."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import novacula
from novacula.arc.bench import bench
from novacula.arc.config import BenchConfig, SolveConfig
from novacula.errors import InputError
from novacula.jobs import LocalExecutor, RayExecutor, Report, executor_for, read_outcome, run_jobs
from novacula.jobs import cluster as cluster_module
from novacula.runs import RunFolder, resume
from tests.arc.small_set import NAMES as PUZZLES
from tests.arc.small_set import use_small_set, use_this_process
from tests.jobs.toy import PACKAGES, WORK, begun, is_alive, notes, toy_jobs

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed; it comes with the extra [ray]"
)
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own
NAMES = [f"job{number}" for number in range(8)]
SIZE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
"""What a node has. Its object store is small, since only text is sent."""
PATIENCE = 240.0  #: seconds after which a test gives up, so that no defect hangs it
BENCH = BenchConfig(steps=150, seed=2)

# A driver of its own, to be killed.
DRIVER = """
import sys
from dataclasses import is_dataclass, replace
from novacula.arc.data import sources
from novacula.arc.bench import bench
from tests.arc.small_set import small_set
from tests.jobs.test_cluster import BENCH
sources._public_set = lambda dataset: small_set()
bench(replace(BENCH, cluster=sys.argv[2]), out=sys.argv[1])
"""


class Nodes:
    """A head, and a second node that comes and goes, of one core each. The second has three times the memory."""

    def __init__(self) -> None:
        cluster_utils: Any = importlib.import_module("ray.cluster_utils")
        head = SIZE | {"memory": 10**9, "include_dashboard": False}
        self.cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        self.address: str = self.cluster.address
        self.second: Any = None

    def add_second(self) -> None:
        self.second = self.second or self.cluster.add_node(memory=3 * 10**9, **SIZE)
        self.cluster.wait_for_nodes()

    def kill_second(self) -> None:
        self.cluster.remove_node(self.second, allow_graceful=False)
        self.second = None


@pytest.fixture(scope="module")
def one_cluster() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        paths = [Path(novacula.__file__).parents[1], Path(__file__).parents[2]]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
        monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        monkeypatch.setenv("RAY_worker_niceness", "0")  # on a busy machine workers would wait for everybody else
        nodes = Nodes()
        yield nodes
        nodes.cluster.shutdown()


@pytest.fixture
def nodes(one_cluster: Nodes) -> Nodes:
    one_cluster.add_second()
    return one_cluster


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what must happen sooner or later."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def in_background(action: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def results(report: Report, folder: Path) -> list[str]:
    """The lines of the outcomes' files that hold the results."""
    files = [folder / "jobs" / f"{outcome.id}.json" for outcome in report.outcomes]
    return [line for file in files for line in file.read_text().splitlines() if line.startswith('  "result"')]


@needs_ray
def test_a_node_that_is_killed_loses_nothing_and_changes_nothing(
    nodes: Nodes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    local, far = tmp_path / "local", tmp_path / "far"
    local.mkdir()
    far.mkdir()
    gate = tmp_path / "gate"

    def kill_the_second_node() -> None:
        wait_until(lambda: len(begun(far)) >= 2)
        nodes.kill_second()
        wait_until(lambda: not all(is_alive(line["pid"]) for line in notes(far, "begin")))
        gate.touch()

    killer = in_background(kill_the_second_node)
    # One of the large ones runs on the second node, where alone there is room; the others wait for it, and it dies.
    jobs = [
        replace(job, memory_mb=2000.0 if number % 2 else 500.0)
        for number, job in enumerate(toy_jobs(far, NAMES, wait_for=str(gate)))
    ]
    executor = RayExecutor(nodes.address, packages=PACKAGES)
    report = run_jobs(WORK, jobs, folder=far, seed=5, executor=executor, time_limit=PATIENCE)
    killer.join()
    assert capfd.readouterr().out == ""
    assert report.status == "finished" and report.counts.finished == len(NAMES), report
    ended = [line["name"] for line in notes(far, "end")]
    assert sorted(ended) == NAMES  # none gave its result twice
    twice = [name for name in NAMES if begun(far).count(name) == 2]
    assert len(begun(far)) == len(NAMES) + 1 and len(twice) == 1  # the one that ran on the second node

    reference = run_jobs(
        WORK, toy_jobs(local, NAMES), folder=local, seed=5, executor=LocalExecutor(1, packages=PACKAGES)
    )
    assert results(report, far) == results(reference, local)
    again = run_jobs(WORK, jobs, folder=far, seed=5, executor=RayExecutor("nowhere:1", packages=PACKAGES))
    assert again.counts.kept == len(NAMES)  # nothing is left, so no cluster is asked


@needs_ray
def test_a_bench_outlives_a_node_and_its_driver_and_ends_as_on_one_machine(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_reports: None
) -> None:
    use_small_set(monkeypatch)
    run, alone = tmp_path / "run", tmp_path / "alone"
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, run, nodes.address], stderr=subprocess.DEVNULL)

    def wait_for_another(known: int) -> None:
        wait_until(lambda: len(list(run.glob("jobs/*.json"))) > known or driver.poll() is not None)

    wait_for_another(0)
    nodes.kill_second()
    wait_for_another(len(list(run.glob("jobs/*.json"))))
    driver.send_signal(signal.SIGKILL)
    assert driver.wait() == -signal.SIGKILL
    kept = {path: path.read_bytes() for path in run.glob("jobs/*.json")}
    assert 2 <= len(kept) < len(PUZZLES)
    assert RunFolder.open(run).status == "killed"

    result = resume(run, time_limit=PATIENCE)
    assert result.status == "finished" and result.document["failed"] == 0
    assert kept == {path: path.read_bytes() for path in kept}  # the resumed driver took them as they were

    with monkeypatch.context() as monkeypatch:
        use_this_process(monkeypatch)
        bench(BENCH, out=alone)
    for name in PUZZLES:
        assert timeless(read_outcome(run, name).result) == timeless(read_outcome(alone, name).result)  # pyright: ignore
    assert RunFolder.open(run).record.elsewhere == []  # nodes with the same processor


def timeless(value: Any) -> Any:
    """A result without what no two runs share: times, memory, and the run's place."""
    if isinstance(value, dict):
        unshared = ("cpu_", "peak_memory_mb", "run", "versions")
        return {key: timeless(item) for key, item in value.items() if not key.startswith(unshared)}
    return [timeless(item) for item in value] if isinstance(value, list) else value


@needs_ray
def test_failures_deaths_threads_and_an_interruption_on_a_cluster(nodes: Nodes, tmp_path: Path) -> None:
    executor = RayExecutor(nodes.address, packages=PACKAGES)
    jobs = [
        *toy_jobs(tmp_path, ["fails"], fail="a reason"),
        *toy_jobs(tmp_path, ["dies-once"], deaths=1),
        *toy_jobs(tmp_path, ["dies-always"], deaths=9),
    ]
    report = run_jobs(WORK, jobs, folder=tmp_path / "a", seed=0, executor=executor, time_limit=PATIENCE)
    fails, once, always = report.outcomes
    assert (fails.status, once.status, always.status) == ("failed", "finished", "failed")
    assert (fails.tries, once.tries, always.tries) == (1, 2, 3)
    assert "ArithmeticError: a reason" in fails.error and "died at each of 3 tries" in always.error

    one = run_jobs(
        "tests.jobs.toy:threads", toy_jobs(tmp_path, ["one"]), folder=tmp_path / "b", seed=0, executor=executor
    )
    assert one.outcomes[0].result and one.outcomes[0].result["omp"] == "1"

    # The third asks for a part of a GPU, which no node has: it waits for one.
    jobs = toy_jobs(tmp_path, ["endless", "endless-too", "unplaced"], wait_for=str(tmp_path / "never"))
    jobs[2] = replace(jobs[2], gpus=0.5, cost=0.5)

    def interrupt() -> None:
        wait_until(lambda: sum(name.startswith("endless") for name in begun(tmp_path)) >= 2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = in_background(interrupt)
    stopped = run_jobs(WORK, jobs, folder=tmp_path / "c", seed=0, executor=executor, time_limit=PATIENCE)
    thread.join()
    assert (stopped.status, stopped.outcomes) == ("interrupted", ()) and "unplaced" not in begun(tmp_path)
    assert not (tmp_path / "c" / "jobs").exists()
    endless = {line["pid"] for line in notes(tmp_path, "begin") if line["name"].startswith("endless")}
    assert len(endless) == 2
    wait_until(lambda: not any(map(is_alive, endless)))  # Ray ends them, if not at once


@needs_ray
def test_a_cluster_that_does_not_answer_gives_an_error_soon(tmp_path: Path) -> None:
    executor = executor_for("127.0.0.1:1", workers=2, memory_limit_mb=None)
    with pytest.raises(InputError, match=r"cluster 127\.0\.0\.1:1: no Ray cluster answers there"):
        run_jobs("novacula.jobs.job:job_seed", toy_jobs(tmp_path, ["a"]), folder=tmp_path, seed=0, executor=executor)


@needs_ray
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_another_program_at_the_address_is_no_cluster(
    answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(answer)
                while connection.recv(100):
                    pass

        in_background(serve)
        with (
            pytest.raises(InputError, match="no Ray cluster answers there: something else listens"),
            RayExecutor(f"127.0.0.1:{port}").open("novacula.jobs.job:job_seed"),
        ):
            pass


@needs_ray
@pytest.mark.parametrize("address", ["", "local", "ray://host:1", "host", "host:port", "a b:1", "auto\n"])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="must be auto or HOST:PORT"):
        executor_for(address, workers=2, memory_limit_mb=None)


def test_every_campaign_takes_a_cluster() -> None:
    names = [f"{part}.config" for part in ("arc", "distill", "features", "hypernet", "optim")]
    modules = [import_module(f"novacula.{name}") for name in names]
    found = [each for module in modules for each in vars(module).values() if is_dataclass(each)]
    campaigns = {each for each in found if hasattr(each, "workers")}
    assert len(campaigns) >= 9
    alone = [each for each in campaigns if not hasattr(each, "cluster")]
    assert alone == [SolveConfig]  # the restarts of a puzzle are threads of one job


def test_without_ray_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.options.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install -e '\.\[ray\]'"):
        executor_for("auto", workers=2, memory_limit_mb=None)


def test_without_a_cluster_the_processes_of_this_machine_are_used() -> None:
    assert executor_for(None, workers=3, memory_limit_mb=4000) == LocalExecutor(3, 4000)
