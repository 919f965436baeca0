"""``novacula arc bench`` and ``submit``: many puzzles at once, and the score of a submission."""

import shlex
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novacula.arc.config import BenchConfig, SubmitConfig
from novacula.cli.console import EXIT_FINISHED, answer, printable, say, show_result, table
from novacula.cli.options import CampaignOptions, Flat, Grouped, ResumeOptions
from novacula.cli.screen import Screen, perform
from novacula.errors import InputError, NovaculaError
from novacula.options import percent

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from novacula.arc.campaigns.curve import BenchFindings
    from novacula.arc.score import SubmissionFindings
    from novacula.arc.submit import SubmitResult
    from novacula.runs import RunResult, Step, Work

_REFUSALS = 3
"""How many reasons why the contest would refuse a submission are printed."""


def bench(
    source: Path | None = None,
    /,
    *,
    config: Flat[BenchConfig] = BenchConfig(),
    options: Grouped[CampaignOptions] = CampaignOptions(),
) -> int:
    """Solve many puzzles of a public set, or of a file or folder, each on its own, and score them.

    The result is the part of puzzles that n attempts solve, over steps and over processor time. The exit code is 1
    if puzzles failed.

    Example: novacula arc bench --split training --limit 20 --steps 400
    Example: novacula arc bench --split evaluation --steps 2000 --workers 2
    Example: novacula arc bench ConceptARC/corpus --limit 20

    Args:
        source: A file or folder of puzzles with their test outputs, in place of a public set.
    """
    from novacula.arc.bench import bench as run

    return perform(partial(run, config, source, **options.where), CAMPAIGN_SCREENS["bench"], options)


def submit(
    *,
    challenges: Path,
    out: Path = Path("submission.json"),
    config: Flat[SubmitConfig] = SubmitConfig(),
    options: Grouped[ResumeOptions] = ResumeOptions(),
) -> int:
    """Answer all puzzles of a Kaggle challenges file, or of another file or folder, as well as the time limit allows.

    All puzzles first get a little training, and then the undecided ones get more. The submission is valid at every
    moment, even if the command is stopped. The exit code is 1 if puzzles are broken or failed; they get
    placeholders.

    Example: novacula arc submit --challenges arc-agi_test_challenges.json --time-limit 11h

    Args:
        challenges: A Kaggle *_challenges.json, or another file or folder of puzzles.
        out: The submission; a file that does not exist yet.
    """
    from novacula.arc.submit import submit as run

    return perform(partial(run, challenges, config, out=out, runs=options.runs), CAMPAIGN_SCREENS["submit"], options)


def score_submission(file: str, solutions: str | None, json: bool) -> int:
    """Compares a submission with its solutions.

    Raises:
        InputError: there are no solutions, or a file cannot be read.
    """
    from novacula.arc.data.files import load_solutions, read_submission
    from novacula.arc.data.parse import LARGEST_SIDE

    other = NovaculaError(f"{file}: has no attempt_1, so it is no submission; for a run, name its folder")
    if solutions is None:
        with suppress(InputError):  # of a file that cannot be read, nothing is known
            if "attempt_1" not in str(read_submission(file)):
                raise other
        raise InputError("--solutions", f"is needed to score the submission {file}: a Kaggle *_solutions.json")
    submission = read_submission(file)
    if "'train'" in (words := str(submission)) and "attempt_1" not in words:
        raise other
    truths = load_solutions(solutions, LARGEST_SIDE)
    from novacula.arc.score import score_submission as score

    findings = score(submission, truths).findings()
    solved = f"{findings.solved} of {findings.tasks} puzzles solved: {percent(findings.paper, 2)}"
    said = [f"{solved} ({_by_contest(findings)})"]
    if refusals := findings.refusals:
        more = f"; and {len(refusals) - _REFUSALS} more" if len(refusals) > _REFUSALS else ""
        said.append(f"The contest would refuse this file: {printable('; '.join(refusals[:_REFUSALS]))}{more}.")
    answer(json, {"submission": file, **asdict(findings)}, _submission_table(findings), *said)
    return EXIT_FINISHED


def _by_contest(findings: "BenchFindings | SubmissionFindings") -> str:
    """Returns the score by the contest's rule, which counts test outputs."""
    right = f"{findings.outputs_right} of {findings.outputs} test outputs"
    return f"by the contest's rule {right}: {percent(findings.kaggle, 2)}"


def _submission_table(findings: "SubmissionFindings") -> "Table":
    """Returns the score of a submission, puzzle by puzzle."""
    from rich.text import Text

    yes = Text("yes", "green")
    rows = [
        (row.task, yes if row.solved else "no", f"{sum(row.outputs)} of {len(row.outputs)}", row.problem)
        for row in findings.per_task
    ]
    unknown = [(name, "", "", "unknown") for name in findings.unknown]
    return table(("puzzle", "solved", "test outputs right", ""), (*rows, *unknown))


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
    return Group(_curve_table(work.so_far()), Text(printable(_describe_puzzle(step))))


def _curve_table(findings: "BenchFindings") -> "Table":
    """Returns pass@n in percent, by steps and CPU hours."""
    heads = ("step", "CPU hours", *(f"pass@{n}" for n in findings.pass_at))
    rows = (
        (f"{point.step:,}", f"{point.cpu_hours:,.3f}", *(f"{100 * rate:.2f}" for rate in point.pass_at.values()))
        for point in findings.curve
    )
    return table(heads, rows, right=heads)


def _show_bench(result: "RunResult[BenchFindings]") -> None:
    """Prints the curve, the outcome by what is known of the outputs' sizes, and a sentence."""
    findings = result.findings
    rules = ((rule, row.tasks, row.solved) for rule, row in findings.by_rule.items())
    numbers = ((findings.failed, "failed"), (findings.cut_off, "cut off"))
    lost = "".join(f"; {number} {words}" for number, words in numbers if number)
    estimate = "" if findings.expected is None else f"; the solver expected {findings.expected:.1f}"
    show_result(
        _curve_table(findings),
        table(("output size", "puzzles", "solved"), rules),
        f"{findings.solved} of {findings.tasks} puzzles solved with two attempts: "
        f"{percent(findings.pass_at['2'], 2)} ({_by_contest(findings)}){estimate}{lost}",
    )


def _describe_round(step: "Step") -> str:
    metrics = step.metrics
    return f"decided; trained up to step {metrics['until']}: {metrics['trained']} of {metrics['puzzles']} puzzles"


def _show_submission(result: "SubmitResult") -> None:
    findings = result.findings
    broken = f"; {len(findings.broken)} broken" if findings.broken else ""
    failed = f"; {findings.failed} failed" if findings.failed else ""
    show_result(
        f"{findings.answered} of {findings.tasks} puzzles have attempts, {findings.decided} of them "
        f"are decided, {findings.estimate}{broken}{failed}"
    )
    say(f"submission: {printable(str(result.submission))}")
    if result.wanted:
        words = shlex.join(["cp", str(result.submission), str(result.wanted)])
        say(f"A resumed run writes into its own folder only. To copy the submission: {printable(words)}")


CAMPAIGN_SCREENS: dict[str, Screen[Any]] = {
    "bench": Screen(_show_bench, _describe_puzzle, unit="puzzle", panel=_bench_panel),
    "submit": Screen(
        _show_submission,
        _describe_round,
        unit="puzzle",
        reached=lambda result: not (result.findings.broken or result.findings.failed),
    ),
}
