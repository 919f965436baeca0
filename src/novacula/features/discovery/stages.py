"""The stages of collect, train-sae and discover, and what they leave in a run's folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import Float
from msgspec.structs import replace
from typing_extensions import Unpack, override

from novacula.errors import InputError
from novacula.features.config import CollectConfig, DiscoverConfig, TrainSaeConfig
from novacula.features.discovery.clusters import group, group_blocks
from novacula.features.discovery.collection import (
    BATCH,
    Collection,
    Passage,
    passage_order,
    read_passages,
    vocabulary,
    without,
)
from novacula.features.discovery.discover_report import write_page
from novacula.features.discovery.findings import DiscoverFindings, GroupFindings
from novacula.features.discovery.lines import ChanceEncoding
from novacula.features.discovery.pictures import PICTURES
from novacula.features.discovery.ranking import Ranking
from novacula.features.discovery.slices import CodeMatrix, Encoding, Unexplained, codes_path, read_codes
from novacula.features.discovery.source import DiscoverSource, OpenSource, open_source, read_states, store_states
from novacula.features.sae import SparseAutoencoder, read_sae
from novacula.features.sae.quality import Recovery, loss_recovered
from novacula.features.sae.trainer import SaeTraining
from novacula.features.store import Origin, Store, StoreWriter
from novacula.files import from_json
from novacula.runs import Computation, OneStep, Program, RunFolder, RunResult, RunSettings, Signature, Step, Verb

if TYPE_CHECKING:
    from novacula.features.models.language_model import LanguageModel

Config = TypeVar("Config")
DiscoveryVerb = Verb[Config, DiscoverSource, OpenSource, RunResult[DiscoverFindings]]
RECOVERED = 2  #: passages on which the loss of the model with the dictionary is measured
_CHANCE = 100_000  #: states of chance that are made at least, so that small stores have clusters of chance, too
STORE, SAE, CODES, CHANCE = "store", "sae", "codes", "chance"  #: artifacts of a run, beside the pictures


@dataclass(frozen=True)
class Stage:
    """A part of a pipeline."""

    name: str  #: the key of its result in result.json
    begin: Callable[[], Program]  #: makes its program, once all stages before it are done


@dataclass(frozen=True)
class _State:
    """Steps and number of the stages that are done, what they have found, and the state of the current stage."""

    before: int
    done: int
    findings: DiscoverFindings
    current: object


class Pipeline(Computation):
    """Stages, one after the other; each leaves on the disk what the next one reads.

    Attributes:
        findings: what the stages that are done have found.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages
        self._done = self._before = 0
        self._current: Program | None = None
        self.findings = DiscoverFindings()

    @override
    def progress(self) -> tuple[int, int]:
        # How long a stage takes is known once it has begun; until then it counts as one step.
        left = len(self._stages) - self._done
        if not self._current:
            return self._before, self._before + left
        done, length = self._current.position, self._current.length
        return self._before + done, self._before + max(done + 1, length + left - 1)

    @override
    def step(self) -> Step:
        stage = self._stages[self._done]
        program = self._current = self._current or stage.begin()
        step = program.step()
        if program.position >= program.length:
            self.findings = replace(self.findings, **{stage.name.replace("-", "_"): program.result()})
            self._before, self._current = self._before + program.position, None
            self._done += 1
        return Step({"stage": stage.name, **step.metrics}, step.milestones)

    @override
    def state(self) -> tuple[dict[str, np.ndarray], object]:
        arrays, data = self._current.state() if self._current else ({}, None)
        return arrays, _State(self._before, self._done, self.findings, data)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(_State, data, "the pipeline's checkpoint")
        self._before, self._done, self.findings = state.before, state.done, state.findings
        match state.current:
            case None:
                self._current = None
            case dict(current):
                self._current = self._stages[self._done].begin()
                self._current.load(arrays, current)
            case _:
                raise InputError("the pipeline's checkpoint", "has no object for the stage that was begun")

    @override
    def result(self) -> DiscoverFindings:
        return self.findings


class Material:
    """What the stages of a run work on; each thing is opened when it is first needed."""

    def __init__(self, opened: OpenSource, folder: RunFolder) -> None:
        self.source, self.folder, self._loaded = opened.source, folder, opened.model
        self._codes: CodeMatrix | None = None

    @property
    def store_path(self) -> Path:
        """The folder of states."""
        return Path(self.source.store) if self.source.store else self.folder.artifact(STORE)

    @property
    def sae_path(self) -> Path:
        """The folder of the autoencoder."""
        return Path(self.source.sae) if self.source.sae else self.folder.artifact(SAE)

    @cached_property
    def model(self) -> "LanguageModel":
        """The model whose states are collected."""
        from novacula.features.models.load import load_model

        assert self.source.model is not None
        return self._loaded or load_model(self.source.model)

    @cached_property
    def store(self) -> Store:
        """The states."""
        source = self.source.activations
        if source and not (self.store_path / "index.json").exists():
            arrays = read_states(source)
            tokens, documents = arrays.get("tokens"), arrays.get("documents")
            return store_states(self.store_path, arrays["states"], tokens, documents, source=Path(source).name)
        return Store(self.store_path)

    @cached_property
    def sae(self) -> SparseAutoencoder:
        """The dictionary."""
        return read_sae(self.sae_path)

    @property
    def directions(self) -> Float[np.ndarray, "latents width"]:
        """The dictionary's rows where no coordinate rules (`Store.sizes`)."""
        return self.sae.decoder.numpy() / self.store.sizes

    def codes(self, config: DiscoverConfig) -> CodeMatrix:
        """Returns the codes of all states; of nuisances that are switched off there are none."""
        if self._codes is None:
            shards = range(len(self.store.shard_rows))
            paths = [codes_path(self.folder.artifact(CODES), shard) for shard in shards]
            codes = read_codes(paths, self.sae.n_latents)
            codes.unexplained = self._unexplained(codes, self.store.gather)
            self._codes = codes.on(without(self.store, config.without)) if config.without else codes
        return self._codes

    def chance_codes(self, made: ChanceEncoding, number: int) -> CodeMatrix:
        """Returns the codes of the states of chance of a round."""
        shards = len(self.store.shard_rows)
        numbers = range(number * shards, (number + 1) * shards)
        codes = read_codes([codes_path(self.folder.artifact(CHANCE), shard) for shard in numbers], self.sae.n_latents)
        codes.unexplained = self._unexplained(codes, partial(made.gather, number))
        return codes

    def _unexplained(self, codes: CodeMatrix, states: Callable[[np.ndarray], np.ndarray]) -> Unexplained | None:
        """Returns what the dictionary leaves of states; None for blocks, whose codes are all that is in their space."""
        return Unexplained(states, self.sae, codes.matrix, self.store.sizes) if self.sae.block == 1 else None

    def layer(self, config: CollectConfig) -> int:
        """Returns the layer of the states; by default the middle one."""
        return self.model.n_layers // 2 if config.layer is None else config.layer

    def passages(self, config: CollectConfig) -> list[Passage]:
        """Returns the texts, cut into passages."""
        return read_passages(self.source.text, BATCH * config.context)


