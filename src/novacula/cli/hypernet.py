"""``novacula hypernet``: train, sample, classify, build and draw; studies are in `novacula.cli.hypernet_studies`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from novacula.cli import part_app
from novacula.cli.console import EXIT_FINISHED, answer, print_json, printable, show_result, table
from novacula.cli.hypernet_studies import STUDY_SCREENS, census, compare, generalize, named
from novacula.cli.options import Flat, Grouped, Json, RunOptions
from novacula.cli.screen import Screen, perform
from novacula.errors import InputError
from novacula.hypernet.config import BuildConfig, ClassifyConfig, SampleConfig, TrainConfig
from novacula.options import percent

if TYPE_CHECKING:
    from novacula.hypernet.classify import ClassifyFindings
    from novacula.hypernet.network import TargetNetwork
    from novacula.hypernet.training.program import TrainFindings
    from novacula.runs import RunResult, Step

app = part_app("hypernet")

PaletteName = Literal["safe", "red-blue"]


@app.command
def train(*, config: Flat[TrainConfig] = TrainConfig(), options: Grouped[RunOptions] = RunOptions()) -> int:
    """Train a hypernetwork that writes networks for a task, at every complexity price.

    β is the price of a nat of a network's description. At the least price
    networks are exact and elaborate, at the greatest crude and simple. One training
    covers the whole range; `sample` then writes networks, of other sizes too.

    The defaults take minutes. More --seeds are trained at once in one batched
    program; --sizes 4,8,12 trains on several sizes, which helps all others.

    Example: novacula hypernet train --task l1-norm --inputs 16 --hidden 48
    Example: novacula hypernet train --task max --inputs 4 --hidden 12,6 --activation relu
    Example: novacula hypernet train --task mymodule:f --law "uniform(-1,1)" --inputs 8
    """
    from novacula.hypernet.train import train as run

    return perform(partial(run, config, **options.where), SCREENS["train"], options)


@app.command
def sample(
    run: Path, /, *, config: Flat[SampleConfig] = SampleConfig(), out: Path | None = None, json: Json = False
) -> int:
    """Let a trained hypernetwork write a network, of any size.

    The same run, price, size and seed give the same network, bit for bit.

    Example: novacula hypernet sample runs/hypernet-l1-norm --beta 1e-6 --inputs 24

    Args:
        run: Folder of a run of `hypernet train`, finished or not.
        out: File of the network. By default its name is made of task, size, price and seed.
    """
    _one_thread()
    from novacula.hypernet.training.generator import sample as write

    network = write(run, config)
    stem = (network.task or "network").replace(":", "-").replace(".", "-")
    name = f"{stem}-{network.architecture.inputs}-beta{config.beta:.0e}-seed{config.seed}.safetensors"
    return _keep(network, out or Path(name), json)


@app.command
def classify(
    file: Path, /, *, config: Flat[ClassifyConfig] = ClassifyConfig(), report: Path | None = None, json: Json = False
) -> int:
    """Say which algorithm a network carries out, and write it as a formula.

    One label comes from the weights, another from the outputs alone. Where
    the two disagree, the output says so. The formula speaks of any number of
    inputs. It is checked on 100,000 inputs and on ten times as large ones, and
    its error is bounded.

    A file is safetensors: weight.0, bias.0, weight.1, … (out × in), with the
    metadata activation and task; or the state dict of a torch network of
    linear layers, with --activation; or a multilayer perceptron in ONNX.

    Example: novacula hypernet classify network.safetensors
    Example: novacula hypernet classify state.safetensors --activation silu --task max
    Example: novacula hypernet classify regressor.onnx --task none
    Example: novacula hypernet classify regressor.onnx --data test.csv
    Example: novacula hypernet classify network.safetensors --task max --json

    Args:
        file: The network.
        report: Also write an HTML page with drawing, matrix and formula.
    """
    _one_thread()
    from novacula.hypernet.classify import classify as run

    found = run(file, config)
    if report:
        from novacula.hypernet.classify import network_section
        from novacula.report import write_report

        section = network_section("The network", "network", found)
        write_report(report, printable(file.name), f"Read as {found.task.name}.", [section], {})
    if json:
        print_json(found.document())
    else:
        _show_label(found.findings)
    return EXIT_FINISHED


@app.command
def build(*, config: Flat[BuildConfig] = BuildConfig(), out: Path | None = None, json: Json = False) -> int:
    """Build the network of a known algorithm by hand.

    Such networks show what the analyst looks for, and test it: with --noise
    their weights are disturbed, with --shuffle their units change places.

    Example: novacula hypernet build --kind pudding+ --inputs 16
    Example: novacula hypernet build --kind max-tree --inputs 4 --out max.safetensors

    Args:
        out: File of the network. By default its name is made of kind and inputs.
    """
    _one_thread()
    from novacula.hypernet.build import build as make

    network = make(**vars(config))
    return _keep(network, out or Path(f"{config.kind}-{config.inputs}.safetensors"), json)


@app.command
def draw(
    file: Path, /, *, out: Path | None = None, seed: int = 0, palette: PaletteName = "safe", json: Json = False
) -> int:
    """Draw a network as a force-directed plan: heavy weights pull together, all units push apart.

    Inputs are green, hidden units gray, the output stands in the middle.

    Example: novacula hypernet draw network.safetensors --out plan.png

    Args:
        file: The network.
        out: The picture, .svg or .png. By default it has the network's name with .svg.
        seed: Seed of the places from which the units begin.
        palette: Colors of edges: for color-blind readers, or red and blue.
    """
    from novacula.hypernet.draw.pictures import write_plan
    from novacula.hypernet.foreign import open_network

    path = out or file.with_suffix(".svg")
    if path.suffix not in (".svg", ".png"):
        raise InputError("--out", f"is {str(path)!r}; its name must end in .svg or .png")
    write_plan(path, open_network(file), seed=seed, palette=palette)
    answer(json, {"picture": str(path)}, printable(str(path)))
    return EXIT_FINISHED


for _study in (census, generalize, compare):
    app.command(_study)


def _one_thread() -> None:
    """All of it is small: more threads would only cost time."""
    import torch

    torch.set_num_threads(1)


def _describe(step: "Step") -> str:
    errors: Any = [error for error in step.metrics["mse"] if error is not None]  # pyright: ignore
    spread = f"{min(errors):.3g}" if len(errors) == 1 else f"{min(errors):.3g} … {max(errors):.3g}"
    return f"squared error {spread}"


def _show_curve(result: "RunResult[TrainFindings]") -> None:
    """Prints error and bits of the first seed's better hypernetwork at each price."""
    from novacula.hypernet.analyst.label import bits

    findings = result.findings
    curve, members = findings.curve, findings.members
    rows = []
    for place, chosen in enumerate(findings.best[str(members[0].seed)]):
        mse, paid = curve.mse[chosen][place], bits(curve.nats[chosen][place])
        r2 = f"{1 - mse / findings.variance:.5f}" if findings.variance else ""
        own = f"{members[chosen].seed} {members[chosen].branch}"
        rows.append((f"{curve.beta[place]:.1e}", f"{mse:.3g}", r2, f"{paid:,.0f}", own))
    show_result(table(("β", "squared error", "R²", "bits", "seed, branch"), rows))
    for stop in findings.stopped:
        show_result(
            f"{members[stop.member].seed} {members[stop.member].branch} stopped at step {stop.step:,}: {stop.why}"
        )


