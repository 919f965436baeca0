"""Networks for sizes never trained on: ``novacula hypernet generalize``. One job writes all networks of one size."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from typing_extensions import Unpack, override

from novacula.files import StrPath
from novacula.hypernet.analyst.label import finite, quick_findings
from novacula.hypernet.config import GeneralizeConfig
from novacula.hypernet.draw.charts import sizes_picture
from novacula.hypernet.formula import describe, size_laws
from novacula.hypernet.studies import GeneralizeFindings, SizeRow, Study, StudyPage, number
from novacula.hypernet.training.generator import Generator, Origin, load_generator, weights_of
from novacula.jobs import Job, check_executor, one_thread
from novacula.options import percent
from novacula.report import Section, table
from novacula.runs import RunFolder, RunResult, RunSettings, Signature, Verb

WORK = "novacula.hypernet.generalize:sizes_job"  #: the name under which `novacula.jobs` calls `sizes_job`
_MEMORY_MB = 900.0
_FORMULAS = 4  #: networks of each size whose formula is found, for the size laws


def generalize(
    run: StrPath, config: GeneralizeConfig | None = None, **settings: Unpack[RunSettings]
) -> RunResult[GeneralizeFindings]:
    """Lets a trained hypernetwork write networks of many sizes, measures them, and fits how their numbers depend on n.

    Args:
        run: a run of ``hypernet train``.
        config: which sizes, how many networks of each.
        settings: see `novacula.runs.RunSettings`; a step is a job.

    Raises:
        RunError: no such run, or the folder cannot be made.
        InputError: a run without weights, a price outside its range, or no size that the task can have.

    Source: arXiv 2312.03051 reports that one hypernetwork writes right networks for sizes never trained on.
    """
    config, generator = GeneralizeConfig.given(config), load_generator(run)
    beta, size = _price(config, generator), _sizes(config, generator)[0]
    generator.generate(beta, size, seed=config.seed)  # refuses what cannot be asked for
    inputs = GeneralizeInputs(str(generator.folder.path.resolve()))
    task = generator.lesson.task.name
    return GENERALIZE.start(config, inputs, generator, about=task, label="sizes", **settings)


@dataclass(frozen=True)
class GeneralizeInputs:
    """What a study of sizes begins with."""

    of: str  #: folder of the run whose networks are measured


@dataclass(frozen=True)
class SizesJob:
    """The networks of one size."""

    run: str  #: folder of the run
    inputs: int  #: the size
    hidden: tuple[int, ...]  #: the size
    beta: float  #: complexity price
    draws: int  #: how many networks
    seed: int  #: the seed of the first draw; draws of different sizes have the same seeds


@dataclass(frozen=True, kw_only=True)
class MeasuredSize(SizeRow):
    """A row, with the numbers of some formulas."""

    values: tuple[Mapping[str, float], ...]  #: the numbers of the formulas that were accepted, by role


def sizes_job(configuration: SizesJob) -> MeasuredSize:
    """Measures the networks of one size."""
    job = configuration
    torch.set_num_threads(1)
    generator = load_generator(job.run)
    r2, labels, redrawn, values = [], [], 0, []
    for draw in range(job.draws):
        network = generator.generate(job.beta, job.inputs, job.hidden, job.seed + draw)
        label = quick_findings(network, generator.lesson.task)
        r2.append(label.r2)
        labels.append(label.shown)
        redrawn += bool(Origin.of(network).redraws)
        if draw < _FORMULAS:
            formula = describe(network, generator.lesson.task, points=4096)
            values += [formula.values] if formula.accepted else []
    known = [value for value in r2 if value is not None]
    label, count = Counter(labels).most_common(1)[0]
    return MeasuredSize(
        inputs=job.inputs,
        hidden=job.hidden,
        r2=tuple(r2),
        median=finite(float(np.median(known))) if known else None,
        worst=min(known, default=None),
        label=label,
        share=count / len(labels),
        redrawn=redrawn,
        values=tuple(values),
    )


class Generalization(Study):
    """A job for each size and ratio."""

    def __init__(self, config: GeneralizeConfig, generator: Generator, folder: RunFolder) -> None:
        super().__init__(WORK, list(_jobs(config, generator)), config, config.seed)
        self._generator, self._price = generator, _price(config, generator)

    @override
    def result(self) -> GeneralizeFindings:
        measured = self.results(MeasuredSize)
        values = [(size.inputs, numbers) for size in measured for numbers in size.values]
        return GeneralizeFindings(
            task=self._generator.lesson.task.name,
            beta=self._price,
            trained=self._generator.config.all_inputs,
            rows=tuple(self.results(SizeRow)),
            size_laws=size_laws(values),
            failed=self.failures,
        )


def _price(config: GeneralizeConfig, generator: Generator) -> float:
    return generator.config.beta_low if config.beta is None else config.beta


def _sizes(config: GeneralizeConfig, generator: Generator) -> list[int]:
    """The sizes that the task can have; if there are none, the first that is asked for, which is then refused."""
    return [size for size in sorted({*config.sizes}) if generator.lesson.task.admits(size)] or [config.sizes[0]]


def _jobs(config: GeneralizeConfig, generator: Generator) -> Iterator[Job]:
    own, run = generator.config, str(generator.folder.path.resolve())
    for size in _sizes(config, generator):
        layers = [own.hidden_of(size)]
        if config.ratios:
            layers = [tuple(max(1, round(ratio * size)) for _ in own.hidden) for ratio in config.ratios]
        for hidden in dict.fromkeys(layers):
            job = SizesJob(run, size, hidden, _price(config, generator), config.draws, config.seed)
            cost = float(size * sum(hidden) * config.draws)
            yield Job(f"n{size}.h{'x'.join(map(str, hidden))}", job, cost=cost, memory_mb=_MEMORY_MB)


_WORST = -9.0  #: R² that is drawn for a network that explodes


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a study of sizes from its result, and returns its path."""
    findings = folder.read_findings(GeneralizeFindings)
    of = folder.record.inputs.get("of")
    runs = (of,) if isinstance(of, str) else ()
    page = StudyPage("Sizes never trained on", "Networks of many sizes from one hypernetwork.", runs)
    if findings is None:
        return page.write(folder, [], ())
    return page.write(folder, [_size_table(findings), _laws(findings)] if findings.rows else [], findings.failed)


def _size_table(findings: GeneralizeFindings) -> Section:
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
            f"{row.label} {percent(row.share)}",
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


GENERALIZE = Verb(
    Signature("hypernet generalize", GeneralizeConfig, GeneralizeInputs, RunResult[GeneralizeFindings]),
    load=lambda config, inputs, folder: load_generator(inputs.of),
    begin=Generalization,
    page=write_page,
    files=lambda config, inputs: weights_of(inputs.of),
    check=check_executor,
    threads=one_thread,
)
