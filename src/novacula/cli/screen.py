"""What the command line shows of a verb that makes runs, and the one way in which such a verb is performed."""

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
    """Returns what became of a job: its processor time, or its error."""
    seconds = f"{step.metrics['cpu_seconds']:.1f} s"
    return f"{step.metrics['job']}: {step.metrics['error'] or seconds}"


@dataclass(frozen=True)
class Screen(Generic[Result]):
    """What the command line shows of a verb's runs.

    Attributes:
        show: prints the result for people.
        describe: a step in a few words.
        unit: what a step is called. Steps that have a name of their own each get a line where there is no terminal.
        reached: whether a run reached its own check.
        panel: on a terminal, drawn above the bar.
        document: what --json prints.
    """

    show: Callable[[Result], None]
    describe: "Callable[[Step], str]" = describe_metrics
    unit: str = "step"
    reached: Callable[[Result], bool] = lambda result: True
    panel: "Callable[[Work, Step], RenderableType] | None" = None
    document: "Callable[[Result], Mapping[str, Any]]" = lambda result: result.document


def perform(run: Callable[..., Result], screen: Screen[Result], options: ResumeOptions) -> int:
    """Runs a verb with its progress shown, and tells what it found, where its report is, and how to resume it.

    Args:
        run: takes ``time_limit`` and ``on_step``.
        screen: of the verb.
        options: with --json, the result is printed as JSON, and nothing else.

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
