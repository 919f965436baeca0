"""The screen of a verb: what the command line shows of its runs, and the function that runs it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from novacula.cli.console import EXIT_FINISHED, EXIT_INTERRUPTED, EXIT_UNREACHED, print_json, printable, say
from novacula.cli.options import ResumeOptions
from novacula.cli.progress import progress, tell_how_to_resume

if TYPE_CHECKING:
    from rich.console import RenderableType

    from novacula.runs import RunResult, Step, Work

Result = TypeVar("Result", bound="RunResult[Any]")


def describe_metrics(step: "Step") -> str:
    """Returns the metrics of a step as names and values."""
    return "  ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in step.metrics.items()
    )


def describe_job(step: "Step") -> str:
    """Returns a job's processor time, or its error."""
    seconds = f"{step.metrics['cpu_seconds']:.1f} s"
    return f"{step.metrics['job']}: {step.metrics['error'] or seconds}"


@dataclass(frozen=True)
class Screen(Generic[Result]):
    """What the command line shows of a verb's runs.

    Attributes:
        show: prints the result for people.
        describe: returns a step in a few words.
        unit: the word for a step. Without a terminal, every step with another word than "step" gets a line.
        reached: returns whether the run's own check holds.
        panel: draws above the bar on a terminal.
        document: returns what --json prints.
    """

    show: Callable[[Result], None]
    describe: "Callable[[Step], str]" = describe_metrics
    unit: str = "step"
    reached: Callable[[Result], bool] = lambda result: True
    panel: "Callable[[Work, Step], RenderableType] | None" = None
    document: "Callable[[Result], Mapping[str, Any]]" = lambda result: result.document


def perform(run: Callable[..., Result], screen: Screen[Result], options: ResumeOptions) -> int:
    """Runs a verb, shows its progress, and prints its result, the path of its report, and how to resume it.

    Args:
        run: the verb's function, which takes ``time_limit`` and ``on_step``.
        screen: the screen of the verb.
        options: with --json, the function prints the result as JSON and nothing else.

    Returns:
        The command's exit code.
    """
    options.apply()
    with progress(options, screen.describe, screen.panel, unit=screen.unit) as on_step:
        result = run(time_limit=options.time_limit, on_step=on_step)
    if options.json:
        print_json(screen.document(result))
    else:
        screen.show(result)
        say(f"report: {printable(str(result.report))}")
    if result.status in ("interrupted", "time-limit") and options.shows_progress:
        tell_how_to_resume(result, screen.unit)
    if result.status == "interrupted":
        return EXIT_INTERRUPTED
    return EXIT_FINISHED if screen.reached(result) else EXIT_UNREACHED
