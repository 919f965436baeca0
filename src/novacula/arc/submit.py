"""Answer a contest's puzzles within a given time: ``novacula arc submit``.

All puzzles are trained a little, then those that are still undecided for longer, and so on: in rounds, each puzzle
going on exactly where it was. As a round may not end in time, the puzzles that promise most per second come first.
Source: ours.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from novacula.arc.campaign import (
    checkpoints,
    make_folder,
    read_tasks,
    run_campaign,
)
from novacula.arc.config import SubmitConfig
from novacula.arc.contest import load_challenges, write_submission
from novacula.arc.job import discard, puzzle_job, unfinished_attempts
from novacula.arc.report import build_report
from novacula.arc.rounds import PuzzleState, rounds
from novacula.errors import InputError, NovaculaError
from novacula.files import JSON
from novacula.jobs import Ending, Job, Outcome, job_seed
from novacula.runs import RunFolder, RunResult, working

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SubmitResult(RunResult):
    """How a submission ended.

    Attributes:
        submission: the submission's file.
    """

    submission: Path


@dataclass(frozen=True)
class Round:
    """What a submission is doing.

    Attributes:
        until: steps at the end of the round.
        puzzles: how many it trains.
        done: how many of them it has trained.
        decided: how many puzzles are decided, of all.
        total: how many puzzles there are.
    """

    until: int
    puzzles: int
    done: int
    decided: int
    total: int


OnRound = Callable[[Round], None]
"""Called when a round begins, and when a puzzle's part in it ends."""


def submit(
    challenges: str | PathLike[str],
    config: SubmitConfig | None = None,
    *,
    out: str | PathLike[str] = "submission.json",
    runs: str | PathLike[str] = "runs",
    time_limit: float | None = None,
    on_round: OnRound | None = None,
) -> SubmitResult:
    """Answer all puzzles of a challenges file; at every moment `out` is a valid submission with the best so far.

    Args:
        challenges: a Kaggle ``*_challenges.json``. A broken puzzle is reported, and gets placeholders.
        config: seed, engine, workers, and the most steps that a puzzle gets.
        out: the submission: a file that does not exist yet.
        runs: folder in which the run's folder is made.
        time_limit: seconds of wall time.
        on_round: called as rounds proceed.

    Raises:
        InputError: the challenges cannot be read, or hold no sound puzzle; the submission exists, or cannot be written.
        RunError: the run's folder cannot be made, or no worker can be had.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    config, path = config or SubmitConfig(), Path(os.path.abspath(out))
    asked = load_challenges(challenges)
    if path.exists():
        raise InputError(str(out), "exists already; name another file, or remove it")
    write_submission(path, asked.tests, {})
    more = {"source": os.fspath(challenges), "out": str(path), "tests": asked.tests, "broken": asked.broken}
    try:
        folder = make_folder("submit", config, asked.tasks, Path(challenges).stem, more, runs)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    for name, problems in asked.broken.items():
        _LOG.warning("%s: %s: %s; it gets a placeholder", challenges, name, "; ".join(problems))
    left = None if deadline is None else deadline - time.monotonic()
    return resume(folder, time_limit=left, on_round=on_round)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_round: OnRound | None = None) -> SubmitResult:
    """Go on with a submission.

    Args:
        folder: a run of ``arc submit``.
        time_limit: seconds of wall time from now.
        on_round: called as rounds proceed.

    Raises:
        InputError, RunError: the folder is damaged or in use, or no worker can be had.
        OSError: the submission cannot be written.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    with working(folder):
        campaign = _Submission(folder, on_round)
        folder.set_status("running", step=campaign.decided, length=len(campaign.puzzles))
        status = campaign.run(deadline)
        document = campaign.document()
        folder.write_result(document)
        failed = document["failed"]
        error = f"{failed} of {document['tasks']} puzzles failed" if status == "finished" and failed else ""
        folder.set_status(
            "failed" if error else status, step=campaign.decided, length=len(campaign.puzzles), error=error
        )
        return SubmitResult(status, folder.read_result() or {}, build_report(folder), campaign.out)


