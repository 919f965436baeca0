"""Tasks for networks whose function nobody knows: the network's own function, or what data say. Source: ours.

Data are a table of numbers, inputs before outputs (.csv with or without a header, or .npy), or arrays x, y (.npz)."""

import io
import os
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from novacula.errors import InputError
from novacula.files import StrPath, read_buffer, read_npy, read_npz
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks.task import InputLaw, Task, find_law

NONE, DATA = "none", "data"  #: the names of these tasks; no algorithm is known for them
_SLACK = 0.01
_FEWEST, _MAX_BYTES = 10, 64_000_000
_LARGEST = 1e38  #: squares of sums of larger inputs could be infinite


def network_task(network: TargetNetwork, law: str | None) -> Task:
    """Returns the task to compute what the network computes; its formula may leave 1 % of that unexplained."""
    inputs, outputs = network.architecture.inputs, network.architecture.outputs

    def function(x: Float[torch.Tensor, "*batch inputs"]) -> Float[torch.Tensor, "*batch outputs"]:
        with np.errstate(over="ignore", invalid="ignore"):
            y = np.nan_to_num(network(x.double().reshape(-1, inputs).numpy()))
        return torch.from_numpy(y).reshape(*x.shape[:-1], outputs).to(x.dtype)

    found = find_law(law or "normal")
    return Task(NONE, function, found, lambda _: outputs, (), "unknown", inputs, inputs, slack=_SLACK)


def read_data(
    path: StrPath, network: TargetNetwork
) -> tuple[Float[np.ndarray, "rows inputs"], Float[np.ndarray, "rows outputs"]]:
    """Reads inputs and outputs for a network from a .csv, .npy or .npz file.

    Raises:
        InputError: the file is unreadable, or its numbers are too few, not finite, or not those of the network.
    """
    source, kind = os.fspath(path), Path(path).suffix.lower()
    inputs, outputs = network.architecture.inputs, network.architecture.outputs
    if kind == ".npz":
        arrays = read_npz(path, max_bytes=_MAX_BYTES)
        if not {"x", "y"} <= arrays.keys():
            raise InputError(source, f"holds {', '.join(arrays)[:80]}; arrays x and y are needed")
        x, y = arrays["x"], arrays["y"]
        y = y.reshape(len(y), -1) if y.ndim else y
    elif kind in (".csv", ".npy"):
        table = read_npy(path, max_bytes=_MAX_BYTES) if kind == ".npy" else _csv(path)
        table = table if table.ndim == 2 else table.reshape(len(table) if table.ndim else 0, -1)
        x, y = table[:, :inputs], table[:, inputs:]
    else:
        raise InputError(source, "is no .csv, .npy or .npz file")
    if x.ndim != 2 or len(x) != len(y) or (x.shape[1], *y.shape[1:]) != (inputs, outputs):
        raise InputError(source, f"has x {x.shape} and y {y.shape}; the network has {inputs} inputs, {outputs} outputs")
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        raise InputError(source, "holds complex numbers; real ones are needed")
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(x) < _FEWEST or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError(source, f"has {len(x)} rows; at least {_FEWEST} of finite numbers are needed")
    if (largest := float(np.abs(x).max())) > _LARGEST:
        raise InputError(source, f"has the input {largest:.3g}; at most {_LARGEST:.2g} in magnitude are read")
    return x, y


def _csv(path: StrPath) -> Float[np.ndarray, "rows columns"]:
    source = os.fspath(path)
    try:
        lines = bytes(read_buffer(path, max_bytes=_MAX_BYTES)).decode("utf-8-sig").splitlines()
        header = bool(lines) and not any(_is_number(cell) for cell in lines[0].split(","))
        return np.loadtxt(io.StringIO("\n".join(lines)), delimiter=",", skiprows=int(header), ndmin=2)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(source, f"is no table of numbers: {error}") from error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def data_task(x: Float[np.ndarray, "rows inputs"], y: Float[np.ndarray, "rows outputs"]) -> Task:
    """Returns the task whose inputs are rows of data, and whose outputs are theirs: of equal inputs, the mean."""
    inputs = x.shape[1]
    rows = torch.from_numpy(x) + 0.0  # no negative zeros
    kinds, place = np.unique(rows.numpy(), axis=0, return_inverse=True)
    place = place.reshape(-1)
    sums = np.zeros((len(kinds), y.shape[1]))
    np.add.at(sums, place, y)
    means = sums / np.bincount(place)[:, None]
    known = {row.tobytes(): index for index, row in enumerate(kinds)}

    def draw(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
        count = int(np.prod(shape[:-1]))
        orders = [torch.randperm(len(rows), generator=generator) for _ in range(-(-count // len(rows)))]
        return rows[torch.cat(orders)[:count]].reshape(shape)

    def function(x: Float[torch.Tensor, "*batch inputs"]) -> Float[torch.Tensor, "*batch outputs"]:
        asked = x.double().reshape(-1, inputs).numpy() + 0.0
        found = means[[known[row.tobytes()] for row in asked]]
        return torch.from_numpy(found).reshape(*x.shape[:-1], -1).to(x.dtype)

    law = InputLaw(DATA, draw, torch.float64)
    return Task(DATA, function, law, lambda _: y.shape[1], (), "rows of data", inputs, inputs)
