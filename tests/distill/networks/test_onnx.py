"""Recurrent networks in ONNX files equal the torch modules that they were exported from; other graphs are refused.

The files of `onnx/` were written by torch's exporter from untrained modules, with the modules' own outputs beside them.
`python -m tests.distill.networks.test_onnx` writes them anew.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn

from novacula.distill import RunConfig, run
from novacula.distill.networks.cells import CellNetwork
from novacula.distill.networks.onnx_file import load_onnx_network
from novacula.distill.run import RUN, RunInputs
from novacula.errors import InputError

FILES = Path(__file__).parent / "onnx"
ROWS, STEPS = 4, 7


class Opened(nn.Module):
    """A recurrent network as a user writes it."""

    def __init__(self, kind: str, width: int, layers: int, inputs: str, readout: nn.Module, batch_first: bool) -> None:
        super().__init__()
        self.inputs = inputs
        self.table = nn.Embedding(3, 4)
        size = {"embedding": 4, "one-hot": 3, "number": 2}[inputs]
        self.core = getattr(nn, kind)(size, width, num_layers=layers, batch_first=batch_first)
        self.readout = readout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Reads places, one-hot vectors or numbers."""
        return self.readout(self.core(self.table(x) if self.inputs == "embedding" else x)[0])


def modules() -> dict[str, Opened]:
    """The modules that were exported."""
    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3))
    return {
        "rnn-one-hot": Opened("RNN", 5, 1, "one-hot", nn.Linear(5, 3), True),
        "gru-embedding": Opened("GRU", 5, 1, "embedding", nn.Linear(5, 3), True),
        "lstm-two-layers": Opened("LSTM", 5, 2, "embedding", mlp, True),
        "gru-numbers": Opened("GRU", 5, 1, "number", nn.Linear(5, 1), False),
    }


def given(name: str) -> np.ndarray:
    """Random inputs of a module, as it reads them."""
    generator = np.random.default_rng(len(name))
    if name == "gru-numbers":
        return generator.integers(-1, 3, (STEPS, ROWS, 2)).astype(np.float32)
    x = generator.integers(0, 3, (ROWS, STEPS))
    return np.eye(3, dtype=np.float32)[x] if name == "rnn-one-hot" else x


def record() -> None:
    """Writes the files."""
    FILES.mkdir(exist_ok=True)
    for name, module in modules().items():
        x = torch.from_numpy(given(name))
        sizes = {0: "batch", 1: "time"} if name != "gru-embedding" else {}
        torch.onnx.export(
            module.eval(), (x,), str(FILES / f"{name}.onnx"), dynamo=False, input_names=["x"], dynamic_axes={"x": sizes}
        )
        np.save(FILES / f"{name}.npy", module(x).detach().numpy())
        if name != "gru-numbers":
            _record_new(FILES / f"new-{name}.onnx", module, x)


def _record_new(path: Path, module: nn.Module, x: torch.Tensor) -> None:
    """Writes what the new exporter makes of a module, of any number of rows; its weights lie in a second file."""
    rows = torch.export.Dim("rows", min=1, max=1000)
    torch.onnx.export(module, (x,), path, dynamo=True, verbose=False, dynamic_shapes=({0: rows},))
    model = onnx.load(str(path), load_external_data=False)
    for traced in (model, model.graph, *model.graph.node, *model.graph.value_info):
        traced.ClearField("metadata_props")
    for each in model.graph.node:
        each.ClearField("doc_string")
    path.write_bytes(model.SerializeToString())
    if not (beside := path.with_suffix(".onnx.data")).stat().st_size:
        beside.unlink()


CONFIG = RunConfig(low=-1, high=2, length=8)


def answers(network: CellNetwork, x: np.ndarray) -> np.ndarray:
    """The read-out of a network for inputs, batch first."""
    return network.logits(network.states(x)[:, 1:].reshape(-1, network.size)).reshape(*x.shape[:2], -1)


@pytest.mark.parametrize("name", [path.stem for path in sorted(FILES.glob("*.onnx"))])
def test_a_file_of_the_exporter_computes_what_its_module_did(name: str) -> None:
    config = CONFIG if name == "gru-numbers" else RunConfig(length=8)
    network = load_onnx_network(FILES / f"{name}.onnx", config)
    name = name.removeprefix("new-")
    x, y = given(name), np.load(FILES / f"{name}.npy")
    if name == "gru-numbers":
        x, y = x.swapaxes(0, 1).astype(np.int64), y.swapaxes(0, 1)
    else:
        x = (x.argmax(axis=2) if x.ndim == 3 else x)[:, :, None]
    assert np.abs(answers(network, x) - y).max() < 1e-5
    assert (network.low, network.high) == ((-1, 2) if name == "gru-numbers" else (0, 2))
    assert network.length == 8 and network.output == ("round" if name == "gru-numbers" else "argmax")


def test_seven_files_are_recorded() -> None:
    assert len(list(FILES.glob("*.onnx"))) == 7


