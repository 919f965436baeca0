"""``novacula hypernet``: train, sample, classify, build and draw; studies are in `novacula.cli.hypernet_studies`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from novacula.cli.console import EXIT_FINISHED, conclude, print_json, printable
from novacula.cli.console import show as show_result
from novacula.cli.hypernet_studies import census, compare, generalize, resume_study
from novacula.cli.options import Flat, ResumeOptions, RunOptions, RunOptionsParameter
from novacula.cli.progress import progress
from novacula.errors import InputError, RunError
from novacula.hypernet.config import BuildConfig, ClassifyConfig, SampleConfig, TrainConfig

if TYPE_CHECKING:
    from novacula.hypernet.network import TargetNetwork
    from novacula.hypernet.train import TrainResult
    from novacula.runs import RunFolder, Step

app = App(
    name="hypernet",
    help="A hypernetwork that writes small readable networks at a chosen complexity.",
    help_format="plaintext",
    default_parameter=Parameter(negative_iterable=()),
)

Json = Annotated[bool, Parameter(negative="")]
PaletteName = Literal["safe", "red-blue"]


@app.command
def train(
    *,
    config: Annotated[TrainConfig, Flat] = TrainConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Train a hypernetwork that writes networks for a task, at every complexity price.

    The price β says what exactness must be worth: at the least price networks
    are exact and elaborate, at the greatest crude and simple. One training
    covers the whole range; `sample` then writes networks, of other sizes too.

    The defaults take minutes. More --seeds are trained at once in one batched
    program; --sizes 4,8,12 trains on several sizes, which all others gain from.

    Example: novacula hypernet train --task l1-norm --inputs 16 --hidden 48
    Example: novacula hypernet train --task max --inputs 4 --hidden 12,6 --activation relu
    Example: novacula hypernet train --task mymodule:f --law "uniform(-1,1)" --inputs 8
    """
    options.apply()
    from novacula.hypernet.train import train as run

    with progress(options, _describe) as on_step:
        result = run(config, **options.places, on_step=on_step)
    return _conclude(result, options)


