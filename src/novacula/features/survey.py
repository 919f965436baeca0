"""Discovery at several layers of a model, each a job of its own: ``novacula features survey``.

The folder of a survey holds a run of ``discover`` for every layer in ``layers/``, with its report. Source: ours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import Unpack, override

from novacula.errors import InputError
from novacula.features.config import DiscoverConfig, SurveyConfig
from novacula.features.discover import DISCOVER, DiscoverSource
from novacula.features.discovery.findings import LEAST_EXCESS, DiscoverFindings, LayerRow, SurveyFindings, TopCluster
from novacula.features.discovery.source import OpenSource, open_source
from novacula.jobs import Campaign, Job, Outcome, Round, check_executor, one_thread
from novacula.options import percent
from novacula.report import SERIES, Section, figure_svg, table, write_run_report
from novacula.runs import RunFolder, RunResult, RunSettings, Signature, Step, Verb

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORK = "novacula.features.survey:layer_job"  #: the name under which `novacula.jobs` calls `layer_job`
_FIXED_MB = 700.0  #: memory of a job beside its weights: 600 MB on the smallest model
_BYTES = 4
_TOP = 5  #: clusters of a layer that the survey lists


@dataclass(frozen=True)
class SurveyInputs:
    """What a survey begins with, as run.json keeps it."""

    model: str  #: a model's folder or GGUF file
    text: tuple[str, ...]  #: text files or folders that the model reads
    layers: tuple[int, ...]  #: layers of the residual stream
    memory_mb: float  #: what each job takes


@dataclass(frozen=True)
class LayerJob:
    """What the job of a layer does."""

    source: DiscoverSource  #: where states come from
    config: DiscoverConfig
    """Options of discover. All layers have the survey's own seed, so that they read the same texts."""
    folder: str  #: the folder of the layer's run


def survey(
    source: DiscoverSource, config: SurveyConfig = SurveyConfig(), **settings: Unpack[RunSettings]
) -> RunResult[SurveyFindings]:
    """Looks for irreducible features at several layers of a model.

    Args:
        source: a model and texts.
        config: the layers, the options of discover at each, and where they are computed.
        settings: see `novacula.runs.RunSettings`; a step is a layer.

    Raises:
        InputError: states come from no model, the model lacks a layer, or a file is damaged.
        RunError: the run's folder cannot be made, or there are no workers.

    Source: ours.
    """
    config, source = SurveyConfig.given(config), source.located()
    problems = [] if source.model else ["a survey needs --model and --text"]
    problems += [] if source.sae is None else ["--sae belongs to one layer; a survey trains one for each"]
    if problems or source.model is None:
        raise InputError("options", *problems)
    model = open_source(source, config).model
    assert model is not None, "the source names one"
    every = model.chosen_layers(config.layers)
    layers = config.layers or tuple(every)
    weights = sum(parameter.numel() for parameter in model.module.parameters())
    dictionary = 2 * config.sized(config.tokens, model.d_model).latents * model.d_model
    # The weights twice, while they are loaded; a dictionary, its gradients and both moments of Adam.
    memory = round(_FIXED_MB + _BYTES * (2 * weights + 4 * dictionary) / 1e6)
    inputs = SurveyInputs(source.model, source.text, layers, memory)
    return SURVEY.start(config, inputs, inputs, about=source.name, label="survey", **settings)


class Survey(Campaign):
    """The layers of a survey."""

    unit: ClassVar[str] = "layer"

    def __init__(self, config: SurveyConfig, inputs: SurveyInputs, folder: RunFolder) -> None:
        super().__init__(config, config.seed, len(inputs.layers))
        self._config, self._inputs, self._folder = config, inputs, folder

    @override
    def rounds(self) -> Iterator[Round]:
        yield Round(WORK, [self._job(layer) for layer in self._inputs.layers])

    @override
    def take(self, outcome: Outcome) -> Step:
        row = outcome.result_as(LayerRow)
        step = super().take(outcome)
        return Step({**step.metrics, "best": row.best}) if row else step

    @override
    def result(self) -> SurveyFindings:
        outcomes = [self.outcomes[name] for name in map(_name, self._inputs.layers) if name in self.outcomes]
        rows = (outcome.result_as(LayerRow) for outcome in outcomes)
        failed = ((outcome.id, outcome.error) for outcome in outcomes if outcome.status == "failed")
        return SurveyFindings(tuple(row for row in rows if row), tuple(failed))

    def _job(self, layer: int) -> Job:
        source = DiscoverSource(self._inputs.model, self._inputs.text)
        folder = (self._folder.path / "layers" / _name(layer)).resolve()
        configuration = LayerJob(source, self._config.at_layer(layer), str(folder))
        return Job(_name(layer), configuration, memory_mb=self._inputs.memory_mb)