def discovery_verb(
    name: str, config: type[Config], begin: Callable[[Material, Config], Computation]
) -> DiscoveryVerb[Config]:
    """Returns the verb of this name, whose program begins with states and options."""
    return Verb(
        Signature(f"features {name}", config, DiscoverSource, RunResult[DiscoverFindings]),
        load=lambda config, source, folder: OpenSource(source),
        begin=lambda config, opened, folder: begin(Material(opened, folder), config),
        page=write_page,
        files=lambda config, source: source.files,
    )


def start(
    verb: DiscoveryVerb[Config], source: DiscoverSource, config: Config, **settings: Unpack[RunSettings]
) -> RunResult[DiscoverFindings]:
    """Does a new run of the verb."""
    source = source.located()
    opened = open_source(source, config)
    return verb.start(config, source, opened, about=source.name, label=verb.name, **settings)


def collection(material: Material, config: CollectConfig) -> Stage:
    """Returns the stage that reads texts with the model and stores its states."""

    def begin() -> Program:
        model, layer = material.model, material.layer(config)
        writer = StoreWriter(
            material.store_path,
            model.d_model,
            Origin(model.name, layer, tuple(Path(text).name for text in material.source.text)),
            precision=config.precision,
            vocabulary=vocabulary(model),
        )
        return Collection(model, material.passages(config), layer, config, writer)

    return Stage("collect", begin)


def training(material: Material, config: TrainSaeConfig) -> Stage:
    """Returns the stage that trains a dictionary."""
    return Stage("train-sae", lambda: SaeTraining(material.store, config, material.sae_path))


def loss_measurement(material: Material, config: CollectConfig) -> Stage:
    """Returns the stage that measures what the model's loss keeps with the dictionary."""

    def begin() -> Program:
        # Passages are collected in a random order; the last ones are the least likely to have been learned from.
        passages = material.passages(config)
        order = passage_order(config.seed, len(passages))
        texts = [passages[index].text for index in order[-RECOVERED:]]
        layer = material.layer(config)
        return OneStep(
            Recovery,
            lambda: loss_recovered(material.model, material.sae, texts, layer, config.context),
            lambda found: ("recovered", found.recovered),
        )

    return Stage("recover", begin)


def discovery(material: Material, config: DiscoverConfig) -> Pipeline:
    """Returns all stages of discover, as a program."""
    source = material.source

    def group_latents() -> Program:
        codes, sae = material.codes(config), material.sae

        def make() -> GroupFindings:
            return group(codes, material.directions, config) if sae.block == 1 else group_blocks(codes, sae.block)

        return OneStep(GroupFindings, make, lambda found: ("clusters", len(found.clusters)))

    def grouping() -> GroupFindings:
        assert pipeline.findings.cluster is not None, "the stage before has made the clusters"
        return pipeline.findings.cluster

    def rounds() -> int:
        if config.nulls and material.sae.block > 1:
            return -(-config.nulls // min(len(grouping().clusters), config.clusters))
        return min(config.nulls, max(1, _CHANCE // len(material.store)))

    @cache
    def chance() -> ChanceEncoding:
        return ChanceEncoding(
            material.store,
            material.sae,
            material.folder.artifact(CODES),
            material.codes(config),
            grouping().clusters,
            material.folder.artifact(CHANCE),
            rounds=rounds(),
            seed=config.seed,
            kept=without(material.store, config.without),
        )

    def rank() -> Program:
        codes, decoder, pictures = material.codes(config), material.directions, material.folder.artifact(PICTURES)

        def chance_codes(number: int) -> CodeMatrix:
            return material.chance_codes(chance(), number)

        return Ranking(codes, decoder, grouping(), material.store, config, pictures, chance_codes, rounds())

    pipeline = Pipeline(
        [
            *([collection(material, config)] if source.model else []),
            *([] if source.sae else [training(material, config)]),
            *([loss_measurement(material, config)] if source.model else []),
            Stage("encode", lambda: Encoding(material.store, material.sae, material.folder.artifact(CODES))),
            Stage("cluster", group_latents),
            *([Stage("chance", chance)] if config.nulls else []),
            Stage("rank", rank),
        ]
    )
    return pipeline
