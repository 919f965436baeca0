"""The report of a study of sizes: R² over the number of inputs, and how the numbers of formulas depend on it."""

from pathlib import Path

import numpy as np

from novacula.hypernet.draw import sizes_picture
from novacula.hypernet.studies.page import StudyPage, number
from novacula.hypernet.studies.sizes import GeneralizeFindings, SizeRow
from novacula.report import Section, table
from novacula.runs import RunFolder

_WORST = -9.0
"""R² that is drawn for a network that explodes."""


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a study of sizes from its result, and returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    findings = folder.read_findings(GeneralizeFindings)
    of = folder.record.inputs.get("of")
    runs = (of,) if isinstance(of, str) else ()
    page = StudyPage("Sizes never trained on", "Networks of many sizes from one hypernetwork.", runs)
    if findings is None:
        return page.write(folder, [], ())
    return page.write(folder, [_sizes(findings), _laws(findings)] if findings.rows else [], findings.failed)


def _sizes(findings: GeneralizeFindings) -> Section:
    rows = sorted(findings.rows, key=lambda row: (row.inputs, row.hidden))
    ratios: dict[float, list[SizeRow]] = {}
    for row in rows:
        ratios.setdefault(round(sum(row.hidden) / row.inputs, 1), []).append(row)
    wide = max(ratios.values(), key=len)
    lines = [
        (f"{ratio:g} hidden per input", np.array([[_WORST if v is None else v for v in row.r2] for row in own]))
        for ratio, own in ratios.items()
        if len(own) == len(wide)
    ]
    cells = [
        (
            row.inputs,
            "×".join(map(str, row.hidden)),
            "yes" if row.inputs in findings.trained else "",
            number(row.median),
            number(row.worst),
            len(row.r2),
            row.redrawn,
            f"{row.label} {row.share:.0%}",
        )
        for row in rows
    ]
    head = ("inputs", "hidden", "trained on", "R², median", "worst", "draws", "redrawn", "label of most")
    picture = sizes_picture([row.inputs for row in wide], lines, findings.trained)
    note = f"Networks at β = {findings.beta:.1e}. Draws whose codes collided were drawn again, and are counted."
    return Section("Table of sizes", picture + table(head, cells), note)


def _laws(findings: GeneralizeFindings) -> Section:
    note = (
        "How each number of the formulas depends on n, the simplest law that the data support; scatter is what it "
        "leaves, relative to the values."
    )
    if not findings.size_laws:
        return Section("Size laws", "Too few formulas for size laws.", note)
    rows = [
        (law.value, law.law, f"{law.scatter:.1%}", f"{law.sizes[0]} … {law.sizes[-1]}, {len(law.sizes)} sizes")
        for law in findings.size_laws
    ]
    return Section("Size laws", table(("number", "law", "scatter", "sizes"), rows), note)
