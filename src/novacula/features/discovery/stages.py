"""The stages of collect, train-sae and discover, and what they leave in a run's folder."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from novacula.features.config import CollectConfig, DiscoverConfig, TrainSaeConfig
from novacula.features.discovery.array_store import read_states, store_states
from novacula.features.discovery.collection import BATCH, Collection, passage_order, vocabulary
from novacula.features.discovery.encoding import Encoding, codes_path
from novacula.features.discovery.grouping import Grouping
from novacula.features.discovery.pictures import PICTURES
from novacula.features.discovery.pipeline import Pipeline, Stage
from novacula.features.discovery.ranking import Ranking
from novacula.features.discovery.recovery import LossMeasurement
from novacula.features.discovery.slices import CodeMatrix, read_codes
from novacula.features.discovery.source import OpenSource
from novacula.features.discovery.texts import Passage, read_passages
from novacula.features.discovery.training import SaeTraining
from novacula.features.sae import SparseAutoencoder, read_sae
from novacula.features.store import Origin, Store, StoreWriter
from novacula.runs import Program, RunFolder

if TYPE_CHECKING:
    from novacula.features.models.language_model import LanguageModel

RECOVERED = 2
"""Passages on which the loss of the model with the dictionary is measured."""
STORE, SAE, CODES = "store", "sae", "codes"
"""Artifacts of a run, beside the pictures."""


class Material:
    """What the stages of a run work on; each thing is opened when it is first needed.

    Args:
        opened: where states come from.
        folder: the run's.
    """

    def __init__(self, opened: OpenSource, folder: RunFolder) -> None:
        self.source, self.folder, self._loaded = opened.source, folder, opened.model

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
            return store_states(self.store_path, arrays["states"], tokens, documents, source=source)
        return Store(self.store_path)

    @cached_property
    def sae(self) -> SparseAutoencoder:
        """The dictionary."""
        return read_sae(self.sae_path)

    @cached_property
    def codes(self) -> CodeMatrix:
        """The codes of all states."""
        shards = range(len(self.store.shard_rows))
        return read_codes([codes_path(self.folder.artifact(CODES), shard) for shard in shards], self.sae.n_latents)

    def layer(self, config: CollectConfig) -> int:
        """Returns the layer of the states; by default the middle one."""
        return self.model.n_layers // 2 if config.layer is None else config.layer

    def passages(self, config: CollectConfig) -> list[Passage]:
        """Returns the texts, cut into passages."""
        return read_passages(self.source.text, BATCH * config.context)


def collection(material: Material, config: CollectConfig) -> Stage:
    """Returns the stage that reads texts with the model and stores its states."""

    def begin() -> Program:
        model, layer = material.model, material.layer(config)
        writer = StoreWriter(
            material.store_path,
            model.d_model,
            Origin(model.name, layer, material.source.text),
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
        return LossMeasurement(material.model, material.sae, texts, material.layer(config), config.context)

    return Stage("recover", begin)


def discovery(material: Material, config: DiscoverConfig) -> Pipeline:
    """Returns all stages of discover, as a program."""
    source = material.source

    def rank() -> Program:
        grouping, pictures = pipeline.findings.cluster, material.folder.artifact(PICTURES)
        assert grouping is not None, "the stage before has made the clusters"
        return Ranking(material.codes, material.sae.decoder.numpy(), grouping, material.store, config, pictures)

    pipeline = Pipeline(
        [
            *([collection(material, config)] if source.model else []),
            *([] if source.sae else [training(material, config)]),
            *([loss_measurement(material, config)] if source.model else []),
            Stage("encode", lambda: Encoding(material.store, material.sae, material.folder.artifact(CODES))),
            Stage("cluster", lambda: Grouping(material.codes, material.sae.decoder.numpy(), config)),
            Stage("rank", rank),
        ]
    )
    return pipeline
