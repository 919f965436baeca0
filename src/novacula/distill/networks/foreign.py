"""Recurrent networks of torch as state dicts.

A state dict in the safetensors format has the tensors' names of torch: ``….weight_ih_l0`` and so on for the layers of
an `RNN`, `GRU` or `LSTM`, ``….weight_ih`` for cells; an embedding, whose name has ``emb``; and the linear layers of the
read-out. Numbers in the names are the order of the layers; where words differ, sizes must leave one. The metadata are
`length`, the longest sequence of the training; `low` and `high`, or `alphabet`, a JSON list of texts or truth values;
and where the default does not hold:

- `input`: ``embedding``, ``one-hot`` or ``number``; by default what there is, and one-hot where the width says so;
- `output`: ``argmax`` (the default for several outputs), ``round`` or ``sign``; `answers`, a JSON list of its words;
- `nonlinearity` of an RNN, ``tanh`` or ``relu``; `activation` in the read-out, ``relu``, ``tanh`` or ``sigmoid``.

Source: ours.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import cast

import numpy as np

from novacula.distill.networks.cells import (
    GATES,
    Activation,
    Cell,
    CellNetwork,
    Layer,
    Output,
    check_choices,
    read_integers,
    read_words,
)
from novacula.distill.sources.sequences import Alphabet
from novacula.errors import InputError, refuse
from novacula.files import layer_orders, natural_order

MOST_SYMBOLS = 10_000  #: the most inputs that one-hot vectors stand for
_CORE = re.compile(r"(.*?)(weight|bias)_([ih]h)(?:_l(\d+))?")


def has_cells(arrays: Mapping[str, np.ndarray]) -> bool:
    """Returns whether tensors are those of recurrent layers of torch."""
    return any(
        match and match[2] == "weight" for match in map(_CORE.fullmatch, (name.rpartition(".")[2] for name in arrays))
    )


def in_order(arrays: Mapping[str, np.ndarray], source: str) -> dict[str, np.ndarray]:
    """Returns the tensors of a file in the order of their layers.

    Raises:
        InputError: names with different words, and sizes that leave several orders.
    """
    names = sorted(arrays, key=natural_order)
    cells: dict[str, tuple[int, int]] = {}
    linear: dict[str, tuple[int, int]] = {}
    for name in names:
        array, match = arrays[name], _CORE.fullmatch(name)
        across = arrays.get(name.replace("weight_ih", "weight_hh"))
        if array.ndim != 2 or "emb" in name.lower():
            continue
        if match and match[3] == "ih" and across is not None and across.ndim == 2:
            cells[_layer_of(name)] = across.shape[1], array.shape[1]
        elif not match:
            linear[_layer_of(name)] = array.shape[0], array.shape[1]
    places: dict[str, int] = {}
    for layers in (cells, linear):
        if len(orders := layer_orders(layers)) > 1:
            said = f"does not tell the order of its layers {', '.join(layers)[:120]}; names with numbers do"
            raise InputError(source, said)
        places |= {name: place for order in orders for place, name in enumerate(order)}
    return {name: arrays[name] for name in sorted(names, key=lambda name: places.get(_layer_of(name), 0))}


def _layer_of(name: str) -> str:
    """What the names of a layer's tensors have in common."""
    match = _CORE.fullmatch(name)
    return match[1].rstrip(".") + (match[4] or "") if match else name.rpartition(".")[0]


def read_cells(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str], source: str) -> CellNetwork:
    """Returns the network of a state dict.

    Args:
        arrays: the tensors by torch's names, in the order of the layers.
        metadata: as the module's description says.
        source: what an error names.

    Raises:
        InputError: listing what is missing, is no part of such a network, or does not fit together.
    """
    problems = _tensor_problems(arrays)
    words = {name: read_words(metadata, name, problems) for name in ("alphabet", "answers")}
    numbers = read_integers(metadata, words["alphabet"], problems)
    check_choices(metadata, problems)
    refuse(problems, source)
    doubles = {name: array.astype(np.float64) for name, array in arrays.items()}
    if not has_cells(arrays):
        raise InputError(source, "has no recurrent layer of torch: RNN, GRU or LSTM, or a cell of these")
    cells = _cells(doubles, cast(Activation, metadata.get("nonlinearity", "tanh")), problems)
    embedding, readout = _rest({name: array for name, array in doubles.items() if not _CORE.fullmatch(name)}, problems)
    if problems or not cells or not readout:
        raise InputError(source, *(problems or ["holds no linear layer for the read-out"]))
    embedding = _inputs(metadata.get("input"), embedding, cells[0], numbers, problems)
    problems += _width_problems(cells, readout)
    outputs = len(readout[-1].bias)
    if len(readout) > 1 and "activation" not in metadata:
        problems.append("metadata activation is missing; the read-out has several layers: relu, tanh or sigmoid")
    output = cast(Output, metadata.get("output", "argmax" if outputs > 1 else "round"))
    places = {"argmax": outputs, "sign": 2}.get(output, 0)
    if words["answers"] and places and len(words["answers"]) != places:
        problems.append(f"metadata answers has {len(words['answers'])} words for the {places} values of an output")
    refuse(problems, source)
    streams = cells[0].inward.weight.shape[1] if embedding is None else 1
    given, answers = words["alphabet"], words["answers"] or ((False, True) if output == "sign" else None)
    alphabet = Alphabet(
        (given,) * streams if given else (), (answers,) * (1 if output == "argmax" else outputs) if answers else ()
    )
    return CellNetwork(
        cells,
        readout,
        cast(Activation, metadata.get("activation", "relu")),
        embedding,
        output,
        numbers["low"],
        numbers["high"],
        numbers["length"],
        alphabet,
    )


