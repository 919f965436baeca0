"""``novacula arc bench`` and ``submit``: many puzzles at once, and the score of a submission."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from novacula.arc.config import BenchConfig, SubmitConfig
from novacula.cli.arc_progress import (
    bench_progress,
    curve_table,
    rules_table,
    submission_document,
    submission_table,
    submit_progress,
    summary,
)
from novacula.cli.console import EXIT_FINISHED, conclude, print_json, printable, say
from novacula.cli.console import show as show_result
from novacula.cli.options import (
    CampaignOptions,
    CampaignOptionsParameter,
    Flat,
    ResumeOptions,
    ResumeOptionsParameter,
    RunOptions,
)
from novacula.errors import InputError

if TYPE_CHECKING:
    from novacula.arc.submit import SubmitResult
    from novacula.runs import RunFolder, RunResult

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
    options.apply_logging()
    from novacula.arc.bench import bench as run

    with bench_progress(options) as on_scores:
        result = run(config, **options.places, on_scores=on_scores)
    return _conclude_bench(result, options)


def resume_bench(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``arc bench``."""
    options.apply_logging()
    from novacula.arc.bench import resume as run

    with bench_progress(options) as on_scores:
        result = run(folder, time_limit=options.time_limit, on_scores=on_scores)
    return _conclude_bench(result, options)


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
    options.apply_logging()
    from novacula.arc.submit import submit as run

    with submit_progress(options) as on_round:
        result = run(challenges, config, out=out, runs=options.runs, time_limit=options.time_limit, on_round=on_round)
    return _conclude_submit(result, options)


def resume_submit(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``arc submit``."""
    options.apply_logging()
    from novacula.arc.submit import resume as run

    with submit_progress(options) as on_round:
        result = run(folder, time_limit=options.time_limit, on_round=on_round)
    return _conclude_submit(result, options)


def score_submission(file: str, solutions: str | None, json: bool) -> int:
    """Compare a submission with its solutions.

    Raises:
        InputError: there are no solutions, or a file cannot be read.
    """
    from novacula.arc.contest import load_solutions, read_submission
    from novacula.arc.score import score_submission as score

    if solutions is None:
        raise InputError("--solutions", f"is needed to score the submission {file}: a Kaggle *_solutions.json")
    document = submission_document(score(read_submission(file), load_solutions(solutions)))
    if json:
        print_json({"schema_version": SCHEMA_VERSION, "submission": file, **document})
    else:
        show_result(submission_table(document))
        show_result(
            f"{document['solved']} of {document['tasks']} puzzles solved: {document['paper']:.2%} "
            f"(Kaggle's rule: {document['kaggle']:.2%})"
        )
    return EXIT_FINISHED


def _show_bench(document: Mapping[str, Any]) -> None:
    show_result(curve_table(document))
    show_result(rules_table(document))
    show_result(summary(document))


def _conclude_bench(result: "RunResult", options: ResumeOptions) -> int:
    return conclude(result, options, _show_bench, unit="puzzle", reached=not result.document["failed"])


def _conclude_submit(result: "SubmitResult", options: ResumeOptions) -> int:
    def show_document(document: Mapping[str, Any]) -> None:
        broken = f"; {len(document['broken'])} are broken" if document["broken"] else ""
        failed = f"; {document['failed']} failed" if document["failed"] else ""
        show_result(
            f"{document['answered']} of {document['tasks']} puzzles have attempts, {document['decided']} of them "
            f"are decided{broken}{failed}"
        )
        say(f"submission: {printable(str(result.submission))}")

    reached = not (result.document["broken"] or result.document["failed"])
    return conclude(result, options, show_document, unit="puzzle", reached=reached)
