"""The report of a census: phase diagram, error against bits, order parameters, and a network of each label."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from novacula.hypernet.analyst.label import bits
from novacula.hypernet.classify import classify, network_section
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.draw.charts import Point, order_picture, pareto_picture, phase_picture
from novacula.hypernet.draw.pictures import gallery_picture
from novacula.hypernet.network import read_network
from novacula.hypernet.studies import CensusFindings, CensusRow, StudyPage, middle, number, shares
from novacula.options import percent
from novacula.report import Section, table
from novacula.runs import RunFolder

_CHECK_POINTS = 20_000  #: inputs on which a report compares formula and network


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a census from its result, and returns its path."""
    findings = folder.read_findings(CensusFindings)
    page = StudyPage(
        "A census of algorithms",
        "Labels over complexity price, training step and seed.",
        tuple(folder.record.inputs.get("of", ())),
    )
    if findings is None or not findings.rows:
        return page.write(folder, [], findings.failed if findings else ())
    sections = _phases(findings) if findings.generated else []
    sections += [_ends(findings), *_kinds(findings), *_gallery(folder, findings)]
    return page.write(folder, sections, findings.failed)


def _phases(findings: CensusFindings) -> list[Section]:
    final = [row for row in findings.last if row.mse is not None]
    points = [Point(bits(row.nats), max(row.mse or 0.0, 1e-12), row.shown) for row in final]
    levels = [(f"Adam, seed {row.draw}", row.mse) for row in findings.rows if row.kind == "adam" and row.mse]
    orders = [(row.order_parameters, row.shown) for row in findings.rows]
    plane = [
        Point(sidedness, spikiness, label)
        for order, label in orders
        if (sidedness := order["sidedness"]) is not None and (spikiness := order["spikiness_rescaled"]) is not None
    ]
    phase_note = (
        "The label of most networks at each price and training step; paler where fewer agree. Numbers are the entropy "
        "of the labels in bits, where it is not 0. Hatched: most networks are broken, or worse than a constant."
    )
    plane_note = (
        "T tells on which side of an input its spikes stand, from -1 for negative to 1 for positive; Q' how much one "
        "input stands out in a unit's row: 0 as in random rows, 1 for spikes. Every network of every step."
    )
    pareto = pareto_picture(points, levels[:4], _middle(final))
    return [
        Section("What exactness costs", pareto, "Networks of the last step. The line joins the medians at each price."),
        Section("Phase diagram", phase_picture(findings.cells), phase_note),
        Section("Order parameters", order_picture(plane, "sidedness T", "spikiness Q'"), plane_note),
    ]


def _middle(rows: Sequence[CensusRow]) -> list[tuple[float, float]]:
    """Median bits and errors at each price."""
    betas = sorted({row.place[0] for row in rows})
    groups = [[row for row in rows if row.beta == beta] for beta in betas]
    return [(bits(middle([row.nats for row in group])), middle([row.mse for row in group]) or 0.0) for group in groups]


def _ends(findings: CensusFindings) -> Section:
    rows = [(f"{name} price", shares([*labels.items()])) for name, labels in findings.ends.items()]
    rows += [
        (f"Spearman, {'error rises' if name == 'mse' else 'bits fall'} with the price", f"{value:.3f}")
        for name, value in findings.monotone.items()
        if value is not None
    ]
    if findings.agree is not None:
        rows.append(("the two labels agree", f"{percent(findings.agree, 1)} of networks"))
    if direct := [row.shown for row in findings.rows if row.kind == "adam"]:
        rows.append(("trained directly by Adam", ", ".join(direct)))
    return Section("In numbers", table(("measure", ""), rows), "Last step only.")


def _kinds(findings: CensusFindings) -> list[Section]:
    """Which labels the kinds have that were found without labels."""
    named = [row for row in findings.last if row.mse is not None and row.cluster]
    if not named:
        return []
    cells = []
    for letter in sorted({row.cluster or "" for row in named}):
        members = [row for row in named if row.cluster == letter]
        labels = ", ".join(f"{label} {count}" for label, count in Counter(row.shown for row in members).most_common())
        cells.append((letter, len(members), number(middle([row.mse for row in members]), ".3g"), labels))
    note = "Networks of the last step, put together by how their weights and outputs look, without regard to labels."
    return [Section("Kinds found without labels", table(("kind", "networks", "squared error", "labels"), cells), note)]


def _gallery(folder: RunFolder, findings: CensusFindings) -> list[Section]:
    """A drawing for each label, then the network of each opened up."""
    paths = sorted((folder.path / "artifacts" / "gallery").glob("*.safetensors"))
    networks = [(path.stem, read_network(path)) for path in paths]
    if not networks:
        return []
    note = "The network of least error for each label, last step, and one that Adam trained. Orange edges are positive."
    config = ClassifyConfig(findings.task, findings.law, draws=0)
    opened = [
        network_section(f"Opened: {name}", f"network-{place}", classify(network, config, check_points=_CHECK_POINTS))
        for place, (name, network) in enumerate(networks)
    ]
    return [Section("Gallery", gallery_picture("gallery", networks), note), *opened]
