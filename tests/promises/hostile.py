"""Files that somebody made to run code, to fill the memory, or to keep a reader busy: written, never read, here."""

import gzip
import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from tests.files.test_npz import HOSTILE as NPZ
from tests.files.test_tensors import HOSTILE as TENSORS


class Payload:
    """Unpickling one of these makes the folder `FLAG` in the working folder."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (FLAG,)


FLAG = "code-was-run"
_MB = 1_000_000


def write_corpus(folder: Path) -> None:
    """A folder for each kind of file, and ``any`` for what no reader may take for its own."""
    pickled = pickle.dumps(Payload())
    saved, npy = io.BytesIO(), io.BytesIO()
    torch.save({"weight.0": torch.ones(2), "code": Payload()}, saved)
    np.save(npy, np.array([Payload()], dtype=object), allow_pickle=True)
    with_pickle = io.BytesIO()
    with zipfile.ZipFile(with_pickle, "w") as archive:
        archive.writestr("data.pkl", pickled)
    everywhere = {
        "pickle": pickled,
        "pickle in text": b"cos\nmkdir\n(S'" + FLAG.encode() + b"'\ntR.",
        "torch.save": saved.getvalue(),
        "npy of objects": npy.getvalue(),
        "zip of a pickle": with_pickle.getvalue(),
        "python": f"import os\nos.mkdir({FLAG!r})\n".encode(),
        "empty": b"",
        "zeros": bytes(_MB),
        "random": np.random.default_rng(0).bytes(_MB),
        "line": b"9" * _MB,
        "quotes": b'"' * _MB,
        "brackets": b"[" * _MB,
        "commas": b"," * _MB,
    }
    _write(folder / "any", everywhere)
    with open(folder / "any" / "terabyte", "wb") as stream:
        stream.truncate(10**12)
    for name, size in (("gigabyte", 10**9), ("sixty megabytes", 60 * _MB), ("seven megabytes", 7 * _MB)):
        with open(folder / "any" / name, "wb") as stream:
            stream.truncate(size)
    _write(folder / "json", _json())
    _write(folder / "npz", {name: content for name, (content, _) in NPZ.items()} | _npz())
    _write(folder / "safetensors", {name: content for name, (content, _) in TENSORS.items()} | _tensors())
    _write(folder / "csv", _csv())
    _write(folder / "lines", _lines())
    _write(
        folder / "gzip",
        {"bomb": _bomb(), "cut": gzip.compress(b"words " * 99)[:20], "of NULs": gzip.compress(bytes(99))},
    )


def _write(folder: Path, files: Mapping[str, bytes | bytearray]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _json() -> dict[str, bytes]:
    return {
        "NaN": b'{"schema_version": 1, "train": [{"input": [[NaN]]}]}',
        "deep": b'{"train":' * 3000 + b"1" + b"}" * 3000,
        "repeated key": b'{"train": 1, "train": 1}',
        "wide": b"[" + b"{}," * 300_000 + b"1]",
        "wider": b"[" + b"{}," * 2_600_000 + b"1]",
        "long": b"[" + b"1," * 3_900_000 + b"1]",
        "grids": b'{"train": [' + b",".join([b'{"input": [[' + b",".join([b"1"] * 900) + b"]]}"] * 1000) + b"]}",
        "problems": b'{"train": [' + b",".join([b'{"input": [["x"]], "output": 3}'] * 15_000) + b'], "test": []}',
        "long number": b'{"width": ' + b"9" * 4000 + b"}",
        "long string": b'{"labels": "' + b"x" * 7 * _MB + b'"}',
        "escapes": b'{"labels": "' + b"\\u0000" * _MB + b'"}',
        "huge counts": b'{"schema_version": 1, "width": 1e300, "shards": [9223372036854775808], "source": {}}',
        "nothing": b"null",
        "number": b"1",
        "array": b"[]",
        "object": b"{}",
        "newer": b'{"schema_version": 99}',
    }


def _npz() -> dict[str, bytes]:
    found = {}
    for name, array in {
        "NaN points": np.full((30, 3), np.nan),
        "giant side": np.zeros((1, 500_000)),
        "one row": np.zeros((1, 3)),
        "no rows": np.zeros((0, 3)),
        "complex": np.zeros((30, 3), complex),
        "flat": np.zeros(30),
        "many zeros": np.zeros(20_000_000, np.float32),
    }.items():
        stream = io.BytesIO()
        np.savez_compressed(stream, points=array, tokens=np.zeros(7))
        found[name] = stream.getvalue()
    return found


def _tensors() -> dict[str, bytes]:
    shapes = {
        "NaN": ("weight.0", "F64", [2, 2], np.full(4, np.nan).tobytes()),
        "infinite": ("f.0.weight", "F32", [2, 2], np.full(4, np.inf, np.float32).tobytes()),
        "giant side": ("weight.0", "F32", [1, 1_000_000], bytes(4_000_000)),
        "many layers": ("weight.99", "F64", [1, 1], bytes(8)),
        "minus one": ("latents", "I32", [1], b"\xff\xff\xff\xff"),
    }
    found = {}
    for name, (tensor, dtype, shape, body) in shapes.items():
        entry = {tensor: {"dtype": dtype, "shape": shape, "data_offsets": [0, len(body)]}}
        text = json.dumps({"__metadata__": {"activation": "relu", "task": f"os:{FLAG}"}, **entry}).encode()
        found[name] = struct.pack("<Q", len(text)) + text + body
    entries = {f"f.{i}.weight": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(15_000)}
    text = json.dumps(entries).encode()
    return found | {"many tensors": struct.pack("<Q", len(text)) + text}


def _csv() -> dict[str, bytes]:
    head = b"sequence,step,x0,y0\n"
    return {
        "formula": head + b"=cmd|'/c calc'!A1,0,1,1\n",
        "columns": b"sequence,step," + b",".join(b"x%d" % i for i in range(50_000)) + b"\n",
        "field": head + b'"' + b"a" * _MB + b'",0,1,1\n',
        "same step": head + b"a,0,1,1\n" * 20_000,
        "far step": head + b"a,9999999999999,1,1\n",
        "not a number": head + b"a,0,NaN,1\n",
    }


def _lines() -> dict[str, bytes]:
    return {
        "NaN": b'{"x": [NaN], "y": [1]}\n',
        "deep": b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b', "y": [1]}\n',
        "many": b"{}\n" * 50_000,
        "long": b'{"x": [' + b"1," * 11_000 + b'1], "y": [' + b"1," * 11_000 + b"1]}\n",
        "padding": b'{"x": [1], "y": [1]}\n' * 6000
        + b'{"x": ['
        + b"1," * 9000
        + b'1], "y": ['
        + b"1," * 9000
        + b"1]}\n",
    }


def _bomb() -> bytes:
    return gzip.compress(bytes(300 * _MB), 9)
