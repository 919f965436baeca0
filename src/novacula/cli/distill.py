"""``novacula distill``: run and bench."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from novacula.cli.console import printable
from novacula.cli.console import show as show_result
from novacula.cli.distill_bench import BENCH_SCREEN, bench
from novacula.cli.options import Flat, RunOptions, RunOptionsParameter
from novacula.cli.screen import Screen, perform
from novacula.distill.config import RunConfig

if TYPE_CHECKING:
    from novacula.distill.run import DistillResult
    from novacula.runs import Step

app = App(
    name="distill",
    help="Turn a small recurrent network into a short Python program that is proved right.",
    help_format="plaintext",
    default_parameter=Parameter(negative_iterable=()),
)


@app.command
def run(
    source: str,
    /,
    *,
    config: Annotated[RunConfig, Flat] = RunConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Find the program that a task, data, a function or a network computes.

    Small recurrent networks are trained until one is perfect. It is simplified, its
    states are written as integers or as a machine, formulas are found for these,
    and the shortest program that passes all checks is proved where that is possible.

    The exit code is 0 from tier S2 on, a short formula that is right on fresh
    sequences; else it is 1. With data alone it is 0 where every held-out row is right.

    Example: novacula distill run Binary_Addition
    Example: novacula distill run sequences.csv
    Example: novacula distill run mypackage.mymodule:step --low 0 --high 9
    Example: novacula distill run network.safetensors

    Args:
        source: A benchmark task; a .csv file (header sequence,step,x0,…,y0,…) or .jsonl file ({"x": […], "y": […]} per
            line) of sequences; a function from list to list as module:name; or a network's .safetensors file.
    """
    from novacula.distill.run import run as distill

    return perform(partial(distill, source, config, **options.where), RUN_SCREEN, options)


app.command(bench)


def _describe(step: "Step") -> str:
    words = [str(step.metrics["stage"])]
    for name, value in step.metrics.items():
        if name != "stage" and value is not None:
            words.append(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}")
    return "  ".join(words)


def _show(result: "DistillResult") -> None:
    """Prints the program, what is known of it, and where the time went."""
    from rich.syntax import Syntax
    from rich.text import Text

    findings = result.findings
    if findings.program:
        show_result(Syntax(findings.program, "python", background_color="default", word_wrap=True))
    if findings.reason:
        show_result(Text(printable(findings.reason)))
    if not findings.program:
        show_result(Text(printable(findings.checked)))
    tier = findings.tier or ("right on all held-out rows" if findings.reached else "not right")
    size = f", {findings.nodes} syntax nodes" if findings.nodes is not None else ""
    machine = f", {findings.states} states" if findings.states is not None else ""
    road = f", {findings.route}" if findings.route else ""
    show_result(Text(f"{printable(findings.task)}: {tier}{size}{machine}{road}", "bold"))
    spent = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in findings.seconds.items())
    show_result(Text(spent))


RUN_SCREEN = Screen(_show, _describe, reached=lambda result: result.reached)
SCREENS = {"run": RUN_SCREEN, "bench": BENCH_SCREEN}
