"""A checkpoint of two files that never disagree, whenever the process dies.

``checkpoint.json`` names the digest of the arrays that belong to it, and is the moment of commitment:

1. the new arrays go, flushed to the disk, to a file of their own beside the old ones;
2. ``checkpoint.json`` is replaced: from here on the new checkpoint counts;
3. the arrays' file is renamed over ``checkpoint.safetensors``.

Who dies before 2 leaves the old pair, and a file that nothing names. Who dies between 2 and 3 leaves the arrays that
``checkpoint.json`` names under the name of step 1: whoever opens the checkpoint next does step 3.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from novacula.errors import RunError
from novacula.files import (
    JSON,
    check_json,
    check_schema,
    decode_safetensors,
    encode_safetensors,
    format_json,
    read_buffer,
    read_json,
    read_tensor_bytes,
    sync,
    to_json,
    write_durably,
    write_text,
)

SCHEMA_VERSION = 1
DOCUMENT = "checkpoint.json"
ARRAYS = "checkpoint.safetensors"
_NEXT_ARRAYS = ".checkpoint.safetensors.next"
_MAX_ARRAYS = 16_000_000_000
_MAX_DOCUMENT = 200_000_000
# More than states take, which are made of numbers: what was saved must be loaded again.
_MEMORY, _MEMORY_PER_BYTE = 85_000_000, 32


@dataclass(frozen=True)
class Checkpoint:
    """What a program needs to go on exactly where it was.

    Attributes:
        step: steps done.
        arrays: the arrays of its state.
        data: the rest of its state.
    """

    step: int
    arrays: dict[str, np.ndarray]
    data: dict[str, JSON]


def save_checkpoint(folder: Path, step: int, arrays: Mapping[str, np.ndarray], data: object) -> None:
    """Replaces the folder's checkpoint. At every moment either the old or the new one can be loaded, whole.

    Args:
        folder: the run's.
        step: steps done.
        arrays: the arrays of the program's state.
        data: the rest of the state: a dataclass, or a mapping of what JSON can express.

    Raises:
        ValueError: an array's dtype, or a value in `data`, that the files cannot hold.
        OSError: the disk or the folder refused.
    """
    content = encode_safetensors(arrays)
    digest = _digest(content)
    data = data if isinstance(data, Mapping) else to_json(data)
    check_json(data, "data")
    state = {"step": step, "digest": digest, "data": data, "data_digest": _digest_of_data(data)}
    document = format_json({"schema_version": SCHEMA_VERSION, **state})
    if len(document) > _MAX_DOCUMENT:
        raise ValueError(f"the state's data takes {len(document)} bytes of JSON; large state belongs in its arrays")
    following = folder / _NEXT_ARRAYS
    _settle(folder)
    try:
        write_durably(following, content)
        sync(folder)
        write_text(folder / DOCUMENT, document)
    except BaseException:
        # What failed may have come after the replacement of the document, which then names these arrays.
        with suppress(Exception):
            if _named_digest(folder) != digest:
                following.unlink()
        raise
    os.replace(following, folder / ARRAYS)
    sync(folder)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The folder's checkpoint, or None where it has none yet.

    Raises:
        InputError: a file that is damaged or of a newer novacula.
        RunError: the arrays are not those that the checkpoint was saved with.
    """
    if not (folder / DOCUMENT).exists():
        return None
    _settle(folder)
    path = str(folder / DOCUMENT)
    document = check_schema(_read_document(folder), path, SCHEMA_VERSION)
    step, digest, data = document.get("step"), document.get("digest"), document.get("data")
    if type(step) is not int or not isinstance(data, dict):
        raise RunError(f"{path}: the checkpoint is damaged: it lacks its step or its data")
    if document.get("data_digest", _digest_of_data(data)) != _digest_of_data(data):  # before 0.1 there was none
        raise RunError(f"{path}: the checkpoint is damaged: this is not the data of step {step}")
    content = read_tensor_bytes(folder / ARRAYS, max_bytes=_MAX_ARRAYS)
    if _digest(content) != digest:
        raise RunError(f"{folder / ARRAYS}: the checkpoint is damaged: these are not the arrays of step {step}")
    return Checkpoint(step, decode_safetensors(content, str(folder / ARRAYS)), data)


def _settle(folder: Path) -> None:
    """Finish a replacement that a dying process had committed; drop one that it had not."""
    following = folder / _NEXT_ARRAYS
    if not following.exists():
        return
    if _digest(read_buffer(following, max_bytes=_MAX_ARRAYS)) == _named_digest(folder):
        os.replace(following, folder / ARRAYS)
    else:
        following.unlink()
    sync(folder)


def _named_digest(folder: Path) -> JSON:
    """The digest of the arrays that belong to the folder's checkpoint; None where there is no checkpoint yet."""
    if not (folder / DOCUMENT).exists():
        return None
    document = _read_document(folder)
    return document.get("digest") if isinstance(document, dict) else None


def _read_document(folder: Path) -> JSON:
    path = folder / DOCUMENT
    memory = _MEMORY + _MEMORY_PER_BYTE * path.stat().st_size
    return read_json(path, max_bytes=_MAX_DOCUMENT, max_memory=memory)


def _digest_of_data(data: object) -> str:
    return _digest(json.dumps(data, sort_keys=True).encode("ascii"))


def _digest(content: bytes | bytearray) -> str:
    return "blake2b:" + hashlib.blake2b(content, digest_size=32).hexdigest()