def changed(tmp_path: Path, name: str, change: object) -> Path:
    """A recorded file after a change of its graph."""
    model = onnx.load(str(FILES / f"{name}.onnx"))
    change(model.graph)  # pyright: ignore[reportCallIssue]
    path = tmp_path / "changed.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def node(graph: onnx.GraphProto, kind: str) -> onnx.NodeProto:
    return next(each for each in graph.node if each.op_type == kind)


def both_ways(graph: onnx.GraphProto) -> None:
    node(graph, "GRU").attribute.append(helper.make_attribute("clip", 1.0))


def reset_before(graph: onnx.GraphProto) -> None:
    each = next(one for one in node(graph, "GRU").attribute if one.name == "linear_before_reset")
    each.i = 0


def softmax(graph: onnx.GraphProto) -> None:
    last = graph.output[0].name
    graph.node.append(helper.make_node("Softmax", [last], ["chances"], name="to_chances"))
    graph.output[0].name = "chances"


def rectified(graph: onnx.GraphProto) -> None:
    last = graph.output[0].name
    graph.node.append(helper.make_node("Relu", [last], ["positive"], name="to_positive"))
    graph.output[0].name = "positive"


def started(graph: onnx.GraphProto) -> None:
    cell = node(graph, "GRU")
    graph.initializer.append(numpy_helper.from_array(np.ones((1, ROWS, 5), np.float32), "first"))
    cell.input[5] = "first"


def test_a_layer_without_an_offset_is_read(tmp_path: Path) -> None:
    def gemm(graph: onnx.GraphProto) -> None:
        node(graph, "MatMul").op_type = "Gemm"

    network = load_onnx_network(changed(tmp_path, "rnn-one-hot", gemm), RunConfig(length=8))
    x = given("rnn-one-hot").argmax(axis=2)[:, :, None]
    assert np.abs(answers(network, x) - np.load(FILES / "rnn-one-hot.npy")).max() < 1e-5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (both_ways, r"node '\S+' \(GRU\) has clip, layout or input_forget"),
        (reset_before, r"node '\S+' \(GRU\) resets before its matrix"),
        (softmax, r"node 'to_chances' \(Softmax\) is not read here"),
        (rectified, "ends in an activation; export the network without its last function"),
        (started, r"node '\S+' \(GRU\) has a first state other than 0"),
    ],
)
def test_another_graph_is_refused_by_its_node(tmp_path: Path, change: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_onnx_network(changed(tmp_path, "gru-embedding", change), RunConfig())


def test_a_read_out_of_the_last_step_is_refused(tmp_path: Path) -> None:
    def last_step(graph: onnx.GraphProto) -> None:
        cell = node(graph, "GRU")
        squeezed = next(each for each in graph.node if cell.output[0] in each.input)
        squeezed.input[0] = cell.output[1] = cell.output[1] or "last"

    with pytest.raises(InputError, match="is not read here"):
        load_onnx_network(changed(tmp_path, "gru-embedding", last_step), RunConfig())


def test_what_is_no_onnx_or_no_recurrent_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="is no sound ONNX model"):
        load_onnx_network(path, RunConfig())
    with pytest.raises(InputError, match="no such file"):
        load_onnx_network(tmp_path / "none.onnx", RunConfig())


@pytest.mark.parametrize("inside", [False, True])
def test_weights_in_another_file_are_refused_and_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    """The other file lies beside the first, in the current folder too, where a reader would find it."""
    monkeypatch.chdir(tmp_path)
    model = onnx.load(str(FILES / "gru-embedding.onnx"))
    if inside:  # as the tensor of a node
        value = model.graph.initializer.pop()
        model.graph.node.insert(0, helper.make_node("Constant", [], [value.name], value=value))
    onnx.save_model(
        model, "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0, convert_attribute=True
    )
    assert Path("net.data").stat().st_size
    with pytest.raises(InputError, match=r"^net\.onnx: its weights lie in another file.*dynamo=False\)") as error:
        load_onnx_network("net.onnx", RunConfig())
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "does not hold the tensor"),
        (lambda path: path.rename("elsewhere"), "no such file"),
        (lambda path: path.write_bytes(bytes(len(path.read_bytes()))), ""),
    ],
)
def test_weights_are_read_from_the_file_that_torch_writes_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in FILES.glob("new-gru*"):
        shutil.copy(path, path.name)
    change(Path("new-gru-embedding.onnx.data"))
    if said:
        with pytest.raises(InputError, match=said):
            load_onnx_network("new-gru-embedding.onnx", RunConfig())
    else:
        assert not load_onnx_network("new-gru-embedding.onnx", RunConfig()).cells[0].across.weight.any()


def test_the_file_beside_a_network_is_an_input_of_its_run_too() -> None:
    paths = [str(FILES / f"new-{name}.onnx") for name in ("gru-embedding", "rnn-one-hot")]
    assert RUN.files(RunConfig(), RunInputs(paths[0])) == (paths[0], f"{paths[0]}.data")
    assert RUN.files(RunConfig(), RunInputs(paths[1])) == (paths[1],)


