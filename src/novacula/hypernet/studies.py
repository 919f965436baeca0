"""Studies of many networks: campaigns whose jobs are known from the beginning, and what they find. Source: ours."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from typing_extensions import override

from novacula.hypernet.analyst.label import LabelFindings, finite
from novacula.hypernet.config import Branch
from novacula.hypernet.formula import SizeLaw
from novacula.jobs import Campaign, CampaignOptions, Job, Round
from novacula.options import percent
from novacula.report import Section, table, write_run_report
from novacula.runs import RunFolder
from novacula.runs.notebook import Brief

Failure = tuple[str, str]  #: a job that failed, and why
Kind = TypeVar("Kind")


class Study(Campaign):
    """Jobs of one work, which is named as ``package.module:function``."""

    def __init__(self, work: str, jobs: Sequence[Job], options: CampaignOptions, seed: int) -> None:
        super().__init__(options, seed, len(jobs))
        self._work, self._jobs = work, jobs

    @override
    def rounds(self) -> Iterator[Round]:
        yield Round(self._work, self._jobs)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The jobs that failed, in the order of all jobs."""
        known = [self.outcomes[job.id] for job in self._jobs if job.id in self.outcomes]
        return tuple((outcome.id, outcome.error) for outcome in known if outcome.status == "failed")

    def results(self, kind: type[Kind]) -> list[Kind]:
        """The results of the jobs that finished, in the order of all jobs."""
        known = [self.outcomes[job.id].result_as(kind) for job in self._jobs if job.id in self.outcomes]
        return [result for result in known if result is not None]


@dataclass(frozen=True)
class StudyPage:
    """The title of a study's page, and what the study was about."""

    title: str  #: the page's title
    subtitle: str  #: below it
    runs: tuple[str, ...] = ()  #: folders that the command names

    def write(self, folder: RunFolder, sections: Sequence[Section], failed: Sequence[Failure]) -> Path:
        """Writes the page with these sections, and the jobs that failed; returns its path."""
        shown = [*sections] or [Section("Result", "There is no result yet.")]
        shown += [Section("Failed jobs", table(("job", "why"), failed))] if failed else []
        jobs = {"jobs": f"{folder.record.step} of {folder.record.length or 0}"}
        return write_run_report(folder, self.title, self.subtitle, shown, jobs, [Path(run).name for run in self.runs])


def number(value: float | None, form: str = ".4f") -> str:
    """Returns a number for a table; "none" where there is none."""
    return "none" if value is None else f"{value:{form}}"


def shares(labels: Sequence[tuple[str, float]]) -> str:
    """Returns labels with their shares."""
    return ", ".join(f"{label} {percent(share)}" for label, share in labels)


@dataclass(frozen=True, kw_only=True)
class CensusRow(LabelFindings):
    """A network with its label."""

    kind: Literal["generated", "adam"]  #: whether a hypernetwork generated it, or Adam trained it directly
    draw: int  #: number among the networks of the same place, or of the direct training
    run: str | None = None  #: folder of the run that generated it
    step: int | None = None  #: training step of the hypernetwork
    trained: int | None = None  #: seed of the hypernetwork
    branch: Branch | None = None  #: where its range of prices opened from
    beta: float | None = None  #: complexity price
    nats: float | None = None  #: what the network cost the generator
    cluster: str | None = None  #: the kind of the network, found without labels; null where it was not looked for

    @property
    def place(self) -> tuple[float, int]:
        """Price and step of a generated network."""
        return self.beta or 0.0, self.step or 0


@dataclass(frozen=True)
class Cell:
    """A cell of a phase diagram."""

    beta: float  #: price
    step: int  #: the training step
    label: str  #: the label of most networks; `broken` for those that are worse than a constant
    share: float  #: the share of networks that have it
    entropy: float  #: the entropy of the labels, in bits


@dataclass(frozen=True)
class CensusFindings(Brief):
    """What the labels of many networks say."""

    task: str  #: what the networks should compute
    inputs: int  #: the number of inputs of the networks
    rows: tuple[CensusRow, ...]  #: a network each
    cells: tuple[Cell, ...]  #: the cells of the phase diagram
    ends: Mapping[str, Mapping[str, float]]  #: shares of labels at the lowest and the highest price, last step
    monotone: Mapping[str, float | None]
    """Spearman's correlation of error and of falling nats with the price, medians of the last step."""
    agree: float | None  #: share of networks whose two labels agree
    failed: tuple[Failure, ...] = ()  #: jobs that failed, and why
    law: str | None = None  #: the law of their inputs; null for the task's own

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        shares = self.ends.get("lowest", {})
        if not shares:
            return f"{len(self.rows)} networks"
        label = max(shares, key=lambda name: shares[name])
        r2 = middle([row.r2 for row in self.last if row.shown == label])
        return label + ("" if r2 is None else f", R² {r2:.3f}")

    @property
    def generated(self) -> tuple[CensusRow, ...]:
        """The rows of generated networks."""
        return tuple(row for row in self.rows if row.kind == "generated")

    @property
    def last(self) -> tuple[CensusRow, ...]:
        """Those of the last training step."""
        return last_rows(self.generated)


def last_rows(rows: Sequence[CensusRow]) -> tuple[CensusRow, ...]:
    """Returns the rows of the last training step."""
    last = max((row.step or 0 for row in rows), default=0)
    return tuple(row for row in rows if row.step == last)


