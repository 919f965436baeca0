"""Jobs on a Ray cluster: one task each, placed by Ray where a core and the memory are free.

Tries are counted by the driver, as for local processes, so Ray itself repeats nothing.
"""

import importlib.util
import math
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from novacula.errors import InputError
from novacula.jobs.executor import Ended, Pool
from novacula.jobs.job import Job
from novacula.jobs.work import ONE_THREAD, PACKAGES, answer_request

_ADDRESS = re.compile(r"auto|(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_PATIENCE = 5.0
"""Seconds in which a cluster's head must answer."""
_CENSUS = 5.0
"""Seconds after which the cluster's nodes are counted again: they come and go."""


@dataclass(frozen=True)
class RayExecutor:
    """The Ray cluster that this machine is a node of; every node has the same novacula installed.

    Attributes:
        address: ``auto``, or ``HOST:PORT`` of the cluster's head.
        packages: the packages in which the work may lie. Never take it from a file.

    Raises:
        InputError: the address has another form, or Ray is not installed.
    """

    address: str
    packages: tuple[str, ...] = PACKAGES

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.address):
            raise InputError("options", f"--cluster is {self.address!r}; it must be auto or HOST:PORT, such as auto")
        if importlib.util.find_spec("ray") is None:
            raise InputError("options", "--cluster needs Ray, which is not installed: pip install 'novacula[ray]'")

    @contextmanager
    def open(self, work: str) -> Iterator[Pool]:
        """The cluster for the time of this context.

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
        match = _ADDRESS.fullmatch(self.address)
        assert match
        before = signal.getsignal(signal.SIGTERM)
        try:
            if match["port"]:  # Ray itself would wait for minutes, and then end this process
                socket.create_connection((match["host"].strip("[]"), int(match["port"])), _PATIENCE).close()
            ray.init(self.address, log_to_driver=False, logging_level="warning")
            _mute(ray, True)
        except (OSError, OverflowError, RuntimeError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"--cluster {self.address}", f"no Ray cluster answers there: {reason}") from error
        finally:
            # Ray makes SIGTERM end the driver at once; what it means is for `run_jobs` to say.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before)


def _mute(ray: Any, mute: bool) -> None:
    """Keep Ray from printing on stdout, where results go, that a node has died; it has no option for that."""
    ray._private.worker._worker_logs_enabled = not mute


class _RayPool:
    """The tasks of one work; see `novacula.jobs.executor.Pool`."""

    def __init__(self, ray: Any, work: str, packages: tuple[str, ...]) -> None:
        self._ray = ray
        self._work = work, packages
        as_task = ray.remote(num_cpus=1, max_retries=0, runtime_env={"env_vars": ONE_THREAD})
        self._task = as_task(answer_request)
        self._jobs: dict[Any, str] = {}
        self._counted = -math.inf
        self._cores = 1.0
        self._memory = 0.0

    def room(self) -> float:
        """As many tasks as there are cores; where each finds its memory is Ray's concern."""
        self._count()
        return math.inf if len(self._jobs) < self._cores else 0.0

    def start(self, job: Job, request: bytes) -> None:
        # More than any node has would never be placed.
        memory = int(min(job.memory_mb * 1e6, self._memory)) or None
        self._jobs[self._task.options(memory=memory).remote(*self._work, request)] = job.id

    def wait(self, seconds: float) -> list[Ended]:
        if not self._jobs:
            return []
        tasks = list(self._jobs)
        done, _ = self._ray.wait(tasks, num_returns=1, timeout=seconds)
        if done:  # perhaps more than one
            done, _ = self._ray.wait(tasks, num_returns=len(tasks), timeout=0)
        return [self._take(task) for task in done]

    def close(self) -> None:
        for task in self._jobs:
            self._ray.cancel(task, force=True)
        self._jobs.clear()

    def _take(self, task: Any) -> Ended:
        job = self._jobs.pop(task)
        try:
            return Ended(job, self._ray.get(task))
        except self._ray.exceptions.RayError as error:
            self._counted = -math.inf  # a node may have gone
            lines = str(error).strip().splitlines() or [""]
            # Of an error in the task itself, the last line says what it was.
            reason = lines[-1 if isinstance(error, self._ray.exceptions.RayTaskError) else 0]
            return Ended(job, None, f"{type(error).__name__}: {reason[:300]}")

    def _count(self) -> None:
        """Count the cores of the living nodes, and the memory of the largest."""
        if time.monotonic() - self._counted < _CENSUS:
            return
        self._counted = time.monotonic()
        alive = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        self._cores = max(1.0, sum(node.get("CPU", 0.0) for node in alive))
        self._memory = max((node.get("memory", 0.0) for node in alive if node.get("CPU", 0.0) >= 1), default=0.0)