def _tensor_problems(arrays: Mapping[str, np.ndarray]) -> list[str]:
    problems = [
        f"tensor {name[:60]} is {array.dtype} of shape {array.shape}; floats in 1 or 2 dimensions are needed"
        for name, array in arrays.items()
        if array.dtype.kind != "f" or array.ndim not in (1, 2) or not array.size
    ]
    return problems + [
        f"tensor {name[:60]} has a number that is not finite"
        for name, array in arrays.items()
        if array.dtype.kind == "f" and not np.isfinite(array).all()
    ]


def _width_problems(cells: Sequence[Cell], readout: Sequence[Layer]) -> list[str]:
    widths = [cells[-1].width, *(len(layer.bias) for layer in readout)]
    problems = [
        f"read-out layer {number} reads {layer.weight.shape[1]} numbers; {width} come from below"
        for number, (layer, width) in enumerate(zip(readout, widths, strict=False))
        if layer.weight.shape[1] != width
    ]
    return problems + [
        f"recurrent layer {number} reads {upper.inward.weight.shape[1]} numbers; the one below has {lower.width}"
        for number, (lower, upper) in enumerate(pairwise(cells), 1)
        if upper.inward.weight.shape[1] != lower.width
    ]


def _cells(arrays: Mapping[str, np.ndarray], nonlinearity: Activation, problems: list[str]) -> tuple[Cell, ...]:
    """The recurrent layers, from below to above."""
    parts: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        if match := _CORE.fullmatch(name):
            parts.setdefault((match[1], match[4] or ""), {})[match[2] + match[3]] = array
    cells = []
    for key, part in parts.items():
        name = f"{key[0]}…_l{key[1]}" if key[1] else key[0]
        weights = [part.get(f"weight{way}") for way in ("ih", "hh")]
        if any(weight is None or weight.ndim != 2 for weight in weights):
            problems.append(f"the recurrent layer {name} needs the matrices weight_ih and weight_hh")
            continue
        inward, across = (weight for weight in weights if weight is not None)
        gates, rest = divmod(len(across), across.shape[1])
        biases = [part.get(f"bias{way}", np.zeros(len(across))) for way in ("ih", "hh")]
        if (
            rest
            or gates not in GATES
            or len(inward) != len(across)
            or any(bias.shape != (len(across),) for bias in biases)
        ):
            problems.append(f"the recurrent layer {name} has tensors of shapes that no RNN, GRU or LSTM has")
            continue
        cells.append(Cell(GATES[gates], Layer(inward, biases[0]), Layer(across, biases[1]), nonlinearity))
    return tuple(cells)


def _rest(arrays: Mapping[str, np.ndarray], problems: list[str]) -> tuple[np.ndarray | None, tuple[Layer, ...]]:
    """The embedding and the layers of the read-out."""
    embeddings = [name for name in arrays if "emb" in name.lower()]
    if len(embeddings) > 1 or any(arrays[name].ndim != 2 for name in embeddings):
        problems.append(f"has the embeddings {', '.join(embeddings)[:80]}; one matrix can be read")
    layers = []
    for name in dict.fromkeys(name.rpartition(".")[0] for name in arrays if name not in embeddings):
        weight = arrays.get(f"{name}.weight")
        bias = arrays.get(f"{name}.bias", np.zeros(0 if weight is None else len(weight)))
        if weight is None or weight.ndim != 2 or bias.shape != (len(weight),):
            problems.append(f"tensors {name[:60]} belong to no linear or recurrent layer of one direction")
        else:
            layers.append(Layer(weight, bias))
    known = {f"{name.rpartition('.')[0]}.{part}" for name in arrays for part in ("weight", "bias")}
    problems += [f"tensor {name[:60]} belongs to no linear or recurrent layer" for name in arrays if name not in known]
    return (arrays[embeddings[0]] if len(embeddings) == 1 else None), tuple(layers)


def _inputs(
    kind: str | None, embedding: np.ndarray | None, first: Cell, numbers: Mapping[str, int], problems: list[str]
) -> np.ndarray | None:
    """The vector that each input becomes; None for inputs that are read as numbers."""
    symbols, width = numbers["high"] - numbers["low"] + 1, first.inward.weight.shape[1]
    kind = kind or ("embedding" if embedding is not None else "one-hot" if width == symbols and width > 1 else "number")
    if kind != "embedding" and embedding is not None:
        problems.append(f"metadata input is {kind!r}, and there is an embedding")
    if kind == "number":
        return None
    table = np.eye(symbols) if kind == "one-hot" and symbols <= MOST_SYMBOLS else embedding
    if table is None:
        problems.append(
            f"metadata input is {kind!r}; there is no embedding, or there are more than {MOST_SYMBOLS} inputs"
        )
    elif table.shape != (symbols, width):
        problems.append(
            f"{symbols} inputs from low to high, a table of {table.shape} for them, and a layer that reads {width}"
        )
    return table
