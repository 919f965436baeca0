import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from novacula.errors import InputError
from novacula.hypernet import classify
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.network import TargetNetwork, read_network, write_network


def random_network(architecture: Architecture, seed: int = 0) -> TargetNetwork:
    generator = np.random.default_rng(seed)
    sizes = architecture.sizes
    weights = tuple(generator.standard_normal((above, below)) for below, above in pairwise(sizes))
    last = len(weights) - 1
    on = [architecture.output_bias if layer == last else architecture.biases for layer in range(len(weights))]
    biases = tuple(
        generator.standard_normal(len(w)) if switch else np.zeros(len(w)) for w, switch in zip(weights, on, strict=True)
    )
    bypass = generator.standard_normal((sizes[-1], sizes[0])) if architecture.bypass else None
    return TargetNetwork(architecture, weights, biases, bypass, "max", {"beta": 1e-6, "steps": [1, 2]})


def test_computes_layers_residuals_and_bypass() -> None:
    network = random_network(Architecture((3, 4, 4, 2), "tanh", residual=True, bypass=True))
    x = np.random.default_rng(1).standard_normal((5, 3))
    (w0, w1, w2), (b0, b1, b2) = network.weights, network.biases
    first = np.tanh(x @ w0.T + b0)
    second = np.tanh(first @ w1.T + b1) + first
    assert network.bypass is not None

    np.testing.assert_allclose(network(x), second @ w2.T + b2 + x @ network.bypass.T, rtol=1e-12)


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture((4, 6, 1)),
        Architecture((4, 1), "sin"),
        Architecture((2, 5, 5, 3), "gelu", biases=False, residual=True),
        Architecture((3, 4, 2), "abs", output_bias=False, bypass=True),
    ],
)
def test_a_file_gives_the_network_back(tmp_path: Path, architecture: Architecture) -> None:
    network = random_network(architecture)
    write_network(tmp_path / "network.safetensors", network)

    again = read_network(tmp_path / "network.safetensors")

    x = np.random.default_rng(2).standard_normal((7, architecture.inputs))
    assert (again.architecture, again.task, again.provenance) == (architecture, "max", network.provenance)
    np.testing.assert_array_equal(again(x), network(x))


def test_weights_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        random_network(Architecture((2, 2, 1))).weights[0][0, 0] = 1


def test_shapes_must_be_those_of_the_architecture() -> None:
    network = random_network(Architecture((2, 3, 1)))
    with pytest.raises(InputError, match="are needed"):
        replace(network, architecture=Architecture((2, 4, 1)))
    with pytest.raises(InputError, match="are needed"):
        replace(network, architecture=Architecture((2, 3, 1), bypass=True))


def arrays() -> dict[str, np.ndarray]:
    return {
        "weight.0": np.ones((3, 2)),
        "bias.0": np.ones(3),
        "weight.1": np.ones((1, 3), np.float32),
        "bias.1": np.ones(1),
    }


def written(folder: Path, changes: dict[str, np.ndarray | None], **metadata: str) -> Path:
    held = {name: array for name, array in (arrays() | changes).items() if array is not None}
    path = folder / "network.safetensors"
    path.write_bytes(save(held, {"activation": "relu"} | metadata))
    return path


def test_a_file_needs_no_more_than_weights_and_an_activation(tmp_path: Path) -> None:
    network = read_network(written(tmp_path, {"bias.0": None}))

    assert network.architecture == Architecture((2, 3, 1), "relu", biases=False)
    assert network(np.array([[1.0, 2.0]])).tolist() == [[10.0]]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"weight.1": np.ones((1, 4))}, "weight.1 has 4 columns; the rows of weight.0 are 3"),
        ({"weight.0": np.full((3, 2), np.nan)}, r"weight.0 is nan at \[0, 0\]"),
        ({"bias.0": np.array([1.0, np.inf, 1.0])}, r"bias.0 is inf at \[1\]"),
        ({"bias.0": np.ones(2)}, "bias.0 has 2 numbers; its weight has 3 rows"),
        ({"bias.0": np.ones((3, 1))}, "1 dimension"),
        ({"weight.0": None}, "weight.0 is missing"),
        ({"weight.0": np.ones((3, 2), np.int64)}, "is of int64"),
        ({"weight.0": np.ones((0, 2))}, "none of them empty"),
        ({"extra": np.ones(1)}, "'extra' belongs to no layer"),
        ({"bypass": np.ones((2, 1))}, r"bypass has shape \(2, 1\)"),
        (dict.fromkeys(arrays()), "weight.0 is missing"),
    ],
)
def test_refuses_tensors_that_make_no_network(tmp_path: Path, changes: dict, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_network(written(tmp_path, changes))


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"activation": "selu"}, "activation is 'selu'; one of swish"),
        ({"switches": json.dumps({"residual": 1})}, "switches hold 'residual: 1'"),
        ({"switches": json.dumps({"biases": False})}, "switch biases is off"),
        ({"switches": json.dumps({"bypass": True})}, "bypass is missing"),
        ({"switches": "[]"}, "no JSON object"),
        ({"provenance": "{"}, "metadata provenance"),
    ],
)
def test_refuses_metadata_that_it_does_not_know(tmp_path: Path, metadata: dict[str, str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_network(written(tmp_path, {}, **metadata))


def test_refuses_what_is_no_safetensors_file(tmp_path: Path) -> None:
    path = tmp_path / "network.safetensors"
    path.write_bytes(b"weights")
    with pytest.raises(InputError, match="not a safetensors file"):
        read_network(path)
    with pytest.raises(InputError, match="no such file"):
        read_network(tmp_path / "absent")


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_numbers_that_are_not_finite_are_refused(value: float, place: int) -> None:
    arrays = [np.ones((3, 2)), np.ones((1, 3)), np.zeros(3), np.zeros(1), np.ones((1, 2))]
    arrays[place][0] = value
    with pytest.raises(InputError, match="must be finite"):
        TargetNetwork(Architecture((2, 3, 1), "relu", bypass=True), (*arrays[:2],), (*arrays[2:4],), arrays[4])


def test_networks_and_what_is_found_in_them_are_short_in_a_terminal_and_pictures_in_a_notebook() -> None:
    network = build("pudding+", 4)
    assert repr(network) == "<TargetNetwork 4-12-1, swish, l1-norm>" and "<svg" in network._repr_html_()
    assert build("double-sided", 200)._repr_html_().startswith("&lt;TargetNetwork 200-")
    found = classify(network, ClassifyConfig(draws=0), check_points=1000)
    assert repr(found) == "<Classified pudding+: sum(abs(x_i) for x_i in x)>"
    assert str(found).splitlines()[0] == "pudding+; by its outputs pudding+, which agrees"
    assert str(found).splitlines()[-1].startswith("proved: |network - task| <= ")
    assert (found.formula._repr_latex_() or "").startswith("$")
