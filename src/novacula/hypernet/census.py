"""Label the networks of trained hypernetworks: ``novacula hypernet census``.

One job labels the networks of one hypernetwork at one training step, at all prices; one more those trained directly.
"""

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
from novacula.hypernet.config import BaselineConfig, ClassifyConfig
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.network_file import write_network
from novacula.hypernet.report import build_report
from novacula.hypernet.studies.campaign import OnJob, conduct, open_runs
from novacula.hypernet.studies.clusters import cluster
from novacula.hypernet.study_config import CensusConfig
from novacula.hypernet.tasks import Task, find_task
from novacula.hypernet.training.baseline import train_directly
from novacula.hypernet.training.generator import Generator, load_generator
from novacula.jobs import Job, Outcome
from novacula.runs import RunFolder, RunResult

WORK = "novacula.hypernet.census:census_job"
"""The name under which `novacula.jobs` calls `census_job`."""
_MEMORY_MB = 900.0


def census(
    runs_of: Sequence[str | PathLike[str]],
    config: CensusConfig | None = None,
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_job: OnJob | None = None,
) -> RunResult:
    """Label networks over complexity price, training step and seed.

    Args:
        runs_of: runs of ``hypernet train`` for one task and size.
        config: how many.
        runs: folder in which the census's own folder is made.
        out: that folder itself, instead.
        time_limit: seconds of wall time after which jobs are cut off.
        on_job: called when a job has an outcome.

    Raises:
        RunError: a path that is no such run, or the folder cannot be made.
        InputError: a run without weights.

    Source: arXiv 2312.03051 shows such a phase diagram; its labels were made by other thresholds.
    """
    config = config or CensusConfig()
    generators = open_runs(runs_of)
    folder = RunFolder.create(
        part="hypernet",
        verb="census",
        configuration={**asdict(config), "of": [str(generator.folder.path.resolve()) for generator in generators]},
        seed=config.seed,
        threads=1,
        label="census",
        runs=runs,
        out=out,
    )
    return resume(folder, time_limit=time_limit, on_job=on_job)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_job: OnJob | None = None) -> RunResult:
    """Go on with a census: what has been labeled is kept.

    Args:
        folder: a run of ``hypernet census``; the runs that it labels must still be where they were.
        time_limit: seconds of wall time from now.
        on_job: called when a job has an outcome.

    Raises:
        InputError, RunError: a folder is gone, damaged or in use.
    """
    config = folder.record.options(CensusConfig)
    generators = open_runs(folder.record.configuration["of"])

    def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
        results: list[Any] = [outcome.result for outcome in outcomes if outcome.result]
        rows = [dict(row) for each in results for row in each["rows"]]
        last = _last_networks(rows, generators, config)
        _keep_gallery(folder, last)
        _name_kinds(last, generators[0].lesson.task)
        return census_document(rows, generators[0].lesson.task, generators[0].config.inputs)

    jobs = _jobs(config, generators, str(folder.path.resolve()))
    return conduct(folder, WORK, jobs, config, document, build_report, time_limit=time_limit, on_job=on_job)


def _jobs(config: CensusConfig, generators: Sequence[Generator], folder: str) -> list[Job]:
    jobs = []
    for place, generator in enumerate(generators):
        for step in generator.steps if config.steps else generator.steps[-1:]:
            for seed in generator.seeds:
                what: dict[str, JSON] = {"run": str(generator.folder.path.resolve()), "step": step, "trained": seed}
                what |= {"prices": config.prices, "draws": config.draws, "seed": config.seed}
                cost = float(config.prices * config.draws)
                jobs.append(Job(f"run{place}.step{step}.seed{seed}", what, cost=cost, memory_mb=_MEMORY_MB))
    if config.baselines:
        own = generators[0].config
        what = {"task": own.task, "law": own.law, "inputs": own.inputs, "hidden": list(own.hidden)}
        what |= {"activation": own.activation, "seeds": config.baselines, "steps": config.baseline_steps}
        jobs.append(
            Job("adam", {"baseline": what, "seed": config.seed, "folder": folder}, cost=1e6, memory_mb=_MEMORY_MB)
        )
    return jobs


def census_job(configuration: Mapping[str, Any], seed: int) -> dict[str, JSON]:
    """Labels the networks of one hypernetwork at one step, or those that are trained directly.

    Args:
        configuration: ``run``, ``step``, ``trained``, ``prices``, ``draws`` and ``seed``; or ``baseline``,
            ``seed`` and the census's ``folder``, where the first network is put into the gallery.
        seed: the job's, which is not used: equal draws at all prices and steps can be compared.

    Returns:
        ``rows``: of each network where it is from, what it was told, and its label.
    """
    torch.set_num_threads(1)
    if "baseline" in configuration:
        options = {**configuration["baseline"], "hidden": tuple(configuration["baseline"]["hidden"])}
        networks = train_directly(BaselineConfig(**options, seed=configuration["seed"]))
        task = find_task(options["task"], options["law"])
        write_network(RunFolder.open(configuration["folder"]).artifact("gallery/adam.safetensors"), networks[0])
        return {"rows": [{"kind": "adam", "draw": i, **_labeled(each, task)} for i, each in enumerate(networks)]}
    generator = load_generator(configuration["run"], configuration["step"])
    rows = []
    for beta in census_prices(generator, configuration["prices"]):
        for draw in range(configuration["draws"]):
            network = generator.generate(beta, seed=configuration["seed"] + draw, trained_seed=configuration["trained"])
            place = {"kind": "generated", "run": configuration["run"], "step": configuration["step"]}
            place |= {"trained": configuration["trained"], "branch": network.provenance["branch"]}
            place |= {"beta": beta, "draw": draw, "nats": network.provenance["kl_nats"]}
            rows.append(place | _labeled(network, generator.lesson.task))
    return {"rows": rows}


