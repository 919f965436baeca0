"""The report of ``survey``: what each layer of a model holds."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from novacula.features.discovery.findings import LayerRow, SurveyFindings
from novacula.report import SERIES, Section, figure_svg, run_facts, table, write_report
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNSAID = ("activations", "store", "sae", "memory_mb")


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a survey from what its folder holds, finished or not, and returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    found = folder.read_findings(SurveyFindings) or SurveyFindings((), ())
    layers, sections = found.layers, [Section("Layers", "None is done.")]
    if layers:
        sections = [_layers_section(layers), _features_section(layers)]
    if found.failed:
        sections.append(Section("What failed", table(("layer", "why"), found.failed)))
    facts = run_facts(folder, {"layers done": len(layers)}, unsaid=_UNSAID, inputs=("model", "text"))
    title, subtitle = "Features that no direction can hold, by layer", "Found in states alone: no labels were used."
    return write_report(folder.path / "report.html", title, subtitle, sections, facts)


def _layers_section(layers: Sequence[LayerRow]) -> Section:
    numbers = [row.layer for row in layers]

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.plot(numbers, [row.best for row in layers], "o-", color=SERIES[0], label="best cluster")
        axis.plot(numbers, [row.chance for row in layers], "o-", color=SERIES[1], label="best of chance")
        axis.set(xlabel="layer", ylabel="score, bits")
        axis.legend()

    rows = [
        (
            row.layer,
            f"{row.best:.3f}",
            f"{row.chance:.3f}",
            row.above_chance,
            row.clusters,
            f"{row.explained:.1%}",
            f"{row.l0:.1f}",
        )
        for row in layers
    ]
    head = ("layer", "best score", "chance", "clusters above it", "clusters", "variance explained", "active latents")
    picture = figure_svg("layers", "The best score of each layer, beside that of chance.", draw, height=3.2)
    note = "Each layer has a report of its own in the folder of this run, layers/layer-N/report.html."
    return Section("Layers", picture + table(head, rows, sortable=True), note)


def _features_section(layers: Sequence[LayerRow]) -> Section:
    rows = [
        (
            " ".join(cluster.examples),
            row.layer,
            cluster.rank,
            f"{cluster.score:.3f}",
            cluster.plane or "",
            len(cluster.members),
            cluster.tokens,
            f"{cluster.stability:.2f}",
        )
        for row in layers
        for cluster in row.top
    ]
    head = ("tokens", "layer", "rank", "score", "plane", "members", "active", "stability")
    return Section("The first of each layer", table(head, rows, sortable=True), "Click on a heading to sort.")
