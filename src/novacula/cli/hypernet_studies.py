"""``novacula hypernet census``, ``generalize`` and ``compare``: studies of many networks, each a run of many jobs."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novacula.cli.console import show_result, table
from novacula.cli.options import CampaignOptions, Flat, Grouped
from novacula.cli.screen import Screen, describe_job, perform
from novacula.errors import InputError
from novacula.hypernet.config import CensusConfig, CompareConfig, GeneralizeConfig
from novacula.options import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from novacula.hypernet.studies import CensusFindings, CompareFindings, GeneralizeFindings
    from novacula.runs import RunResult


def census(
    *run: Path, config: Flat[CensusConfig] = CensusConfig(), options: Grouped[CampaignOptions] = CampaignOptions()
) -> int:
    """Label the networks of trained hypernetworks over price, step and seed.

    The report has the phase diagram, error against bits, the plane of order
    parameters and a drawing of each algorithm. Labels that were
    found are kept, and `novacula runs resume` continues.

    Example: novacula hypernet census runs/one runs/two --prices 20 --workers 2

    Args:
        run: Folders of runs of `hypernet train`, for one task and size.
    """
    if not run:
        raise InputError("RUN", "is needed: one or more folders of runs of `novacula hypernet train`")
    from novacula.hypernet.census import census as study

    return perform(partial(study, run, config, **options.where), STUDY_SCREENS["census"], options)


def generalize(
    run: Path,
    /,
    *,
    config: Flat[GeneralizeConfig] = GeneralizeConfig(),
    options: Grouped[CampaignOptions] = CampaignOptions(),
) -> int:
    """Measure a hypernetwork's networks for many sizes, trained on or not.

    For each size the median and the worst of independent draws are shown, and
    how the numbers of the formulas depend on the number of inputs.

    Example: novacula hypernet generalize runs/one --sizes 6,10,24 --ratios 2,3,4

    Args:
        run: Folder of a run of `hypernet train`.
    """
    from novacula.hypernet.generalize import generalize as study

    return perform(partial(study, run, config, **options.where), STUDY_SCREENS["generalize"], options)


def compare(
    *, config: Flat[CompareConfig] = CompareConfig(), options: Grouped[CampaignOptions] = CampaignOptions()
) -> int:
    """Change one thing at a time, and train directly by Adam for as long.

    Each row is a hypernetwork with one switch turned, measured at the least
    price; adam and adam-l1 train a network for about the same processor time.

    Example: novacula hypernet compare --variants full,no-owner-features,adam --seeds 2
    """
    from novacula.hypernet.compare import compare as study

    return perform(partial(study, config, **options.where), STUDY_SCREENS["compare"], options)


def _show_census(result: "RunResult[CensusFindings]") -> None:
    """Prints the labels at each price, last step; and what the whole census says."""
    from novacula.hypernet.analyst.label import bits

    findings = result.findings
    cells = []
    last = max((row.step or 0 for row in findings.generated), default=0)
    for cell in findings.cells:
        if cell.step == last:
            rows = [row for row in findings.last if row.beta == cell.beta and row.mse is not None]
            mse = sorted(row.mse or 0.0 for row in rows)[len(rows) // 2] if rows else 0.0
            nats = sorted(row.nats or 0.0 for row in rows)[len(rows) // 2] if rows else 0.0
            cells.append((f"{cell.beta:.1e}", cell.label, percent(cell.share), f"{mse:.3g}", f"{bits(nats):,.0f}"))
    show_result(table(("β", "label of most", "share", "squared error", "bits"), cells))
    if findings.agree is not None:
        show_result(f"The two labels agree for {percent(findings.agree, 1)} of all networks.")


def _show_sizes(result: "RunResult[GeneralizeFindings]") -> None:
    findings = result.findings
    rows = (
        (
            row.inputs,
            "×".join(map(str, row.hidden)),
            "yes" if row.inputs in findings.trained else "",
            *("none" if value is None else f"{value:.4f}" for value in (row.median, row.worst)),
            f"{row.label} {percent(row.share)}",
        )
        for row in sorted(findings.rows, key=lambda row: (row.inputs, row.hidden))
    )
    show_result(table(("inputs", "hidden", "trained on", "R², median", "worst", "label of most"), rows))
    if findings.size_laws:
        laws = ((law.value, law.law, f"{law.scatter:.1%}") for law in findings.size_laws)
        show_result(table(("number of the formula", "over n", "scatter"), laws))


def _show_variants(result: "RunResult[CompareFindings]") -> None:
    rows = (
        (row.variant, "none")
        if row.mse is None
        else (
            row.variant,
            f"{row.r2 or 0:.4f}",
            f"{row.mse:.3g}",
            f"{row.seconds or 0:,.0f}",
            ", ".join(f"{label} {percent(share)}" for label, share in row.labels.items()),
        )
        for row in result.findings.variants
    )
    show_result(table(("variant", "R²", "squared error", "seconds", "labels"), rows))


def named(result: "RunResult[Any]") -> "Mapping[str, object]":
    """Returns the result as JSON, with the folder of its run and the report."""
    return {**result.document, "run": str(result.folder.path), "report": str(result.report)}


def _study_screen(show: "Callable[[RunResult[Any]], None]") -> "Screen[RunResult[Any]]":
    return Screen(show, describe_job, "job", document=named)


STUDY_SCREENS = {
    "census": _study_screen(_show_census),
    "generalize": _study_screen(_show_sizes),
    "compare": _study_screen(_show_variants),
}