class _Submission:
    """The puzzles of a submission, how far each is, and the rounds that train them."""

    def __init__(self, folder: RunFolder, on_round: OnRound | None) -> None:
        stored = folder.record.configuration
        self.out = Path(str(stored["out"]))
        self.config = folder.record.options(SubmitConfig)
        tasks = read_tasks(folder)
        self.puzzles = {
            f"p{number:04}": PuzzleState(f"p{number:04}", task) for number, task in enumerate(tasks.values())
        }
        self._tests: dict[str, int] = dict(stored["tests"])
        self._broken: dict[str, list[str]] = dict(stored["broken"])
        self._folder, self._on_round = folder, on_round

    @property
    def decided(self) -> int:
        """Puzzles that need no more steps."""
        return sum(puzzle.decided for puzzle in self.puzzles.values())

    def run(self, deadline: float | None) -> Ending:
        """Round after round, until all is decided or the time is over."""
        status: Ending = "finished"
        for until in rounds(self.config.steps):
            status = self._round(until, None if deadline is None else deadline - time.monotonic())
            if status != "finished":
                break
        self._write()
        return status

    def document(self) -> dict[str, Any]:
        """What result.json says."""
        per_task: list[JSON] = [
            {
                "task": puzzle.task.name,
                "steps": puzzle.steps,
                "decided": puzzle.decided,
                "shares": list(puzzle.shares),
                "cpu_seconds": puzzle.cpu_seconds,
                "error": puzzle.error,
                "attempts": puzzle.attempts,
            }
            for puzzle in self.puzzles.values()
        ]
        return {
            "tasks": len(self._tests),
            "answered": sum(bool(puzzle.attempts) for puzzle in self.puzzles.values()),
            "decided": self.decided,
            "failed": sum(bool(puzzle.error) for puzzle in self.puzzles.values()),
            "broken": self._broken,
            "cpu_seconds": round(sum(puzzle.cpu_seconds for puzzle in self.puzzles.values()), 3),
            "submission": str(self.out),
            "seed": self.config.seed,
            "run": str(self._folder.path),
            "per_task": per_task,
        }

    def _round(self, until: int, time_limit: float | None) -> Ending:
        chosen = [puzzle for puzzle in self.puzzles.values() if not (puzzle.decided or puzzle.error)]
        done = 0

        def take(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            self._take(outcome)
            tell()

        def tell() -> None:
            if self._on_round:
                self._on_round(Round(until, len(chosen), done, self.decided, len(self.puzzles)))

        tell()
        jobs = [self._job(puzzle, until) for puzzle in chosen]
        status = run_campaign(self._folder, self.config, jobs, time_limit, take)
        for puzzle in chosen:
            if puzzle.steps < until and not puzzle.error:
                self._take_unfinished(puzzle)
        return status

    def _job(self, puzzle: PuzzleState, until: int) -> Job:
        seed = job_seed(self.config.seed, puzzle.task.name)
        config = self.config.for_puzzle(seed)
        folder = checkpoints(self._folder, puzzle.key)
        # The largest "cost" is begun first.
        cost, gpus = puzzle.value(until), self.config.gpus
        return puzzle_job(f"{puzzle.key}.{until}", puzzle.task, config, until, folder, cost, gpus)

    def _take(self, outcome: Outcome) -> None:
        puzzle = self.puzzles[outcome.id.partition(".")[0]]
        result: Mapping[str, Any] | None = outcome.result
        if result is None:
            puzzle.error = outcome.error
            _LOG.warning("%s failed: %s; its attempts so far stand", puzzle.task.name, outcome.error)
        else:
            puzzle.take(result, self.config.steps)
        if puzzle.decided:
            discard(checkpoints(self._folder, puzzle.key))
        self._folder.set_status("running", step=self.decided, length=len(self.puzzles))
        self._write()

    def _take_unfinished(self, puzzle: PuzzleState) -> None:
        """The attempts at the last checkpoint of a puzzle that was cut off."""
        try:
            found = unfinished_attempts(checkpoints(self._folder, puzzle.key))
        except (NovaculaError, OSError):
            return
        if found and found[0] > puzzle.steps:
            puzzle.steps, puzzle.attempts = found

    def _write(self) -> None:
        attempts = {puzzle.task.name: puzzle.attempts for puzzle in self.puzzles.values() if puzzle.attempts}
        write_submission(self.out, self._tests, attempts)