def test_a_state_without_a_node_of_its_own_is_refused_and_the_other_exporter_named(tmp_path: Path) -> None:
    def once(graph: onnx.GraphProto) -> None:
        """Only the first step has a matrix for its state."""
        matrix = next(each for each in graph.node if each.op_type == "Tanh")
        graph.output[0].name = matrix.output[0]

    with pytest.raises(InputError, match=r"has no RNN, GRU or LSTM .*dynamo=False\) writes a recurrent layer"):
        load_onnx_network(changed(tmp_path, "new-rnn-one-hot", once), RunConfig())


def test_a_step_that_computes_something_else_is_noticed(tmp_path: Path) -> None:
    def longer(graph: onnx.GraphProto) -> None:
        """The second step reads the first input again."""
        second, first = [each for each in graph.node if each.op_type == "Squeeze"][2:0:-1]
        second.input[0] = first.input[0]

    with pytest.raises(InputError, match="its outputs differ by"):
        load_onnx_network(changed(tmp_path, "new-rnn-one-hot", longer), RunConfig())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_graph_whose_outputs_are_no_numbers_is_refused(tmp_path: Path) -> None:
    def undefined(graph: onnx.GraphProto) -> None:
        """The weights are so large that the state is infinity minus infinity."""
        for each in graph.initializer:
            values = numpy_helper.to_array(each)
            if values.dtype.kind == "f":
                each.CopyFrom(numpy_helper.from_array(np.sign(values) * values.dtype.type(3e38), each.name))

    with pytest.raises(InputError, match="its outputs differ by inf"):
        load_onnx_network(changed(tmp_path, "new-rnn-one-hot", undefined), RunConfig())


def test_sizes_that_a_graph_names_are_bounded(tmp_path: Path) -> None:
    def large(graph: onnx.GraphProto) -> None:
        concat = next(each for each in graph.node if each.op_type == "Concat" and each.input[0] not in tanhs(graph))
        graph.initializer.append(numpy_helper.from_array(np.array([10**9]), "much"))
        concat.input[0] = "much"

    with pytest.raises(InputError, match="is not read here"):
        load_onnx_network(changed(tmp_path, "new-rnn-one-hot", large), RunConfig())


def tanhs(graph: onnx.GraphProto) -> list[str]:
    return [each.output[0] for each in graph.node if each.op_type == "Tanh"]


def test_a_range_that_a_table_of_inputs_contradicts_is_refused() -> None:
    assert load_onnx_network(FILES / "gru-embedding.onnx", RunConfig(low=5, high=7)).high == 7
    with pytest.raises(InputError, match="reads 3 inputs from low on, so high cannot be 9"):
        load_onnx_network(FILES / "gru-embedding.onnx", RunConfig(high=9))


def test_the_metadata_of_a_file_say_more(tmp_path: Path) -> None:
    model = onnx.load(str(FILES / "gru-embedding.onnx"))
    helper.set_model_props(model, {"length": "5", "answers": '["low", "middle", "high"]'})
    path = tmp_path / "said.onnx"
    path.write_bytes(model.SerializeToString())
    network = load_onnx_network(path, RunConfig(alphabet=("a", "b", "c")))
    assert network.length == 5
    assert network.alphabet.inputs == (("a", "b", "c"),)
    assert network.alphabet.outputs == (("low", "middle", "high"),)


def test_a_run_opens_a_network_of_a_file(tmp_path: Path) -> None:
    """A GRU whose update gate is shut off by its weights puts out its input: 1 where it is positive."""
    cell = {"R": np.zeros((1, 2, 2)), "W": np.array([[[0.0], [6.0]]]), "B": np.zeros((1, 4))}
    constants = {**cell, "V": np.array([[0.0], [1.0]]), "axis": np.array([1])}
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        helper.make_node("RNN", ["t", "W", "R", "B"], ["h"], hidden_size=2, name="core"),
        helper.make_node("Squeeze", ["h", "axis"], ["s"]),
        helper.make_node("Transpose", ["s"], ["b"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["b", "V"], ["y"]),
    ]
    kinds = [helper.make_tensor_value_info(name, 1, ["batch", "time", 1]) for name in ("x", "y")]
    initial = [
        numpy_helper.from_array(each if name == "axis" else each.astype(np.float32), name)
        for name, each in constants.items()
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "sign", kinds[:1], kinds[1:], initial), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 9
    path = tmp_path / "sign.onnx"
    path.write_bytes(model.SerializeToString())
    result = run(str(path), RunConfig(low=-1, high=1, length=6), out=tmp_path / "run")
    assert result.findings.tier == "S4" and result.findings.outcome == "right"
    space: dict = {}
    exec(str(result.program), space)  # noqa: S102
    assert space["run"]([-1, 0, 1, 1, -1]) == [-1, 0, 1, 1, -1]


if __name__ == "__main__":
    record()
