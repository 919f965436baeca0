"""What ``novacula arc bench``, ``submit`` and ``score`` show: progress on stderr, tables on stdout."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from novacula.cli.console import printable
from novacula.cli.options import ResumeOptions
from novacula.cli.progress import tell

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from novacula.arc.bench import OnScores
    from novacula.arc.curve import TaskScore
    from novacula.arc.score import SubmissionScore
    from novacula.arc.submit import OnRound, Round

News = TypeVar("News")


@contextmanager
def bench_progress(options: ResumeOptions) -> "Iterator[OnScores | None]":
    """What to hand to `novacula.arc.bench` while this context lasts: it shows a table, or piped, a line per puzzle."""
    with _shown(options, _bench_panel, _bench_line) as show:
        yield None if show is None else lambda scores, total: show((scores, total))


@contextmanager
def submit_progress(options: ResumeOptions) -> "Iterator[OnRound | None]":
    """What to hand to `novacula.arc.submit` while this context lasts."""
    with _shown(options, _round_line, _round_line) as show:
        yield show


@contextmanager
def _shown(
    options: ResumeOptions, panel: "Callable[[News], RenderableType]", line: Callable[[News], str]
) -> Iterator[Callable[[News], None] | None]:
    if not options.shows_progress:
        yield None
    elif not sys.stderr.isatty():

        def write(news: News) -> None:
            tell(line(news))

        yield write
    else:
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True) as live:

            def draw(news: News) -> None:
                with suppress(OSError):  # the terminal has gone; the run goes on
                    live.update(panel(news), refresh=True)

            yield draw


def _bench_line(news: "tuple[Sequence[TaskScore], int]") -> str:
    scores, total = news
    last = scores[-1]
    solved = sum(score.verdict.solved for score in scores)
    outcome = last.error or (f"rank {last.rank}" if last.rank else "not a candidate")
    return f"{len(scores)}/{total}  {last.task}: {outcome}, {last.cpu_seconds:.1f} CPU seconds  ({solved} solved)"


def _bench_panel(news: "tuple[Sequence[TaskScore], int]") -> "RenderableType":
    """The rates among the puzzles that are done, at every step for which there is one, and the latest puzzle."""
    from rich.console import Group
    from rich.text import Text

    from novacula.arc.curve import measure

    return Group(curve_table(measure(news[0])), Text(_bench_line(news)))


def _round_line(news: "Round") -> str:
    return (
        f"up to step {news.until}: {news.done}/{news.puzzles} puzzles; "
        f"{news.decided} of {news.total} puzzles are decided"
    )


def curve_table(document: Mapping[str, Any]) -> "Table":
    """The curve of a bench: pass@n in percent, by steps and CPU hours."""
    from rich.table import Table

    table = Table("step", "CPU hours", *(f"pass@{n}" for n in document["pass_at"]), box=None, header_style="bold")
    for column in table.columns:
        column.justify = "right"
    for point in document["curve"]:
        rates = (f"{100 * rate:.2f}" for rate in point["pass_at"].values())
        table.add_row(f"{point['step']:,}", f"{point['cpu_hours']:,.3f}", *rates)
    return table


def rules_table(document: Mapping[str, Any]) -> "Table":
    """The outcome of a bench by what is known of the outputs' sizes."""
    from rich.table import Table

    table = Table("output size", "puzzles", "solved", box=None, header_style="bold")
    for rule, row in document["by_rule"].items():
        table.add_row(rule, str(row["tasks"]), str(row["solved"]))
    return table


def summary(document: Mapping[str, Any]) -> str:
    """A bench in a sentence."""
    lost = "".join(
        f"; {document[key]} {words}" for key, words in (("failed", "failed"), ("cut_off", "cut off")) if document[key]
    )
    return (
        f"{document['solved']} of {document['tasks']} puzzles solved with two attempts: "
        f"{document['pass_at']['2']:.2%} (Kaggle's rule: {document['kaggle']:.2%}){lost}"
    )


def submission_document(score: "SubmissionScore") -> dict[str, Any]:
    """What ``arc score --json`` says of a submission."""
    rows = [
        {
            "task": name,
            "solved": verdict.solved,
            "correct": list(verdict.correct),
            "kaggle": verdict.kaggle,
            "problem": score.problems.get(name, ""),
        }
        for name, verdict in score.verdicts.items()
    ]
    return {
        "tasks": len(rows),
        "solved": sum(row["solved"] for row in rows),
        "paper": score.paper,
        "kaggle": score.kaggle,
        "unknown": [name for name, problem in score.problems.items() if problem == "unknown"],
        "per_task": rows,
    }


def submission_table(document: Mapping[str, Any]) -> "Table":
    """A submission, puzzle by puzzle."""
    from rich.table import Table
    from rich.text import Text

    table = Table("puzzle", "solved", "test grids right", "", box=None, header_style="bold")
    for row in document["per_task"]:
        solved = Text("yes", "green") if row["solved"] else Text("no")
        table.add_row(Text(printable(row["task"])), solved, f"{row['kaggle']:.0%}", row["problem"])
    for name in document["unknown"]:
        table.add_row(Text(printable(name)), "", "", "unknown")
    return table
