"""Networks of torch: modules and state dicts give the numbers that torch gives, and what is none of them is named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from novacula.distill import from_torch, load_network, run, save_network
from novacula.distill.config import RunConfig
from novacula.distill.networks.cells import CellNetwork
from novacula.errors import InputError
from novacula.files import write_safetensors
from novacula.runs import resume


class Model(nn.Module):
    """What a user writes: symbols, a recurrent core, a read-out of every step."""

    def __init__(self, core: nn.Module, readout: nn.Module, symbols: int | None = None, embed: int = 0) -> None:
        super().__init__()
        self.core, self.readout, self.symbols = core, readout, symbols
        self.table = nn.Embedding(symbols, embed) if embed and symbols else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.table is not None:
            x = self.table(x)
        elif self.symbols:
            x = nn.functional.one_hot(x, self.symbols).to(next(self.parameters()).dtype)
        return self.readout(self.core(x)[0])


class Cells(nn.Module):
    """Two cells, one above the other, and a loop."""

    def __init__(self, kind: type[nn.GRUCell] | type[nn.RNNCell] | type[nn.LSTMCell]) -> None:
        super().__init__()
        self.below, self.above, self.readout = kind(3, 5), kind(5, 4), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = b = None
        steps = []
        for time in range(x.shape[1]):
            a = self.below(x[:, time], a)
            b = self.above(a[0] if isinstance(a, tuple) else a, b)
            steps.append(self.readout(b[0] if isinstance(b, tuple) else b))
        return torch.stack(steps, dim=1)


def mlp(width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 6), nn.Tanh(), nn.Linear(6, outputs))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "GRU of one-hot vectors": lambda: Model(nn.GRU(3, 5, batch_first=True), nn.Sequential(nn.Linear(5, 3)), 3),
    "LSTM of two layers on an embedding": lambda: Model(nn.LSTM(4, 5, 2, batch_first=True), mlp(5, 3), 3, 4),
    "RNN with tanh": lambda: Model(nn.RNN(3, 5, batch_first=True), mlp(5, 4), 3),
    "RNN with ReLU, no bias": lambda: Model(
        nn.RNN(2, 5, nonlinearity="relu", bias=False, batch_first=True), nn.Sequential(nn.Linear(5, 1, bias=False))
    ),
    "GRU that reads time first": lambda: Model(nn.GRU(3, 5), nn.Sequential(nn.Linear(5, 3)), 3),
    "two GRU cells": lambda: Cells(nn.GRUCell),
    "two LSTM cells": lambda: Cells(nn.LSTMCell),
    "two RNN cells": lambda: Cells(nn.RNNCell),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_module_and_its_file_compute_what_torch_computes(tmp_path: Path, name: str) -> None:
    torch.manual_seed(0)
    module = MODELS[name]().double()
    numbers = "ReLU" in name
    network = from_torch(module, alphabet=range(4) if numbers else None)
    x = np.random.default_rng(0).integers(0, 4 if numbers else 3, (50, 7, network.streams))
    tokens = torch.from_numpy(x if numbers else x[:, :, 0])
    with torch.no_grad():
        if numbers:
            logits = module(tokens.double())
        elif "cells" in name:
            logits = module(nn.functional.one_hot(tokens, 3).double())
        else:
            logits = module(tokens.T).transpose(0, 1) if "time first" in name else module(tokens)
    states = network.states(x)[:, 1:].reshape(-1, network.size)
    assert np.allclose(network.logits(states).reshape(logits.shape), logits.numpy(), atol=1e-9)
    answers = logits.round() if numbers else logits.argmax(-1, keepdim=True)
    assert (network.run(x) == answers.numpy()).all()
    save_network(tmp_path / "a.safetensors", network)
    again = load_network(tmp_path / "a.safetensors")
    assert isinstance(again, CellNetwork) and (again.run(x) == network.run(x)).all()
    assert (again.length, again.alphabet, again.shape) == (network.length, network.alphabet, network.shape)


def test_a_state_dict_with_metadata_is_read(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Model(nn.GRU(2, 5, batch_first=True), mlp(5, 2), 2)
    arrays = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    metadata = {"length": "8", "alphabet": '["SYN", "ACK"]', "answers": '["no", "yes"]', "activation": "tanh"}
    write_safetensors(tmp_path / "a.safetensors", arrays, metadata)
    network = load_network(tmp_path / "a.safetensors")
    assert (network.low, network.high, network.length) == (0, 1, 8)
    assert (network.alphabet.inputs, network.alphabet.outputs) == ((("SYN", "ACK"),), (("no", "yes"),))
    tokens = torch.randint(2, (20, 8))
    with torch.no_grad():
        assert (network.run(tokens.numpy()[:, :, None])[:, :, 0] == module(tokens).argmax(-1).numpy()).all()


def test_layers_whose_names_are_words_are_ordered_by_their_sizes_or_not_read(tmp_path: Path) -> None:
    torch.manual_seed(0)
    x = np.random.default_rng(0).integers(0, 3, (30, 7, 1))
    for sizes, read in (((3, 5, 4, 6, 3), True), ((3, 3, 3, 3, 3), False)):  # as words, above comes before below
        symbols, below, above, hidden, outputs = sizes
        module = nn.ModuleDict({
            "below": nn.GRUCell(symbols, below), "above": nn.GRUCell(below, above),
            "inner": nn.Linear(above, hidden), "exit": nn.Linear(hidden, outputs),
        })  # fmt: skip
        expected = from_torch(module, length=7)
        arrays = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
        metadata = {"length": "7", "low": "0", "high": "2", "activation": "relu"}
        write_safetensors(tmp_path / "a.safetensors", arrays, metadata)
        if read:
            assert (load_network(tmp_path / "a.safetensors").states(x) == expected.states(x)).all()
        else:
            with pytest.raises(InputError, match="order of its layers above, below"):
                load_network(tmp_path / "a.safetensors")


def test_an_alphabet_may_be_an_array() -> None:
    module = Model(nn.GRU(3, 5, batch_first=True), nn.Sequential(nn.Linear(5, 2)), 3)
    network = from_torch(module, alphabet=np.arange(3))
    assert (network.low, network.high) == (0, 2)
    network = from_torch(module, alphabet=np.array(["a", "b", "c"]), answers=np.array([False, True]))
    assert (network.alphabet.inputs, network.alphabet.outputs) == ((("a", "b", "c"),), ((False, True),))
    for alphabet, said in (
        (np.array([0.5, 1, 2]), r"has 0\.5; integers, texts"),
        (np.array([b"a", b"b"]), "has b'a'; integers"),
    ):
        with pytest.raises(InputError, match=said):
            from_torch(module, alphabet=alphabet)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"length": "0"}, "metadata length is '0'"),
        ({"length": None}, "metadata length is missing"),
        ({"alphabet": "[1]"}, "a JSON list of texts"),
        ({"alphabet": '["a", "a"]'}, "its words must differ"),
        ({"answers": '["no"]'}, "metadata answers has 1 words for the 2 values of an output"),
        ({"alphabet": '["a", "b", "c"]'}, "3 inputs from low to high, a table of (2, 4)"),
        ({"output": "max"}, "metadata output is 'max'; one of round, argmax, sign"),
        ({"activation": None}, "metadata activation is missing"),
        ({"core.weight_hh_l0": np.zeros((15, 4))}, "shapes that no RNN, GRU or LSTM has"),
        ({"core.weight_ih_l0_reverse": np.zeros((15, 4))}, "linear or recurrent layer"),
        ({"core.weight_hr_l0": np.zeros((5, 5))}, "linear or recurrent layer"),
        ({"readout.0.weight": np.zeros((6, 9))}, "read-out layer 0 reads 9 numbers; 5 come from below"),
        ({"readout.2.bias": np.array([np.nan, 0])}, "not finite"),
        ({"core.weight_ih_l0": np.zeros((15, 4), np.int64)}, "floats in 1 or 2 dimensions"),
    ],
)
def test_what_is_no_such_network_is_named(tmp_path: Path, change: dict, said: str) -> None:
    module = Model(nn.GRU(4, 5, batch_first=True), mlp(5, 2), 2, 4)
    arrays = {name.replace("table", "embedding"): tensor.numpy() for name, tensor in module.state_dict().items()}
    metadata = {"length": "8", "low": "0", "high": "1", "activation": "tanh"}
    for name, value in change.items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            metadata.pop(name, None)
            metadata |= {} if value is None else {name: value}
    if "alphabet" in change:
        del metadata["low"], metadata["high"]
    write_safetensors(tmp_path / "a.safetensors", arrays, metadata)
    with pytest.raises(InputError) as caught:
        load_network(tmp_path / "a.safetensors")
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


class Backwards(Model):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).flip(1)


class InItsOwnPrecision(Model):
    """It runs in float32 alone, and gives its own outputs times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__(nn.GRU(3, 5, batch_first=True), mlp(5, 2), 3)
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.core(nn.functional.one_hot(x, 3).float())[0]
        return self.factor * self.readout(hidden)


