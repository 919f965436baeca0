"""Networks that other libraries made: torch, scikit-learn, state dicts and, in `onnx_file`, ONNX. Source: ours.

Where the other library can run the network, the result is compared with it before it is returned.
"""

import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.files import (
    StrPath,
    decode_safetensors,
    layer_orders,
    natural_order,
    read_tensor_bytes,
    safetensors_metadata,
)
from novacula.hypernet.config import ActivationName
from novacula.hypernet.network import MAX_BYTES, TargetNetwork, network_tensor_names, read_network
from novacula.hypernet.onnx_file import ALIASES, Affine, Step, assembled, compared
from novacula.torch_modules import negate_linear

if TYPE_CHECKING:
    import torch


def open_network(path: StrPath, activation: ActivationName | None = None) -> TargetNetwork:
    """Reads a network of our own format, a state dict in safetensors, or a multilayer perceptron in ONNX.

    Args:
        path: the file; the ending ``.onnx`` tells ONNX.
        activation: that of the hidden units, for a state dict, which names none.

    Raises:
        InputError: the file breaks a rule, or holds what is no multilayer perceptron, which is named; for ONNX also
            that the package onnx is not installed.
    """
    if Path(path).suffix.lower() == ".onnx":
        from novacula.hypernet.onnx_file import from_onnx

        return from_onnx(path)
    if (kind := Path(path).suffix.lower()) in _OTHERS:
        raise InputError(os.fspath(path), _OTHERS[kind])
    data, source = read_tensor_bytes(path, max_bytes=MAX_BYTES), os.fspath(path)
    arrays, metadata = decode_safetensors(data, source), safetensors_metadata(data, source)
    if network_tensor_names(arrays):
        return read_network(path)
    ours = {"low", "high"} <= metadata.keys() and any(name.startswith("f.") for name in arrays)
    if ours or any("weight_ih" in name for name in arrays):
        raise InputError(source, f"is a recurrent network; `novacula distill run {source}` reads it")
    return from_state_dict(arrays, activation or metadata.get("activation"), source)


_PICKLED = "may run code when it is read; write the weights with safetensors.torch.save_file, or export to ONNX"
_KERAS = "is a file of Keras; export it: model.export('network.onnx', format='onnx')"
_OTHERS = dict.fromkeys((".pt", ".pth", ".bin", ".pkl", ".joblib"), _PICKLED) | dict.fromkeys((".keras", ".h5"), _KERAS)
"""Endings of files that are not read, and what to do instead."""


def from_state_dict(arrays: Mapping[str, np.ndarray], activation: str | None, source: str) -> TargetNetwork:
    """Reads the tensors of linear layers, one after the other: PREFIX.weight (out × in) and PREFIX.bias.

    Numbers in the prefixes are the order of the layers. Where words differ, their sizes must leave one order only.

    Raises:
        InputError: a tensor of another kind, sizes that do not follow each other or do so in several orders, or no
            known activation.
    """
    problems = []
    arrays = {name if "." in name else f".{name}": array for name, array in arrays.items()}  # a layer without prefix
    layers = sorted({name.rpartition(".")[0] for name in arrays}, key=natural_order)
    for name, array in arrays.items():
        wanted = {"weight": 2, "bias": 1}.get(name.rpartition(".")[2])
        if wanted != array.ndim or array.dtype.kind != "f":
            problems.append(
                f"tensor {name.removeprefix('.')[:60]} of {array.dtype} {array.shape} belongs to no linear layer"
            )
    problems += [f"tensor {name}.weight is missing" for name in layers if name and f"{name}.weight" not in arrays]
    if activation not in ALIASES:
        said = "names no activation" if activation is None else f"has the activation {activation[:40]!r}"
        problems.append(f"{said}; give the activation of the hidden units: {', '.join(ALIASES)}")
    if problems or not layers:
        raise InputError(source, *(problems or ["holds no tensors"]))
    shapes: dict[str, tuple[int, int]] = {name: arrays[f"{name}.weight"].shape for name in layers}
    orders = layer_orders(shapes)
    if len(orders) > 1:
        said = f"does not tell the order of its layers {', '.join(layers)[:120]}; names with numbers do"
        raise InputError(source, said)
    layers = orders[0] if orders else layers
    maps = [Affine(arrays[f"{name}.weight"], arrays.get(f"{name}.bias")) for name in layers]
    return assembled([step for each in maps for step in (each, str(activation))][:-1], source, {"format": "state_dict"})


