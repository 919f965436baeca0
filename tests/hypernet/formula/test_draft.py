"""Which form is taken: the simplest whose error is at most 1.1 times the network's."""

import numpy as np
import pytest
import torch

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.formula import describe
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task
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
