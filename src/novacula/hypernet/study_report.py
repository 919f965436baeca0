"""The reports of census, generalize and compare."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from novacula.hypernet.classify import classify
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.draw import (
    Cell,
    Point,
    gallery_picture,
    order_picture,
    pareto_picture,
    phase_picture,
    sizes_picture,
)
from novacula.hypernet.draw.charts import NAT
from novacula.hypernet.network_file import read_network
from novacula.hypernet.network_section import network_section
from novacula.report import Section, run_facts, table, write_report
from novacula.runs import RunFolder

_CHECK_POINTS = 20_000
"""Inputs on which a report compares formula and network."""
_TITLES = {
    "census": ("A census of algorithms", "Labels over complexity price, training step and seed."),
    "generalize": ("Sizes never trained on", "Networks of many sizes from one hypernetwork."),
    "compare": ("One thing changed at a time", "Variants of the hypernetwork, and direct training as long."),
}


def build_study_report(folder: RunFolder) -> Path:
    """Writes the study's report.html from its result; returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    result: Any = folder.read_result() or {}
    make = {"census": _census, "generalize": _generalize, "compare": _compare}[folder.record.verb]
    sections = make(folder, result) if result.get("rows") else [Section("Result", "There is no result yet.")]
    if result.get("failed"):
        sections.append(Section("Failed jobs", table(("job", "why"), result["failed"])))
    of = folder.record.configuration.get("of", [])
    arguments = [of] if isinstance(of, str) else of
    record = folder.record
    facts = run_facts(folder, {"jobs": f"{record.step} of {record.length or 0}"}, arguments, unsaid=("of",))
    title, subtitle = _TITLES[folder.record.verb]
    return write_report(folder.path / "report.html", title, subtitle, sections, facts)


