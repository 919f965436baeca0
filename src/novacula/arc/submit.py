"""Answer a contest's puzzles within a given time: ``novacula arc submit``.

All puzzles are trained a little, then those that are still undecided for longer, and so on: in rounds, each puzzle
going on exactly where it was. As a round may not end in time, the puzzles that promise most per second come first.
Source: ours.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import Unpack, override

from novacula.arc.campaigns.job import (
    WORK,
    LegFindings,
    Unfinished,
    check_place,
    checkpoints,
    discard,
    puzzle_job,
    unfinished,
    volume,
)
from novacula.arc.config import SubmitConfig
from novacula.arc.data.files import load_challenges, write_submission
from novacula.arc.data.parse import MOST_TESTS, kept_tasks, read_tasks
from novacula.arc.data.task import Answer, Task
from novacula.arc.network.engine_choice import settled
from novacula.arc.submit_report import SubmitFindings, SubmitRow, write_page
from novacula.errors import InputError, NovaculaError
from novacula.files import StrPath
from novacula.jobs import Campaign, Job, Outcome, Round, job_seed, one_thread
from novacula.options import refuse, unless_within
from novacula.runs import ResumeSettings, RunFolder, RunResult, Signature, Step, Verb, located

SUBMISSION = "submission.json"  #: the artifact in which a resumed run leaves its submission
_LOG = logging.getLogger(__name__)
ROUNDS = (20, 200, 400, 700, 1000, 1500, 2000, 3000, 4000)
"""Steps that a puzzle has at the end of each round; beyond them, half as many again. The first tells what a step costs.

200 steps solve some 40 % of the puzzles that 2,000 steps solve, and 400 steps some 70 % (arXiv 2512.06104).
"""


@dataclass(frozen=True)
class SubmitResult(RunResult[SubmitFindings]):
    """How a submission ended."""

    @property
    def submission(self) -> Path:
        """The submission's file."""
        return Path(self.findings.submission)

    @property
    def wanted(self) -> Path | None:
        """The file that the run's first command named, if this is a resumed run, which does not write there."""
        out = Path(str(self.folder.record.inputs["out"]))
        return None if out == self.submission else out


@dataclass(frozen=True)
class SubmitInputs:
    """What is asked for, and where the answers went at first.

    Raises:
        InputError: a number of tests is out of its range, or a broken puzzle is none of the puzzles.
    """

    source: str  #: the challenges file
    out: str  #: the submission of the command that began the run. A resumed run writes into its own folder instead.
    tests: Mapping[str, int]  #: by the id of every puzzle, how many test inputs it has
    broken: Mapping[str, tuple[str, ...]]  #: by the id of a puzzle that cannot be solved, the rules that it breaks

    def __post_init__(self) -> None:
        problems = [
            problem for count in self.tests.values() for problem in unless_within("tests", count, 1, MOST_TESTS)
        ]
        refuse(problems + [f"broken has {name!r}, no puzzle" for name in self.broken.keys() - self.tests], "inputs")


@dataclass(frozen=True)
class SubmitSubject:
    """What a campaign answers."""

    inputs: SubmitInputs  #: what is asked for
    tasks: Mapping[str, Task]  #: the sound puzzles by their ids
    submission: Path  #: the file for the answers


