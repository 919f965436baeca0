"""Distills many benchmark tasks and puts them into one table: ``novacula distill bench``."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import Unpack, override

from novacula.distill.bench_open import WORK as OPEN_WORK
from novacula.distill.bench_open import OpenAnswer, open_job_of
from novacula.distill.bench_report import BenchFindings, TaskRow, write_page
from novacula.distill.config import BenchConfig, RunConfig, unless_equipped
from novacula.distill.findings import SOLVED, DistillFindings, Road
from novacula.distill.run import RUN, RunInputs
from novacula.distill.source import load_source
from novacula.distill.tasks.open_suite import OPEN_HALF, OPEN_SUITE
from novacula.distill.tasks.table import TASKS, VARIANTS
from novacula.distill.verify import TIERS, Tier
from novacula.errors import InputError
from novacula.jobs import Campaign, Job, Outcome, Round, check_executor, job_seed, one_thread
from novacula.options import named, refuse
from novacula.runs import NoInputs, RunFolder, RunResult, RunSettings, Signature, Step, Verb

WORK = "novacula.distill.bench:distill_job"  #: the name under which `novacula.jobs` calls `distill_job`
_MEMORY_MB = 900.0


@dataclass(frozen=True)
class DistillJob:
    """A task to be distilled."""

    task: str  #: its name
    run: RunConfig  #: how; the seed is the task's own
    folder: str  #: the folder of the task's own run, which holds its checkpoints and, at the end, its program


def distill_job(configuration: DistillJob) -> DistillFindings:
    """Distills a task; a checkpoint of it saves time and changes no result."""
    source = load_source(configuration.task, configuration.run)
    folder = RUN.work_in_job(configuration.run, RunInputs(configuration.task), source, Path(configuration.folder))
    findings = folder.read_findings(DistillFindings)
    assert findings is not None, "a finished run has a result"
    return findings


def bench(config: BenchConfig, **settings: Unpack[RunSettings]) -> RunResult[BenchFindings]:
    """Distills benchmark tasks, each on its own.

    Args:
        config: which tasks, and how.
        settings: see `novacula.runs.RunSettings`; a step is a task.

    Raises:
        InputError: a name is no task.
        RunError: the run's folder cannot be made, or no worker can be had.

    Source: arXiv 2402.05110, its table of 62 tasks.
    """
    names = chosen_tasks(config := BenchConfig.given(config))
    about = "all" if len(names) == len(TASKS) else f"{len(names)}-tasks"
    about = about if config.suite == "published" else f"open-{about}"
    return BENCH.start(config, NoInputs(), names, about=about, label=f"bench-{about}", **settings)


def chosen_tasks(config: BenchConfig) -> list[str]:
    """Returns the tasks that a configuration names, in the order of their suite; in the open one with their forms.

    Raises:
        InputError: a name is no task, or is given twice, and all such are listed; or the extra is absent.
    """
    refuse(unless_equipped())
    if config.suite == "open":
        halves = {"open": OPEN_HALF, "sealed": OPEN_SUITE.keys() - OPEN_HALF, "both": OPEN_SUITE.keys()}
        known = [name for name in OPEN_SUITE if name in halves[config.half]]
        names = _named(config.tasks, known)
        return [f"{name}.{form}" for form in config.forms for name in names]
    return _named(config.tasks, [*TASKS, *VARIANTS]) if config.tasks else list(TASKS)


def _named(tasks: Sequence[str], known: Sequence[str]) -> list[str]:
    """Those of the known tasks that an option names; all where it names none."""
    wanted = named("--tasks", tasks, known, lambda name: f"{name!r} is no benchmark task") if tasks else known
    return [name for name in known if name in wanted]


class BenchCampaign(Campaign):
    """A job for every task."""

    unit = "task"

    def __init__(self, config: BenchConfig, names: Sequence[str], folder: RunFolder) -> None:
        super().__init__(config, config.seed, len(names))
        self._config, self._names, self._folder = config, names, folder
        before = folder.read_findings(BenchFindings)
        self._begun = time.perf_counter() - (before.wall_seconds if before else 0.0)

    @override
    def rounds(self) -> Iterator[Round]:
        # Seeds of 32 bits: every library takes them.
        seeds = {name: job_seed(self._config.seed, name) % 2**32 for name in self._names}
        folder = self._folder.path.resolve() / "tasks"
        if self._config.suite == "open":
            work, limit = OPEN_WORK, self._config.task_seconds
            jobs = {name: open_job_of(name, seed, limit, folder) for name, seed in seeds.items()}
        else:
            work = WORK
            jobs = {n: DistillJob(n, self._config.for_task(seed), str(folder / n)) for n, seed in seeds.items()}
        yield Round(work, [Job(name, job, memory_mb=_MEMORY_MB) for name, job in jobs.items()])

    @override
    def take(self, outcome: Outcome) -> Step:
        row = task_row(outcome.id, outcome)
        seconds = sum(row.seconds.values())
        return Step({"task": row.task, "tier": row.tier, "nodes": row.nodes, "seconds": seconds, "reason": row.reason})

    @override
    def result(self) -> BenchFindings:
        return summarize(
            [task_row(name, self.outcomes.get(name)) for name in self._names],
            self._config,
            wall_seconds=round(time.perf_counter() - self._begun, 1),
            run=str(self._folder.path),
        )


def task_row(name: str, outcome: Outcome | None) -> TaskRow:
    """Returns what the table says of a task; one that failed or was cut off counts as not solved."""
    published = {**TASKS, **VARIANTS}[name].published if name in TASKS or name in VARIANTS else None
    findings, error, answer = None, outcome.error if outcome else "cut off", None
    try:
        if published is None:
            answer = outcome.result_as(OpenAnswer) if outcome else None
            findings = answer.findings if answer else None
        else:
            findings = outcome.result_as(DistillFindings) if outcome else None
    except InputError as damage:
        error = str(damage)
    return TaskRow(
        task=name,
        tier=_supported_tier(findings),
        route=findings.route if findings else None,
        method=findings.method if findings else None,
        nodes=findings.nodes if findings else None,
        states=findings.states if findings else None,
        opened=_tier_of(findings, "opened"),
        queried=_tier_of(findings, "queried"),
        reason=findings.reason if findings else error,
        failed=outcome is not None and outcome.status == "failed",
        seconds=findings.seconds if findings else {},
        cpu_seconds=answer.cpu_seconds if answer else outcome.cpu_seconds if outcome else 0.0,
        seed=findings.seed if findings else None,
        program=findings.program if findings else None,
        paper=published is not None and published.mips,
        gpt4=published is not None and published.gpt4,
        mealy=published.mealy if published else None,
        outcome=(findings.outcome if findings else "none") if published is None else None,
        correct=answer.correct if answer else None,
        claim=answer.claim if answer else None,
    )


def _tier_of(findings: DistillFindings | None, road: Road) -> Tier:
    best = findings.roads.get(road) if findings else None
    return best.tier or "none" if best else "none"


def _supported_tier(findings: DistillFindings | None) -> Tier:
    """The tier, as far as the certificate supports it: nothing is solved because a file calls it solved."""
    if findings is None or findings.tier is None:
        return "none"
    if findings.tier in ("none", "S0"):
        return findings.tier
    certificate = findings.certificate
    supported = (
        certificate is not None
        and certificate.right
        and certificate.tier == findings.tier
        and certificate.counterexample is None
        and certificate.checks
        and findings.program
    )
    return findings.tier if supported else "none"


def summarize(rows: Sequence[TaskRow], config: BenchConfig, *, wall_seconds: float, run: str) -> BenchFindings:
    """Returns counts over all tasks that were asked for."""
    reached: dict[Tier, int] = {
        tier: sum(TIERS.index(row.tier) >= TIERS.index(tier) for row in rows)
        for tier in TIERS
        if tier not in ("none", "departs")
    }
    return BenchFindings(
        tasks=len(rows),
        at_least=reached,
        solved=reached["S2"],
        solved_by_road={
            "opened": sum(row.opened in SOLVED for row in rows),
            "queried": sum(row.queried in SOLVED for row in rows),
        },
        paper=sum(row.paper for row in rows),
        gpt4=sum(row.gpt4 for row in rows),
        failed=sum(row.failed for row in rows),
        right=sum(row.right for row in rows),
        called_right_but_wrong=sum(row.outcome == "right" and not row.claimed for row in rows),
        cut_off=sum(row.reason == "cut off" for row in rows),
        cpu_seconds=round(sum(row.cpu_seconds for row in rows), 1),
        per_task=tuple(rows),
        seed=config.seed,
        workers=config.processes,
        wall_seconds=wall_seconds,
        run=run,
    )


BENCH = Verb(
    Signature("distill bench", BenchConfig, NoInputs, RunResult[BenchFindings]),
    load=lambda config, inputs, folder: chosen_tasks(config),
    begin=BenchCampaign,
    page=write_page,
    check=check_executor,
    threads=one_thread,
)