def from_torch(module: "torch.nn.Module", activation: ActivationName | None = None) -> TargetNetwork:
    """Reads a module whose layers stand in the order of its computation, and compares the outputs of both.

    Args:
        module: linear layers, activations, and what changes nothing in evaluation (dropout, batch normalization).
        activation: what the module's own `forward` applies between linear layers, where no layer says it.

    Raises:
        InputError: a layer that is none of these, which is named, or a module that computes something else.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise InputError("module", f"is a {type(module).__name__}; a torch.nn.Module is needed")
    double = deepcopy(module).cpu().double().eval()
    try:
        network = _of_module(double, activation, again=True)
    except InputError:  # a layer that has two names may still be applied once
        network = _of_module(double, activation, again=False)
    if turned := _turned(double, network):
        compared(turned, partial(_outputs, double), "module with its last layer negated", 1e-9)
    return network


def _of_module(double: "torch.nn.Module", activation: ActivationName | None, *, again: bool) -> TargetNetwork:
    """The network of a module in float64; a layer that stands in it several times counts each time, or the first."""
    leaves = [
        leaf for _, leaf in double.named_modules(remove_duplicate=not again) if not any(True for _ in leaf.children())
    ]
    steps = [step for leaf in leaves for step in _torch_steps(leaf)]
    if not activation and len(steps) > 1 and all(isinstance(step, Affine) for step in steps):
        said = "has no layer that is an activation between its layers; if its forward applies one"
        raise InputError("module", f"{said}, name it: from_torch(module, 'relu')")
    if activation and not any(isinstance(step, str) for step in steps):
        steps = [step for each in steps for step in (each, activation)][:-1]
    return compared(assembled(steps, "module", {"format": "torch"}), partial(_outputs, double), "module", 1e-9)


def _outputs(double: "torch.nn.Module", x: Float[np.ndarray, "batch inputs"]) -> Float[np.ndarray, "batch outputs"]:
    import torch

    with torch.no_grad():
        outputs = double(torch.from_numpy(x)).numpy()
    return outputs[:, None] if outputs.ndim == 1 else outputs  # many modules squeeze their only output


def _turned(double: "torch.nn.Module", network: TargetNetwork) -> TargetNetwork | None:
    """Negates the last layer of both, so that a rectifier behind it shows; None where it is not one of its own."""
    (*weights, last), (*biases, bias) = network.weights, network.biases
    if any(negate_linear(double, factor * last) for factor in (1, 2)):  # of logistic units the weights are halved
        return replace(network, weights=(*weights, -last), biases=(*biases, -bias))
    return None


def _torch_steps(leaf: "torch.nn.Module") -> list[Step]:
    """What one layer does."""
    from torch import nn

    simple = {nn.ReLU: "relu", nn.SiLU: "swish", nn.Tanh: "tanh", nn.Sigmoid: "logistic"}
    if type(leaf) in simple:
        return [simple[type(leaf)]]
    match leaf:
        case nn.Linear():
            bias = None if leaf.bias is None else leaf.bias.detach().numpy()
            return [Affine(leaf.weight.detach().numpy(), bias)]
        case nn.GELU(approximate="none"):
            return ["gelu"]
        case nn.Softplus(beta=1):
            return ["softplus"]
        case nn.Identity() | nn.Dropout() | nn.Flatten():
            return []
        case nn.BatchNorm1d(running_mean=mean, running_var=variance) if mean is not None and variance is not None:
            scale = 1 / np.sqrt(variance.numpy() + leaf.eps)
            scale = scale if leaf.weight is None else scale * leaf.weight.detach().numpy()
            shift = 0.0 if leaf.bias is None else leaf.bias.detach().numpy()
            return [Affine(scale, shift - scale * mean.numpy())]
        case _:
            raise InputError(
                "module", f"has the layer {str(leaf)[:80]}, which no multilayer perceptron here has: {_KNOWN}"
            )


_KNOWN = "Linear; ReLU, SiLU, Tanh, Sigmoid, GELU or Softplus; Dropout, Flatten, BatchNorm1d"


def from_sklearn(model: object) -> TargetNetwork:
    """Reads a fitted `MLPRegressor` or `MLPClassifier`; a classifier's outputs are those before its last function.

    Raises:
        InputError: another object, one that is not fitted, or an activation that is not known.
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not isinstance(model, MLPClassifier | MLPRegressor) or not hasattr(model, "coefs_"):
        raise InputError("model", f"is {type(model).__name__}; a fitted MLPRegressor or MLPClassifier is needed")
    maps = [Affine(np.asarray(w).T, np.asarray(b)) for w, b in zip(model.coefs_, model.intercepts_, strict=True)]
    network = assembled([s for each in maps for s in (each, model.activation)][:-1], "model", {"format": "sklearn"})
    if isinstance(model, MLPRegressor):
        return compared(network, lambda x: np.asarray(model.predict(x)).reshape(len(x), -1), "model", 1e-5)
    return network
