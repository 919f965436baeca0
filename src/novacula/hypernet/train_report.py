"""The report of a training: networks from exact to cheap, what exactness costs, labels along the price, other sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from novacula.hypernet.analyst.label import analyze, bits, label_findings, paid_nats, quick_findings
from novacula.hypernet.classify import Classified, classify, network_section
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.draw.charts import Point, pareto_picture, price_picture
from novacula.hypernet.draw.pictures import gallery_picture
from novacula.hypernet.training.generator import Generator, load_generator
from novacula.hypernet.training.program import TrainFindings
from novacula.report import SERIES, Section, figure_svg, table, write_run_report
from novacula.report.figures import plain_numbers
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 6  #: prices at which a training's report shows a network
_SEEDS = 8  #: seeds whose networks are shown beside each other
_OPENED = 3  #: how many of these networks are shown with matrix and formula
_CHECK_POINTS = 20_000  #: inputs on which a report compares formula and network


@dataclass(frozen=True)
class _Sample:
    """A network at a price, read by the analyst."""

    beta: float
    read: Classified

    @property
    def label(self) -> str:
        """Its label, or that it is broken."""
        return label_findings(self.read.analysis).shown

    @property
    def bits(self) -> float:
        """What the network cost its generator."""
        return bits(paid_nats(self.read.network))


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a training from what its folder holds, and returns its path."""
    findings = folder.read_findings(TrainFindings)
    sections = _sections(folder, findings) if findings else [Section("Networks", "There is no result yet.")]
    title = f"Networks for {folder.record.about}, written to be read"
    subtitle = "One hypernetwork, a range of complexity prices."
    return write_run_report(folder, title, subtitle, sections, _measured(folder, findings))


def _measured(folder: RunFolder, findings: TrainFindings | None) -> dict[str, object]:
    record = folder.record
    measured: dict[str, object] = {"steps": f"{record.step:,} of {record.length or 0:,}"}
    if findings:
        best = min(map(min, findings.curve.mse))
        measured["parameters"] = f"{findings.parameters:,}"
        measured["best squared error"] = f"{best:.3g}"
        measured["its R²"] = f"{1 - best / findings.variance:.5f}" if findings.variance else ""
    return measured


def _sections(folder: RunFolder, findings: TrainFindings) -> list[Section]:
    generator = load_generator(folder)
    samples = _samples(generator)
    titles = [(f"β = {sample.beta:.0e}: {sample.label}", sample.read.network) for sample in samples]
    note = (
        "Inputs are green, hidden units gray, the output stands in the middle. Edges are orange for positive weights "
        "and blue for negative ones, as wide as the weight is large. At each price the better of the seed's "
        "hypernetworks writes."
    )
    opened = [samples[place] for place in _spread(len(samples), _OPENED)]
    return [
        Section("Networks from exact to cheap", gallery_picture("gallery", titles), note),
        *_seeds(generator),
        _trade_off(findings, samples),
        Section("Labels along the price", _label_table(samples), "One network for each price."),
        *(
            network_section(f"Opened: β = {sample.beta:.0e}", f"network-{place}", sample.read)
            for place, sample in enumerate(opened)
        ),
        *_sizes(generator),
        _training(folder, findings),
    ]


def _seeds(generator: Generator) -> list[Section]:
    """The algorithms of all seeds in one picture: each at the least price, and the first at the greatest."""
    own, seeds = generator.config, generator.seeds[:_SEEDS]
    if len(seeds) < 2:
        return []
    wanted = [(own.beta_low, seed) for seed in seeds] + [(own.beta_high, seeds[0])]
    networks = [generator.generate(beta, trained_seed=seed) for beta, seed in wanted]
    found = [quick_findings(network, generator.lesson.task) for network in networks]
    titles = [f"seed {seed}, β = {beta:.0e}: {f.shown}" for (beta, seed), f in zip(wanted, found, strict=True)]
    note = "Which algorithm a seed finds at the least price is chance. The last network is one at the greatest price."
    return [Section("What each seed found", gallery_picture("seeds", [*zip(titles, networks, strict=True)]), note)]


def _spread(count: int, wanted: int) -> list[int]:
    """Some places of many, evenly, the ends included."""
    return sorted({round(place) for place in np.linspace(0, count - 1, wanted)})