def _name(layer: int) -> str:
    return f"layer-{layer}"


def layer_job(configuration: LayerJob) -> LayerRow:
    """Discovers features at a layer, from its checkpoint where there is one: that changes the time, not the result."""
    source, config = configuration.source, configuration.config
    folder = DISCOVER.work_in_job(config, source, OpenSource(source), Path(configuration.folder))
    DISCOVER.write_page(folder)
    found = folder.read_findings(DiscoverFindings)
    assert found is not None and config.layer is not None, "the run is finished"
    return _row(config.layer, found)


def _row(layer: int, found: DiscoverFindings) -> LayerRow:
    """Returns what a survey says of a layer."""
    quality, rank = found.train_sae, found.rank
    assert quality and rank, "the run is finished"
    return LayerRow(
        layer=layer,
        explained=quality.explained,
        l0=quality.l0,
        clusters=len(rank.ranking),
        best=max((row.score for row in rank.ranking), default=0.0),
        chance=rank.chance,
        above_chance=rank.above_chance,
        top=tuple(
            TopCluster(row.rank, row.score, row.plane, row.members, row.tokens, row.stability, row.examples)
            for row in rank.ranking[:_TOP]
        ),
    )


def write_page(folder: RunFolder) -> Path:
    """Writes the report of a survey from what its folder holds, finished or not, and returns its path."""
    found = folder.read_findings(SurveyFindings) or SurveyFindings((), ())
    layers, sections = found.layers, [Section("Layers", "None is done.")]
    against = has_chance(folder)
    if layers:
        sections = [_layers_section(layers, against), _features_section(layers, against)]
    if found.failed:
        sections.append(Section("What failed", table(("layer", "why"), found.failed)))
    title, subtitle = "Features that no direction can hold, by layer", "Found in states alone: no labels were used."
    return write_run_report(folder, title, subtitle, sections, {"layers done": len(layers)}, inputs=("model", "text"))


def has_chance(folder: RunFolder) -> bool:
    """Returns whether a survey scores clusters of chance."""
    return folder.record.configuration["nulls"] != 0


def _layers_section(layers: Sequence[LayerRow], against: bool) -> Section:
    from matplotlib.ticker import MaxNLocator

    numbers = [row.layer for row in layers]

    def draw(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.plot(numbers, [row.best for row in layers], "o-", color=SERIES[0], label="best cluster")
        if against:
            axis.plot(numbers, [row.chance for row in layers], "o-", color=SERIES[1], label="best of chance")
        axis.set(xlabel="layer", ylabel="score, bits")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend()

    rows = [
        (
            row.layer,
            f"{row.best:.3f}",
            f"{row.chance:.3f}" if against else "not scored",
            row.above_chance if against else "",
            row.clusters,
            percent(row.explained, 1),
            f"{row.l0:.1f}",
        )
        for row in layers
    ]
    head = ("layer", "best score", "chance", "clusters above it", "clusters", "variance explained", "active latents")
    words = f"The best score of each layer{', beside that of chance' if against else ''}."
    picture = figure_svg("layers", words, draw, height=3.2)
    note = "Each layer has a report of its own in the folder of this run, layers/layer-N/report.html."
    return Section("Layers", picture + table(head, rows, sortable=True, minor=head[4:]), note)


def _features_section(layers: Sequence[LayerRow], against: bool) -> Section:
    rows = [
        (
            " ".join(cluster.examples),
            row.layer,
            cluster.rank,
            f"{cluster.score:.3f}",
            cluster.plane or "",
            len(cluster.members),
            cluster.tokens,
            f"{cluster.stability:.2f}",
        )
        for row in layers
        for cluster in row.top
    ]
    head = ("tokens", "layer", "rank", "score", "plane", "members", "active", "stability")
    beside = [max(row.chance, LEAST_EXCESS) for row in layers for _ in row.top]
    scores = [cluster.score for row in layers for cluster in row.top]
    gray = [i for i, (score, chance) in enumerate(zip(scores, beside, strict=True)) if score <= chance]
    below = "do not exceed the chance of their layer" if against else f"score no more than {LEAST_EXCESS} bits"
    note = f"Rows that {below} are gray. Click on a heading to sort."
    return Section("The first of each layer", table(head, rows, sortable=True, minor=head[4:], gray=gray), note)


SURVEY = Verb(
    Signature("features survey", SurveyConfig, SurveyInputs, RunResult[SurveyFindings]),
    load=lambda config, inputs, folder: inputs,
    begin=Survey,
    page=write_page,
    files=lambda config, inputs: DiscoverSource(inputs.model, inputs.text).files,
    check=check_executor,
    threads=one_thread,
)