@app.command
def sample(
    run: Path,
    /,
    *,
    config: Annotated[SampleConfig, Flat] = SampleConfig(),  # noqa: B008 - it is frozen
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Let a trained hypernetwork write a network, of any size.

    The same run, price, size and seed give the same network, bit for bit.

    Example: novacula hypernet sample runs/hypernet-l1-norm --beta 1e-6 --inputs 24

    Args:
        run: Folder of a run of `hypernet train`, finished or not.
        out: File of the network; without it a name is made of what was asked for.
        json: Print one JSON object.
    """
    _one_thread()
    from novacula.hypernet.sample import sample as write

    network = write(run, config)
    beta = f"beta{config.beta:.0e}" + ("-prior" if config.prior_only else "")
    inputs = network.architecture.inputs
    path = out or Path(f"{_stem(network)}-{inputs}-{beta}-seed{config.seed}.safetensors")
    return _keep(network, path, json)


@app.command
def classify(
    file: Path,
    /,
    *,
    config: Annotated[ClassifyConfig, Flat] = ClassifyConfig(),  # noqa: B008 - it is frozen
    report: Path | None = None,
    json: Json = False,
) -> int:
    """Say which algorithm a network carries out, and write it as a formula.

    One label is read from the weights, another from the outputs alone; where
    the two disagree, that is said. The formula speaks of any number of inputs;
    it is checked on 100,000 inputs and on ten times as large ones, and its error
    is bounded.

    A file is safetensors: weight.0, bias.0, weight.1, … (out × in), with the
    metadata activation and task.

    Example: novacula hypernet classify network.safetensors
    Example: novacula hypernet classify network.safetensors --task max --json

    Args:
        file: The network.
        report: Also write an HTML page with drawing, matrix and formula.
        json: Print one JSON object.
    """
    _one_thread()
    from novacula.hypernet.classify import classify as run

    found = run(file, config)
    if report:
        from novacula.hypernet.network_section import network_section
        from novacula.report import write_report

        section = network_section("The network", "network", found)
        write_report(report, printable(file.name), f"Read as {found.task.name}.", [section], {})
    if json:
        print_json(found.document())
    else:
        _show_label(found.document())
    return EXIT_FINISHED


@app.command
def build(
    *,
    config: Annotated[BuildConfig, Flat] = BuildConfig(),  # noqa: B008 - it is frozen
    out: Path | None = None,
    json: Json = False,
) -> int:
    """Build the network of a known algorithm by hand.

    Such networks show what the analyst looks for, and test it: with --noise
    their weights are disturbed, with --shuffle their units change places.

    Example: novacula hypernet build --kind pudding+ --inputs 16
    Example: novacula hypernet build --kind max-tree --inputs 4 --out max.safetensors

    Args:
        out: File of the network; without it a name is made of kind and inputs.
        json: Print one JSON object.
    """
    _one_thread()
    from dataclasses import asdict

    from novacula.hypernet.build import build as make

    network = make(**asdict(config))
    return _keep(network, out or Path(f"{config.kind}-{config.inputs}.safetensors"), json)


@app.command
def draw(file: Path, /, *, out: Path | None = None, seed: int = 0, palette: PaletteName = "safe") -> int:
    """Draw a network as a force-directed plan: heavy weights pull together, all units push apart.

    Inputs are green, hidden units gray, the output stands in the middle.

    Example: novacula hypernet draw network.safetensors --out plan.png

    Args:
        file: The network.
        out: The picture, .svg or .png; without it the network's name with .svg.
        seed: Of the places from which the units begin.
        palette: Colors of edges: for color-blind readers, or red and blue.
    """
    from novacula.hypernet.draw import write_plan
    from novacula.hypernet.network_file import read_network

    path = out or file.with_suffix(".svg")
    if path.suffix not in (".svg", ".png"):
        raise InputError("--out", f"is {str(path)!r}; its name must end in .svg or .png")
    write_plan(path, read_network(file), seed=seed, palette=palette)
    show_result(printable(str(path)))
    return EXIT_FINISHED


app.command(census)
app.command(generalize)
app.command(compare)


def resume(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``hypernet``; ``novacula runs resume`` calls this.

    Raises:
        RunError: the run is of a verb that cannot be resumed.
    """
    verb = folder.record.verb
    if verb in ("census", "generalize", "compare"):
        return resume_study(folder, options)
    if verb != "train":
        raise RunError(f"{folder.path}: is a run of `hypernet {verb}`, which is not resumed by itself")
    options.apply()
    from novacula.hypernet.train import resume as go_on

    with progress(options, _describe) as on_step:
        result = go_on(folder, time_limit=options.time_limit, on_step=on_step)
    return _conclude(result, options)


def _one_thread() -> None:
    """All of it is small: more threads would only cost time."""
    import torch

    torch.set_num_threads(1)


def _describe(step: "Step") -> str:
    errors: Any = step.metrics["mse"]
    spread = f"{min(errors):.3g}" if len(errors) == 1 else f"{min(errors):.3g} … {max(errors):.3g}"
    return f"squared error {spread}"


def _conclude(result: "TrainResult", options: ResumeOptions) -> int:
    from novacula.hypernet.report import build_report
    from novacula.runs import RunResult

    report = build_report(result.folder)
    document = {**result.document, "run": str(result.folder.path), "report": str(report)}
    return conclude(RunResult(result.status, document, report), options, _show_curve)


def _show_curve(document: Mapping[str, Any]) -> None:
    """Error and bits of the first seed's better hypernetwork at each price."""
    from math import log

    from rich.table import Table

    curve, members = document["curve"], document["members"]
    table = Table("β", "squared error", "R²", "bits", "hypernetwork", box=None, header_style="bold")
    for place, member in enumerate(document["best"][str(members[0]["seed"])]):
        mse, nats = curve["mse"][member][place], curve["nats"][member][place]
        r2 = f"{1 - mse / document['variance']:.5f}" if document["variance"] else ""
        own = members[member]
        table.add_row(
            f"{curve['beta'][place]:.1e}", f"{mse:.3g}", r2, f"{nats / log(2):,.0f}", f"{own['seed']} {own['branch']}"
        )
    show_result(table)


def _keep(network: "TargetNetwork", path: Path, json: bool) -> int:
    """Writes a network's file, and tells what is in it."""
    from novacula.hypernet.network_file import write_network

    write_network(path, network)
    facts = {
        "file": str(path),
        "task": network.task,
        "sizes": list(network.architecture.sizes),
        "activation": network.architecture.activation,
        "provenance": dict(network.provenance),
    }
    if json:
        print_json({"schema_version": 1, **facts})
    else:
        sizes, nats = "-".join(map(str, network.architecture.sizes)), network.provenance.get("kl_nats")
        told = f", told {nats:,.1f} nats" if isinstance(nats, int | float) else ""
        show_result(printable(f"{path}: {network.task}, {sizes}, {network.architecture.activation}{told}"))
    return EXIT_FINISHED


def _stem(network: "TargetNetwork") -> str:
    return (network.task or "network").replace(":", "-").replace(".", "-")


def _show_label(document: Mapping[str, Any]) -> None:
    """Label, what it rests on, formula and bound."""
    from rich.syntax import Syntax
    from rich.text import Text

    broken = ", broken: the structure stands, the function does not" if document["broken"] else ""
    show_result(Text(f"{document['label']}{broken}", "bold"))
    agree = "agrees" if document["agree"] else "DISAGREES"
    confidence = "" if document["confidence"] is None else f"; confidence {document['confidence']:.2f}"
    show_result(Text(f"by its outputs {document['functional_label']}, which {agree}{confidence}"))
    r2, mse = (document[name] for name in ("r2", "mse"))
    if r2 is not None and mse is not None:
        show_result(Text(f"R² {r2:.5f}, squared error {mse:.3g} on {printable(document['task'])}"))
    orders = ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in document["order_parameters"].items())
    show_result(Text(orders))
    if document["formula"] is None:
        show_result(Text(f"no formula: {document['formula_reason']}"))
        return
    show_result(Syntax(document["formula"], "python", background_color="default", word_wrap=True))
    if document["formula_reason"]:
        show_result(Text(f"not accepted: {document['formula_reason']}"))
    explained = f"explains {document['formula_r2']:.4%} of the network on {document['formula_points']:,} inputs"
    show_result(Text(f"{explained}, {document['formula_r2_far']:.2%} on ten times as large ones"))
    if document["limit"]:
        exact = ", which is the task itself" if document["is_task"] else ""
        show_result(Text(f"in the limit {document['limit']}{exact}"))
    if document["error_bound_says"]:
        show_result(Text(f"proved: {document['error_bound_says']}"))
