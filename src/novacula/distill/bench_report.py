"""What ``result.json`` of ``distill bench`` says, and its report: the table of tasks beside the published columns."""

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from novacula.distill.findings import SOLVED, Outcome, Road
from novacula.distill.sources.sequences import counted
from novacula.distill.verify.certificate import Tier
from novacula.report import Section, table, write_run_report
from novacula.runs import RunFolder
from novacula.runs.notebook import Brief

_WORDS = {
    "S0": "a network is right on fresh data",
    "S1": "a machine or a long program is",
    "S2": "a formula of at most 60 syntax nodes is, at the trained length, twice and five times that",
    "S3": "and it is proved for all inputs up to length 10",
    "S4": "and it is proved for every length",
}


OPEN_CELLS = ("outcome", "correct", "nodes", "states", "road", "CPU s")
CELLS = ("nodes", "states", "road", "opened", "queried", "seconds", "paper", "GPT-4")


@dataclass(frozen=True)
class TaskRow:
    """One task of a bench; one that failed or was cut off is not solved."""

    task: str  #: its name
    tier: Tier  #: how much is known of its program, as far as the certificate says so
    route: Road | None  #: as in `DistillFindings`
    method: str | None  #: as in `DistillFindings`
    nodes: int | None  #: as in `DistillFindings`
    states: int | None  #: as in `DistillFindings`
    opened: Tier  #: the tier of the best program from hidden states
    queried: Tier  #: the tier of the best program from answers alone
    reason: str  #: why there is no short formula; empty where there is one
    failed: bool  #: whether the task ended with an error
    seconds: dict[str, float]  #: as in `DistillFindings`
    cpu_seconds: float  #: processor time
    seed: int | None  #: as in `DistillFindings`
    program: str | None  #: as in `DistillFindings`
    paper: bool  #: whether the paper solves the task
    gpt4: bool  #: whether GPT-4 does, by the paper
    mealy: int | None  #: states of the task's minimal Mealy machine; None where it is infinite
    outcome: Outcome | None = None  #: the outcome of the run, in the open suite
    correct: bool | None = None
    """Whether the program equals the task's definition, in the open suite; None where none fits."""
    claim: bool | None = None  #: whether it does so as far as its verdict says; None likewise

    @property
    def right(self) -> bool:
        """Whether the outcome of a task of the open suite is "right", and its program equals the definition."""
        return self.outcome == "right" and bool(self.correct)

    @property
    def claimed(self) -> bool:
        """Whether the program equals the definition as far as its verdict says."""
        return bool(self.correct if self.claim is None else self.claim)

    @property
    def solved(self) -> bool:
        """Whether a short formula is right."""
        return self.tier in SOLVED

    @property
    def cells(self) -> tuple[str, ...]:
        """The row in tables for people, without task and tier; `heads` are its heads, but for the last."""
        sizes = (
            "" if self.nodes is None else str(self.nodes),
            "" if self.states is None else str(self.states),
            self.route or "",
        )
        if self.outcome:
            correct = "" if self.correct is None else "yes" if self.correct else "as claimed" if self.claim else "no"
            return (self.outcome, correct, *sizes, f"{self.cpu_seconds:.1f}", self.reason)
        return (
            *sizes,
            self.opened,
            self.queried,
            f"{sum(self.seconds.values()):.1f}",
            "yes" if self.paper else "",
            "yes" if self.gpt4 else "",
            self.reason,
        )


