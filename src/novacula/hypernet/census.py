"""Label the networks of trained hypernetworks: ``novacula hypernet census``.

One job labels the networks of one hypernetwork at one training step, at all prices; one more those trained directly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from typing_extensions import Unpack, override

from novacula.files import StrPath
from novacula.hypernet.analyst.label import Analysis, analyze, quick_findings
from novacula.hypernet.census_report import write_page
from novacula.hypernet.config import BaselineConfig, CensusConfig, ClassifyConfig
from novacula.hypernet.network import TargetNetwork, write_network
from novacula.hypernet.studies import CensusFindings, CensusRow, Study, summarize
from novacula.hypernet.tasks import find_task
from novacula.hypernet.training.generator import Generator, Origin, load_generator, weights_of
from novacula.hypernet.training.steps import train_directly
from novacula.jobs import Job, check_executor, one_thread
from novacula.runs import RunFolder, RunResult, RunSettings, Signature, Verb

WORK = "novacula.hypernet.census:census_job"  #: the name under which `novacula.jobs` calls `census_job`
_MEMORY_MB = 900.0


def census(
    runs_of: Sequence[StrPath], config: CensusConfig | None = None, **settings: Unpack[RunSettings]
) -> RunResult[CensusFindings]:
    """Labels networks over complexity price, training step and seed.

    Args:
        runs_of: runs of ``hypernet train`` for one task and size.
        config: how many.
        settings: see `novacula.runs.RunSettings`; a step is a job.

    Raises:
        RunError: a path that is no such run, or the folder cannot be made.
        InputError: a run without weights.

    Source: arXiv 2312.03051 shows such a phase diagram; its labels were made by other thresholds.
    """
    config, generators = CensusConfig.given(config), tuple(map(load_generator, runs_of))
    inputs = CensusInputs(tuple(str(generator.folder.path.resolve()) for generator in generators))
    task = generators[0].lesson.task.name
    return CENSUS.start(config, inputs, generators, about=task, label="census", **settings)


@dataclass(frozen=True)
class CensusInputs:
    """What a census begins with."""

    of: tuple[str, ...]  #: folders of the runs whose networks are labeled


@dataclass(frozen=True)
class GeneratedJob:
    """The networks of one hypernetwork at one step."""

    run: str  #: folder of the run
    step: int  #: the training step
    trained: int  #: seed of the hypernetwork
    prices: int  #: the number of prices (`CensusConfig`)
    draws: int  #: the number of draws (`CensusConfig`)
    seed: int  #: the seed of the first draw


@dataclass(frozen=True)
class DirectJob:
    """Networks that are trained directly."""

    config: BaselineConfig  #: the options of the training
    folder: str  #: the census's, where the first network is put into the gallery


@dataclass(frozen=True)
class CensusJob:
    """One of the two kinds of jobs."""

    generated: GeneratedJob | None = None
    direct: DirectJob | None = None


@dataclass(frozen=True)
class CensusRows:
    """The networks of a job."""

    rows: tuple[CensusRow, ...]


def census_job(configuration: CensusJob) -> CensusRows:
    """Labels the networks of one hypernetwork at one step, or those that are trained directly."""
    torch.set_num_threads(1)
    if configuration.direct:
        return CensusRows(tuple(_direct_rows(configuration.direct)))
    assert configuration.generated
    return CensusRows(tuple(_generated_rows(configuration.generated)))


def _direct_rows(job: DirectJob) -> Iterator[CensusRow]:
    networks, task = train_directly(job.config), find_task(job.config.task, job.config.law)
    write_network(RunFolder.open(job.folder).artifact("gallery/adam.safetensors"), networks[0])
    for draw, network in enumerate(networks):
        yield CensusRow(**vars(quick_findings(network, task)), kind="adam", draw=draw)


def _generated_rows(job: GeneratedJob) -> Iterator[CensusRow]:
    generator = load_generator(job.run, job.step)
    for beta in census_prices(generator, job.prices):
        for draw in range(job.draws):
            network = generator.generate(beta, seed=job.seed + draw, trained_seed=job.trained)
            origin = Origin.of(network)
            yield CensusRow(
                **vars(quick_findings(network, generator.lesson.task)),
                kind="generated",
                draw=draw,
                run=job.run,
                step=job.step,
                trained=job.trained,
                branch=origin.branch,
                beta=beta,
                nats=origin.kl_nats,
            )


def census_prices(generator: Generator, count: int) -> list[float]:
    """Prices evenly over the logarithm of the run's range, to three digits."""
    low, high = generator.config.beta_low, generator.config.beta_high
    grid = np.geomspace(low, high, count) if count > 1 else [low]
    return [min(max(float(f"{beta:.3g}"), low), high) for beta in grid]


