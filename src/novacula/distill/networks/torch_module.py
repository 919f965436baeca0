"""Recurrent networks of torch as modules, which are compared with what they compute themselves. Source: ours."""

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from novacula.distill.networks.cells import CellNetwork, Layer, Output, compared_steps, largest_difference
from novacula.distill.networks.foreign import read_cells
from novacula.distill.sources.sequences import Word
from novacula.errors import InputError
from novacula.torch_modules import negate_linear

if TYPE_CHECKING:
    import torch

_ROWS = 20
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
