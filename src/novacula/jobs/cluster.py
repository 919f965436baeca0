"""Runs jobs on a Ray cluster, each as a task that Ray places where cores, memory and a share of a GPU are free.

The driver counts the tries of a job, as for local processes, so Ray repeats no task.
"""

import importlib
import math
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from novacula.errors import InputError
from novacula.jobs.job import Ended, Job, Pool
from novacula.jobs.work import ONE_THREAD, PACKAGES, answer_request
from novacula.options import refuse, unless_installed

_ADDRESS = re.compile(r"auto|(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_PATIENCE = 5.0  #: the seconds in which a cluster's head must answer
_CENSUS = 5.0  #: the seconds between two counts of the cluster's nodes, whose number may change
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""The first bytes of a client of HTTP/2, the protocol of Ray's head: RFC 9113, section 3.4, without settings."""
_SETTINGS = 4  #: the type of the frame in the answer, at byte 3


@dataclass(frozen=True)
class RayExecutor:
    """The Ray cluster that has this machine as a node. Every node needs the same installation of novacula.

    Raises:
        InputError: the address has another form, or Ray is not installed.
    """

    address: str  #: ``auto``, or ``HOST:PORT`` of the cluster's head
    packages: tuple[str, ...] = PACKAGES  #: the packages that may contain the work. Never take them from a file.

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.address):
            raise InputError("options", f"--cluster is {self.address!r}; it must be auto or HOST:PORT, such as auto")
        refuse(unless_installed("--cluster", "ray", "ray"))

    def check(self) -> None:
        """Makes sure that a cluster answers at ``HOST:PORT``. For ``auto``, only `open` looks for one.

        Raises:
            InputError: no cluster answers.
        """
        match = _ADDRESS.fullmatch(self.address)
        if match and match["port"]:
            try:
                _greet(match["host"].strip("[]"), int(match["port"]))
            except (OSError, OverflowError) as error:
                raise self._no_answer(error) from error

    @contextmanager
    def open(self, work: str) -> Iterator[Pool]:
        """Connects to the cluster for the time of this context.

        Raises:
            InputError: no cluster answers.
        """
        ray: Any = importlib.import_module("ray")
        joined = not ray.is_initialized()
        if joined:
            self._join(ray)
        pool = _RayPool(ray, work, self.packages)
        try:
            yield pool
        finally:
            pool.close()
            if joined:
                ray.shutdown()
                _mute(ray, False)

    def _join(self, ray: Any) -> None:
        self.check()  # Ray waits for minutes, and then ends this process
        before = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(self.address, log_to_driver=False, logging_level="warning")
            _mute(ray, True)
        except (OSError, OverflowError, RuntimeError, ValueError) as error:
            raise self._no_answer(error) from error
        finally:
            # Ray makes SIGTERM end the driver at once, but `run_jobs` gives it another meaning.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)

    def _no_answer(self, error: Exception) -> InputError:
        reason = str(error).partition("\n")[0]
        return InputError(f"--cluster {self.address}", f"no Ray cluster answers there: {reason}")


def _greet(host: str, port: int) -> None:
    """Makes sure that the head of a cluster may listen there.

    Raises:
        OSError, OverflowError: nothing listens there, or another program does.
    """
    with socket.create_connection((host, port), _PATIENCE) as connection:
        connection.sendall(_GREETING)
        head = b""
        with suppress(TimeoutError):
            while len(head) < 4 and (more := connection.recv(9)):
                head += more
    if head[3:4] != bytes((_SETTINGS,)):
        raise OSError("something else listens there")


def _mute(ray: Any, mute: bool) -> None:
    """Keeps Ray from messages about dead nodes on stdout, where results go, since Ray has no option for that."""
    ray._private.worker._worker_logs_enabled = not mute


@dataclass(frozen=True)
class _Task:
    """A job that Ray has accepted."""

    job: Job  #: the job
    request: bytes  #: the bytes of `novacula.jobs.work.make_request`
    memory: int  #: the bytes of memory that it reserves, or 0


class _RayPool:
    """The tasks of one work; see `novacula.jobs.job.Pool`."""

    def __init__(self, ray: Any, work: str, packages: tuple[str, ...]) -> None:
        self._ray = ray
        self._work = work, packages
        as_task = ray.remote(max_retries=0, runtime_env={"env_vars": ONE_THREAD})
        self._remote = as_task(answer_request)
        self._tasks: dict[Any, _Task] = {}
        self._counted = -math.inf
        self._nodes: list[Mapping[str, float]] = []

    def room(self) -> float:
        """Allows as many tasks as the cluster has cores. Ray itself respects the memory."""
        self._count()
        cores = max(1.0, sum(node.get("CPU", 0.0) for node in self._nodes))
        return math.inf if sum(task.job.cores for task in self._tasks.values()) < cores else 0.0

    def start(self, job: Job, request: bytes) -> None:
        memory = min(int(job.memory_mb * 1e6), self._most_memory(job))
        options = self._remote.options(num_cpus=job.cores, num_gpus=job.gpus, memory=memory or None)
        self._tasks[options.remote(*self._work, request)] = _Task(job, request, memory)

    def wait(self, seconds: float) -> list[Ended]:
        if not self._tasks:
            return []
        tasks = list(self._tasks)
        done, _ = self._ray.wait(tasks, num_returns=1, timeout=seconds)
        if done:  # perhaps more than one
            done, _ = self._ray.wait(tasks, num_returns=len(tasks), timeout=0)
        return [self._take(task) for task in done]

    def close(self) -> None:
        for task in self._tasks:
            self._ray.cancel(task, force=True)
        self._tasks.clear()

    def _take(self, task: Any) -> Ended:
        job = self._tasks.pop(task).job.id
        try:
            return Ended(job, self._ray.get(task))
        except self._ray.exceptions.RayError as error:
            self._counted = -math.inf  # a node may have gone
            lines = str(error).strip().splitlines() or [""]
            # The last line of an error in the task itself names the error.
            reason = lines[-1 if isinstance(error, self._ray.exceptions.RayTaskError) else 0]
            return Ended(job, None, f"{type(error).__name__}: {reason[:300]}")

    def _count(self) -> None:
        """Counts the living nodes, and restarts tasks that wait for a node that has gone."""
        if time.monotonic() - self._counted < _CENSUS:
            return
        self._counted = time.monotonic()
        self._nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        for reference, task in [*self._tasks.items()]:
            # The task reserves more than any node has, so it runs nowhere.
            if task.memory > self._most_memory(task.job) > 0:
                del self._tasks[reference]
                self._ray.cancel(reference, force=True)
                self.start(task.job, task.request)

    def _most_memory(self, job: Job) -> int:
        """Returns the bytes of the largest node with the job's cores and GPUs: Ray places no task that needs more.

        It returns 0 if no node has them; the job then waits, since a cluster may grow on demand.
        """
        wanted = {"CPU": job.cores, "GPU": job.gpus}
        fit = [node for node in self._nodes if all(node.get(name, 0.0) >= least for name, least in wanted.items())]
        return int(max((node.get("memory", 0.0) for node in fit), default=0.0))
