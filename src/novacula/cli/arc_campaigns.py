"""``novacula arc bench`` and ``submit``: many puzzles at once, and the score of a submission."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from novacula.arc.config import BenchConfig, SubmitConfig
from novacula.cli.arc_tables import curve_table, rules_table, submission_table, summary
from novacula.cli.console import EXIT_FINISHED, print_json, printable, say
from novacula.cli.console import show as show_result
from novacula.cli.options import (
    CampaignOptions,
    CampaignOptionsParameter,
    Flat,
    ResumeOptions,
    ResumeOptionsParameter,
)
from novacula.cli.screen import Screen, perform
from novacula.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from novacula.arc.campaigns.curve import BenchFindings
    from novacula.arc.submit import SubmitResult
    from novacula.runs import RunResult, Step, Work

SCHEMA_VERSION = 1


def bench(
    *,
    config: Annotated[BenchConfig, Flat] = BenchConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Solve many puzzles of a public set, each on its own, and score them.

    Ends with the part of puzzles solved with n attempts, over steps and over processor time. The exit code is 1 where
    puzzles failed.

    Example: novacula arc bench --split training --limit 20 --steps 400
    Example: novacula arc bench --split evaluation --steps 2000 --workers 2
    """
    from novacula.arc.bench import bench as run

    return perform(partial(run, config, **options.where), BENCH_SCREEN, options)


def submit(
    *,
    challenges: Path,
    out: Path = Path("submission.json"),
    config: Annotated[SubmitConfig, Flat] = SubmitConfig(),  # noqa: B008 - it is frozen
    options: ResumeOptionsParameter = ResumeOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Answer all puzzles of a Kaggle challenges file, as well as the time limit allows.

    All puzzles are trained a little first, then those that are undecided for longer. The submission is valid at every
    moment, also when this is stopped. The exit code is 1 where puzzles are broken or failed; they get placeholders.

    Example: novacula arc submit --challenges arc-agi_test_challenges.json --time-limit 11h

    Args:
        challenges: A Kaggle *_challenges.json.
        out: The submission; a file that does not exist yet.
    """
    from novacula.arc.submit import submit as run

    return perform(partial(run, challenges, config, out=out, runs=options.runs), SUBMIT_SCREEN, options)


def score_submission(file: str, solutions: str | None, json: bool) -> int:
    """Compares a submission with its solutions.

    Raises:
        InputError: there are no solutions, or a file cannot be read.
    """
    from novacula.arc.data.contest import load_solutions, read_submission
    from novacula.arc.score import score_submission as score

    if solutions is None:
        raise InputError("--solutions", f"is needed to score the submission {file}: a Kaggle *_solutions.json")
    findings = score(read_submission(file), load_solutions(solutions)).findings()
    if json:
        print_json({"schema_version": SCHEMA_VERSION, "submission": file, **asdict(findings)})
    else:
        show_result(submission_table(findings))
        show_result(
            f"{findings.solved} of {findings.tasks} puzzles solved: {findings.paper:.2%} "
            f"(Kaggle's rule: {findings.kaggle:.2%})"
        )
    return EXIT_FINISHED


def _describe_puzzle(step: "Step") -> str:
    found = step.metrics
    outcome = found["error"] or (f"rank {found['rank']}" if found["rank"] else "not a candidate")
    return f"{found['task']}: {outcome}, {found['cpu_seconds']:.1f} CPU seconds  ({found['solved']} solved)"


def _bench_panel(work: "Work", step: "Step") -> "RenderableType":
    """The rates among the puzzles that are done, at every step for which there is one, and the latest puzzle."""
    from rich.console import Group
    from rich.text import Text

    from novacula.arc.bench import BenchCampaign

    assert isinstance(work, BenchCampaign), "the run is one of arc bench"
    return Group(curve_table(work.so_far()), Text(printable(_describe_puzzle(step))))


def _show_bench(result: "RunResult[BenchFindings]") -> None:
    show_result(curve_table(result.findings))
    show_result(rules_table(result.findings))
    show_result(summary(result.findings))


def _describe_round(step: "Step") -> str:
    metrics = step.metrics
    return f"decided; up to step {metrics['until']}: {metrics['trained']} of {metrics['puzzles']} puzzles"


def _show_submission(result: "SubmitResult") -> None:
    findings = result.findings
    broken = f"; {len(findings.broken)} are broken" if findings.broken else ""
    failed = f"; {findings.failed} failed" if findings.failed else ""
    show_result(
        f"{findings.answered} of {findings.tasks} puzzles have attempts, {findings.decided} of them "
        f"are decided{broken}{failed}"
    )
    say(f"submission: {printable(str(result.submission))}")


BENCH_SCREEN = Screen(
    _show_bench,
    _describe_puzzle,
    unit="puzzle",
    reached=lambda result: not result.findings.failed,
    panel=_bench_panel,
)
SUBMIT_SCREEN = Screen(
    _show_submission,
    _describe_round,
    unit="puzzle",
    reached=lambda result: not (result.findings.broken or result.findings.failed),
)