def summarize(rows: Sequence[CensusRow], task: str, inputs: int, failed: tuple[Failure, ...] = ()) -> CensusFindings:
    """Returns what the rows of a census say."""
    generated = [row for row in rows if row.kind == "generated"]
    final = last_rows(generated)
    betas = sorted({row.place[0] for row in final})
    ends = zip(("lowest", "highest"), (betas[0], betas[-1]), strict=True) if betas else ()
    return CensusFindings(
        task=task,
        inputs=inputs,
        rows=tuple(rows),
        cells=tuple(_cells(generated)),
        ends={name: _shares([row for row in final if row.beta == beta]) for name, beta in ends},
        monotone={
            "mse": _monotone([(row.place[0], row.mse) for row in final]),
            "nats": _monotone([(row.place[0], None if row.nats is None else -row.nats) for row in final]),
        },
        agree=sum(row.agree for row in rows) / len(rows) if rows else None,
        failed=failed,
    )


def _cells(rows: Sequence[CensusRow]) -> list[Cell]:
    found = []
    for beta, step in sorted({row.place for row in rows}):
        labels = Counter(row.shown for row in rows if row.place == (beta, step))
        label, count = min(labels.items(), key=lambda item: (-item[1], item[0]))
        shares = np.array(list(labels.values())) / labels.total()
        entropy = abs(float(-(shares * np.log2(shares)).sum()))
        found.append(Cell(beta, step, label, count / labels.total(), entropy))
    return found


def _shares(rows: Sequence[CensusRow]) -> Mapping[str, float]:
    labels = Counter(row.shown for row in rows)
    return {label: count / len(rows) for label, count in labels.most_common()}


def _monotone(values: Sequence[tuple[float, float | None]]) -> float | None:
    """Spearman's correlation of the medians with the price; None where it has no meaning."""
    from scipy.stats import spearmanr

    betas = sorted({beta for beta, _ in values})
    groups = [[value for own, value in values if own == beta and value is not None] for beta in betas]
    if len(betas) < 3 or not all(groups):
        return None
    middle = [float(np.median(group)) for group in groups]
    if max(middle) == min(middle):
        return None
    return finite(float(spearmanr(betas, middle).statistic))  # pyright: ignore[reportAttributeAccessIssue]


@dataclass(frozen=True, kw_only=True)
class SizeRow:
    """The networks of one size."""

    inputs: int  #: the number of inputs of the networks
    hidden: tuple[int, ...]  #: units of each hidden layer
    r2: tuple[float | None, ...]  #: R² of each draw; null where the network explodes
    median: float | None  #: the median over draws
    worst: float | None  #: the worst draw
    label: str  #: the label of most draws; `broken` for those that are worse than a constant
    share: float  #: the share of draws that have it
    redrawn: int  #: draws whose codes collided and were drawn again


@dataclass(frozen=True)
class GeneralizeFindings(Brief):
    """What a hypernetwork's networks of many sizes are worth."""

    task: str  #: what they should compute
    beta: float  #: their complexity price
    trained: tuple[int, ...]  #: numbers of inputs that were trained on
    rows: tuple[SizeRow, ...]  #: a size each
    size_laws: tuple[SizeLaw, ...]  #: how the numbers of the formulas depend on the number of inputs
    failed: tuple[Failure, ...] = ()  #: jobs that failed, and why

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        worst = min((row.median for row in self.rows if row.median is not None), default=None)
        return f"{len(self.rows)} sizes" + ("" if worst is None else f", median R² at least {worst:.3f}")


@dataclass(frozen=True)
class CompareRow:
    """What one training gives: medians over its networks, of which direct training gives one."""

    variant: str  #: what was trained
    index: int  #: number of the seed
    seconds: float  #: processor time
    steps: int  #: training steps
    labels: tuple[str, ...]  #: the networks' labels
    r2: float | None  #: 1 - MSE / variance
    mse: float | None  #: mean squared error
    nats: float | None  #: what the networks cost their generator; null for networks that were trained directly


@dataclass(frozen=True)
class VariantSummary:
    """A row of the table: medians over seeds."""

    variant: str  #: what was trained
    seeds: int  #: how often
    labels: Mapping[str, float]  #: the share of networks that have each label
    r2: float | None  #: as in `CompareRow`; null where nothing is known
    mse: float | None  #: as in `CompareRow`; null where nothing is known
    nats: float | None  #: as in `CompareRow`; null where nothing is known
    seconds: float | None  #: as in `CompareRow`; null where nothing is known
    steps: float | None  #: as in `CompareRow`; null where nothing is known


@dataclass(frozen=True)
class CompareFindings(Brief):
    """Variants of the hypernetwork, and direct training."""

    task: str  #: what the networks should compute
    rows: tuple[CompareRow, ...]  #: a training each
    variants: tuple[VariantSummary, ...]  #: a summary each
    failed: tuple[Failure, ...] = ()  #: jobs that failed, and why

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        known = [(row.r2, row.variant) for row in self.variants if row.r2 is not None]
        return f"{max(known)[1]} is best, R² {max(known)[0]:.3f}" if known else ""


def summarize_variant(variant: str, rows: Sequence[CompareRow]) -> VariantSummary:
    """Returns the summary of a variant from the rows of all."""
    own = [row for row in rows if row.variant == variant]
    labels = [label for row in own for label in row.labels]
    return VariantSummary(
        variant=variant,
        seeds=len(own),
        labels={label: labels.count(label) / len(labels) for label in sorted({*labels})},
        r2=middle([row.r2 for row in own]),
        mse=middle([row.mse for row in own]),
        nats=middle([row.nats for row in own]),
        seconds=middle([row.seconds for row in own]),
        steps=middle([row.steps for row in own]),
    )


def middle(values: Sequence[float | None]) -> float | None:
    """Returns the median of the known values; None where there are none."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
