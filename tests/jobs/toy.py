"""Work for toy jobs, in which one wrong bit changes the result, and which misbehaves on request."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from novacula.files import append_line, read_lines
from novacula.jobs import Job

WORK = "tests.jobs.toy:iterate"
PACKAGES = ("tests.jobs",)


def iterate(configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Iterate the logistic map from the seed.

    `log` is a folder in which begin and end are noted; `sleep` are seconds; `fail` is an error's message; `deaths` is
    how many tries end by SIGKILL; `wait_for` is a file that somebody must make.
    """
    name, log = configuration["name"], Path(configuration["log"])
    note(log, event="begin", name=name)
    if sum(line["name"] == name for line in notes(log, "begin")) <= configuration.get("deaths", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    if message := configuration.get("fail"):
        raise ArithmeticError(message.replace("?", "\udc80"))
    time.sleep(configuration.get("sleep", 0.0))
    while "wait_for" in configuration and not Path(configuration["wait_for"]).exists():
        time.sleep(0.01)
    x = (seed % 1_000_003 + 0.5) / 1_000_003
    for _ in range(1000):
        x = 3.99 * x * (1 - x)
    note(log, event="end", name=name)
    return {"name": name, "x": x, "seed": seed, "pair": (1, x)}


def not_json(configuration: Mapping[str, Any], seed: int) -> Any:
    return {"value": configuration["values"].get("x", {1, 2})} if configuration["mapping"] else [seed]


def threads(configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """What of the environment and of the process the work sees."""
    return {"pid": os.getpid(), "session": os.getsid(0), "omp": os.environ.get("OMP_NUM_THREADS")}


def allocate(configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Hold `megabytes` for a moment, and compute for `seconds`."""
    block = bytearray(int(configuration["megabytes"] * 1e6))
    end = time.process_time() + configuration["seconds"]
    while time.process_time() < end:
        pass
    return {"bytes": len(block)}


def leave(configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """End the whole process, with a word or without."""
    if configuration.get("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    os.write(2, b"a last word\n")
    os._exit(3)


def also_needs_more(configuration: Mapping[str, Any], seed: int, more: int = 0) -> dict[str, Any]:
    return {}


class Holder:
    @staticmethod
    def method(configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
        return {}


borrowed = Holder.method


def _private(configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    return {}


def note(log: Path, **facts: Any) -> None:
    append_line(log / "log.jsonl", {"pid": os.getpid(), **facts})


def notes(log: Path, event: str = "") -> list[dict[str, Any]]:
    """What jobs noted, in order."""
    lines = [line for _, line in read_lines(log / "log.jsonl")]
    return [line for line in lines if not event or line["event"] == event]


def begun(log: Path) -> list[str]:
    """The names of the jobs in the order in which they were begun."""
    return [line["name"] for line in notes(log, "begin")]


def toy_jobs(log: Path, names: Sequence[str], **options: Any) -> list[Job]:
    return [Job(name, {"name": name, "log": str(log), **options}) for name in names]


def is_alive(pid: int) -> bool:
    """Whether a process computes still: one that is dead but not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
