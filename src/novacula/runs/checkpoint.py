"""What a run leaves while it computes: its checkpoint, and its log of metrics and milestones.

The checkpoint has two files that agree at every moment, even if the process dies.

``checkpoint.json`` contains the digest of its arrays, and its replacement commits the checkpoint:

1. the writer flushes the new arrays to a file of their own beside the old ones;
2. it replaces ``checkpoint.json``: from now on the new checkpoint counts;
3. it renames the file of the new arrays to ``checkpoint.safetensors``.

A process that dies before step 2 leaves the old pair and an unused file. A process that dies between steps 2 and 3
leaves the new arrays under the name of step 1; the next reader of the checkpoint does step 3.

A resumed run repeats the steps after its checkpoint. It first appends a line ``{"event": "resumed", "step": k}`` to the
log, where k is the next step. This line supersedes all earlier lines about step k and later steps.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from novacula.errors import RunError
from novacula.files import (
    JSON,
    StrPath,
    check_json,
    check_schema,
    decode_safetensors,
    digest_of,
    encode_safetensors,
    format_json,
    read_buffer,
    read_json,
    read_lines,
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


@dataclass(frozen=True)
class Checkpoint:
    """The state of a program after a step, from which it continues exactly."""

    step: int  #: the number of steps done
    arrays: dict[str, np.ndarray]  #: the arrays of the state
    data: dict[str, JSON]  #: the rest of the state


def save_checkpoint(folder: Path, step: int, arrays: Mapping[str, np.ndarray], data: object) -> None:
    """Replaces the folder's checkpoint. At every moment either the old or the new one can be loaded, whole.

    Raises:
        ValueError: the files cannot represent an array's dtype or a value in `data`.
        OSError: the disk or the folder refused.
    """
    content = encode_safetensors(arrays)
    digest = digest_of(content)
    data = data if isinstance(data, Mapping) else to_json(data)
    check_json(data, "data")
    state = {"step": step, "digest": digest, "data": data, "data_digest": _digest_of_data(data)}
    document = format_json({"schema_version": SCHEMA_VERSION, **state})
    if len(document) > _MAX_DOCUMENT:
        raise ValueError(f"the state's data takes {len(document)} bytes of JSON; put large states into the arrays")
    following = folder / _NEXT_ARRAYS
    _settle(folder)
    try:
        write_durably(following, content)
        sync(folder)
        write_text(folder / DOCUMENT, document)
    except BaseException:
        # The error may follow the replacement of the document, which then names these arrays.
        with suppress(Exception):
            if _named_digest(folder) != digest:
                following.unlink()
        raise
    os.replace(following, folder / ARRAYS)
    sync(folder)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Returns the folder's checkpoint, or None if it has none yet.

    Raises:
        InputError: a file is damaged, or a newer novacula wrote it.
        RunError: the arrays are not the ones of this checkpoint.
    """
    if not (folder / DOCUMENT).exists():
        return None
    _settle(folder)
    path = str(folder / DOCUMENT)
    document = check_schema(_read_document(folder), path, SCHEMA_VERSION)
    step, digest, data = document.get("step"), document.get("digest"), document.get("data")
    if type(step) is not int or not isinstance(data, dict):
        raise RunError(f"{path}: the checkpoint is damaged: it lacks its step or its data")
    own = _digest_of_data(data)
    if document.get("data_digest", own) != own:  # older files have no digest of the data
        raise RunError(f"{path}: the checkpoint is damaged: this is not the data of step {step}")
    content = read_tensor_bytes(folder / ARRAYS, max_bytes=_MAX_ARRAYS)
    if digest_of(content) != digest:
        raise RunError(f"{folder / ARRAYS}: the checkpoint is damaged: these are not the arrays of step {step}")
    return Checkpoint(step, decode_safetensors(content, str(folder / ARRAYS)), data)


def _settle(folder: Path) -> None:
    """Finishes a replacement that a process committed before it died, and drops one that it did not commit."""
    following = folder / _NEXT_ARRAYS
    if not following.exists():
        return
    if digest_of(read_buffer(following, max_bytes=_MAX_ARRAYS)) == _named_digest(folder):
        os.replace(following, folder / ARRAYS)
    else:
        following.unlink()
    sync(folder)


def _named_digest(folder: Path) -> JSON:
    """Returns the digest of the arrays of the folder's checkpoint, or None if there is no checkpoint yet."""
    if not (folder / DOCUMENT).exists():
        return None
    document = _read_document(folder)
    return document.get("digest") if isinstance(document, dict) else None


def _read_document(folder: Path) -> JSON:
    return read_json(folder / DOCUMENT, max_bytes=_MAX_DOCUMENT, max_memory=None)


def _digest_of_data(data: object) -> str:
    return digest_of(json.dumps(data, sort_keys=True).encode("ascii"))


RESUMED = "resumed"  #: the value of ``event`` in the line that a resumed run appends first


def read_events(path: StrPath) -> Iterator[dict[str, JSON]]:
    """Yields the events that count, in order, and none if the file does not exist.

    It skips superseded events, torn lines, and the lines that mark a resumption.

    Raises:
        InputError: as `novacula.files.read_lines`.
    """
    marks: list[tuple[int, int]] = []
    for number, event in read_lines(path, containing=f'"{RESUMED}"'.encode()):
        if event.get("event") == RESUMED and isinstance(step := event.get("step"), int):
            marks.append((number, step))
    # The earliest step among all marks after a line decides whether the line is superseded.
    limits: list[tuple[int, int]] = []
    for number, step in reversed(marks):
        limits.append((number, min(step, limits[-1][1]) if limits else step))
    for number, event in read_lines(path):
        while limits and limits[-1][0] <= number:
            limits.pop()
        step = event.get("step")
        if not isinstance(step, int) or event.get("event") == RESUMED:
            continue
        if not limits or step < limits[-1][1]:
            yield event