def census_prices(generator: Generator, count: int) -> list[float]:
    """Prices evenly over the logarithm of the run's range, to three digits."""
    low, high = generator.config.beta_low, generator.config.beta_high
    grid = np.geomspace(low, high, count) if count > 1 else [low]
    return [min(max(float(f"{beta:.3g}"), low), high) for beta in grid]


def _labeled(network: TargetNetwork, task: Task) -> dict[str, Any]:
    # Noise on the weights would tell a confidence, at a dozen times the price.
    return label_document(analyze(network, task, ClassifyConfig(draws=0)))


_Placed = list[tuple[dict[str, Any], TargetNetwork]]
"""Rows, each with its network."""


def _last_networks(rows: Sequence[dict[str, Any]], generators: Sequence[Generator], config: CensusConfig) -> _Placed:
    """The networks of the last step of each run, written again."""
    by_path = {str(generator.folder.path.resolve()): (generator, generator.steps[-1]) for generator in generators}
    found: _Placed = []
    for row in rows:
        if row["kind"] == "generated" and row["step"] == by_path[row["run"]][1]:
            generator, seed = by_path[row["run"]][0], config.seed + row["draw"]
            found.append((row, generator.generate(row["beta"], seed=seed, trained_seed=row["trained"])))
    return found


def _keep_gallery(folder: RunFolder, last: _Placed) -> None:
    """Puts the best network of each label into the folder's artifacts."""
    best: dict[str, tuple[dict[str, Any], TargetNetwork]] = {}
    for row, network in last:
        label = row["label"]
        if row["mse"] is not None and (label not in best or row["mse"] < best[label][0]["mse"]):
            best[label] = row, network
    for label, (_, network) in best.items():
        write_network(folder.artifact(f"gallery/{label}.safetensors"), network)


def _name_kinds(last: _Placed, task: Task) -> None:
    """Puts a letter into each row: the kind of its network, found without labels."""
    if len(last) < 3:
        return
    kinds = cluster([analyze(network, task, ClassifyConfig(draws=0)) for _, network in last])
    for (row, _), name in zip(last, kinds.names, strict=True):
        row["cluster"] = name


def census_document(rows: Sequence[Mapping[str, Any]], task: Task, inputs: int) -> dict[str, Any]:
    """What the labels of many networks say.

    Returns:
        ``rows``; ``cells`` of the phase diagram, each with its ``beta``, ``step``, ``label``, ``share`` and ``entropy``
        in bits; ``ends``: shares of labels at the least and the greatest price, last step; ``monotone``: Spearman's
        correlation of error and nats with price, medians of the last step; ``agree``: share of networks whose two
        labels agree.
    """
    made = [row for row in rows if row["kind"] == "generated"]
    last = max((row["step"] for row in made), default=0)
    final = [row for row in made if row["step"] == last]
    betas = sorted({row["beta"] for row in final})
    return {
        "task": task.name,
        "inputs": inputs,
        "rows": list(rows),
        "cells": _cells(made),
        "ends": {
            name: _shares([row for row in final if row["beta"] == beta])
            for name, beta in (zip(("lowest", "highest"), (betas[0], betas[-1]), strict=True) if betas else ())
        },
        "monotone": {name: _monotone(final, betas, name) for name in ("mse", "nats")},
        "agree": sum(row["agree"] for row in rows) / len(rows) if rows else None,
    }


def _cells(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for beta, step in sorted({(row["beta"], row["step"]) for row in rows}):
        labels = Counter(row["label"] for row in rows if (row["beta"], row["step"]) == (beta, step))
        label, count = min(labels.items(), key=lambda item: (-item[1], item[0]))
        shares = np.array(list(labels.values())) / labels.total()
        entropy = abs(float(-(shares * np.log2(shares)).sum()))
        found.append({"beta": beta, "step": step, "label": label, "share": count / labels.total(), "entropy": entropy})
    return found


def _shares(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    labels = Counter(row["label"] for row in rows)
    return {label: count / len(rows) for label, count in labels.most_common()}


def _monotone(rows: Sequence[Mapping[str, Any]], betas: Sequence[float], name: str) -> float | None:
    """Spearman's correlation with the price; for nats, which should fall, of their negative."""
    from scipy.stats import spearmanr

    values = [[row[name] for row in rows if row["beta"] == beta and row[name] is not None] for beta in betas]
    if len(betas) < 3 or not all(values):
        return None
    middle = [float(np.median(each)) for each in values]
    if max(middle) == min(middle):
        return None
    sign = -1.0 if name == "nats" else 1.0
    correlation: Any = spearmanr(betas, sign * np.array(middle))
    return finite(float(correlation.statistic))