class Census(Study):
    """A job for each hypernetwork and step, and one for direct training."""

    def __init__(self, config: CensusConfig, generators: Sequence[Generator], folder: RunFolder) -> None:
        super().__init__(WORK, list(_jobs(config, generators, folder)), config, config.seed)
        self._config, self._task, self._inputs = config, generators[0].lesson.task, generators[0].config.inputs
        self._generators = {str(generator.folder.path.resolve()): generator for generator in generators}

    @override
    def result(self) -> CensusFindings:
        rows = self._rows()
        last = list(self._last(rows))
        if len(last) >= 3:
            kinds = cluster([analyze(network, self._task, ClassifyConfig(draws=0)) for _, network in last])
            for (place, _), name in zip(last, kinds, strict=True):
                rows[place] = replace(rows[place], cluster=name)
        findings = summarize(rows, self._task.name, self._inputs, self.failures)
        return replace(findings, law=self._task.law.name)

    def keep(self, folder: RunFolder) -> None:
        """Puts the best network of each label into the folder's artifacts."""
        rows, best = self._rows(), {}
        known = [(rows[place], network) for place, network in self._last(rows) if rows[place].mse is not None]
        for row, network in sorted(known, key=lambda pair: pair[0].mse or 0.0):
            best.setdefault(row.shown, network)
        for label, network in best.items():
            write_network(folder.artifact(f"gallery/{label}.safetensors"), network)

    def _rows(self) -> list[CensusRow]:
        return [row for result in self.results(CensusRows) for row in result.rows]

    def _last(self, rows: Sequence[CensusRow]) -> Iterator[tuple[int, TargetNetwork]]:
        """The places of the rows of the last step of each run, and their networks, written again."""
        for place, row in enumerate(rows):
            generator = self._generators.get(row.run or "")
            if generator and row.step == generator.step:  # as it was read; a run may go on since
                seed = self._config.seed + row.draw
                yield place, generator.generate(row.place[0], seed=seed, trained_seed=row.trained)


def _jobs(config: CensusConfig, generators: Sequence[Generator], folder: RunFolder) -> Iterator[Job]:
    for place, generator in enumerate(generators):
        run = str(generator.folder.path.resolve())
        for step in generator.steps if config.steps else generator.steps[-1:]:
            for seed in generator.seeds:
                job = CensusJob(GeneratedJob(run, step, seed, config.prices, config.draws, config.seed))
                cost = float(config.prices * config.draws)
                yield Job(f"run{place}.step{step}.seed{seed}", job, cost=cost, memory_mb=_MEMORY_MB)
    if config.baselines:
        own = generators[0].config
        baseline = BaselineConfig(
            task=own.task,
            law=own.law,
            inputs=own.inputs,
            hidden=own.hidden,
            activation=own.activation,
            seed=config.seed,
            seeds=config.baselines,
            steps=config.baseline_steps,
        )
        job = CensusJob(direct=DirectJob(baseline, str(folder.path.resolve())))
        yield Job("adam", job, cost=1e6, memory_mb=_MEMORY_MB)


_QUANTILES = 9  #: quantiles of the sizes of a network's weights, ends included
_DISTINCT = 0.5  #: the silhouette from which clusters count
_MOST = 8  #: clusters


def cluster(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    """Returns the kind of each of some analyzed networks, without their labels: a letter, A for the largest kind.

    Every network becomes a row of features that do not depend on the order of units; those of networks that explode are
    zeros. Average linkage joins rows; the number of clusters is that of the best silhouette, or 1 where none is good.
    Source: ours.
    """
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics import silhouette_score

    features = np.array([_row(analysis) for analysis in analyses], np.float64).reshape(len(analyses), -1)
    labels, score = np.zeros(len(features), int), _DISTINCT
    for count in range(2, min(_MOST, len(np.unique(features, axis=0)) - 1) + 1):
        tried = AgglomerativeClustering(count, linkage="average").fit_predict(features)
        found = float(silhouette_score(features, tried))
        if found > score:
            labels, score = tried, found
    letters = {int(old): chr(ord("A") + new) for new, old in enumerate(np.argsort(-np.bincount(labels), kind="stable"))}
    return tuple(letters[int(label)] for label in labels)


def _row(analysis: Analysis) -> list[float]:
    """Features between about -1 and 1, so that they count alike; sizes are relative to the largest."""
    orders, patterns, structure = analysis.order_parameters, analysis.patterns, analysis.structure
    shares = [
        orders.spikiness_rescaled,
        orders.sidedness,
        orders.sidedness_squared,
        orders.coverage,
        orders.sign_purity,
        orders.evenness,
        orders.axis_kinks,
        orders.kink_sharpness,
        orders.concavity,
        patterns.entry,
        patterns.sum,
        patterns.difference,
        patterns.total,
        *(vars(structure).values() if structure else (0.0, 0.0, 0.0)),
    ]
    weights = np.abs(analysis.canonical.network.weights[0]).ravel()
    sizes = np.quantile(weights, np.linspace(0, 1, _QUANTILES)[1:-1]) / max(weights.max(), 1e-300)
    return [float(np.clip(share, -1, 1)) for share in shares] + sizes.tolist()


CENSUS = Verb(
    Signature("hypernet census", CensusConfig, CensusInputs, RunResult[CensusFindings]),
    load=lambda config, inputs, folder: tuple(map(load_generator, inputs.of)),
    begin=Census,
    page=write_page,
    files=lambda config, inputs: [file for run in inputs.of for file in weights_of(run)],
    check=check_executor,
    threads=one_thread,
)
