"""Networks written by the real libraries: torch, scikit-learn, and ONNX from both of their exporters."""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import nn

from novacula.errors import InputError
from novacula.hypernet import classify, from_onnx, from_sklearn, from_torch, open_network, write_network
from novacula.hypernet.build import build
from novacula.hypernet.config import ActivationName, ClassifyConfig

few_rounds = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
exporting = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

X = np.random.default_rng(3).standard_normal((200, 4))


def sequential(*between: Callable[[], nn.Module], sizes: tuple[int, ...] = (4, 7, 5, 2)) -> nn.Sequential:
    """A torch network with these layers between its linear ones."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for below, above in pairwise(sizes):
        layers += [nn.Linear(below, above), *(make() for make in between)]
    return nn.Sequential(*layers[: len(layers) - len(between)])


def outputs(module: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return module.double().eval()(torch.from_numpy(X)).numpy()


class Functional(nn.Module):
    """A module whose activation stands in its forward pass only."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 6), nn.Linear(6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.tanh(self.first(x)))


@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU, nn.GELU, nn.Softplus, nn.Tanh, nn.Sigmoid])
def test_torch_modules(activation: type[nn.Module]) -> None:
    module = sequential(activation)
    np.testing.assert_allclose(from_torch(module)(X), outputs(module), atol=1e-9)


class Named(nn.Module):
    """A module that has its activation under two names, and applies it once."""

    def __init__(self) -> None:
        super().__init__()
        self.body = sequential(nn.Tanh, sizes=(4, 7, 2))
        self.activation = self.body[1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x)


def test_a_layer_counts_as_often_as_it_is_applied() -> None:
    shared = nn.Tanh()
    for module in (sequential(lambda: shared), Named()):
        np.testing.assert_allclose(from_torch(module)(X), outputs(module), atol=1e-12)


def test_what_changes_nothing_in_evaluation_is_folded_in() -> None:
    module = sequential(lambda: nn.BatchNorm1d(7), nn.ReLU, nn.Dropout, sizes=(4, 7, 7, 2))
    module(torch.randn(50, 4))  # gives the batch normalization its moments
    network = from_torch(module.eval())
    assert network.architecture.sizes == (4, 7, 7, 2)
    np.testing.assert_allclose(network(X), outputs(module), atol=1e-9)


def test_a_module_whose_forward_applies_the_activation() -> None:
    module = Functional()
    np.testing.assert_allclose(from_torch(module, "tanh")(X), outputs(module), atol=1e-9)
    with pytest.raises(InputError, match="something else than its layers"):
        from_torch(module, "relu")
    with pytest.raises(InputError, match=r"no layer that is an activation .* from_torch\(module, 'relu'\)"):
        from_torch(module)
    module.forward = lambda x: Functional.forward(module, x)[:, 0]  # as many people write it: a number for each row
    np.testing.assert_allclose(from_torch(module, "tanh")(X)[:, 0], outputs(module), atol=1e-9)
    with pytest.raises(InputError, match=r"a torch\.nn\.Module is needed"):
        from_torch(cast("nn.Module", [module]))


class NeverNegative(Functional):
    """A module whose last function shows on rare inputs alone."""

    def __init__(self) -> None:
        super().__init__()
        with torch.no_grad():
            self.second.bias.fill_(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(super().forward(x))


def test_a_function_behind_the_last_layer_is_noticed() -> None:
    module = NeverNegative()
    assert outputs(module).min() > 0
    with pytest.raises(InputError, match="last layer negated: computes something else"):
        from_torch(module, "tanh")


class OfLargeInputs(Functional):
    """A module for inputs of some thousands, whose sines are no hyperbolic tangents there."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        with torch.no_grad():
            self.first.weight.mul_(scale)
            self.first.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.sin(self.first(x)))


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_a_module_is_compared_on_inputs_that_bend_its_units(scale: float) -> None:
    with pytest.raises(InputError, match="computes something else"):
        from_torch(OfLargeInputs(scale), "tanh")
    assert from_torch(OfLargeInputs(scale), "sin").architecture.activation == "sin"


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU()), "Conv1d"),
        (nn.Sequential(nn.Linear(4, 3), nn.GELU("tanh"), nn.Linear(3, 1)), "GELU"),
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1), nn.Sigmoid()), "different activations"),
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1), nn.ReLU()), "last function"),
        (nn.GRU(4, 3), "GRU"),
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(5, 1)), "takes 5 numbers; the one before gives 3"),
    ],
)
def test_what_is_no_perceptron_is_refused_by_name(module: nn.Module, words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_torch(module)


class Waves(nn.Module):
    """Computes something else than its layers, and something small."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.layers = sequential(nn.ReLU).double()
        with torch.no_grad():
            for parameter in self.layers[-1].parameters():
                parameter *= scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) * torch.sin(x[:, :1])


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e-200])
def test_a_module_of_small_outputs_is_compared_as_closely(scale: float) -> None:
    with pytest.raises(InputError, match="computes something else"):
        from_torch(Waves(scale))
    assert from_torch(Waves(scale).layers).architecture.sizes == (4, 7, 5, 2)


