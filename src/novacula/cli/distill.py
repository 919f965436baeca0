"""``novacula distill``: run, bench and list."""

from functools import partial
from typing import TYPE_CHECKING, Any

from novacula.cli import part_app
from novacula.cli.console import answer, printable, show_result, table
from novacula.cli.options import CampaignOptions, Flat, Grouped, Json, RunOptions
from novacula.cli.screen import Screen, perform
from novacula.distill.config import BenchConfig, RunConfig

if TYPE_CHECKING:
    from novacula.distill.bench_report import BenchFindings
    from novacula.distill.run import DistillResult
    from novacula.runs import RunResult, Step

app = part_app("distill")
_LISTED = 20


@app.command
def run(
    source: str | None = None, /, *, config: Flat[RunConfig] = RunConfig(), options: Grouped[RunOptions] = RunOptions()
) -> int:
    """Find the program that a task, data, a function or a network computes.

    Small recurrent networks are trained until one is perfect. It is simplified, its
    states are written as integers or as a machine, and formulas are found for these.
    The shortest program that passes all checks is proved where that is possible.

    The exit code is 0 where the outcome is "right": a short formula that is right
    on fresh sequences, or a table that was compared on all inputs of some length.
    With data alone, the program fits all rows and they determine it. Else it is 1.

    Example: novacula distill run Binary_Addition
    Example: novacula distill run sequences.csv
    Example: novacula distill run mypackage.mymodule:step --low 0 --high 9
    Example: novacula distill run network.onnx --length 12
    Example: novacula distill run --command "./sut --quiet" --alphabet coin,push

    Args:
        source: A benchmark task; a .csv file (header sequence,step,x0,…,y0,…) or .jsonl file ({"x": […], "y": […]} per
            line) of sequences; a function from list to list as module:name; or a network's .safetensors or .onnx file.
    """
    from novacula.distill.run import run as distill

    return perform(partial(distill, source, config, **options.where), SCREENS["run"], options)


@app.command
def bench(*, config: Flat[BenchConfig] = BenchConfig(), options: Grouped[CampaignOptions] = CampaignOptions()) -> int:
    """Distill benchmark tasks, each on its own, and print one table.

    The exit code is 1 where a task failed with an error; a task without a program is a row of the table.

    Example: novacula distill bench --tasks Binary_Addition,Div_3,Abs_Diff
    Example: novacula distill bench --workers 2
    Example: novacula distill bench --suite open --forms function
    """
    from novacula.distill.bench import bench as run

    return perform(partial(run, config, **options.where), SCREENS["bench"], options)


@app.command(name="list")
def list_(*, json: Json = False) -> None:
    """List the benchmark tasks: their inputs, the length of their sequences, and what the published system solved.

    Example: novacula distill list
    """
    from novacula.distill.tasks import TASKS

    rows = [
        {
            "name": task.name,
            "low": task.low,
            "high": task.high,
            "streams": len(task.program.inputs),
            "length": task.length,
            "solved_by_paper": task.published.mips,
        }
        for task in TASKS.values()
    ]
    heads = ("task", "inputs", "streams", "length", "in the paper")
    cells = (
        (
            task.name,
            f"{task.low} … {task.high}",
            len(task.program.inputs),
            task.length,
            "solved" if task.published.mips else "",
        )
        for task in TASKS.values()
    )
    answer(json, {"tasks": rows}, table(heads, cells), f"{len(rows)} tasks; run one with novacula distill run NAME")


def _show(result: "DistillResult") -> None:
    """Prints the program, what is known of it, and where the time went."""
    from rich.syntax import Syntax
    from rich.text import Text

    from novacula.distill.sources.sequences import counted

    findings = result.findings
    if findings.program:
        show_result(Syntax(findings.program, "python", background_color="default", word_wrap=True))
    if findings.reason:
        show_result(printable(findings.reason))
    if findings.determination:
        for pair in findings.determination.open:
            after = findings.alphabet.shown(pair.after) or "nothing"
            show_result(printable(f"No row shows the input {findings.alphabet.shown([pair.x])} after {after}."))
    for sentence in findings.left_out_in_words[:_LISTED]:
        show_result(printable(sentence))
    if not findings.program:
        show_result(printable(findings.checked))
    if findings.kind == "network" and findings.networks:
        show_result(findings.networks[findings.shown_network].states_in_words)
    size = f", {counted(findings.nodes, 'syntax node')}" if findings.nodes is not None else ""
    machine = f", {counted(findings.states, 'state')}" if findings.states is not None else ""
    road = f", {findings.route}" if findings.route else ""
    show_result(
        Text(f"{printable(findings.task)}: {findings.verdict}{size}{machine}{road}", "bold"),
        ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in findings.seconds.items()),
    )


def _describe_task(step: "Step") -> str:
    row = step.metrics
    words = f"{row['task']}: {row['tier']}"
    words += f", {row['nodes']} nodes" if row["nodes"] is not None else ""
    return words + f", {row['seconds']:.1f} s" + (f"  ({row['reason']})" if row["reason"] else "")


def _show_bench(result: "RunResult[BenchFindings]") -> None:
    """Prints each task beside what was published, and the sums."""
    from rich.text import Text

    findings = result.findings
    heads = ("task", "tier", *findings.heads, "")
    rows = ((row.task, Text(row.tier, "green" if row.solved else ""), *row.cells) for row in findings.per_task)
    lost = f" {findings.failed} failed, {findings.cut_off} cut off."
    show_result(
        table(heads, rows, right=("nodes", "states", "seconds")),
        f"{findings.sentence} {findings.wall_seconds:,.0f} s of wall time, {findings.cpu_seconds:,.0f} s of processor "
        "time." + (lost if findings.failed or findings.cut_off else ""),
    )


SCREENS: dict[str, Screen[Any]] = {
    "run": Screen(_show, reached=lambda result: result.findings.outcome == "right"),
    "bench": Screen(_show_bench, _describe_task, unit="task"),
}
