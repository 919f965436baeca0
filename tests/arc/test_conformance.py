"""The torch engine against values recorded from the published program: layers, outputs, losses, gradients."""

from pathlib import Path

import numpy as np
import pytest
import torch

from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.sources import load_task
from novacula.arc.network.multitensor import SUBSETS, Multitensor, subset
from novacula.arc.network.network import RECONSTRUCTION_WEIGHT
from novacula.arc.network.torch_engine import TorchEngine
from tests.arc.recorded import Recorded

PUZZLES = ("3618c87e", "234bbc79", "c9e6f938")


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return ((found - expected).norm() / expected.norm()).item()


@pytest.fixture(scope="module", params=PUZZLES)
def case(request: pytest.FixtureRequest, conformance: Path) -> tuple[Recorded, TorchEngine]:
    path = conformance / "arc" / f"{request.param}.npz"
    if not path.exists():
        pytest.skip(f"no recorded values at {path}")
    recorded, puzzle = Recorded(path), preprocess(load_task(request.param))
    assert np.array_equal(puzzle.target, recorded.values["target"])
    assert np.array_equal(puzzle.mask, recorded.values["masks"])
    engine = TorchEngine(puzzle, SolveConfig(), torch.float64)
    recorded.fill(engine.layout, engine.weights.flat)
    return recorded, engine


def test_layers_and_outputs(case: tuple[Recorded, TorchEngine]) -> None:
    recorded, engine = case
    seen: dict[str, Multitensor] = {}
    with torch.no_grad():
        outputs = engine.network.forward(
            recorded.multitensor("noise.*"), lambda name, tensors: seen.update({name: tensors})
        )
    traces = [key for key in recorded.values if key.startswith("trace.")]
    for key in traces:
        _, block, layer, bits = key.split(".")
        assert relative(seen[f"{block}.{layer}"][subset(bits)], recorded.matrix(key, subset(bits))) < 1e-4, key
    for found, key, order in (
        (outputs.color, "logits", (4, 0, 1, 2, 3)),
        (outputs.row, "size.x", (2, 0, 1)),
        (outputs.column, "size.y", (2, 0, 1)),
    ):
        assert relative(found, torch.as_tensor(recorded.values[key].transpose(order).astype(np.float64))) < 1e-4, key
    for s, kl in zip(SUBSETS, outputs.kl.tolist(), strict=True):
        assert kl == pytest.approx(float(recorded.values[f"kl.{s}"]), rel=1e-5)


@pytest.mark.parametrize("step", [0, 50, 200])
def test_losses(case: tuple[Recorded, TorchEngine], step: int) -> None:
    recorded, engine = case
    outputs, error = engine.gradients(recorded.multitensor("noise.*"), step)
    kl = outputs.kl.sum().item()
    assert kl == pytest.approx(float(recorded.values[f"step{step}.kl"]), rel=1e-5)
    assert error.item() == pytest.approx(float(recorded.values[f"step{step}.reconstruction"]), rel=1e-5)
    loss = kl + RECONSTRUCTION_WEIGHT * error.item()
    assert loss == pytest.approx(float(recorded.values[f"step{step}.loss"]), rel=1e-5)


def test_gradients(case: tuple[Recorded, TorchEngine]) -> None:
    """To 1e-3 of each tensor's norm, but for the kinks of the cumulative maximum.

    The records are float32. On 234bbc79 they meet kinks there: 14 of 495 tensors differ by 1e-3 to 2e-3 from float64,
    where our own float32 differs by up to 0.13. What is analytically zero (a normalized tensor of one or two
    positions) is rounding noise in the records.
    """
    recorded, engine = case
    engine.gradients(recorded.multitensor("noise.*"), 200)
    whole = engine.weights.gradient.norm()
    differences = {}
    for name in engine.layout.entries:
        expected = recorded.parameter(name, "grad.")
        found = engine.layout.slice(engine.weights.gradient, name)
        if found.norm() > 1e-5 * whole:
            differences[name] = relative(found, expected)
        else:
            assert expected.norm() < 1e-4 * whole, name
    assert len(differences) > 400
    assert sum(difference > 1e-3 for difference in differences.values()) <= 0.03 * len(differences)
    assert max(differences.values()) < 2e-3