@few_rounds
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_scikit_learn(activation: str, tmp_path: Path) -> None:
    model = MLPRegressor(hidden_layer_sizes=(6, 5), activation=activation, max_iter=30, random_state=0)  # pyright: ignore[reportArgumentType]
    model.fit(X, np.abs(X).sum(1))
    network = from_sklearn(model)
    np.testing.assert_allclose(network(X)[:, 0], np.asarray(model.predict(X)), atol=1e-9)

    from skl2onnx import to_onnx

    (tmp_path / "model.onnx").write_bytes(to_onnx(model, X[:1]).SerializeToString())  # pyright: ignore
    np.testing.assert_allclose(from_onnx(tmp_path / "model.onnx")(X)[:, 0], np.asarray(model.predict(X)), atol=1e-5)


@few_rounds
def test_a_classifier_gives_what_stands_before_its_last_function() -> None:
    model = MLPClassifier((6,), "tanh", max_iter=30, random_state=0).fit(X, X[:, 0] > 0)
    chances = 1 / (1 + np.exp(-from_sklearn(model)(X)[:, 0]))
    np.testing.assert_allclose(chances, np.asarray(model.predict_proba(X))[:, 1], atol=1e-9)


@pytest.mark.parametrize("model", [MLPRegressor(), object()])
def test_what_is_no_fitted_perceptron(model: object) -> None:
    with pytest.raises(InputError, match="a fitted MLPRegressor or MLPClassifier is needed"):
        from_sklearn(model)


@exporting
@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU, nn.Tanh, nn.Softplus, nn.Sigmoid])
def test_onnx_that_torch_wrote(activation: type[nn.Module], tmp_path: Path) -> None:
    module = sequential(activation).float().eval()
    path = str(tmp_path / "network.onnx")
    torch.onnx.export(module, (torch.zeros(1, 4),), path, dynamo=False, opset_version=17)
    np.testing.assert_allclose(open_network(path)(X), outputs(module), atol=1e-5)


@exporting
def test_onnx_of_the_new_exporter(tmp_path: Path) -> None:
    module = sequential(nn.ReLU).float().eval()
    path = str(tmp_path / "network.onnx")
    torch.onnx.export(module, (torch.zeros(1, 4),), path, dynamo=True, external_data=False, verbose=False)
    np.testing.assert_allclose(open_network(path)(X), outputs(module), atol=1e-5)


def test_onnx_that_keras_wrote() -> None:
    """`keras.onnx` is from Keras 3.15.1, whose backend was torch 2.13.0:

    keras.utils.set_random_seed(0)
    Dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((3,)), Dense(4, activation="relu"), Dense(1)])
    model(np.zeros((1, 3), "float32")); model.export("keras.onnx", format="onnx")

    The values are those of `model.predict`.
    """
    x = np.arange(6).reshape(2, 3) / 4
    network = open_network(Path(__file__).with_name("keras.onnx"))
    assert network.architecture.sizes == (3, 4, 1) and network.architecture.activation == "relu"
    np.testing.assert_allclose(network(x)[:, 0], [0.3966425657272339, 1.247429370880127], atol=1e-6)


