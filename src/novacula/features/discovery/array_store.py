"""States that a user already has, as a store."""

import os
from pathlib import Path

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.features.store import Origin, Store, StoreWriter
from novacula.files import read_npz

_NAMES = ("activations", "states", "points")
_MAX_BYTES = 16_000_000_000


def read_states(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads a npz file of ``activations`` (rows × width), ``tokens`` and ``documents`` (one whole number a row).

    Raises:
        InputError: the file is unreadable, or states and labels are missing or do not fit; all problems are listed.
    """
    source = os.fspath(path)
    arrays = read_npz(path, max_bytes=_MAX_BYTES)
    name = next((name for name in _NAMES if name in arrays), None)
    if name is None:
        raise InputError(source, f"has none of the arrays {', '.join(_NAMES)}; one of them must hold the states")
    states = arrays[name]
    problems = []
    if states.ndim != 2 or states.dtype.kind != "f":
        problems.append(f"{name} has shape {states.shape}, dtype {states.dtype}; it must be real numbers, rows × width")
    elif not states.size:
        problems.append(f"{name} is empty; at least one state is needed")
    for label in ("tokens", "documents"):
        if label in arrays and (arrays[label].shape != states.shape[:1] or arrays[label].dtype.kind not in "iu"):
            problems.append(f"{label} must be one whole number for each of the {len(states)} states")
    if problems:
        raise InputError(source, *problems)
    return {"states": states, **{label: arrays[label] for label in ("tokens", "documents") if label in arrays}}


def store_states(
    folder: str | os.PathLike[str],
    states: Float[np.ndarray, "rows width"],
    tokens: np.ndarray | None = None,
    documents: np.ndarray | None = None,
    *,
    source: str = "arrays",
) -> Store:
    """Makes a store of states.

    Args:
        folder: its folder; it is made where it is missing.
        states: one a row.
        tokens: the token of each, as a number; by default its row.
        documents: the document of each, as a number; by default all are in one document.
        source: name of their origin.

    Raises:
        InputError: there are no states, or some are not finite.
    """
    if not states.size:
        raise InputError(source, "holds no states; at least one is needed")
    rows = np.arange(len(states))
    writer = StoreWriter(Path(folder), states.shape[1], Origin(source), precision="float32")
    writer.append(
        states,
        rows if tokens is None else tokens.astype(np.int64),
        np.zeros_like(rows) if documents is None else documents.astype(np.int64),
        rows,
    )
    writer.close()
    return Store(folder)
