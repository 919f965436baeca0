"""Recurrent networks of torch: state dicts, and modules, which are compared with what they compute themselves.

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

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import Shaped

from novacula.distill.networks.cells import (
    GATES,
    Activation,
    Cell,
    CellNetwork,
    Layer,
    Output,
    check_choices,
    largest_difference,
    read_integers,
    read_words,
)
from novacula.distill.sources.sequences import Alphabet, Word
from novacula.errors import InputError, refuse
from novacula.files import layer_orders, natural_order
from novacula.torch_modules import negate_linear

if TYPE_CHECKING:
    import torch

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


_ROWS = 20
FEWEST_STEPS, _MOST_STEPS = 6, 50
_NEAR, _NEAR_IN_FLOAT32 = 1e-6, 1e-4  #: how near outputs must be, as a share of the largest


def from_torch(
    module: "torch.nn.Module",
    alphabet: Sequence[Word | int] | Shaped[np.ndarray, " symbols"] | None = None,
    length: int = 10,
    output: Output | None = None,
    answers: Sequence[Word] | Shaped[np.ndarray, " answers"] | None = None,
) -> CellNetwork:
    """Reads a module with an RNN, GRU or LSTM, or with cells of these, and a linear or MLP read-out of every step.

    The module's own `forward` must run on integers, one-hot vectors or numbers, batch by time or time by batch, and its
    outputs must be the same. The state must start at 0.

    Args:
        module: one or two recurrent layers of one direction; an embedding, one-hot vectors or plain numbers go in.
        alphabet: the inputs in the order of their places: integers one after another, texts, or False and True. By
            default 0, 1, … as many as the embedding or the one-hot vectors have, or 0 and 1.
        length: the longest sequence of the training.
        output: how outputs become integers: ``argmax``, the default for several, ``round``, the default for one, or
            ``sign``, which is True for a positive output.
        answers: the words of the outputs.

    Raises:
        InputError: a layer that is none of these, which is named, or a module that computes something else.
    """
    from torch import nn

    double = deepcopy(module).double().cpu().eval()
    tables = [layer for layer in double.modules() if isinstance(layer, nn.Embedding)]
    if strange := [name for name, layer in double.named_modules() if _strange(layer)]:
        raise InputError("module", *(f"has the layer {name}, which is not read here" for name in strange))
    arrays = {name: tensor.numpy() for name, tensor in double.state_dict().items()}
    if tables:
        old = next(name for name, layer in double.named_modules() if layer is tables[0])
        arrays["embedding.weight"] = arrays.pop(f"{old}.weight")
    metadata = {"length": str(length), **_said(double)}
    metadata |= {"output": output} if output else {}
    metadata |= {} if answers is None else {"answers": json.dumps(_plain("answers", answers))}
    symbols = _plain("alphabet", alphabet if alphabet is not None else range(_symbols(arrays)))
    if all(type(symbol) is int for symbol in symbols) and symbols:
        if symbols != list(range(int(symbols[0]), int(symbols[0]) + len(symbols))):
            raise InputError("alphabet", f"is {str(symbols)[:60]}; integers must follow one another")
        metadata |= {"low": str(symbols[0]), "high": str(symbols[-1])}
    else:
        metadata["alphabet"] = json.dumps(symbols)
    network = read_cells(arrays, metadata, "module")
    _compare(module, network, "the read-out must see every step, and the state start at 0")
    last, turned = network.readout[-1], deepcopy(module)
    if negate_linear(turned, last.weight):
        negated = replace(network, readout=(*network.readout[:-1], Layer(-last.weight, -last.bias)))
        _compare(turned, negated, "once its last layer is negated; no function may follow that layer")
    return network


def _plain(name: str, words: Sequence[Word | int] | Shaped[np.ndarray, " words"]) -> list:
    """Words or numbers, which may come as an array, as JSON has them."""
    plain = [word if isinstance(word, str) else getattr(word, "item", lambda word=word: word)() for word in words]
    if strange := [word for word in plain if not isinstance(word, int | str)]:
        raise InputError(name, f"has {str(strange[0])[:40]}; integers, texts or truth values are needed")
    return plain


def _strange(layer: "torch.nn.Module") -> bool:
    from torch import nn

    if isinstance(layer, nn.RNNBase):
        return layer.bidirectional or getattr(layer, "proj_size", 0) > 0
    if any(True for _ in layer.children()):
        return False
    known = nn.RNNCellBase | nn.Linear | nn.Embedding | nn.ReLU | nn.Tanh | nn.Sigmoid
    harmless = known | nn.Dropout | nn.Identity | nn.Flatten
    return not isinstance(layer, harmless) and any(True for _ in layer.parameters())


def _said(module: "torch.nn.Module") -> dict[str, str]:
    """Activations, as layers say them."""
    from torch import nn

    names = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}
    said = {}
    for layer in module.modules():
        if type(layer) in names:
            said["activation"] = names[type(layer)]
        if (nonlinearity := getattr(layer, "nonlinearity", None)) in ("tanh", "relu"):
            said["nonlinearity"] = nonlinearity
    linear = sum(isinstance(layer, nn.Linear) for layer in module.modules())
    return {"activation": "relu"} | said if linear > 1 else said


def _symbols(arrays: dict[str, np.ndarray]) -> int:
    """The number of inputs where nobody tells."""
    if "embedding.weight" in arrays:
        return len(arrays["embedding.weight"])
    first = next((name for name in arrays if "weight_ih" in name), "")
    return max(2, arrays[first].shape[1]) if first else 2


def compared_steps(network: CellNetwork) -> int:
    """Returns how many steps of a network are compared with what another library computes."""
    return min(max(FEWEST_STEPS, network.length), _MOST_STEPS)


def _compare(module: "torch.nn.Module", network: CellNetwork, rule: str) -> None:
    """Makes sure that the module computes what was read, in float64 or, if it does not run so, as it is."""
    import torch
    from torch import nn

    generator, steps = np.random.default_rng(0), compared_steps(network)
    x = generator.integers(network.low, network.high, (_ROWS, steps, network.streams), endpoint=True)
    states = network.states(x)[:, 1:]
    expected = network.logits(states.reshape(-1, network.size)).reshape(_ROWS, steps, -1)
    errors = []
    own = deepcopy(module).cpu().eval()
    kind = next((each.dtype for each in own.parameters()), torch.float64)
    for tried, dtype, near in ((deepcopy(own).double(), torch.float64, _NEAR), (own, kind, _NEAR_IN_FLOAT32)):
        for run in _ways(tried, network, torch.from_numpy(x), dtype):
            try:
                with torch.no_grad():
                    outputs = _first(run())
                found = outputs.double().numpy().reshape(expected.shape)
            except Exception:
                continue
            errors.append(largest_difference(found, expected) / near)
        if errors:
            break
    if not errors and type(module).forward is not nn.Module.forward:
        problem = "its forward gives no output of every step for integers, one-hot vectors or numbers, batch by time"
        raise InputError("module", f"{problem}, so that nothing shows what it computes; its state dict can be read")
    if errors and not min(errors) <= float(np.abs(expected).max()) < np.inf:
        problem = f"its outputs differ by {min(errors) * near:.2g} from those of its layers as they were read"
        raise InputError("module", f"{problem}; {rule}")


def _ways(
    module: "torch.nn.Module", network: CellNetwork, x: "torch.Tensor", dtype: "torch.dtype"
) -> Iterator[Callable[[], "torch.Tensor"]]:
    """The ways to give a batch to a module: places, one-hot vectors or numbers; batch first or time first."""
    import torch

    given = [x.to(dtype), x[:, :, 0].to(dtype)] if network.embedding is None else [x[:, :, 0] - network.low]
    if network.embedding is not None:
        given.append(torch.nn.functional.one_hot(given[0], len(network.embedding)).to(dtype))
    for values in given:
        yield lambda values=values: module(values)
        yield lambda values=values: _first(module(values.transpose(0, 1))).transpose(0, 1)


def _first(outputs: "torch.Tensor | tuple[torch.Tensor, ...]") -> "torch.Tensor":
    return outputs[0] if isinstance(outputs, tuple) else outputs
