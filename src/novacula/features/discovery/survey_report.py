"""The report of ``survey``: what each layer of a model holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novacula.report import SERIES, Section, figure_svg, run_facts, table, write_report
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def build_report(folder: RunFolder) -> Path:
    """Writes the survey's report.html from what its folder holds, whether it is finished or not; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Any = folder.read_result() or {}
    layers = result.get("layers", [])
    sections = [_layers_section(layers), _features_section(layers)] if layers else [Section("Layers", "None is done.")]
    if result.get("failed"):
        sections.append(Section("What failed", table(("layer", "why"), result["failed"])))
    facts = run_facts(folder, {"layers done": len(layers)}, unsaid=("activations", "store", "sae", "memory_mb"))
    title, subtitle = "Features that no direction can hold, by layer", "Found in states alone: no labels were used."
    return write_report(folder.path / "report.html", title, subtitle, sections, facts)


def _layers_section(layers: Sequence[Mapping[str, Any]]) -> Section:
    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        numbers = [row["layer"] for row in layers]
        for key, label, color in (("best", "best cluster", SERIES[0]), ("chance", "best of chance", SERIES[1])):
            axis.plot(numbers, [row[key] for row in layers], "o-", color=color, label=label)
        axis.set(xlabel="layer", ylabel="score, bits")
        axis.legend()

    rows = [
        (
            row["layer"],
            f"{row['best']:.3f}",
            f"{row['chance']:.3f}",
            row["above_chance"],
            row["clusters"],
            f"{row['explained']:.1%}",
            f"{row['l0']:.1f}",
        )
        for row in layers
    ]
    head = ("layer", "best score", "chance", "clusters above it", "clusters", "variance explained", "active latents")
    picture = figure_svg("layers", "The best score of each layer, beside that of chance.", draw, height=3.2)
    note = "Each layer has a report of its own in the folder of this run, layers/layer-N/report.html."
    return Section("Layers", picture + table(head, rows, sortable=True), note)


def _features_section(layers: Sequence[Mapping[str, Any]]) -> Section:
    rows = [
        (
            " ".join(each["examples"]),
            row["layer"],
            each["rank"],
            f"{each['score']:.3f}",
            each["plane"] or "",
            len(each["members"]),
            each["tokens"],
            f"{each['stability']:.2f}",
        )
        for row in layers
        for each in row["top"]
    ]
    head = ("tokens", "layer", "rank", "score", "plane", "members", "active", "stability")
    return Section("The first of each layer", table(head, rows, sortable=True), "Click on a heading to sort.")