def _keep(network: "TargetNetwork", path: Path, json: bool) -> int:
    """Writes a network's file, and says what is in it."""
    from novacula.hypernet.analyst.label import bits, paid_nats
    from novacula.hypernet.network import write_network

    write_network(path, network)
    sizes, activation = network.architecture.sizes, network.architecture.activation
    facts = {"file": str(path), "task": network.task, "sizes": list(sizes), "activation": activation}
    nats = paid_nats(network)
    price = "" if nats is None else f", {bits(nats):,.0f} bits"
    shown = printable(f"{path}: {network.task}, {'-'.join(map(str, sizes))}, {activation}{price}")
    answer(json, {**facts, "provenance": dict(network.provenance)}, shown)
    return EXIT_FINISHED


def _show_label(found: "ClassifyFindings") -> None:
    """Prints the label, what it rests on, formula and bound."""
    from rich.syntax import Syntax
    from rich.text import Text

    from novacula.hypernet.classify import NORMS, input_words, measures

    broken = ", broken: the structure stands, the function does not" if found.broken else ""
    agree = "agrees" if found.agree else "DISAGREES"
    confidence = "" if found.confidence is None else f"; confidence {found.confidence:.2f}"
    show_result(
        Text(f"{found.label}{broken}", "bold"), f"by its outputs {found.functional_label}, which {agree}{confidence}"
    )
    show_result(found.why)
    if found.r2 is not None and found.mse is not None and found.task != "none":
        show_result(f"R² {found.r2:.5f}, squared error {found.mse:.3g} on {printable(found.task)}")
    if found.task_assumed:
        show_result(
            "judged as an L1 norm, since the file names no task: --task NAME names one, --task none asks for none"
        )
    unknown = found.task not in NORMS
    show_result(table(("pattern" if unknown else "order parameter", "", "what it says"), measures(found)))
    for words in input_words(found.inputs) if unknown else []:
        show_result(words)
    if found.formula is None:
        show_result(f"no formula: {found.formula_reason}")
        return
    show_result(Syntax(found.formula, "python", background_color="default", word_wrap=True))
    if found.formula_reason:
        show_result(f"not accepted: {found.formula_reason}")
    explained = f"explains {percent(found.formula_r2 or 0, 4)} of the network on {found.formula_points:,} inputs"
    show_result(f"{explained}, {percent(max(0.0, found.formula_r2_far or 0.0), 2)} on ten times as large ones")
    if found.limit:
        exact = ", which is the task itself" if found.is_task else ""
        show_result(f"in the limit {found.limit}{exact}")
    if found.error_bound_says:
        show_result(f"proved: {found.error_bound_says}")


SCREENS: dict[str, Screen[Any]] = {"train": Screen(_show_curve, _describe, document=named), **STUDY_SCREENS}
