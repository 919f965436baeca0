"""What ``arc submit`` finds, and its report: how far each puzzle is, and its attempts, whether right or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from novacula.arc.answers.answers import EARLY_STEPS
from novacula.arc.answers.certainty import DECODE_EVERY
from novacula.arc.data.parse import read_tasks
from novacula.arc.data.task import Answer
from novacula.arc.drawing.charts import quantity
from novacula.arc.drawing.puzzles import Card, gallery_html
from novacula.options import percent
from novacula.report import Section, table, write_run_report
from novacula.runs import RunFolder
from novacula.runs.notebook import Brief


@dataclass(frozen=True)
class SubmitRow(Brief):
    """How far a puzzle came."""

    task: str  #: its id
    steps: int  #: steps done
    decided: bool  #: whether it needs no more steps
    shares: tuple[float, ...]  #: each attempt's part of the weight of all candidates, 0 to 1
    cpu_seconds: float  #: processor time of its steps
    error: str  #: why it failed; empty otherwise
    attempts: tuple[Answer, ...]
    """Two, best first, each with one grid for every test input, chosen test by test; none before the first round."""
    probabilities: tuple[float, ...] = ()
    """As in `SolveFindings`, whose attempts are chosen for all tests together."""


@dataclass(frozen=True)
class SubmitFindings(Brief):
    """What ``arc submit`` comes to."""

    tasks: int  #: puzzles that were asked for
    answered: int  #: those with attempts
    decided: int  #: those that need no more steps
    failed: int  #: those whose training failed
    broken: Mapping[str, tuple[str, ...]]  #: by the id of a puzzle that cannot be solved, the rules that it breaks
    cpu_seconds: float  #: processor time of all steps
    submission: str  #: the file
    seed: int  #: the run's
    run: str  #: the run's folder
    per_task: tuple[SubmitRow, ...]  #: every sound puzzle
    expected: float | None = None
    """How many puzzles have a right attempt, as the solver estimates; ``None`` where no puzzle has a probability."""

    @property
    def outcome(self) -> str:
        """The run in a few words, for lists."""
        return f"{self.answered} of {self.tasks} puzzles answered, {self.estimate}"

    @property
    def estimate(self) -> str:
        """How many puzzles are probably right, in words; some may be trained too little for a probability."""
        judged = sum(bool(row.probabilities) for row in self.per_task)
        if self.expected is None:
            return "too early for a probability"
        among = "" if judged == self.answered else f" among the {judged} that have a probability"
        return f"{self.expected:.1f} probably right{among}"


def write_page(folder: RunFolder) -> Path:
    """Writes the submission's report.html from what its folder holds, and returns its path."""
    findings, record = folder.read_findings(SubmitFindings), folder.record
    sections = _sections(folder, findings) if findings else [Section("Puzzles", "There is no result yet.")]
    measured = {"submission": Path(findings.submission).name if findings else ""}
    if findings:
        measured = {
            "puzzles": str(findings.tasks),
            "with attempts": str(findings.answered),
            "decided": str(findings.decided),
            "as estimated": findings.estimate,
            "CPU time": quantity(findings.cpu_seconds, "s"),
            **measured,
        }
    arguments = ("--challenges", str(record.inputs.get("source")))
    subtitle = "Puzzles answered within a given time, each from its own grids alone."
    return write_run_report(folder, f"ARC submission: {record.about}", subtitle, sections, measured, arguments)


def _sections(folder: RunFolder, findings: SubmitFindings) -> list[Section]:
    tasks = read_tasks(folder)
    rows = sorted(findings.per_task, key=lambda row: (-sum(row.probabilities), row.task))
    cards = [Card(tasks[row.task], row.attempts, None, _caption(row)) for row in rows]
    note = (
        "Each test input with both attempts, the surest first. The probability is that one of both is right. "
        f"It needs {EARLY_STEPS + DECODE_EVERY} steps. With several test inputs it is that of attempts for all of them "
        "together, though the grids here are the best for each."
    )
    sections = [Section("Puzzles", gallery_html(cards), note)]
    if findings.broken:
        broken = [(name, "; ".join(problems)) for name, problems in findings.broken.items()]
        sections.append(Section("Broken puzzles", table(("puzzle", "what is wrong"), broken), "They got placeholders."))
    return sections


def _caption(row: SubmitRow) -> str:
    state = row.error or ("decided" if row.decided else "undecided")
    chance = f"probability {percent(sum(row.probabilities))}, " if row.probabilities else ""
    return f"{row.steps:,} steps, {chance}{state}"
