"""``novacula distill``: run and bench."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from novacula.cli.console import conclude, printable
from novacula.cli.console import show as show_result
from novacula.cli.distill_bench import bench, resume_bench
from novacula.cli.options import Flat, RunOptions, RunOptionsParameter
from novacula.cli.progress import progress
from novacula.distill.config import RunConfig
from novacula.errors import RunError

if TYPE_CHECKING:
    from novacula.distill.run import DistillResult
    from novacula.runs import RunFolder, Step

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
    options.apply()
    from novacula.distill.run import run as distill

    with progress(options, _describe) as on_step:
        result = distill(source, config, **options.places, on_step=on_step)
    return _conclude(result, options)


app.command(bench)


def resume(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``distill``; ``novacula runs resume`` calls this.

    Raises:
        RunError: the run is of a verb that cannot be resumed.
    """
    verbs = {"run": _resume_run, "bench": resume_bench}
    if folder.record.verb not in verbs:
        raise RunError(f"{folder.path}: is a run of `distill {folder.record.verb}`, which is not resumed by itself")
    return verbs[folder.record.verb](folder, options)


def _resume_run(folder: "RunFolder", options: RunOptions) -> int:
    options.apply()
    from novacula.distill.run import resume as go_on

    with progress(options, _describe) as on_step:
        result = go_on(folder, time_limit=options.time_limit, on_step=on_step)
    return _conclude(result, options)


def _describe(step: "Step") -> str:
    words = [str(step.metrics["stage"])]
    for name, value in step.metrics.items():
        if name != "stage" and value is not None:
            words.append(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}")
    return "  ".join(words)


def _conclude(result: "DistillResult", options: RunOptions) -> int:
    return conclude(result, options, _show, reached=result.reached)


def _show(document: Mapping[str, Any]) -> None:
    """The program, what is known of it, and where the time went."""
    from rich.syntax import Syntax
    from rich.text import Text

    if document["program"]:
        show_result(Syntax(document["program"], "python", background_color="default", word_wrap=True))
    if document["reason"]:
        show_result(Text(printable(document["reason"])))
    if not document["program"]:
        show_result(Text(printable(document["checked"])))
    tier = document["tier"] or ("right on all held-out rows" if document["reached"] else "not right")
    size = f", {document['nodes']} syntax nodes" if document["nodes"] is not None else ""
    machine = f", {document['states']} states" if document["states"] is not None else ""
    route = f", {document['route']}" if document["route"] else ""
    show_result(Text(f"{printable(document['task'])}: {tier}{size}{machine}{route}", "bold"))
    spent = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in document["seconds"].items())
    show_result(Text(spent))
