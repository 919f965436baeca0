"""What the verbs collect, train-sae, discover and survey begin with, and states that a user has, as a store."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from novacula.errors import InputError, refuse
from novacula.features.clouds.cloud import read_arrays
from novacula.features.config import CollectConfig, TrainSaeConfig
from novacula.features.discovery.collection import read_passages
from novacula.features.sae import read_sae
from novacula.features.store import Origin, Store, StoreWriter
from novacula.features.store.store import check_finite
from novacula.files import StrPath, sync
from novacula.runs import located

if TYPE_CHECKING:
    from novacula.features.models.language_model import LanguageModel

_NAMES = ("activations", "states", "points")


@dataclass(frozen=True)
class DiscoverSource:
    """Where states come from: a model and texts, a file of arrays, or a store; and a dictionary, if there is one.

    Raises:
        InputError: there is no source of states, or more than one.
    """

    model: str | None = None  #: a model's folder or GGUF file
    text: tuple[str, ...] = ()  #: text files or folders that the model reads
    activations: str | None = None  #: a .npz or .safetensors file with ``activations``, or .npy or .csv
    store: str | None = None  #: a folder of states, as ``collect`` makes it, or a run with one
    sae: str | None = None  #: its folder, or a run with one; without it one is trained

    @property
    def name(self) -> str:
        """The name of the model, the file or the store."""
        return Path(self.model or self.activations or self.store or "").name

    def __post_init__(self) -> None:
        problems = []
        if sum(origin is not None for origin in (self.model, self.activations, self.store)) != 1:
            problems.append("states come from --model, --activations or --store; give one of them")
        if bool(self.text) != (self.model is not None):
            problems.append("--model and --text belong together; give both or none")
        refuse(problems, "options")

    def located(self) -> "DiscoverSource":
        """Returns this source with absolute paths, which stay right in another working folder."""
        text = tuple(map(located, self.text))
        places = {name: getattr(self, name) for name in ("model", "activations", "store", "sae")}
        places |= {name: path and _within(path, name) for name, path in places.items() if name in ("store", "sae")}
        return DiscoverSource(text=text, **{name: path and located(path) for name, path in places.items()})

    @property
    def files(self) -> tuple[str | Path, ...]:
        """The files and folders whose contents decide the result. A store's index has the digests of its shards.

        Raises:
            InputError: there is no such model.
        """
        found: list[str | Path] = [*self.text, *(path for path in (self.activations, self.sae) if path)]
        if self.store:
            found.append(Store(self.store).identity)
        if self.model:
            from novacula.features.models.load import find_model

            found.append(find_model(self.model))
        return tuple(found)


def _within(folder: str, kind: str) -> str:
    """The store or autoencoder of a run's folder; another folder stays as it is."""
    inner = Path(folder) / "artifacts" / kind
    return str(inner) if (Path(folder) / "run.json").is_file() and inner.is_dir() else folder


@dataclass(frozen=True)
class OpenSource:
    """A source whose files are checked."""

    source: DiscoverSource  #: the source
    model: "LanguageModel | None" = None  #: its model, if it is loaded already


def open_source(source: DiscoverSource, config: object = None) -> OpenSource:
    """Checks a source and what options ask of it, before a run's folder is made, and loads its model, if any."""
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
        if isinstance(config, CollectConfig):
            if config.layer is not None and config.layer > model.n_layers:
                raise InputError("--layer", f"is {config.layer}; the model has layers 0 … {model.n_layers}")
            model.check_context(config.context)
    for name, width in widths.items():
        if sae:
            sae.check_width(width, name)
        elif isinstance(config, TrainSaeConfig) and config.together > width:
            raise InputError(
                "--block", f"is {config.block}; {name} has width {width}, and so at most {width} orthonormal directions"
            )
    return OpenSource(source, model)


def read_states(path: StrPath) -> dict[str, np.ndarray]:
    """Reads a file of ``activations`` (rows × width), ``tokens`` and ``documents`` (one whole number a row).

    Where the file has one array beside the last two, it is the first, whatever its name.
    """
    source, arrays = os.fspath(path), read_arrays(path)
    others = [name for name in arrays if name not in ("tokens", "documents")]
    name = next((name for name in _NAMES if name in arrays), others[0] if len(others) == 1 else None)
    if name is None:
        said = f"has none of the arrays {', '.join(_NAMES)}, only {', '.join(sorted(arrays)) or 'none at all'}"
        raise InputError(source, f"{said}; one of them must hold the states")
    states = arrays[name]
    problems = []
    if states.ndim != 2 or states.dtype.kind != "f":
        problems.append(f"{name} has shape {states.shape}, dtype {states.dtype}; it must be real numbers, rows × width")
    elif not states.size:
        problems.append(f"{name} is empty; at least one state is needed")
    elif states.shape[1] < 2:
        problems.append(f"{name} has states of one number; directions need at least two")
    elif (states == states[0]).all():
        problems.append(f"{name} has only equal states" if len(states) > 1 else f"{name} has one state; 2 are needed")
    for label in ("tokens", "documents"):
        if label in arrays and (arrays[label].shape != states.shape[:1] or arrays[label].dtype.kind not in "iu"):
            problems.append(f"{label} must be one whole number for each of the {len(states)} states")
        elif label in arrays and (arrays[label] != arrays[label].astype(np.int32)).any():
            problems.append(f"{label} must be numbers of 32 bits, -2147483648 … 2147483647")
    refuse(problems, source)
    check_finite(states, source)
    return {"states": states, **{label: arrays[label] for label in ("tokens", "documents") if label in arrays}}


def store_states(
    folder: StrPath,
    states: Float[np.ndarray, "rows width"],
    tokens: np.ndarray | None = None,
    documents: np.ndarray | None = None,
    *,
    source: str = "arrays",
    vocabulary: Sequence[str] | None = None,
) -> Store:
    """Makes a store of states as a whole or not at all: a store has an index from its first shard on.

    By default a state's token is its row, and all are in one document. A document is taken for a context.
    """
    if not states.size:
        raise InputError(source, "holds no states; at least one is needed")
    rows = np.arange(len(states))
    documents = np.zeros_like(rows) if documents is None else documents.astype(np.int64)
    made = Path(folder).with_name(f".{Path(folder).name}.making")
    shutil.rmtree(made, ignore_errors=True)
    writer = StoreWriter(made, states.shape[1], Origin(source), precision="float32", vocabulary=vocabulary)
    writer.append(states, rows if tokens is None else tokens.astype(np.int64), documents, _places(documents))
    writer.close()
    os.replace(made, folder)
    sync(Path(folder).parent)
    return Store(folder)


def _places(documents: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """Returns how many rows of its own document stand before each row."""
    sizes, places = np.unique(documents, return_counts=True)[1], np.empty(len(documents), int)
    places[np.argsort(documents, kind="stable")] = np.arange(len(documents)) - np.repeat(sizes.cumsum() - sizes, sizes)
    return places
