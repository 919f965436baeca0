"""One puzzle of a campaign, as a job: what a worker computes. It is given no solution, and could read none.

The folder of a campaign keeps the puzzles in ``artifacts/tasks.json``, the outcome of every job in ``jobs/``, and the
checkpoints of puzzles that are not at their end in ``puzzles/``.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from typing_extensions import override

from novacula.arc.answers.answers import Answers
from novacula.arc.answers.certainty import probabilities
from novacula.arc.answers.laws import Laws
from novacula.arc.campaigns.curve import Order, Standings, is_recorded
from novacula.arc.config import CampaignConfig, SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.task import Answer, Task
from novacula.arc.findings import SolveFindings
from novacula.arc.network.engine_choice import check_device
from novacula.arc.program import SolveProgram, SolveState
from novacula.errors import RunError
from novacula.files import from_json, to_json
from novacula.jobs import Job, check_executor
from novacula.runs import Computation, NoInputs, RunFolder, RunResult, Signature, Step, Verb
from novacula.runs.checkpoint import load_checkpoint

WORK = "novacula.arc.campaigns.job:solve_job"  #: the name under which `novacula.jobs` calls `solve_job`


@dataclass(frozen=True)
class PuzzleJob:
    """A puzzle to be trained on up to the step `until`.

    In `solve`, `steps` are those of the whole training, and `seed` is the puzzle's own. The folder holds the puzzle's
    checkpoints; those of an earlier job are taken up.
    """

    task: Task
    solve: SolveConfig
    until: int
    folder: str


@dataclass(frozen=True)
class LegFindings(SolveFindings):
    """What a job returns: what ``arc solve`` finds, and what the campaign needs besides."""

    ended: bool = False  #: whether no step of the training is left
    by_test: tuple[Answer, ...] = ()  #: two attempts for the contest's rule
    candidates: tuple[str, ...] = ()
    """At the end of all training, the digests of the candidates that `standings` lists."""
    standings: tuple[Order, ...] = ()  #: at the end of all training, the candidates' order at some steps


@dataclass(frozen=True)
class LegState:
    """What a checkpoint of a leg holds beside arrays."""

    training: SolveState
    candidates: tuple[str, ...]
    standings: tuple[Order, ...]


class Leg(Computation):
    """A puzzle's training up to the step `until`, with what a campaign keeps of it."""

    def __init__(self, training: SolveProgram, until: int) -> None:
        self._training, self._until = training, until
        self._standings = Standings()

    @override
    def progress(self) -> tuple[int, int]:
        return self._training.position, min(self._until, self._training.length)

    @override
    def step(self) -> Step:
        step = self._training.step()
        if is_recorded(self.position, self._training.length):
            self._standings.add(self.position, self._training.cpu_seconds, self._training.ranking())
        return Step(step.metrics)

    @override
    def state(self) -> tuple[dict[str, np.ndarray], LegState]:
        arrays, training = self._training.state()
        standings = self._standings
        return arrays, LegState(training, standings.candidates, standings.orders)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(LegState, data, "the checkpoint")
        self._training.load(arrays, to_json(state.training))
        self._standings = Standings(state.candidates, state.standings)

    @override
    def result(self) -> LegFindings:
        ended = self.position >= self._training.length
        kept = self._standings if ended else Standings()
        found = vars(self._training.result())
        by_test = self._training.attempts_by_test()
        return LegFindings(**found, ended=ended, by_test=by_test, candidates=kept.candidates, standings=kept.orders)


def puzzle_job(
    job_id: str, task: Task, config: SolveConfig, until: int, folder: Path, cost: float, gpus: float = 0.0
) -> Job:
    """Returns the job that trains on a puzzle up to a step; see `PuzzleJob` and `novacula.jobs.Job`."""
    configuration = PuzzleJob(task, config, until, str(folder.resolve()))
    return Job(job_id, configuration, cost, memory_mb(task, config), gpus=gpus)


def check_place(config: CampaignConfig) -> None:
    """Refuses a place to compute that is not there: a cluster that does not answer, or a device of this machine."""
    if config.cluster is None:
        check_device(config.device)
    check_executor(config)


def checkpoints(folder: RunFolder, name: str) -> Path:
    """Returns where the checkpoints of one of a campaign's puzzles are."""
    return folder.path / "puzzles" / name


def volume(task: Task) -> int:
    """Returns examples × colors × rows × columns of a puzzle's canvas, to which the time of a step is due."""
    axes = preprocess(task).axes
    return axes.example * axes.color * axes.x * axes.y


def memory_mb(task: Task, config: SolveConfig) -> float:
    """Returns what solving a puzzle takes about, in MB (10^6 bytes), as measured on small and the largest puzzles."""
    fixed, per_place = (300.0, 0.015) if config.engine == "native" else (500.0, 0.05)
    return fixed + config.restarts * per_place * volume(task)


def solve_job(configuration: PuzzleJob) -> LegFindings:
    """Trains on a puzzle up to a step. A checkpoint of the puzzle changes no result, only the time."""
    subject = (configuration.task, configuration.until)
    folder = LEG.work_in_job(configuration.solve, NoInputs(), subject, Path(configuration.folder))
    found = folder.read_findings(LegFindings)
    assert found, "a leg that is at its end has left its result"
    return found


@dataclass(frozen=True)
class Unfinished:
    """What `LegFindings` would say of a training at its last checkpoint."""

    steps: int
    by_test: tuple[Answer, ...]
    shares: tuple[float, ...]
    probabilities: tuple[float, ...]
    cpu_seconds: float
    ended: bool = False


def unfinished(folder: Path, task: Task, config: SolveConfig, beyond: int) -> Unfinished | None:
    """Returns how far a puzzle was at its last checkpoint, or None where it has none beyond a step."""
    if (checkpoint := load_checkpoint(folder)) is None or checkpoint.step <= beyond:
        return None
    state = from_json(LegState, checkpoint.data, str(folder)).training
    answers = Answers(preprocess(task, config.sizes), 0, Laws(task), config.choice)
    answers.load({}, state.scores, state.total, state.decodes)
    shares = tuple(attempt.share for attempt in answers.attempts())
    chances = probabilities(answers.evidence())
    return Unfinished(state.steps, answers.attempts_by_test(), shares, chances, round(state.cpu_seconds, 3))


def discard(folder: Path) -> None:
    """Removes a puzzle's checkpoints, once no leg will follow."""
    shutil.rmtree(folder, ignore_errors=True)


def _no_subject(config: SolveConfig, inputs: NoInputs, folder: RunFolder) -> tuple[Task, int]:
    raise RunError(f"{folder.path}: is part of a campaign, which goes on with it")


def _no_page(folder: RunFolder) -> Path:
    raise RunError(f"{folder.path}: is part of a campaign, whose report shows it")


LEG = Verb(
    Signature("arc leg", SolveConfig, NoInputs, RunResult[LegFindings]),
    load=_no_subject,
    begin=lambda config, subject, folder: Leg(SolveProgram(subject[0], config, str(folder.path)), subject[1]),
    page=_no_page,
)
"""A leg as a run of its own, inside a job: neither resumed nor reported by itself."""