@dataclass(frozen=True)
class BenchFindings(Brief):
    """What a bench found."""

    tasks: int  #: the number of tasks that were asked for
    at_least: dict[Tier, int]  #: the number of tasks that reach each tier
    solved: int  #: the number of tasks with a short formula that is right
    solved_by_road: dict[Road, int]  #: the same on one road alone
    paper: int  #: the number of tasks that the paper solves
    gpt4: int  #: the number of tasks that GPT-4 solves, by the paper
    failed: int  #: the number of tasks that ended with an error
    cut_off: int  #: the number of tasks that the time limit left without a result
    cpu_seconds: float  #: processor time in all
    per_task: tuple[TaskRow, ...]  #: a row for every task
    seed: int  #: the run's
    workers: int  #: tasks at the same time
    wall_seconds: float  #: wall time in all
    run: str  #: the run's folder
    right: int = 0  #: how many of the open suite end as "right" and equal the definition
    called_right_but_wrong: int = 0  #: how many of the open suite end as "right" and are not

    @property
    def is_open(self) -> bool:
        """Whether the tasks are those of the open suite."""
        return any(row.outcome for row in self.per_task)

    @property
    def heads(self) -> tuple[str, ...]:
        """The heads of the cells of a row."""
        return OPEN_CELLS if self.is_open else CELLS

    @property
    def sentence(self) -> str:
        """The run in a sentence."""
        if self.is_open:
            open_ = sum(row.outcome == "not determined" for row in self.per_task)
            return (
                f"Of {self.tasks} tasks {self.right} are right, {open_} not determined; {self.called_right_but_wrong} "
                f"programs are called right and are not.{self._unfinished}"
            )
        tiers = ", ".join(f"{count} reach {tier}" for tier, count in self.at_least.items())
        return (
            f"Of {self.tasks} tasks {tiers}; the paper solves {self.paper} of these at the trained length."
            f"{self._unfinished}"
        )

    @property
    def _unfinished(self) -> str:
        """A sentence on the tasks without a result."""
        return (
            f" {counted(self.cut_off, 'task')} had no result yet: the run did not come to its end."
            if self.cut_off
            else ""
        )

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        if self.is_open:
            return f"{self.right} of {self.tasks} right, {self.called_right_but_wrong} wrong ones called right"
        return f"{self.solved} of {self.tasks} tasks solved"


def write_page(folder: RunFolder) -> Path:
    """Writes the bench's report.html from its result; returns its path."""
    findings = folder.read_findings(BenchFindings)
    sections = [Section("Tasks", "There is no result yet.")]
    if findings:
        sections = [_counts(findings), _tasks(findings), _programs(folder, findings)]
    is_open = bool(findings and findings.is_open)
    title = "The open suite" if is_open else "Benchmark of arXiv 2402.05110"
    subtitle = "As functions and as rows" if is_open else "From data, to networks, to programs"
    subtitle += ", each task on its own."
    record = folder.record
    measured = {
        "tasks done": f"{record.step:,} of {record.length or 0:,}",
        "wall time": f"{findings.wall_seconds:,.0f} s" if findings else "",
        "processor time": f"{findings.cpu_seconds:,.0f} s" if findings else "",
    }
    return write_run_report(folder, title, subtitle, sections, measured)


def _counts(findings: BenchFindings) -> Section:
    rows = [(f"{tier}: {_WORDS[tier]}", f"{count} of {findings.tasks}") for tier, count in findings.at_least.items()]
    if findings.is_open:
        return Section("How many are solved", table(("tier", "tasks that reach it"), rows), findings.sentence)
    rows.append(("the paper, at the trained length", f"{findings.paper} of {findings.tasks}"))
    by_road = findings.solved_by_road
    note = (
        f"{findings.solved} of {findings.tasks} tasks have a short formula that is right. Opened from hidden states "
        f"alone it is {by_road['opened']}, queried as black boxes alone {by_road['queried']}. Every task asked for "
        "counts, also one that failed or was cut off."
    )
    return Section("How many are solved", table(("tier", "tasks that reach it"), rows), note)


def _tasks(findings: BenchFindings) -> Section:
    head = ("task", "tier", *findings.heads, "why not")
    rows = [(row.task, row.tier, *row.cells) for row in findings.per_task]
    note = "The columns paper and GPT-4 are those of arXiv 2402.05110; GPT-4's is an upper bound."
    if findings.is_open:
        note = (
            "Correct: the program equals the task's definition, which the distillation does not see; as claimed: it "
            "does so for the steps and values of which the verdict speaks, and not beyond."
        )
    return Section("Tasks", table(head, rows), note)


def _programs(folder: RunFolder, findings: BenchFindings) -> Section:
    """The step of every solved task's program."""
    parts = []
    for row in findings.per_task:
        path = folder.path / "tasks" / row.task / "artifacts" / "program.py"
        if row.solved and path.exists():
            text = path.read_text("utf-8")
            step = text[text.index("START") : text.index("def run")].strip()
            parts.append(Markup("<h3>{}</h3><pre><code>{}</code></pre>").format(row.task, step))
    return Section(
        "Programs", Markup("").join(parts), "Their files, with certificates, are in the folders of the tasks."
    )
