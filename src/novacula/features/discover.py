"""Features that no direction can hold, found without labels: ``novacula features discover``; its first stages apart.

The stages: a model's states on texts (`collection`, `store`); a dictionary of them (`training`, `sae`); their codes
(`encoding`, `slices`); clusters of latents (`grouping`, `clustering`); the score of each (`ranked`, `ranking`,
`planes`); a page (`discover_report`). Source: arXiv 2405.14860, section 4.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novacula.errors import InputError
from novacula.features.config import CollectConfig, DiscoverConfig, TrainSaeConfig
from novacula.features.discovery.array_store import read_states, store_states
from novacula.features.discovery.collection import BATCH, Collection, passage_order, vocabulary
from novacula.features.discovery.encoding import Encoding, codes_path
from novacula.features.discovery.grouping import Grouping
from novacula.features.discovery.pipeline import Pipeline, Stage
from novacula.features.discovery.ranked import Ranked
from novacula.features.discovery.recovery import Recovering
from novacula.features.discovery.slices import CodeMatrix, read_codes
from novacula.features.discovery.texts import Passage, read_passages
from novacula.features.discovery.training import Training
from novacula.features.report import build_report
from novacula.features.sae import SparseAutoencoder, read_sae
from novacula.features.store import Store, StoreWriter
from novacula.runs import OnStep, Program, RunFolder, RunResult, drive

if TYPE_CHECKING:
    from novacula.features.models.language_model import LanguageModel

RECOVERED = 2
"""Passages on which the loss of the model with the dictionary is measured."""
STORE, SAE, CODES, PICTURES = "store", "sae", "codes", "pictures.json"
"""What a run leaves among its artifacts."""


@dataclass(frozen=True)
class DiscoverSource:
    """Where states come from: a model and texts, a file of arrays, or a store; and a dictionary, if there is one.

    Attributes:
        model: a model's folder or GGUF file.
        text: text files or folders that the model reads.
        activations: a npz file with ``activations``.
        store: a folder of states, as ``collect`` makes it.
        sae: an autoencoder's folder; without it one is trained.

    Raises:
        InputError: there is no source of states, or more than one.
    """

    model: str | None = None
    text: tuple[str, ...] = ()
    activations: str | None = None
    store: str | None = None
    sae: str | None = None

    def __post_init__(self) -> None:
        problems = []
        if sum(each is not None for each in (self.model, self.activations, self.store)) != 1:
            problems.append("states come from --model, --activations or --store; give one of them")
        if bool(self.text) != (self.model is not None):
            problems.append("--model and --text belong together; give both or none")
        if problems:
            raise InputError("options", *problems)


def discover(
    source: DiscoverSource,
    config: DiscoverConfig = DiscoverConfig(),  # noqa: B008 - it is frozen
    *,
    threads: int = 1,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_step: OnStep | None = None,
) -> RunResult:
    """Look for irreducible features in states, without labels.

    Args:
        source: of the states.
        config: every stage's options.
        threads: numeric threads that the caller has set, for the record.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time.
        on_step: called after every step.

    Raises:
        InputError: a file, model, store or autoencoder that is damaged, empty, or does not fit the others.
        RunError: the run's folder cannot be made.
    """
    return _run("discover", source, config, threads, runs, out, time_limit, on_step)


def collect(
    source: DiscoverSource,
    config: CollectConfig = CollectConfig(),  # noqa: B008 - it is frozen
    *,
    threads: int = 1,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_step: OnStep | None = None,
) -> RunResult:
    """Store a model's states on texts; arguments and errors as `discover`."""
    return _run("collect", source, config, threads, runs, out, time_limit, on_step)


def train_sae(
    source: DiscoverSource,
    config: TrainSaeConfig = TrainSaeConfig(),  # noqa: B008 - it is frozen
    *,
    threads: int = 1,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_step: OnStep | None = None,
) -> RunResult:
    """Train a sparse autoencoder on stored states; arguments and errors as `discover`."""
    return _run("train-sae", source, config, threads, runs, out, time_limit, on_step)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_step: OnStep | None = None) -> RunResult:
    """Go on with a run of any of the three.

    Raises:
        InputError, RunError: the folder is damaged or in use, or a file that it began with has gone.
    """
    status = drive(Discovery(folder).pipeline, folder, time_limit=time_limit, on_step=on_step)
    return RunResult(status, folder.read_result() or {}, build_report(folder))


def _run(
    verb: str,
    source: DiscoverSource,
    config: CollectConfig | TrainSaeConfig,
    threads: int,
    runs: str | PathLike[str],
    out: str | PathLike[str] | None,
    time_limit: float | None,
    on_step: OnStep | None,
) -> RunResult:
    check_source(source)
    return resume(make_folder(verb, source, config, threads, runs, out), time_limit=time_limit, on_step=on_step)


