"""Networks for sizes never trained on: ``novacula hypernet generalize``. One job writes all networks of one size."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from typing import Any

import numpy as np
import torch

from novacula.files import JSON
from novacula.hypernet.analyst.label import analyze
from novacula.hypernet.classify import finite, label_document
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.formula import describe, size_laws
from novacula.hypernet.report import build_report
from novacula.hypernet.studies.campaign import OnJob, conduct, open_runs
from novacula.hypernet.study_config import GeneralizeConfig
from novacula.hypernet.training.generator import Generator, load_generator
from novacula.jobs import Job, Outcome
from novacula.runs import RunFolder, RunResult

WORK = "novacula.hypernet.generalize:sizes_job"
"""The name under which `novacula.jobs` calls `sizes_job`."""
_MEMORY_MB = 900.0
_FORMULAS = 4
"""Networks of each size whose formula is found, for the size laws."""


def generalize(
    run: str | PathLike[str],
    config: GeneralizeConfig | None = None,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_job: OnJob | None = None,
) -> RunResult:
    """Let a trained hypernetwork write networks of many sizes, measure them, and fit how their numbers depend on n.

    Args:
        run: a run of ``hypernet train``.
        config: which sizes, how many networks of each.
        runs: folder in which the study's own folder is made.
        out: that folder itself, instead.
        time_limit: seconds of wall time after which jobs are cut off.
        on_job: called when a job has an outcome.

    Raises:
        RunError: no such run, or the folder cannot be made.
        InputError: a run without weights, a price outside its range, or no size that the task can have.

    Source: arXiv 2312.03051 reports that one hypernetwork writes right networks for sizes never trained on.
    """
    config = config or GeneralizeConfig()
    generator = open_runs([run])[0]
    _jobs(config, generator)
    folder = RunFolder.create(
        part="hypernet",
        verb="generalize",
        configuration={**asdict(config), "of": str(generator.folder.path.resolve())},
        seed=config.seed,
        threads=1,
        label="sizes",
        runs=runs,
        out=out,
    )
    return resume(folder, time_limit=time_limit, on_job=on_job)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_job: OnJob | None = None) -> RunResult:
    """Go on with such a study: what has been measured is kept.

    Args:
        folder: a run of ``hypernet generalize``; the run that it is about must still be where it was.
        time_limit: seconds of wall time from now.
        on_job: called when a job has an outcome.

    Raises:
        InputError, RunError: a folder is gone, damaged or in use.
    """
    config = folder.record.options(GeneralizeConfig)
    generator = open_runs([folder.record.configuration["of"]])[0]

    def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
        rows: list[dict[str, Any]] = [dict(outcome.result) for outcome in outcomes if outcome.result]
        values = [(row["inputs"], each) for row in rows for each in row.pop("values")]
        return {
            "task": generator.lesson.task.name,
            "beta": _price(config, generator),
            "trained": list(generator.config.all_inputs),
            "rows": rows,
            "size_laws": [asdict(law) for law in size_laws(values)],
        }

    return conduct(
        folder, WORK, _jobs(config, generator), config, document, build_report, time_limit=time_limit, on_job=on_job
    )


def _price(config: GeneralizeConfig, generator: Generator) -> float:
    return generator.config.beta_low if config.beta is None else config.beta


def _jobs(config: GeneralizeConfig, generator: Generator) -> list[Job]:
    """One for each size that the task can have and each ratio.

    Raises:
        InputError: none is left, or the first of them cannot be written.
    """
    own, jobs = generator.config, []
    sizes = [size for size in sorted({*config.sizes}) if generator.lesson.task.admits(size)] or [config.sizes[0]]
    for size in sizes:
        layers = [own.hidden_of(size)] if not config.ratios else [
            tuple(max(1, round(ratio * size)) for _ in own.hidden) for ratio in config.ratios
        ]  # fmt: skip
        for hidden in dict.fromkeys(layers):
            what: dict[str, JSON] = {"run": str(generator.folder.path.resolve()), "inputs": size}
            what |= {"hidden": list(hidden), "beta": _price(config, generator), "draws": config.draws}
            cost = float(size * sum(hidden) * config.draws)
            name = f"n{size}.h{'x'.join(map(str, hidden))}"
            jobs.append(Job(name, what | {"seed": config.seed}, cost=cost, memory_mb=_MEMORY_MB))
    generator.generate(_price(config, generator), sizes[0], seed=config.seed)  # refuses what cannot be asked for
    return jobs


def sizes_job(configuration: Mapping[str, Any], seed: int) -> dict[str, JSON]:
    """Measures the networks of one size.

    Args:
        configuration: ``run``, ``inputs``, ``hidden``, ``beta``, ``draws`` and ``seed``.
        seed: the job's, which is not used: draws of different sizes have the same seeds.

    Returns:
        ``r2`` of each draw, ``median`` and ``worst`` of them; ``label`` of most, and the ``share`` that has it; draws
        whose codes collided and were drawn again; and the ``values`` of some formulas.
    """
    torch.set_num_threads(1)
    generator = load_generator(configuration["run"])
    r2, labels, redraws, values = [], [], 0, []
    for draw in range(configuration["draws"]):
        network = generator.generate(
            configuration["beta"],
            configuration["inputs"],
            tuple(configuration["hidden"]),
            configuration["seed"] + draw,
        )
        found = label_document(analyze(network, generator.lesson.task, ClassifyConfig(draws=0)))
        r2.append(found["r2"])
        labels.append(found["label"])
        redraws += bool(network.provenance["redraws"])
        if draw < _FORMULAS:
            formula = describe(network, generator.lesson.task, points=4096)
            values += [dict(formula.values)] if formula.accepted else []
    known = [value for value in r2 if value is not None]
    label, count = Counter(labels).most_common(1)[0]
    return {
        "inputs": configuration["inputs"],
        "hidden": configuration["hidden"],
        "r2": r2,
        "median": finite(float(np.median(known))) if known else None,
        "worst": min(known, default=None),
        "label": label,
        "share": count / len(labels),
        "redrawn": redraws,
        "values": values,
    }
