"""What the verbs collect, train-sae, discover and survey begin with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from novacula.errors import InputError
from novacula.features.discovery.array_store import read_states
from novacula.features.discovery.texts import read_passages
from novacula.features.sae import read_sae
from novacula.features.store import Store

if TYPE_CHECKING:
    from novacula.features.models.language_model import LanguageModel


@dataclass(frozen=True)
class DiscoverSource:
    """Where states come from: a model and texts, a file of arrays, or a store; and a dictionary, if there is one.

    Attributes:
        model: a model's folder or GGUF file.
        text: text files or folders that the model reads.
        activations: a npz file with ``activations``.
        store: a folder of states, as ``collect`` makes it.
        sae: the folder of an autoencoder; without it one is trained.

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
        if sum(origin is not None for origin in (self.model, self.activations, self.store)) != 1:
            problems.append("states come from --model, --activations or --store; give one of them")
        if bool(self.text) != (self.model is not None):
            problems.append("--model and --text belong together; give both or none")
        if problems:
            raise InputError("options", *problems)


@dataclass(frozen=True)
class OpenSource:
    """A source whose files are checked.

    Attributes:
        source: the source.
        model: its model, if it is loaded already.
    """

    source: DiscoverSource
    model: "LanguageModel | None" = None


def open_source(source: DiscoverSource, layer: int | None = None) -> OpenSource:
    """Checks the files of a source, before a run's folder is made, and loads its model, where there is one.

    Args:
        source: the source.
        layer: the layer whose states are wanted.

    Raises:
        InputError: a file, model, store or autoencoder is damaged or empty, or does not fit the others.
    """
    sae = read_sae(source.sae) if source.sae else None
    widths: dict[str, int] = {}
    model = None
    if source.store:
        store = Store(source.store)
        store.check_filled()
        widths[source.store] = store.width
    if source.activations:
        widths[source.activations] = read_states(source.activations)["states"].shape[1]
    if source.model:
        from novacula.features.models.load import load_model

        read_passages(source.text, 1000)
        model = load_model(source.model)
        widths[f"the model {model.name}"] = model.d_model
        if layer is not None and layer > model.n_layers:
            raise InputError("--layer", f"is {layer}; the model has layers 0 … {model.n_layers}")
    for name, width in widths.items():
        if sae:
            sae.check_width(width, name)
    return OpenSource(source, model)
