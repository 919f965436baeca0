"""The tables that ``novacula arc bench`` and ``score`` print."""

from typing import TYPE_CHECKING

from novacula.cli.console import printable

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.arc.campaigns.curve import BenchFindings
    from novacula.arc.score import SubmissionFindings


def curve_table(findings: "BenchFindings") -> "Table":
    """Returns the curve of a bench: pass@n in percent, by steps and CPU hours."""
    from rich.table import Table

    table = Table("step", "CPU hours", *(f"pass@{n}" for n in findings.pass_at), box=None, header_style="bold")
    for column in table.columns:
        column.justify = "right"
    for point in findings.curve:
        rates = (f"{100 * rate:.2f}" for rate in point.pass_at.values())
        table.add_row(f"{point.step:,}", f"{point.cpu_hours:,.3f}", *rates)
    return table


def rules_table(findings: "BenchFindings") -> "Table":
    """Returns the outcome of a bench by what is known of the outputs' sizes."""
    from rich.table import Table

    table = Table("output size", "puzzles", "solved", box=None, header_style="bold")
    for rule, row in findings.by_rule.items():
        table.add_row(rule, str(row.tasks), str(row.solved))
    return table


def summary(findings: "BenchFindings") -> str:
    """Returns a bench in a sentence."""
    numbers = ((findings.failed, "failed"), (findings.cut_off, "cut off"))
    lost = "".join(f"; {number} {words}" for number, words in numbers if number)
    return (
        f"{findings.solved} of {findings.tasks} puzzles solved with two attempts: "
        f"{findings.pass_at['2']:.2%} (Kaggle's rule: {findings.kaggle:.2%}){lost}"
    )


def submission_table(findings: "SubmissionFindings") -> "Table":
    """Returns the score of a submission, puzzle by puzzle."""
    from rich.table import Table
    from rich.text import Text

    table = Table("puzzle", "solved", "test grids right", "", box=None, header_style="bold")
    for row in findings.per_task:
        solved = Text("yes", "green") if row.solved else Text("no")
        table.add_row(Text(printable(row.task)), solved, f"{row.kaggle:.0%}", row.problem)
    for name in findings.unknown:
        table.add_row(Text(printable(name)), "", "", "unknown")
    return table