def _samples(generator: Generator) -> list[_Sample]:
    """Networks at prices of the curve."""
    own, betas = generator.config, generator.measured.beta
    config = ClassifyConfig(own.task, own.law, draws=0)
    samples = []
    for place in _spread(len(betas), _SHOWN):
        network = generator.generate(min(max(betas[place], own.beta_low), own.beta_high))
        samples.append(_Sample(betas[place], classify(network, config, check_points=_CHECK_POINTS)))
    return samples


def _trade_off(findings: TrainFindings, samples: Sequence[_Sample]) -> Section:
    curve, members, stopped = findings.curve, findings.members, findings.stopped
    points = [Point(sample.bits, max(sample.read.analysis.mse, 1e-12), sample.label) for sample in samples]
    chosen = findings.best[str(members[0].seed)]
    middle = [(bits(curve.nats[m][place]), max(curve.mse[m][place], 1e-12)) for place, m in enumerate(chosen)]
    names = [f"seed {member.seed}, {member.branch}" for member in members]
    costs = [list(map(bits, row)) for row in curve.nats]
    body = pareto_picture(points, middle=middle)
    body += price_picture(curve.beta, list(zip(names, curve.mse, strict=True)), "errors", "mean squared error")
    body += price_picture(curve.beta, list(zip(names, costs, strict=True)), "bits", "bits")
    note = (
        "Bits are what the network cost beyond chance. The line joins the medians over draws of the better "
        "hypernetwork of the first seed at each price; below, all hypernetworks: up opens its range of prices upwards, "
        "down downwards."
    )
    note += "".join(
        f" {names[stop.member].capitalize()}, stopped at step {stop.step:,}: {stop.why}." for stop in stopped
    )
    return Section("What exactness costs", body, note)


def _label_table(samples: Sequence[_Sample]) -> Markup:
    rows = []
    for sample in samples:
        analysis, formula = sample.read.analysis, sample.read.formula
        rows.append(
            (
                f"{sample.beta:.1e}",
                analysis.label + (" (broken)" if analysis.broken else ""),
                analysis.functional_label,
                f"{analysis.confidence:.2f}",
                f"{analysis.r2:.4f}",
                f"{sample.bits:,.0f}",
                (formula.limit_line or formula.line) if formula.accepted else "none accepted",
            )
        )
    head = ("β", "by weights", "by outputs", "confidence", "R²", "bits", "formula, or its limit")
    return table(head, rows, minor=("by outputs", "confidence"))


def _sizes(generator: Generator) -> list[Section]:
    """R² for a few sizes, at the least price; nothing where the networks have one size only."""
    own = generator.config
    wanted = sorted({max(1, round(own.inputs * share)) for share in (0.25, 0.5, 1, 1.5, 2)})
    sizes = [size for size in wanted if generator.lesson.admits(size)]
    rows = []
    for size in sizes if len(sizes) > 1 else ():
        networks = [generator.generate(own.beta_low, size, seed=draw) for draw in range(3)]
        found = [analyze(network, generator.lesson.task, ClassifyConfig(draws=0)) for network in networks]
        r2 = sorted(analysis.r2 for analysis in found)
        trained = "yes" if size in own.all_inputs else ""
        labels = ", ".join(dict.fromkeys(label_findings(analysis).shown for analysis in found))
        hidden = networks[0].architecture.hidden[0]
        rows.append((size, hidden, trained, f"{np.median(r2):.4f}", f"{r2[0]:.4f}", labels))
    note = "Three networks of each size at the least price. `novacula hypernet generalize` measures more."
    head = ("inputs", "hidden", "trained on", "R², median", "worst", "labels")
    return [Section("Other sizes, with no further training", table(head, rows), note)] if rows else []


def _training(folder: RunFolder, findings: TrainFindings) -> Section:
    """The squared error over steps, of each hypernetwork."""
    steps, errors = [], []
    names = [f"seed {member.seed}, {member.branch}" for member in findings.members]
    for event in folder.events():
        if "milestone" not in event and isinstance(event.get("mse"), list):
            steps.append(event["step"])
            errors.append(event["mse"])

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        for place, (name, values) in enumerate(zip(names, np.array(errors, float).T, strict=True)):
            color = SERIES[place % len(SERIES)]
            axes.plot(steps, np.maximum(values, 1e-12), color=color, linewidth=0.9, alpha=0.9, label=name)
        axes.set(yscale="log", xlabel="step", ylabel="mean squared error")
        plain_numbers(axes.xaxis)
        axes.legend(fontsize=8.5)

    note = "The geometric mean over the prices of each step; these change as the range of prices opens."
    body = figure_svg("training", "Squared error over training steps", draw, height=3.2) if steps else Markup("")
    return Section("Training", body, note)
