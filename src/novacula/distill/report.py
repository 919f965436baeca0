"""The report of a distill run: the program, what is known of it, the machine, the networks, the states, the time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup

from novacula.distill.artifacts import MACHINE, PICTURE, SIMPLIFIED, TRAINED
from novacula.distill.findings import DistillFindings
from novacula.distill.networks.network import Layer, Network, load_network
from novacula.distill.sources.sequences import counted
from novacula.distill.verify import Certificate
from novacula.files import read_npz
from novacula.options import percent
from novacula.report import FAINT, INK, SERIES, Section, figure_svg, read_svg, table, write_run_report
from novacula.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WRITTEN = 64  #: the most numbers of a matrix that shows them


def weights_picture(networks: Mapping[str, Network]) -> Markup:
    """Draws the matrices of networks, one row of pictures for each, with biases as the last column."""
    rows = {name: [*_named("f", network.f), *_named("g", network.g)] for name, network in networks.items()}
    columns = max(len(layers) for layers in rows.values())
    widths = [
        max((len(layers[i][1].weight[0]) + 2 for layers in rows.values() if i < len(layers)), default=1)
        for i in range(columns)
    ]

    def draw(figure: "Figure") -> None:
        grid = figure.subplots(len(rows), columns, squeeze=False, width_ratios=[min(max(w, 3), 14) for w in widths])
        for axes, (title, layers) in zip(grid, rows.items(), strict=True):
            for i, place in enumerate(axes):
                place.set_axis_off()
                if i < len(layers):
                    name, layer = layers[i]
                    _draw_matrix(place, layer, f"{title}: {name}" if i == 0 else name)

    return figure_svg("weights", "Matrices of the networks", draw, width=9.6, height=2.5 * len(rows) + 0.2)


def _named(part: str, layers: Sequence[Layer]) -> list[tuple[str, Layer]]:
    return [(part if len(layers) == 1 else f"{part}, layer {number}", layer) for number, layer in enumerate(layers, 1)]


def _draw_matrix(axes: "Axes", layer: Layer, title: str) -> None:
    values = np.column_stack([layer.weight, layer.bias])
    largest = float(np.abs(values).max(initial=1e-9))
    axes.set_title(title, fontsize=9.5)
    axes.imshow(values, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest")
    axes.axvline(values.shape[1] - 1.5, color=INK, linewidth=0.8)
    if values.size <= _WRITTEN:
        for (row, column), value in np.ndenumerate(values):
            dark = abs(value) > 0.6 * largest
            text = str(round(value)) if abs(value - round(value)) < 5e-4 else f"{value:.2f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color="#ffffff" if dark else "#22242a")


def states_picture(points: Float[np.ndarray, "points size"], labels: Int[np.ndarray, " points"]) -> Markup:
    """Draws hidden states in the plane of their two main directions, colored by the machine's state."""
    centered = points - points.mean(axis=0)
    basis = np.linalg.svd(centered, full_matrices=False)[2][:2]
    flat = centered @ basis.T
    if flat.shape[1] < 2:
        flat = np.column_stack([flat, np.zeros(len(flat))])

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        for label in np.unique(labels):
            chosen = flat[labels == label]
            color = FAINT if label < 0 else SERIES[label % len(SERIES)]
            axes.plot(*chosen.T, "o", color=color, markersize=4, alpha=0.6, markeredgewidth=0)
            if 0 <= label < 40:
                axes.annotate(
                    str(label),
                    tuple(np.median(chosen, axis=0)),
                    (6, 6),
                    textcoords="offset points",
                    color=color,
                    fontsize=9,
                )
        axes.set_xlabel("first main direction of the hidden state")
        axes.set_ylabel("second" if points.shape[1] > 1 else "")
        axes.margins(0.08)

    return figure_svg("states", f"Hidden states of {len(points)} positions", draw, height=4.4)


def growth_picture(new_states: Sequence[int]) -> Markup:
    """Draws how many states are first reached after 0, 1, 2, … inputs."""
    from matplotlib.ticker import MaxNLocator

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.bar(range(len(new_states)), list(new_states), color=SERIES[0], width=0.7)
        axes.set_xlabel("inputs read")
        axes.set_ylabel("states first reached")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return figure_svg("growth", "States first reached after each number of inputs", draw, height=2.6)


_CODE = Markup('<pre style="overflow-x:auto;line-height:1.45"><code>{}</code></pre>')


def write_page(folder: RunFolder) -> Path:
    """Writes the run's report.html from what its folder holds, whether the run is finished or not; returns its path."""
    findings = folder.read_findings(DistillFindings)
    title = f"{folder.record.about}, as a program"
    opened = findings is None or findings.networks
    subtitle = (
        "Found by opening small recurrent networks." if opened else "Found from answers alone, without a network."
    )
    sections = _sections(folder, findings) if findings else [Section("The program", "There is no program yet.")]
    record = folder.record
    source = () if record.configuration.get("command") else (str(record.inputs["source"]),)
    given = f"novacula.distill.run, with a network: {record.about}" if record.inputs.get("network") else ""
    return write_run_report(folder, title, subtitle, sections, _measured(findings), source, given=given)


