"""Distill many benchmark tasks and put them into one table: ``novacula distill bench``."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from typing import Any

from novacula.distill.config import BenchConfig, unless_equipped
from novacula.distill.job import WORK, task_job
from novacula.distill.report import build_report
from novacula.distill.tasks.table import TASKS, VARIANTS
from novacula.distill.verify import TIERS
from novacula.errors import InputError
from novacula.jobs import Outcome, executor_for, job_seed, run_missing
from novacula.options import refuse
from novacula.runs import RunFolder, RunResult, working

OnRows = Callable[[Sequence[Mapping[str, Any]], int], None]
"""Called when a task has an outcome, with the rows so far, the latest last, and the number of tasks in all."""


def bench(
    config: BenchConfig,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_rows: OnRows | None = None,
) -> RunResult:
    """Distill benchmark tasks, each on its own.

    Args:
        config: which tasks, and how.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time after which tasks are cut off.
        on_rows: called when a task has an outcome.

    Raises:
        InputError: a name is no task.
        RunError: the run's folder cannot be made, or no worker can be had.

    Source: arXiv 2402.05110, its table of 62 tasks.
    """
    names = chosen_tasks(config)
    label = "all" if len(names) == len(TASKS) else f"{len(names)}-tasks"
    folder = RunFolder.create(
        part="distill",
        verb="bench",
        configuration={"task": label, **asdict(config)},
        seed=config.seed,
        threads=1,
        label=f"bench-{label}",
        runs=runs,
        out=out,
    )
    return resume(folder, time_limit=time_limit, on_rows=on_rows)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_rows: OnRows | None = None) -> RunResult:
    """Go on with a bench: what has a result is kept, what failed is tried again.

    Args:
        folder: a run of ``distill bench``.
        time_limit: seconds of wall time from now.
        on_rows: called when a task has an outcome.

    Raises:
        InputError, RunError: the folder is damaged or in use, or no worker can be had.
    """
    config = folder.record.options(BenchConfig)
    names = chosen_tasks(config)
    rows: dict[str, dict[str, Any]] = {}
    began = time.perf_counter()

    def take(outcome: Outcome) -> None:
        rows[outcome.id] = task_row(outcome.id, outcome)
        folder.set_status("running", step=len(rows), length=len(names))
        if on_rows:
            on_rows(list(rows.values()), len(names))

    with working(folder):
        folder.set_status("running", step=0, length=len(names))
        status = run_missing(
            WORK,
            # Seeds of 32 bits: every library takes them.
            [
                task_job(name, config.for_task(job_seed(config.seed, name) % 2**32), folder.path / "tasks" / name)
                for name in names
            ],
            folder=folder,
            seed=config.seed,
            executor=executor_for(config.cluster, config.workers, config.memory_limit),
            time_limit=time_limit,
            on_outcome=take,
        )
        before = (folder.read_result() or {}).get("wall_seconds", 0.0)
        document: dict[str, Any] = {
            **summarize([rows.get(name) or task_row(name, None) for name in names]),
            "seed": config.seed,
            "workers": config.workers,
            "wall_seconds": round(float(str(before)) + time.perf_counter() - began, 1),
            "run": str(folder.path),
        }
        folder.write_result(document)
        failed = document["failed"]
        error = f"{failed} of {len(names)} tasks failed" if status == "finished" and failed else ""
        folder.set_status("failed" if error else status, step=len(rows), length=len(names), error=error)
        return RunResult(status, folder.read_result() or {}, build_report(folder))


def chosen_tasks(config: BenchConfig) -> list[str]:
    """The tasks that a configuration names, in the published order.

    Raises:
        InputError: a name is no task, or is given twice; all such are listed. Or the extra is absent.
    """
    refuse(unless_equipped())
    wanted = [name.strip() for text in config.tasks for name in text.split(",") if name.strip()]
    if not config.tasks:
        return list(TASKS)
    known = [*TASKS, *VARIANTS]
    problems = [f"{name!r} is no benchmark task" for name in sorted({*wanted} - {*known})]
    problems += [f"{name} is given twice" for name in sorted({*wanted}) if wanted.count(name) > 1]
    if problems or not wanted:
        raise InputError("--tasks", *(problems or ["names no task"]))
    return [name for name in known if name in wanted]


def task_row(name: str, outcome: Outcome | None) -> dict[str, Any]:
    """What the table says of a task; one that failed or was cut off counts as not solved."""
    published = {**TASKS, **VARIANTS}[name].published
    result: Mapping[str, Any] = (outcome.result if outcome else None) or {}
    error = "" if result else outcome.error if outcome else "cut off"
    roads = result.get("roads") or {}
    return {
        "task": name,
        "tier": _supported_tier(result),
        "route": result.get("route"),
        "method": result.get("method"),
        "nodes": result.get("nodes"),
        "states": result.get("states"),
        "opened": (roads.get("opened") or {}).get("tier", "none"),
        "queried": (roads.get("queried") or {}).get("tier", "none"),
        "reason": error or result.get("reason", ""),
        "failed": outcome is not None and outcome.status == "failed",
        "seconds": result.get("seconds", {}),
        "cpu_seconds": outcome.cpu_seconds if outcome else 0.0,
        "seed": result.get("seed"),
        "program": result.get("program"),
        "paper": published.mips,
        "gpt4": published.gpt4,
        "mealy": published.mealy,
    }


def _supported_tier(result: Mapping[str, Any]) -> str:
    """The tier of a result, as far as its own certificate says so: nothing is solved because a file calls it solved."""
    tier, certificate = result.get("tier"), result.get("certificate")
    if tier not in TIERS:
        return "none"
    if TIERS.index(tier) <= TIERS.index("S0"):
        return tier
    match certificate:
        case {"right": True, "tier": str(proved), "counterexample": None, "checks": [_, *_]} if proved == tier:
            return tier if result.get("program") else "none"
    return "none"


def summarize(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over all tasks that were asked for."""
    reached = {tier: sum(TIERS.index(row["tier"]) >= TIERS.index(tier) for row in rows) for tier in TIERS[1:]}
    by_road = {road: sum(row[road] in ("S2", "S3", "S4") for row in rows) for road in ("opened", "queried")}
    return {
        "tasks": len(rows),
        "at_least": reached,
        "solved": reached["S2"],
        "solved_by_road": by_road,
        "paper": sum(row["paper"] for row in rows),
        "gpt4": sum(row["gpt4"] for row in rows),
        "failed": sum(row["failed"] for row in rows),
        "cut_off": sum(row["reason"] == "cut off" for row in rows),
        "cpu_seconds": round(sum(row["cpu_seconds"] for row in rows), 1),
        "per_task": list(rows),
    }
