"""``novacula hypernet census``, ``generalize`` and ``compare``: studies of many networks, each a run of many jobs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from novacula.cli.console import conclude
from novacula.cli.console import show as show_result
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat, ResumeOptions, RunOptions
from novacula.cli.progress import job_lines
from novacula.hypernet.study_config import CensusConfig, CompareConfig, GeneralizeConfig

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.runs import RunFolder, RunResult


def census(
    *run: Path,
    config: Annotated[CensusConfig, Flat] = CensusConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Label the networks of trained hypernetworks over price, step and seed.

    The report has the phase diagram, error against bits, the plane of order
    parameters and a drawing of each algorithm. What is labeled once is kept:
    `novacula runs resume` goes on.

    Example: novacula hypernet census runs/one runs/two --prices 20 --workers 2

    Args:
        run: Folders of runs of `hypernet train`, for one task and size.
    """
    from novacula.errors import InputError

    if not run:
        raise InputError("RUN", "is needed: one or more folders of runs of `novacula hypernet train`")
    options.apply_logging()
    from novacula.hypernet.census import census as study

    result = study(run, config, **options.places, on_job=job_lines(options))
    return _conclude(result, options, _census_parts)


def generalize(
    run: Path,
    /,
    *,
    config: Annotated[GeneralizeConfig, Flat] = GeneralizeConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Measure a hypernetwork's networks for many sizes, trained on or not.

    For each size the median and the worst of independent draws are shown, and
    how the numbers of the formulas depend on the number of inputs.

    Example: novacula hypernet generalize runs/one --sizes 6,10,24 --ratios 2,3,4

    Args:
        run: Folder of a run of `hypernet train`.
    """
    options.apply_logging()
    from novacula.hypernet.generalize import generalize as study

    result = study(run, config, **options.places, on_job=job_lines(options))
    return _conclude(result, options, _generalize_parts)


def compare(
    *,
    config: Annotated[CompareConfig, Flat] = CompareConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Change one thing at a time, and train directly by Adam for as long.

    Each row is a hypernetwork with one switch turned, measured at the least
    price; adam and adam-l1 train a network for about the same processor time.

    Example: novacula hypernet compare --variants full,no-owner-features,adam --seeds 2
    """
    options.apply_logging()
    from novacula.hypernet.compare import compare as study

    result = study(config, **options.places, on_job=job_lines(options))
    return _conclude(result, options, _compare_parts)


def resume_study(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a census, a study of sizes, or a comparison."""
    options.apply_logging()
    study = import_module(f"novacula.hypernet.{folder.record.verb}")
    result = study.resume(folder, time_limit=options.time_limit, on_job=job_lines(options))
    return _conclude(result, options, _PARTS[folder.record.verb])


def _conclude(
    result: "RunResult", options: ResumeOptions, parts: "Callable[[Mapping[str, Any]], list[Table | str]]"
) -> int:
    def show_parts(document: Mapping[str, Any]) -> None:
        for part in parts(document):
            show_result(part)

    named = replace(result, document={**result.document, "run": str(result.report.parent)})
    return conclude(named, options, show_parts, unit="job", reached=not result.document["failed"])


def _census_parts(document: Mapping[str, Any]) -> "list[Table | str]":
    """The labels at each price, last step; and what the whole census says."""
    table = _table("β", "label of most", "share", "squared error", "bits")
    made = [row for row in document["rows"] if row["kind"] == "generated"]
    last = max((row["step"] for row in made), default=0)
    for cell in document["cells"]:
        if cell["step"] != last:
            continue
        rows = [row for row in made if (row["step"], row["beta"]) == (last, cell["beta"]) and row["mse"] is not None]
        mse, nats = (sorted(row[name] for row in rows)[len(rows) // 2] if rows else 0.0 for name in ("mse", "nats"))
        share = f"{cell['share']:.0%}"
        table.add_row(f"{cell['beta']:.1e}", cell["label"], share, f"{mse:.3g}", f"{nats / log(2):,.0f}")
    agree = "" if document["agree"] is None else f"The two labels agree for {document['agree']:.1%} of all networks."
    return [table, agree]


def _generalize_parts(document: Mapping[str, Any]) -> "list[Table | str]":
    table = _table("inputs", "hidden", "trained on", "R², median", "worst", "label of most")
    for row in sorted(document["rows"], key=lambda row: (row["inputs"], row["hidden"])):
        numbers = ("none" if row[name] is None else f"{row[name]:.4f}" for name in ("median", "worst"))
        trained = "yes" if row["inputs"] in document["trained"] else ""
        hidden = "×".join(map(str, row["hidden"]))
        table.add_row(str(row["inputs"]), hidden, trained, *numbers, f"{row['label']} {row['share']:.0%}")
    laws = _table("number of the formula", "over n", "scatter")
    for law in document["size_laws"]:
        laws.add_row(law["value"], law["law"], f"{law['scatter']:.1%}")
    return [table, laws] if document["size_laws"] else [table]


def _compare_parts(document: Mapping[str, Any]) -> "list[Table | str]":
    table = _table("variant", "R²", "squared error", "seconds", "labels")
    for row in document["variants"]:
        if row["mse"] is None:
            table.add_row(row["variant"], "none")
            continue
        labels = ", ".join(f"{label} {share:.0%}" for label, share in row["labels"].items())
        table.add_row(row["variant"], f"{row['r2']:.4f}", f"{row['mse']:.3g}", f"{row['seconds']:,.0f}", labels)
    return [table]


_PARTS = {"census": _census_parts, "generalize": _generalize_parts, "compare": _compare_parts}


def _table(*heads: str) -> "Table":
    from rich.table import Table

    return Table(*heads, box=None, header_style="bold")