def _sections(folder: RunFolder, findings: DistillFindings) -> list[Section]:
    """The report's sections; those for which there is nothing yet are left out."""
    sections = [_program_section(findings)]
    if findings.certificate:
        sections.append(_checks_section(findings.certificate, findings.checked))
    sections += _machine_section(folder, findings) + _network_sections(folder, findings)
    sections += _states_sections(folder, findings)
    about = [*findings.data, *findings.left_out_in_words]
    sections.append(Section("The data", _listed(about), "What classical tests show before any training."))
    if findings.table:
        sections.append(_table_section(findings))
    sections.append(_roads_section(findings))
    if findings.seconds:
        note = f"{sum(findings.seconds.values()):.1f} seconds of wall time in all."
        rows = [(stage, f"{value:.2f}") for stage, value in findings.seconds.items()]
        sections.append(Section("Where the time went", table(("stage", "seconds"), rows), note))
    return sections


def _program_section(findings: DistillFindings) -> Section:
    if findings.program is None:
        return Section("The program", findings.checked, findings.reason)
    note = "Pure Python: `step` takes a state and an input, `run` a sequence of any length. " + findings.reason
    if findings.determination and findings.determination.where:
        note += f"Rows determine it {findings.determination.where}; beyond that nothing is known."
    return Section("The program", _CODE.format(findings.program), note)


def _listed(sentences: Sequence[str]) -> Markup:
    items = Markup("").join(Markup("<li>{}</li>").format(sentence) for sentence in sentences)
    return Markup("<ul>{}</ul>").format(items)


def _checks_section(certificate: Certificate, checked: str) -> Section:
    rows = [
        (
            check.method,
            "every" if check.length is None else f"{check.length:,}",
            f"{check.count:,}",
            "yes" if check.passed else "no",
            check.detail,
        )
        for check in certificate.checks
    ]
    body = table(("method", "length", "count", "passed", "what it says"), rows)
    return Section("What was checked, and how far", body, checked)


def _machine_section(folder: RunFolder, findings: DistillFindings) -> list[Section]:
    path = folder.path / "artifacts" / MACHINE
    if not path.exists():
        return []
    size = f" has {counted(findings.states, 'state')}" if findings.states else ""  # older results do not say it
    note = (
        f"The minimal machine of the program{size}. It starts in state 0. At an arrow stand "
        "the inputs / the outputs. The same is in the files machine.dot (Graphviz) and machine.mmd (Mermaid)."
    )
    return [Section("The state machine", read_svg(path), note)]


def _network_sections(folder: RunFolder, findings: DistillFindings) -> list[Section]:
    networks = {}
    for name, file in (("trained", TRAINED), ("simplified", SIMPLIFIED)):
        path = folder.path / "artifacts" / file
        if path.exists():
            network = load_network(path)
            if isinstance(network, Network):
                networks[name] = network
    if not networks:
        return []
    note = (
        "f maps the state and the inputs to the next state, g maps that to the output; the last column of each "
        "matrix is the bias. Blue is negative, red positive. Both networks compute the same; the second is in a normal "
        "form, in which the structure can be read. A form in the table that did harm was taken back."
    )
    rows = [
        (
            form.form if form.kept else f"{form.form}, taken back",
            form.size,
            form.parameters,
            form.integers,
            percent(form.accuracy, 4),
            "" if form.loss is None else f"{form.loss:.1e}",
        )
        for form in findings.networks[findings.shown_network].forms
    ]
    head = ("form", "state", "weights", "of these integers", "accuracy", "squared error")
    return [
        Section("The network, before and after", weights_picture(networks) + table(head, rows, minor=head[3:4]), note)
    ]


def _states_sections(folder: RunFolder, findings: DistillFindings) -> list[Section]:
    path = folder.path / "artifacts" / PICTURE
    if not path.exists():
        return []
    arrays = read_npz(path)
    points, labels = arrays["points"], arrays["labels"]
    if not len(points) or not np.isfinite(points).all():
        return []
    body = states_picture(points, labels)
    if counts := findings.networks[findings.shown_network].new_states:
        body += growth_picture(counts)
    note = (
        f"{findings.networks[findings.shown_network].states_in_words} Every dot is the state after some input. Its "
        "color and number say to which state of the machine it belongs; gray dots belong to none. Below, the number of "
        "states that are first reached after each number of inputs: where this does not end, the program must count."
    )
    return [Section("The states", body, note)]


def _table_section(findings: DistillFindings) -> Section:
    rows = [
        (
            row.method,
            row.route,
            "" if row.network is None else row.network + 1,
            f"table of {row.states} states" if row.nodes is None else row.nodes,
            row.tier,
            "chosen" if row.chosen else "",
        )
        for row in findings.table
    ]
    head = ("method", "road", "network", "syntax nodes", "verdict", "")
    return Section("Programs, from simple to complex", table(head, rows), findings.rule)


def _roads_section(findings: DistillFindings) -> Section:
    rows = [
        (road, best.tier or ("right" if best.right else "none"), best.nodes or "", best.method or "")
        for road, best in findings.roads.items()
    ]
    note = (
        "The best of each road: opened, from the hidden states of networks; queried, from their answers alone, as of "
        "a black box; asked, from a function's own answers; merged, from rows whose states were merged; data, from the "
        "data as they are. The last three need no network."
    )
    return Section("Two roads, and three without a network", table(("road", "tier", "nodes", "method"), rows), note)


def _measured(findings: DistillFindings | None) -> dict[str, object]:
    def shown(name: str) -> object:
        value = getattr(findings, name, None)
        return "" if value is None else value

    measured = {name: shown(name) for name in ("outcome", "tier", "route", "method", "nodes", "states", "reason")}
    return measured | {"networks opened": len(findings.networks) if findings else 0}
