"""Which form is taken: the simplest whose error is at most 1.1 times the network's."""

import sys

import numpy as np
import pytest
import torch

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.formula import describe
from novacula.hypernet.formula.expression import parse
from novacula.hypernet.formula.writers import python_expression
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task, find_task
from novacula.hypernet.tasks.given import network_task
from novacula.hypernet.tasks.task import find_law


def weighted(difference: float) -> tuple[TargetNetwork, Task]:
    """(1 + d)|x| + (1 - d)|y| by swish pairs of slope 5, whose corners make an error of their own."""
    factors = np.array([1 + difference, 1 - difference])

    def function(x: torch.Tensor) -> torch.Tensor:
        return (x.abs() * torch.from_numpy(factors).to(x)).sum(-1, keepdim=True)

    rows = 5 * np.concatenate([np.eye(2), -np.eye(2)])
    outs, constant = np.tile(factors, 2) / 5, np.array([0.06])
    network = TargetNetwork(Architecture((2, 4, 1)), (rows, outs[None]), (np.zeros(4), constant))
    return network, Task("mine", function, find_law("normal"), lambda inputs: 1, (), "")


@pytest.mark.parametrize(("difference", "ratio", "shared"), [(0.01, 1.02, True), (0.05, 1.43, False)])
def test_a_simpler_form_may_rise_the_error_by_a_tenth_and_no_more(
    difference: float, ratio: float, shared: bool
) -> None:
    network, task = weighted(difference)
    x = torch.randn(100_000, 2, generator=torch.Generator().manual_seed(7)).double().numpy()
    one_value = weighted(0.0)[0]
    wanted = task.function(torch.from_numpy(x)).numpy()
    own, simple = (float(((each(x) - wanted) ** 2).mean()) for each in (network, one_value))
    assert simple / own == pytest.approx(ratio, abs=0.05), "what the test rests on"
    found = describe(network, task, points=20_000)
    assert found.accepted and found.mse is not None and found.network_mse
    assert found.mse <= 1.1 * found.network_mse
    assert (found.line or "").startswith("0.") and ("sum(" in (found.line or "")) == shared


def test_with_more_inputs_than_points_no_plane_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["novacula.hypernet.formula.describe"]
    monkeypatch.setattr(module, "_FIT_POINTS", 60)
    found = describe(build("double-sided", 64), find_task("l1-norm"), points=1000)
    assert found.accepted and found.limit_line == "sum(abs(x_i) for x_i in x)"
    slopes = np.random.default_rng(0).standard_normal((1, 64))
    linear = TargetNetwork(Architecture((64, 1)), (slopes,), (np.ones(1),))
    assert describe(linear, network_task(linear, None), points=1000).accepted
    monkeypatch.setattr(module, "_MOST_NODES", 50)
    assert describe(linear, network_task(linear, None), points=1000).reason == "the formula is too large to read"


def test_a_sum_of_thousands_of_terms_is_read_back() -> None:
    line = " - ".join(f"0.5 * x[{index}]" for index in range(1200))
    assert python_expression(parse(line)) == line
