from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from novacula.distill.networks.network import Activation, Network, load_network, save_network
from novacula.errors import InputError
from tests.distill.random_networks import random_network

GOOD = {"activation": "relu", "inputs": "1", "low": "-2", "high": "3", "length": "8"}


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_networks_come_back_as_they_were(tmp_path: Path, activation: Activation, dtype: type) -> None:
    network = random_network(np.random.default_rng(1), size=3, streams=2, outputs=2, depth=3, activation=activation)
    save_network(tmp_path / "n.safetensors", network, dtype)
    back = load_network(tmp_path / "n.safetensors")
    assert isinstance(back, Network)
    assert (back.activation, back.low, back.high, back.length) == (activation, -2, 3, 8)
    assert (back.size, back.streams, back.outputs) == (3, 2, 2)
    for ours, theirs in zip(network.f + network.g, back.f + back.g, strict=True):
        np.testing.assert_array_equal(ours.weight.astype(dtype), theirs.weight)
        np.testing.assert_array_equal(ours.bias.astype(dtype), theirs.bias)
        assert theirs.weight.dtype == np.float64


def test_another_reader_finds_the_tensors_of_the_contract(tmp_path: Path) -> None:
    network = random_network(np.random.default_rng(1))
    save_network(tmp_path / "n.safetensors", network)
    arrays = load_file(tmp_path / "n.safetensors")
    assert sorted(arrays) == sorted(f"{p}.{i}.{k}" for p in "fg" for i in (0, 1) for k in ("weight", "bias"))
    np.testing.assert_array_equal(arrays["f.0.weight"], network.f[0].weight)


def arrays_of(**changes: Any) -> dict[str, np.ndarray]:
    network = random_network(np.random.default_rng(0))
    arrays = {}
    for part, layers in (("f", network.f), ("g", network.g)):
        for index, layer in enumerate(layers):
            arrays |= {f"{part}.{index}.weight": layer.weight, f"{part}.{index}.bias": layer.bias}
    return {name: array for name, array in {**arrays, **changes}.items() if array is not None}


def with_nan() -> np.ndarray:
    values = np.zeros((8, 4))
    values[1, 2] = np.nan
    return values


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "no metadata": (lambda: save(arrays_of()), "activation is missing.*inputs is missing.*length is missing"),
    "unknown activation": (lambda: save(arrays_of(), GOOD | {"activation": "gelu"}), "activation is 'gelu'"),
    "no integer": (lambda: save(arrays_of(), GOOD | {"low": "0.5"}), "low is '0.5'"),
    "other digits": (lambda: save(arrays_of(), GOOD | {"high": "٣"}), "high is"),
    "long digits": (lambda: save(arrays_of(), GOOD | {"length": "9" * 5000}), "length is '9999"),
    "no length": (lambda: save(arrays_of(), GOOD | {"length": "0"}), "length is '0'"),
    "low above high": (lambda: save(arrays_of(), GOOD | {"low": "4"}), "low is 4, above high, which is 3"),
    "other inputs": (lambda: save(arrays_of(), GOOD | {"inputs": "2"}), "f.0.weight has 4 columns; .* give 5"),
    "missing bias": (lambda: save(arrays_of(**{"f.1.bias": None}), GOOD), "f.1.bias is missing"),
    "no readout": (lambda: save({k: v for k, v in arrays_of().items() if k[0] == "f"}, GOOD), "g.0.weight is missing"),
    "gap": (lambda: save(arrays_of(**{"f.3.bias": np.zeros(3)}), GOOD), "f.2.weight is missing"),
    "stranger": (lambda: save(arrays_of(**{"f.weight": np.zeros(3)}), GOOD), "'f.weight' belongs to no layer"),
    "integers": (lambda: save(arrays_of(**{"g.1.bias": np.zeros(1, int)}), GOOD), "g.1.bias is of int64"),
    "half": (lambda: save(arrays_of(**{"g.1.bias": np.zeros(1, np.float16)}), GOOD), "g.1.bias is of float16"),
    "NaN": (lambda: save(arrays_of(**{"f.0.weight": with_nan()}), GOOD), r"f.0.weight is nan at \[1, 2\]"),
    "vector": (lambda: save(arrays_of(**{"f.0.weight": np.zeros(8)}), GOOD), r"f.0.weight has shape \(8,\)"),
    "empty": (lambda: save(arrays_of(**{"g.0.weight": np.zeros((8, 0))}), GOOD), r"g.0.weight has shape \(8, 0\)"),
    "bias of another size": (lambda: save(arrays_of(**{"g.0.bias": np.zeros(7)}), GOOD), "g.0.bias has 7 numbers"),
    "layers do not join": (
        lambda: save(arrays_of(**{"g.1.weight": np.zeros((1, 9))}), GOOD),
        "g.1.weight has 9 columns; the rows of g.0.weight give 8",
    ),
    "two at once": (
        lambda: save(arrays_of(**{"f.0.bias": None, "g.1.bias": np.zeros((1, 1))}), GOOD | {"length": "x"}),
        "length is 'x'.*g.1.bias has shape.*f.0.bias is missing",
    ),
    "not safetensors": (lambda: b"\x80\x04 a pickle", "not a safetensors file"),
}


@pytest.mark.parametrize("case", BAD)
def test_whatever_is_no_network_is_refused(tmp_path: Path, case: str) -> None:
    make, message = BAD[case]
    (tmp_path / "n").write_bytes(make())
    with pytest.raises(InputError, match=message):
        load_network(tmp_path / "n")