def _census(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    rows = [row for row in result["rows"] if row["kind"] == "generated"]
    direct = [row for row in result["rows"] if row["kind"] == "adam"]
    last = max((row["step"] for row in rows), default=0)
    final = [row for row in rows if row["step"] == last and row["mse"] is not None]
    points = [Point(NAT * row["nats"], max(row["mse"], 1e-12), row["label"]) for row in final]
    levels = [(f"Adam, seed {row['draw']}", row["mse"]) for row in direct if row["mse"]]
    pareto = pareto_picture(points, levels[:4], _middle(final))
    cells = [Cell(**cell) for cell in result["cells"]]
    known = [row for row in result["rows"] if None not in row["order_parameters"].values()]
    order = [
        Point(row["order_parameters"]["sidedness"], row["order_parameters"]["spikiness_rescaled"], row["label"])
        for row in known
    ]
    phases = (
        "The label of most networks at each price and training step; paler where fewer agree. Numbers are the entropy "
        "of the labels in bits, where it is not 0."
    )
    plane = (
        "T tells on which side of an input its spikes stand, from -1 for negative to 1 for positive; Q' how much one "
        "input stands out in a unit's row: 0 as in random rows, 1 for spikes. Every network of every step."
    )
    if not rows:
        return [_ends(result), *_gallery(folder, result["task"])]
    return [
        Section("What exactness costs", pareto, "Networks of the last step. The line joins the medians at each price."),
        Section("Phase diagram", phase_picture(cells), phases),
        Section("Order parameters", order_picture(order, "sidedness T", "spikiness Q'"), plane),
        _ends(result),
        *_kinds(final),
        *_gallery(folder, result["task"]),
    ]


def _middle(rows: list[Mapping[str, Any]]) -> list[tuple[float, float]]:
    betas = sorted({row["beta"] for row in rows})
    groups = [[row for row in rows if row["beta"] == beta] for beta in betas]
    return [
        (NAT * float(np.median([row["nats"] for row in group])), float(np.median([row["mse"] for row in group])))
        for group in groups
    ]


def _ends(result: Mapping[str, Any]) -> Section:
    shares = [
        (f"{name} price", ", ".join(f"{label} {share:.0%}" for label, share in result["ends"][name].items()))
        for name in ("lowest", "highest")
        if name in result["ends"]
    ]
    monotone = [
        (f"Spearman, {'error rises' if name == 'mse' else 'nats fall'} with the price", f"{value:.3f}")
        for name, value in result["monotone"].items()
        if value is not None
    ]
    agree = [("the two labels agree", f"{result['agree']:.1%} of networks")] if result["agree"] is not None else []
    direct = [row["label"] for row in result["rows"] if row["kind"] == "adam"]
    trained = [("trained directly by Adam", ", ".join(direct))] if direct else []
    return Section("In numbers", table(("measure", ""), [*shares, *monotone, *agree, *trained]), "Last step only.")


def _gallery(folder: RunFolder, task: str) -> list[Section]:
    """A drawing for each label, then the network of each opened up."""
    paths = sorted(path for path in (folder.path / "artifacts" / "gallery").glob("*.safetensors"))
    networks = [(path.stem, read_network(path)) for path in paths]
    if not networks:
        return []
    note = "The network of least error for each label, last step, and one that Adam trained. Orange edges are positive."
    config = ClassifyConfig(task, draws=0)
    opened = [
        network_section(f"Opened: {name}", f"network-{place}", classify(network, config, check_points=_CHECK_POINTS))
        for place, (name, network) in enumerate(networks)
    ]
    return [Section("Gallery", gallery_picture("gallery", networks), note), *opened]


def _generalize(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    rows = sorted(result["rows"], key=lambda row: (row["inputs"], row["hidden"]))
    ratios: dict[float, list[Mapping[str, Any]]] = {}
    for row in rows:
        ratios.setdefault(round(sum(row["hidden"]) / row["inputs"], 1), []).append(row)
    wide = max(ratios.values(), key=len)
    lines = [
        (f"{ratio:g} hidden per input", np.array([[-9.0 if v is None else v for v in row["r2"]] for row in each]))
        for ratio, each in ratios.items()
        if len(each) == len(wide)
    ]
    body = sizes_picture([row["inputs"] for row in wide], lines, result["trained"])
    cells = [
        (
            row["inputs"],
            "×".join(map(str, row["hidden"])),
            "yes" if row["inputs"] in result["trained"] else "",
            _number(row["median"]),
            _number(row["worst"]),
            len(row["r2"]),
            row["redrawn"],
            f"{row['label']} {row['share']:.0%}",
        )
        for row in rows
    ]
    head = ("inputs", "hidden", "trained on", "R², median", "worst", "draws", "redrawn", "label of most")
    laws = [(law["value"], law["law"], f"{law['scatter']:.1%}", _range(law["sizes"])) for law in result["size_laws"]]
    note = f"Networks at β = {result['beta']:.1e}. Draws whose codes collided were drawn again, and are counted."
    law_note = (
        "How each number of the formulas depends on n, the simplest law that the data support; scatter is what it "
        "leaves, relative to the values."
    )
    law_table = table(("number", "law", "scatter", "sizes"), laws) if laws else "Too few formulas for size laws."
    return [Section("Table of sizes", body + table(head, cells), note), Section("Size laws", law_table, law_note)]


def _kinds(rows: list[Mapping[str, Any]]) -> list[Section]:
    """Which labels the kinds have that were found without labels."""
    named = [row for row in rows if "cluster" in row]
    if not named:
        return []
    cells = []
    for letter in sorted({row["cluster"] for row in named}):
        mine = [row for row in named if row["cluster"] == letter]
        labels = Counter(row["label"] for row in mine)
        mse = f"{np.median([row['mse'] for row in mine]):.3g}"
        cells.append((letter, len(mine), mse, ", ".join(f"{label} {count}" for label, count in labels.most_common())))
    note = "Networks of the last step, put together by how their weights and outputs look, without regard to labels."
    return [Section("Kinds found without labels", table(("kind", "networks", "squared error", "labels"), cells), note)]


def _range(sizes: list[int]) -> str:
    return f"{sizes[0]} … {sizes[-1]}, {len(sizes)} sizes"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _compare(folder: RunFolder, result: Mapping[str, Any]) -> list[Section]:
    rows = [
        (
            row["variant"],
            row["seeds"],
            _number(row["r2"]),
            "" if row["mse"] is None else f"{row['mse']:.3g}",
            "" if row["nats"] is None else f"{row['nats'] * NAT:,.0f}",
            "" if row["seconds"] is None else f"{row['seconds']:,.0f}",
            "" if row["steps"] is None else f"{row['steps']:,.0f}",
            ", ".join(f"{label} {share:.0%}" for label, share in row["labels"].items()),
        )
        for row in result["variants"]
    ]
    note = (
        "Medians over seeds, and for hypernetworks over eight networks at the least price. Seconds are processor time; "
        "adam and adam-l1 train one network for about the time of the full hypernetwork."
    )
    head = ("variant", "seeds", "R²", "squared error", "bits", "seconds", "steps", "labels")
    return [Section("Variants", Markup("") + table(head, rows), note)]