def test_onnx_names_every_operator_that_a_perceptron_does_not_have(tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.ones((3, 1, 2), np.float32), "w")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("LSTM", ["x", "w", "w"], ["b"], hidden_size=1),
        helper.make_node("Relu", ["x"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 4]) for name in ("x", "y")]
    model = helper.make_model(helper.make_graph(nodes, "strange", values[:1], values[1:], [weight]))
    onnx.save(model, tmp_path / "strange.onnx")
    with pytest.raises(InputError, match=r"Conv, which .*LSTM, which"):
        open_network(tmp_path / "strange.onnx")


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x08\x07\x12\x00", b"\x0a\xff\xff\xff\xff\x0f"])
def test_bytes_that_are_no_model(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(data)
    with pytest.raises(InputError, match=r"broken\.onnx"):
        open_network(tmp_path / "broken.onnx")


@pytest.mark.parametrize(("activation", "made"), [("silu", nn.SiLU), ("sigmoid", nn.Sigmoid), ("relu", nn.ReLU)])
def test_state_dicts(activation: ActivationName, made: type[nn.Module], tmp_path: Path) -> None:
    sizes = (4, *([5] * 11), 1)  # layer 10 comes after layer 9
    module = sequential(made, sizes=sizes)
    save_torch(module.state_dict(), tmp_path / "state.safetensors")
    network = open_network(tmp_path / "state.safetensors", activation)
    np.testing.assert_allclose(network(X), outputs(module), atol=1e-5)
    with pytest.raises(InputError, match="names no activation"):
        open_network(tmp_path / "state.safetensors")


def test_layers_whose_names_are_words_are_ordered_by_their_sizes_or_not_read(tmp_path: Path) -> None:
    for sizes, read in (((4, 5, 5, 1), True), ((4, 4, 4, 1), False)):  # as words, hidden comes before input
        module = sequential(nn.ReLU, sizes=sizes)
        names = dict(zip("024", ("input", "hidden", "output"), strict=True))
        state = {names[key[0]] + key[1:]: value for key, value in module.state_dict().items()}
        save_torch(state, tmp_path / "state.safetensors")
        if read:
            found = open_network(tmp_path / "state.safetensors", "relu")
            np.testing.assert_allclose(found(X), outputs(module), atol=1e-5)
        else:
            with pytest.raises(InputError, match="order of its layers hidden, input, output"):
                open_network(tmp_path / "state.safetensors", "relu")
    save_torch(nn.Linear(4, 1).state_dict(), tmp_path / "state.safetensors")
    with pytest.raises(InputError, match="one affine map"):
        open_network(tmp_path / "state.safetensors", "relu")


def test_a_state_dict_in_bfloat16(tmp_path: Path) -> None:
    module = sequential(nn.ReLU).to(torch.bfloat16)
    save_torch(module.state_dict(), tmp_path / "state.safetensors")
    np.testing.assert_allclose(open_network(tmp_path / "state.safetensors", "relu")(X), outputs(module), atol=1e-12)


@pytest.mark.parametrize(
    ("name", "says"), [("net.pt", "may run code"), ("net.pkl", "may run code"), ("net.keras", r"model\.export")]
)
def test_files_of_other_kinds_are_refused_with_a_way_out(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(InputError, match=says):
        open_network(tmp_path / name)


def test_a_missing_onnx_file_is_named_before_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match="no such file"):
        open_network(tmp_path / "nothing.onnx")
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        open_network(tmp_path / "net.onnx")


def test_distill_sends_our_networks_here(tmp_path: Path) -> None:
    from novacula.distill import load_network

    write_network(tmp_path / "net.safetensors", build("double-sided", 3))
    with pytest.raises(InputError, match="novacula hypernet classify"):
        load_network(tmp_path / "net.safetensors")


def test_a_state_dict_of_something_else_names_its_tensors(tmp_path: Path) -> None:
    save_torch(nn.GRU(4, 3).state_dict(), tmp_path / "gru.safetensors")
    with pytest.raises(InputError, match=r"recurrent network; `novacula distill run .*gru\.safetensors`"):
        open_network(tmp_path / "gru.safetensors", "tanh")
    save_torch(nn.Conv1d(1, 2, 3).state_dict(), tmp_path / "conv.safetensors")
    with pytest.raises(InputError, match=r"tensor weight of float32 \(2, 1, 3\) belongs to no linear layer"):
        open_network(tmp_path / "conv.safetensors", "tanh")
    save_torch({"states": torch.zeros(5, 3)}, tmp_path / "states.safetensors")
    with pytest.raises(InputError, match=r"tensor states .* belongs to no linear layer$"):
        open_network(tmp_path / "states.safetensors", "tanh")


def test_a_recurrent_network_is_sent_to_distill(tmp_path: Path) -> None:
    arrays = {"f.0.weight": np.ones((2, 3), np.float32), "g.0.weight": np.ones((1, 2), np.float32)}
    metadata = {"low": "0", "high": "1", "inputs": "1", "length": "5", "activation": "relu"}
    save_file(arrays, tmp_path / "recurrent.safetensors", metadata)
    with pytest.raises(InputError, match="novacula distill run"):
        open_network(tmp_path / "recurrent.safetensors")


def test_a_foreign_network_is_classified_like_our_own(tmp_path: Path) -> None:
    """The weights of the double-sided algorithm, once in our own file and once as a torch module's state dict."""
    ours = build("double-sided", 16)
    write_network(tmp_path / "ours.safetensors", ours)
    arrays = {f"{2 * i}.weight": weight for i, weight in enumerate(ours.weights)}
    arrays |= {f"{2 * i}.bias": bias for i, bias in enumerate(ours.biases)}
    save_file({name: np.array(array) for name, array in arrays.items()}, tmp_path / "theirs.safetensors")
    config = ClassifyConfig(task="l1-norm", draws=2)
    theirs = ClassifyConfig(task="l1-norm", draws=2, activation=ours.architecture.activation)
    found = classify(tmp_path / "ours.safetensors", config), classify(tmp_path / "theirs.safetensors", theirs)
    assert found[0].analysis.label == found[1].analysis.label == "double-sided"
    assert found[0].formula.line == found[1].formula.line


def test_a_module_is_classified_as_it_is() -> None:
    module = sequential(nn.ReLU, sizes=(2, 3, 1))
    config = ClassifyConfig(task="none", draws=0)
    assert classify(module, config).network.weights[0].tolist() == from_torch(module).weights[0].tolist()