def submit(
    challenges: StrPath,
    config: SubmitConfig | None = None,
    *,
    out: StrPath = "submission.json",
    runs: StrPath | None = None,
    **settings: Unpack[ResumeSettings],
) -> SubmitResult:
    """Answers all puzzles of a challenges file; at every moment `out` is a valid submission with the best so far.

    Args:
        challenges: a Kaggle ``*_challenges.json``, or another file or folder of puzzles. A broken puzzle is reported,
            and gets placeholders.
        config: seed, engine, workers, and the most steps that a puzzle gets.
        out: the submission: a file that does not exist yet.
        runs: the folder in which the run's folder is made; without it, that is a temporary one.
        settings: see `novacula.runs.ResumeSettings`; a step is a puzzle's part in a round.

    Raises:
        InputError: the challenges cannot be read, or hold no sound puzzle; the submission exists, or cannot be written.
        RunError: the run's folder cannot be made, or no worker can be had.
    """
    began = time.monotonic()
    config, path = SubmitConfig.given(config), Path(os.path.abspath(out))
    asked = load_challenges(challenges, config.max_size)
    if path.exists():
        raise InputError(str(out), "exists already; name another file, or remove it")
    check_place(config)
    config = settled(config, asked.tasks.values())
    inputs = SubmitInputs(located(challenges), str(path), asked.tests, asked.broken)
    about = Path(challenges).stem
    write_submission(path, asked.tests, {})
    label = f"submit-{about}"
    try:
        folder = SUBMIT.create(config, inputs, about=about, label=label, kept=kept_tasks(asked.tasks), runs=runs)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    for name, problems in asked.broken.items():
        _LOG.warning("%s: %s: %s; it gets a placeholder", challenges, name, "; ".join(problems))
    if (limit := settings.get("time_limit")) is not None:
        settings["time_limit"] = limit - (time.monotonic() - began)
    return SUBMIT.work(config, SubmitSubject(inputs, asked.tasks, path), folder, **settings)


@dataclass
class PuzzleState:
    """How far a puzzle is; `key` names its jobs, the rest is as in `SubmitRow`. One that failed gets no more steps."""

    key: str
    task: Task
    steps: int = 0
    attempts: tuple[Answer, ...] = ()
    shares: tuple[float, ...] = (0.0, 0.0)
    probabilities: tuple[float, ...] = ()
    decided: bool = False
    cpu_seconds: float = 0.0
    error: str = ""

    def take(self, found: LegFindings | Unfinished) -> None:
        """Takes in what a leg of the training found, all of it: each number belongs to these attempts."""
        self.steps, self.attempts, self.shares = found.steps, found.by_test, found.shares
        self.cpu_seconds, self.probabilities, self.decided = found.cpu_seconds, found.probabilities, found.ended

    def value(self, until: int) -> float:
        """Returns what training on until a step promises: doubt about the attempts per unit of processor time."""
        if not self.steps:
            return 1e6 / volume(self.task)
        seconds = self.cpu_seconds * (until - self.steps) / self.steps
        return (1 - sum(self.probabilities)) / max(seconds, 1e-9)


