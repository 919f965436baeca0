"""The screen of a verb: what the command line shows of its runs, and the function that runs it.

Progress goes to stderr: as a bar on a terminal, and otherwise as lines.
"""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from novacula.cli.console import EXIT_FINISHED, EXIT_INTERRUPTED, EXIT_UNREACHED, print_json, printable, say
from novacula.cli.options import ResumeOptions

if TYPE_CHECKING:
    from rich.console import RenderableType

    from novacula.runs import OnStep, RunResult, Step, Work


Result = TypeVar("Result", bound="RunResult[Any]")


def describe_metrics(step: "Step") -> str:
    """Returns the metrics of a step that are known, as names and values; the name of a stage stands alone."""
    known = {name: value for name, value in step.metrics.items() if value is not None}
    texts = {name: f"{value:.3g}" if isinstance(value, float) else str(value) for name, value in known.items()}
    return "  ".join(text if name == "stage" else f"{name} {text}" for name, text in texts.items())


def describe_job(step: "Step") -> str:
    """Returns a job's processor time, or its error."""
    seconds = f"{step.metrics['cpu_seconds']:.1f} s"
    return f"{step.metrics['job']}: {step.metrics['error'] or seconds}"


@dataclass(frozen=True)
class Screen(Generic[Result]):
    """What the command line shows of a verb's runs."""

    show: Callable[[Result], None]  #: prints the result for people
    describe: "Callable[[Step], str]" = describe_metrics  #: returns a step in a few words
    unit: str = "step"
    """The word for a step. Without a terminal, every step with another word than "step" gets a line."""
    reached: Callable[[Result], bool] = lambda result: not getattr(result.findings, "failed", 0)
    """Returns whether the run's own check holds: by default, that no job has failed."""
    panel: "Callable[[Work, Step], RenderableType] | None" = None  #: draws above the bar on a terminal
    document: "Callable[[Result], Mapping[str, Any]]" = lambda result: result.document  #: returns what --json prints


def perform(run: Callable[..., Result], screen: Screen[Result], options: ResumeOptions) -> int:
    """Runs a verb, shows its progress, prints result, report and how to resume it, and returns the exit code.

    With --json, it prints the result as JSON and nothing else.
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


_LINE_SECONDS = 10.0
_FRAME_SECONDS = 0.1


@contextmanager
def progress(
    options: ResumeOptions,
    describe: "Callable[[Step], str]",
    panel: "Callable[[Work, Step], RenderableType] | None" = None,
    unit: str = "step",
) -> "Iterator[OnStep | None]":
    """Gives the callback ``on_step`` of a verb for the time of this context; with --quiet or --json it is None."""
    from novacula.runs.loop import at_most_every

    if not options.shows_progress:
        yield None
    elif sys.stderr.isatty():
        with _bar(describe, panel) as show:
            yield at_most_every(_FRAME_SECONDS, show)
    else:
        pause, prefix = (_LINE_SECONDS, "step ") if unit == "step" else (0.0, "")
        yield at_most_every(pause, lambda work, step: tell(f"{prefix}{work.position}/{work.length}  {describe(step)}"))


def tell(text: str) -> None:
    """Prints a line of progress on stderr."""
    say(printable(text))


def tell_how_to_resume(result: "RunResult", unit: str) -> None:
    """Prints on stderr at which step a run stopped, and the command that resumes it."""
    record = result.folder.record
    why = "interrupted" if result.status == "interrupted" else "the time limit is reached"
    place = f"{unit} {record.step} of {record.length}"
    say(f"{why} at {place}; the folder has the best result so far. To resume the run:")
    say(f"  novacula runs resume {shlex.quote(str(result.folder.path))}")


@contextmanager
def _bar(
    describe: "Callable[[Step], str]", panel: "Callable[[Work, Step], RenderableType] | None"
) -> "Iterator[OnStep]":
    from rich.console import Console, Group
    from rich.live import Live
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    # The loop itself draws, at most ten times a second: a thread for drawing would take processor time from the run.
    # In a narrow terminal the description alone is cut.
    bar = Progress(
        BarColumn(20, table_column=Column(min_width=20, no_wrap=True)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(min_width=7, no_wrap=True)),
        TextColumn("left", table_column=Column(min_width=4, no_wrap=True)),
        TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        auto_refresh=False,
        expand=True,
    )

    def show(work: "Work", step: "Step") -> None:
        text = escape(printable(describe(step)))
        if not bar.tasks:  # added here, so that the estimate of the time ignores the steps before a resume
            bar.add_task(text, total=work.length, completed=work.position)
        bar.update(bar.tasks[0].id, completed=work.position, description=text)
        with suppress(OSError):  # the terminal has gone; the run continues
            live.update(Group(panel(work, step), bar) if panel else bar, refresh=True)

    with Live(bar, console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield show