def make_folder(
    verb: str,
    source: DiscoverSource,
    config: CollectConfig | TrainSaeConfig,
    threads: int,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> RunFolder:
    """Make the folder of a run.

    Args:
        verb: collect, train-sae, discover or survey.
        source: of the states.
        config: of the verb.
        threads: numeric threads.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        more: what the record of the run says besides.

    Raises:
        RunError: the folder cannot be made.
    """
    stored = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(source).items()}
    return RunFolder.create(
        part="features",
        verb=verb,
        configuration=stored | asdict(config) | dict(more or {}),
        seed=config.seed,
        threads=threads,
        label=verb,
        runs=runs,
        out=out,
    )


def check_source(source: DiscoverSource) -> None:
    """Find what is wrong with files before a run's folder is made.

    Raises:
        InputError: as `discover`; a model itself is not loaded yet.
    """
    sae = read_sae(source.sae) if source.sae else None
    if source.store:
        store = Store(source.store)
        store.check_filled()
        if sae:
            sae.check_width(store.width, source.store)
    if source.activations:
        states = read_states(source.activations)["states"]
        if sae:
            sae.check_width(states.shape[1], source.activations)
    if source.text:
        read_passages(source.text, 1000)


class Discovery:
    """The stages of a run, and what they leave in its folder.

    Args:
        folder: the run's.

    Raises:
        InputError: the run's configuration is damaged.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._source = folder.record.options(DiscoverSource)
        kinds = {"collect": CollectConfig, "train-sae": TrainSaeConfig, "discover": DiscoverConfig}
        self._config: Any = folder.record.options(kinds[folder.record.verb])
        self._folder, self._verb = folder, folder.record.verb
        self.pipeline = Pipeline(self._stages())

    @property
    def store_path(self) -> Path:
        """The folder of states."""
        return Path(self._source.store) if self._source.store else self._folder.artifact(STORE)

    @property
    def sae_path(self) -> Path:
        """The folder of the autoencoder."""
        return Path(self._source.sae) if self._source.sae else self._folder.artifact(SAE)

    def _stages(self) -> list[Stage]:
        stages = [Stage("collect", self._collection)] if self._source.model else []
        if self._verb == "collect":
            return stages
        if not self._source.sae:
            stages.append(Stage("train-sae", self._training))
        if self._verb == "discover" and self._source.model:
            stages.append(Stage("recover", self._recovering))
        if self._verb == "discover":
            stages += [
                Stage("encode", lambda: Encoding(self._store, self._sae, self._folder.artifact(CODES))),
                Stage("cluster", lambda: Grouping(self._codes, self._sae.decoder.numpy(), self._config)),
                Stage("rank", self._ranked),
            ]
        return stages

    def _collection(self) -> Program:
        model, layer = self._model, self._layer
        if self._source.sae:
            self._sae.check_width(model.d_model, f"the model {model.name}")
        origin = {"model": model.name, "layer": layer, "text": list(self._source.text)}
        texts = vocabulary(model)
        writer = StoreWriter(self.store_path, model.d_model, origin, precision=self._config.precision, vocabulary=texts)
        return Collection(model, self._passages(), layer, self._config, writer)

    def _recovering(self) -> Program:
        # Passages are collected in a random order; the last ones are the least likely to have been learned from.
        order = passage_order(self._config.seed, len(self._passages()))
        texts = [self._passages()[index].text for index in order[-RECOVERED:]]
        return Recovering(self._model, self._sae, texts, self._layer, self._config.context)

    def _passages(self) -> list[Passage]:
        return read_passages(self._source.text, BATCH * self._config.context)

    @cached_property
    def _model(self) -> "LanguageModel":
        from novacula.features.models.load import load_model

        assert self._source.model is not None
        return load_model(self._source.model)

    @property
    def _layer(self) -> int:
        layer = self._model.n_layers // 2 if self._config.layer is None else self._config.layer
        if layer > self._model.n_layers:
            raise InputError("--layer", f"is {layer}; the model has layers 0 … {self._model.n_layers}")
        return layer

    def _training(self) -> Program:
        return Training(self._store, self._config, self.sae_path)

    def _ranked(self) -> Program:
        grouping = self.pipeline.results["cluster"]
        out = self._folder.artifact(PICTURES)
        return Ranked(self._codes, self._sae.decoder.numpy(), grouping, self._store, self._config, out)

    @cached_property
    def _store(self) -> Store:
        if self._source.activations and not (self.store_path / "index.json").exists():
            arrays = read_states(self._source.activations)
            tokens, documents = arrays.get("tokens"), arrays.get("documents")
            return store_states(self.store_path, arrays["states"], tokens, documents, source=self._source.activations)
        return Store(self.store_path)

    @cached_property
    def _sae(self) -> SparseAutoencoder:
        return read_sae(self.sae_path)

    @cached_property
    def _codes(self) -> CodeMatrix:
        shards = range(len(self._store.shard_rows))
        paths = [codes_path(self._folder.artifact(CODES), shard) for shard in shards]
        return read_codes(paths, self._sae.n_latents)
