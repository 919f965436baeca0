"""The reports of hypernet runs; that of a training is here, those of studies in `study_report`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from novacula.report import SERIES, Section, figure_svg, run_facts, table, write_report
from novacula.report.figures import plain_numbers
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from novacula.hypernet.classify import Classified
    from novacula.hypernet.training.generator import Generator

_SHOWN = 6
"""Prices at which a training's report shows a network."""
_OPENED = 3
"""Of these, how many are shown with matrix and formula."""
_CHECK_POINTS = 20_000
"""Inputs on which a report compares formula and network."""


def build_report(folder: RunFolder) -> Path:
    """Writes the run's report.html from what its folder holds; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    if folder.record.verb != "train":
        from novacula.hypernet.study_report import build_study_report

        return build_study_report(folder)
    result: Any = folder.read_result()
    sections = [Section("Networks", "There is no result yet.")]
    if result:
        sections = _sections(folder, result)
    task = folder.record.configuration.get("task")
    title, subtitle = f"Networks for {task}, written to be read", "One hypernetwork, a range of complexity prices."
    return write_report(folder.path / "report.html", title, subtitle, sections, _facts(folder, result or {}))


def _facts(folder: RunFolder, result: Mapping[str, Any]) -> dict[str, object]:
    record = folder.record
    measured: dict[str, object] = {"steps": f"{record.step:,} of {record.length or 0:,}"}
    if result:
        curve = result["curve"]
        best = min(min(values) for values in curve["mse"])
        measured["parameters"] = f"{result['parameters']:,}"
        measured["best squared error"] = f"{best:.3g}"
        measured["its R²"] = f"{1 - best / result['variance']:.5f}" if result["variance"] else ""
    return run_facts(folder, measured)


def _sections(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    from novacula.hypernet.classify import classify
    from novacula.hypernet.config import ClassifyConfig
    from novacula.hypernet.draw import gallery_picture
    from novacula.hypernet.network_section import network_section
    from novacula.hypernet.training.generator import load_generator

    generator = load_generator(folder)
    betas = result["curve"]["beta"]
    places = sorted({round(i) for i in np.linspace(0, len(betas) - 1, _SHOWN)})
    config = ClassifyConfig(generator.config.task, generator.config.law, draws=0)
    networks = [generator.generate(_within(generator, betas[place])) for place in places]
    opened = [classify(network, config, check_points=_CHECK_POINTS) for network in networks]
    found = list(zip([betas[place] for place in places], opened, strict=True))
    titles = [(f"β = {beta:.0e}: {each.analysis.label}", each.network) for beta, each in found]
    note = (
        "Inputs are green, hidden units gray, the output stands in the middle. Edges are orange for positive weights "
        "and blue for negative ones, as wide as the weight is large. At each price the better of the seed's "
        "hypernetworks writes."
    )
    opened = [found[i] for i in sorted({round(i) for i in np.linspace(0, len(found) - 1, _OPENED)})]
    return [
        Section("Networks from exact to cheap", gallery_picture("gallery", titles), note),
        _pareto(result, found),
        Section("Labels along the price", _label_table(found), "One network for each price."),
        *(
            network_section(f"Opened: β = {beta:.0e}", f"network-{place}", each)
            for place, (beta, each) in enumerate(opened)
        ),
        _sizes(generator),
        _training(folder),
    ]


def _within(generator: "Generator", beta: float) -> float:
    """A price of the curve, which is stored in single precision, inside of the run's range."""
    return min(max(beta, generator.config.beta_low), generator.config.beta_high)


def _pareto(result: Mapping[str, Any], found: "Sequence[tuple[float, Classified]]") -> Section:
    from novacula.hypernet.analyst.measures import told
    from novacula.hypernet.draw import Point, pareto_picture, price_picture
    from novacula.hypernet.draw.charts import NAT

    curve, members = result["curve"], result["members"]
    points = [
        Point(NAT * (told(each.network) or 0.0), max(each.analysis.mse, 1e-12), each.analysis.label)
        for _, each in found
    ]
    chosen = result["best"][str(members[0]["seed"])]
    middle = [(NAT * curve["nats"][m][i], max(curve["mse"][m][i], 1e-12)) for i, m in enumerate(chosen)]
    names = [f"seed {member['seed']}, {member['branch']}" for member in members]
    lines = [(name, values) for name, values in zip(names, curve["mse"], strict=True)]
    nats = [(name, values) for name, values in zip(names, curve["nats"], strict=True)]
    body = pareto_picture(points, middle=middle)
    body += price_picture(curve["beta"], lines, "errors", "mean squared error")
    body += price_picture(curve["beta"], nats, "nats", "nats")
    note = (
        "Bits are what the generator had to be told beyond chance. The line joins the medians over draws of the better "
        "hypernetwork of the first seed at each price; below, all hypernetworks: up opens its range of prices upwards, "
        "down downwards."
    )
    return Section("What exactness costs", body, note)


def _label_table(found: "Sequence[tuple[float, Classified]]") -> Markup:
    from novacula.hypernet.analyst.measures import told

    rows = [
        (
            f"{beta:.1e}",
            each.analysis.label + (" (broken)" if each.analysis.broken else ""),
            each.analysis.functional_label,
            f"{each.analysis.confidence:.2f}",
            f"{each.analysis.r2:.4f}",
            f"{(told(each.network) or 0.0) / np.log(2):,.0f}",
            (each.formula.limit_line or each.formula.line) if each.formula.accepted else "none accepted",
        )
        for beta, each in found
    ]
    return table(("β", "by weights", "by outputs", "confidence", "R²", "bits", "formula, or its limit"), rows)


def _sizes(generator: "Generator") -> Section:
    """R² for a few sizes, at the least price."""
    from novacula.hypernet.analyst.label import analyze
    from novacula.hypernet.config import ClassifyConfig

    own = generator.config
    wanted = sorted({max(1, round(own.inputs * share)) for share in (0.25, 0.5, 1, 1.5, 2)})
    rows = []
    for size in [size for size in wanted if generator.lesson.task.admits(size)]:
        made = [generator.generate(own.beta_low, size, seed=draw) for draw in range(3)]
        found = [analyze(network, generator.lesson.task, ClassifyConfig(draws=0)) for network in made]
        r2 = sorted(each.r2 for each in found)
        trained = "yes" if size in own.all_inputs else ""
        labels = ", ".join(dict.fromkeys(each.label for each in found))
        rows.append((size, made[0].architecture.hidden[0], trained, f"{np.median(r2):.4f}", f"{r2[0]:.4f}", labels))
    note = "Three networks of each size at the least price. `novacula hypernet generalize` measures more."
    head = ("inputs", "hidden", "trained on", "R², median", "worst", "labels")
    return Section("Other sizes, with no further training", table(head, rows), note)


def _training(folder: RunFolder) -> Section:
    """The squared error over steps, of each hypernetwork."""
    steps, errors = [], []
    for event in folder.events():
        if "milestone" not in event and isinstance(event.get("mse"), list):
            steps.append(event["step"])
            errors.append(event["mse"])

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        for place, values in enumerate(np.array(errors, float).T):
            axes.plot(steps, np.maximum(values, 1e-12), color=SERIES[place % len(SERIES)], linewidth=0.9, alpha=0.9)
        axes.set(yscale="log", xlabel="step", ylabel="mean squared error")
        plain_numbers(axes.xaxis)

    note = "The geometric mean over the prices of each step; these change as the range of prices opens."
    body = figure_svg("training", "Squared error over training steps", draw, height=3.2) if steps else Markup("")
    return Section("Training", body, note)