def round_ends(steps: int) -> list[int]:
    """Returns the steps at the end of each round; the last is `steps`."""
    ends = [end for end in ROUNDS if end < steps]
    while (following := ends[-1] * 3 // 2 if ends else steps) < steps and ends[-1] >= ROUNDS[-1]:
        ends.append(following)
    return [*ends, steps]


class SubmitCampaign(Campaign):
    """The sound puzzles of a submission by their ids, how far each is, and the rounds that train them."""

    unit = "puzzle"

    def __init__(self, config: SubmitConfig, subject: SubmitSubject, folder: RunFolder) -> None:
        super().__init__(config, config.seed, len(subject.tasks))
        self._config, self._inputs, self._folder = config, subject.inputs, folder
        self._submission, tasks = subject.submission, subject.tasks.values()
        self._puzzles = {f"p{number:04}": PuzzleState(f"p{number:04}", task) for number, task in enumerate(tasks)}
        self._trained, self._chosen = 0, 0

    @property
    @override
    def position(self) -> int:
        return sum(puzzle.decided for puzzle in self._puzzles.values())

    @override
    def rounds(self) -> Iterator[Round]:
        for until in round_ends(self._config.steps_of(0)):
            chosen = [puzzle for puzzle in self._puzzles.values() if not (puzzle.decided or puzzle.error)]
            self._trained, self._chosen = 0, len(chosen)
            yield Round(WORK, [self._job(puzzle, until) for puzzle in chosen])

    @override
    def take(self, outcome: Outcome) -> Step:
        key, _, until = outcome.id.partition(".")
        puzzle = self._puzzles[key]
        if found := outcome.result_as(LegFindings):
            puzzle.take(found)
        else:
            puzzle.error = outcome.error
            _LOG.warning("%s failed: %s; its attempts so far stand", puzzle.task.name, outcome.error)
        if puzzle.decided:
            discard(checkpoints(self._folder, key))
        self._write()
        self._trained += 1
        return Step({"until": int(until), "trained": self._trained, "puzzles": self._chosen})

    @override
    def result(self) -> SubmitFindings:
        puzzles = self._puzzles.values()
        for puzzle in puzzles:
            if not (puzzle.decided or puzzle.error):
                self._take_unfinished(puzzle)
        chances = [sum(puzzle.probabilities) for puzzle in puzzles if puzzle.probabilities]
        return SubmitFindings(
            tasks=len(self._inputs.tests),
            answered=sum(bool(puzzle.attempts) for puzzle in puzzles),
            decided=self.position,
            failed=sum(bool(puzzle.error) for puzzle in puzzles),
            broken=self._inputs.broken,
            cpu_seconds=round(sum(puzzle.cpu_seconds for puzzle in puzzles), 3),
            expected=sum(chances) if chances else None,
            submission=str(self._submission),
            seed=self._config.seed,
            run=str(self._folder.path),
            per_task=tuple(_row(puzzle) for puzzle in puzzles),
        )

    def keep(self, folder: RunFolder) -> None:
        """Leaves the submission."""
        self._write()

    def _job(self, puzzle: PuzzleState, until: int) -> Job:
        config = self._config.for_puzzle(job_seed(self._config.seed, puzzle.task.name))
        folder = checkpoints(self._folder, puzzle.key)
        # The largest "cost" is begun first.
        cost, gpus = puzzle.value(until), self._config.gpus
        return puzzle_job(f"{puzzle.key}.{until}", puzzle.task, config, until, folder, cost, gpus)

    def _take_unfinished(self, puzzle: PuzzleState) -> None:
        """Takes in the attempts at the last checkpoint of a puzzle that was cut off."""
        try:
            folder = checkpoints(self._folder, puzzle.key)
            found = unfinished(folder, puzzle.task, self._config, puzzle.steps)
        except (NovaculaError, OSError):
            return
        if found:
            puzzle.take(found)

    def _write(self) -> None:
        attempts = {puzzle.task.name: puzzle.attempts for puzzle in self._puzzles.values() if puzzle.attempts}
        write_submission(self._submission, self._inputs.tests, attempts)


def _row(puzzle: PuzzleState) -> SubmitRow:
    facts = puzzle.steps, puzzle.decided, puzzle.shares, puzzle.cpu_seconds, puzzle.error, puzzle.attempts
    return SubmitRow(puzzle.task.name, *facts, puzzle.probabilities)


def _load(config: SubmitConfig, inputs: SubmitInputs, folder: RunFolder) -> SubmitSubject:
    """Returns the subject of a resumed run, which writes into its own folder: only a command may name another place."""
    tasks = read_tasks(folder)
    counts = {name: len(task.test) for name, task in tasks.items()}
    if counts != {name: count for name, count in inputs.tests.items() if name not in inputs.broken}:
        raise InputError(f"{folder.path}/run.json", "inputs, tests: are not those of the puzzles that the run has kept")
    return SubmitSubject(inputs, tasks, folder.artifact(SUBMISSION))


SUBMIT = Verb(
    Signature("arc submit", SubmitConfig, SubmitInputs, SubmitResult),
    load=_load,
    begin=SubmitCampaign,
    page=write_page,
    files=lambda config, inputs: (inputs.source,),
    check=check_place,
    threads=one_thread,
)