class Small(Model):
    """Small outputs, the other way around."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -super().forward(x)


def small(kind: type[Model]) -> nn.Module:
    module = kind(nn.GRU(3, 5, batch_first=True), nn.Linear(5, 2), 3)
    with torch.no_grad():
        for tensor in module.readout.parameters():
            tensor *= 1e-9
    return module


class NoNumber(Model):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) * torch.nan


class LastStep(Model):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)[:, -1]


class Rectified(Model):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(super().forward(x))


def countdown() -> nn.Module:
    """99 less the sum of the inputs, and at least 0, which it never is in short sequences."""
    model = Rectified(nn.RNN(1, 1, nonlinearity="relu", batch_first=True), nn.Sequential(nn.Linear(1, 1)))
    for tensor, value in zip(model.parameters(), (1.0, 1.0, 0.0, 0.0, -1.0, 99.0), strict=True):
        tensor.data.fill_(value)
    return model


def test_a_module_that_runs_in_its_own_precision_is_compared_there() -> None:
    assert from_torch(InItsOwnPrecision(1.0)).outputs == 1
    assert from_torch(small(Model)).outputs == 1


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (lambda: InItsOwnPrecision(-1.0), "its outputs differ by"),
        (lambda: small(Small), "its outputs differ by"),
        (lambda: small(NoNumber), "its outputs differ by inf"),
        (countdown, "once its last layer is negated; no function may follow"),
        (lambda: LastStep(nn.GRU(3, 5, batch_first=True), mlp(5, 2), 3), "no output of every step"),
        (lambda: Model(nn.GRU(3, 5, batch_first=True, bidirectional=True), mlp(10, 2), 3), "has the layer core"),
        (
            lambda: Model(nn.GRU(3, 5, batch_first=True), nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 2)), 3),
            "readout.0",
        ),
        (lambda: Backwards(nn.GRU(3, 5, batch_first=True), mlp(5, 2), 3), "its outputs differ by"),
        (lambda: nn.Sequential(nn.Linear(3, 5)), "no recurrent layer"),
    ],
)
def test_a_module_that_computes_something_else_is_refused(module: Callable[[], nn.Module], said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_torch(module())


def test_what_is_no_number_is_no_answer() -> None:
    module = Model(nn.GRU(3, 5, batch_first=True), nn.Sequential(nn.Linear(5, 2)), 3)
    for output in ("argmax", "sign", "round"):
        network = from_torch(module, output=output)
        assert np.isnan(network.read(np.full((1, 5), np.nan))).all()


def parity() -> nn.Module:
    """Two units, of which one is 1 where the parity changes to odd: h' = relu(s - x), relu(x - s), s the sum of h."""
    core = nn.RNN(1, 2, nonlinearity="relu", batch_first=True)
    model = Model(core, nn.Sequential(nn.Linear(2, 1)))
    for tensor, values in zip(
        model.parameters(),
        ([[-1.0], [1.0]], [[1.0, 1.0], [-1.0, -1.0]], [0.0, 0.0], [0.0, 0.0], [[1.0, 1.0]], [0.0]),
        strict=True,
    ):
        tensor.data = torch.tensor(values)
    return model


def test_a_module_is_opened_to_its_program_and_resumed(tmp_path: Path) -> None:
    result = run(parity(), RunConfig(length=8), out=tmp_path / "run")
    assert (result.findings.tier, result.findings.route, result.findings.states) == ("S4", "opened", 2)
    assert result.program and "RNN of 2" in result.findings.task
    assert result.findings.networks[0].states_in_words == "The hidden states are 3 points, up to noise."
    assert "are 3 points" in result.report.read_text()
    cut = run(parity(), RunConfig(length=8), out=tmp_path / "cut", time_limit=0.0)
    assert cut.status == "time-limit"
    assert resume(tmp_path / "cut").findings.program == result.program.replace(str(tmp_path / "run"), "")
