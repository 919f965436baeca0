"""The report of a comparison: a table of the variants."""

from pathlib import Path

from novacula.hypernet.draw.charts import BITS
from novacula.hypernet.studies.page import StudyPage, number, shares
from novacula.hypernet.studies.variants import CompareFindings, VariantSummary
from novacula.report import Section, table
from novacula.runs import RunFolder


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a comparison from its result, and returns its path.

    Raises:
        InputError: a file in the folder is damaged.
        OSError: the report cannot be written.
    """
    findings = folder.read_findings(CompareFindings)
    page = StudyPage("One thing changed at a time", "Variants of the hypernetwork, and direct training as long.")
    if findings is None or not findings.rows:
        return page.write(folder, [], findings.failed if findings else ())
    note = (
        "Medians over seeds, and for hypernetworks over eight networks at the least price. Seconds are processor time; "
        "adam and adam-l1 train one network for about the time of the full hypernetwork."
    )
    head = ("variant", "seeds", "R²", "squared error", "bits", "seconds", "steps", "labels")
    section = Section("Variants", table(head, map(_cells, findings.variants)), note)
    return page.write(folder, [section], findings.failed)


def _cells(row: VariantSummary) -> tuple[object, ...]:
    values = ((row.mse, ".3g"), (None if row.nats is None else BITS * row.nats, ",.0f"), (row.seconds, ",.0f"))
    written = ("" if value is None else number(value, form) for value, form in (*values, (row.steps, ",.0f")))
    return (row.variant, row.seeds, number(row.r2), *written, shares([*row.labels.items()]))
