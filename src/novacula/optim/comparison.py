"""From the outcomes of a bench to its tables: who is how low, after how many steps, and where LODO loses."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median

from novacula.jobs import Outcome
from novacula.optim.job import TrainingRun, TuningResult
from novacula.runs.notebook import Brief

SUBJECT = "lodo"  #: the optimizer that the others are compared with: LODO with its defaults


@dataclass(frozen=True)
class RunRow:
    """What the table says of one run; times are processor time of one thread."""

    task: str  #: names
    optimizer: str  #: names
    seed: int  #: the run's number, from 0
    trials: int  #: settings that were tried before; 0 where nothing was tuned
    steps: int  #: gradients taken
    loss: float | None  #: mean of the curve's last tenth; None if the run diverged or has no outcome
    seconds: float  #: seconds of gradients and optimizer together
    optimizer_seconds: float  #: seconds of the optimizer alone
    memory_mb: float  #: largest memory of the process, in 10^6 bytes
    state_mb: float  #: what the optimizer keeps, in 10^6 bytes
    diverged: bool  #: whether the run diverged
    reason: str  #: why there is no outcome; empty where there is one


@dataclass(frozen=True)
class Curve:
    """The median over seeds at each point of a loss curve."""

    marks: tuple[int, ...]  #: steps
    loss: tuple[float | None, ...]  #: None where half of the runs have diverged
    seconds: tuple[float, ...]  #: processor time


Curves = Mapping[str, Mapping[str, Curve]]  #: by task and optimizer


@dataclass(frozen=True)
class Comparison:
    """LODO beside the best tuned first-order optimizer on one task; None stands for never."""

    task: str  #: its name
    best: str  #: the other optimizer
    loss: float  #: its median loss
    steps: int | None  #: the steps after which its median curve is as low as `loss`
    lodo_loss: float | None  #: LODO's median loss
    lodo_steps: int | None  #: the steps after which LODO's median curve is as low as `loss`
    held: bool  #: whether `lodo_steps` are no more than `steps`


@dataclass(frozen=True)
class Sensitivity:
    """The loss of the first run with all learning rates times a factor; None if it diverged."""

    task: str
    optimizer: str
    factor: float
    loss: float | None
    diverged: bool


@dataclass(frozen=True)
class TunedSettings:
    """The best settings of an optimizer on a task; None where tuning has no result."""

    task: str
    optimizer: str
    settings: Mapping[str, float] | None


@dataclass(frozen=True)
class BenchFindings(Brief):
    """What a bench finds."""

    rows: tuple[RunRow, ...]  #: all runs, those without outcome too
    comparison: tuple[Comparison, ...]  #: LODO beside the best of the others, by task
    sensitivity: tuple[Sensitivity, ...]  #: losses at other learning rates
    settings: tuple[TunedSettings, ...]  #: the best ones
    curves: Curves  #: by task and optimizer
    failed: int  #: number of jobs that failed
    cpu_seconds: float  #: processor time of all jobs
    run: str  #: the run's folder

    @property
    def verdict(self) -> str:
        """What the comparison says, in a sentence without its end."""
        if not self.comparison:
            return "No task has losses of both LODO with its defaults and a tuned first-order optimizer"
        held = sum(row.held for row in self.comparison)
        said = "LODO with its defaults reaches the loss of the best tuned first-order optimizer in no more steps on "
        return said + f"{held} of {len(self.comparison)} tasks"

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        if len(self.comparison) == 1 and (only := self.comparison[0]).lodo_steps and only.steps:
            return f"LODO {only.lodo_steps} of {only.steps} steps"
        held = sum(row.held for row in self.comparison)
        return f"LODO holds {held} of {len(self.comparison)} tasks" if self.comparison else ""


def run_row(task: str, optimizer: str, seed: int, trials: int, outcome: Outcome | None, reason: str) -> RunRow:
    """Returns what the table says of a run after `trials` trials; without an outcome, `reason` says why."""
    run = outcome.result_as(TrainingRun) if outcome else None
    return RunRow(
        task=task,
        optimizer=optimizer,
        seed=seed,
        trials=trials,
        steps=run.steps if run else 0,
        loss=run.loss if run else None,
        seconds=run.seconds if run else 0.0,
        optimizer_seconds=run.optimizer_seconds if run else 0.0,
        memory_mb=outcome.peak_memory_mb if outcome else 0.0,
        state_mb=run.state_mb if run else 0.0,
        diverged=run.diverged if run else False,
        reason="" if run else outcome.error if outcome else reason,
    )


def middle_curve(runs: Iterable[TrainingRun]) -> Curve:
    """Returns the median over runs at each of the curve's points, a diverged run being infinitely bad."""
    runs = [*runs]
    marks = max((run.marks for run in runs), key=len, default=())
    points, seconds = [], []
    for place in range(len(marks)):
        value = median(run.curve[place] if place < len(run.curve) else math.inf for run in runs)
        points.append(value if math.isfinite(value) else None)
        seconds.append(median(run.clock[place] for run in runs if place < len(run.clock)))
    return Curve(marks, tuple(points), tuple(seconds))


def compare(rows: Sequence[RunRow], curves: Curves, first_order: Sequence[str]) -> tuple[Comparison, ...]:
    """Returns LODO beside the best tuned first-order optimizer, for each task that both have finished."""
    found = []
    for task, by_optimizer in curves.items():
        losses = {name: middle_loss(rows, task, name) for name in by_optimizer}
        rivals = [name for name in by_optimizer if name in first_order and math.isfinite(losses[name])]
        if SUBJECT not in by_optimizer or not rivals:
            continue
        best = min(rivals, key=lambda name: losses[name])
        target = losses[best]
        theirs, ours = (steps_to(by_optimizer[name], target) for name in (best, SUBJECT))
        found.append(
            Comparison(
                task=task,
                best=best,
                loss=target,
                steps=theirs,
                lodo_loss=losses[SUBJECT] if math.isfinite(losses[SUBJECT]) else None,
                lodo_steps=ours,
                held=ours is not None and (theirs is None or ours <= theirs),
            )
        )
    return tuple(found)


def middle_loss(rows: Sequence[RunRow], task: str, optimizer: str) -> float:
    """Returns the median over seeds; infinite where half of the runs have none."""
    losses = [row.loss for row in rows if (row.task, row.optimizer) == (task, optimizer)]
    return median(math.inf if loss is None else loss for loss in losses) if losses else math.inf


def steps_to(curve: Curve, loss: float) -> int | None:
    """Returns the steps after which the mean of a tenth of a curve's points is as low as `loss`; None if never."""
    values = [math.inf if value is None else value for value in curve.loss]
    tenth = max(1, len(values) // 10)
    for end in range(tenth, len(values) + 1):
        if fmean(values[end - tenth : end]) <= loss:
            return curve.marks[end - 1]
    return None


def rows_csv(rows: Sequence[RunRow]) -> str:
    """Returns all runs as comma-separated values."""
    return _csv([asdict(row) for row in rows])


def trials_csv(tunings: Iterable[tuple[str, str, TuningResult]]) -> str:
    """Returns every setting that was tried for a task and an optimizer, and its loss, as comma-separated values."""
    return _csv(
        [
            {
                "task": task,
                "optimizer": optimizer,
                "loss": trial.loss,
                "seconds": trial.seconds,
                "settings": " ".join(f"{name}={value!r}" for name, value in trial.settings.items()),
            }
            for task, optimizer, tuning in tunings
            for trial in tuning.trials
        ]
    )


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
