"""The objective and the curriculum, against their formulas."""

import math

import pytest
import torch

from novacula.hypernet.config import Branch, TrainConfig
from novacula.hypernet.training.steps import loss, objective, squared_error, window


def test_objective_is_error_and_price_per_input() -> None:
    mse, nats, beta = torch.tensor([[0.8, 1.6]]), torch.tensor([[100.0, 0.0]]), torch.tensor([[1e-3, 1.0]])
    values = objective(mse, nats, beta, 4)
    assert values.tolist()[0] == pytest.approx([0.8 / 4 + 1e-3 * 100 / 4, 0.4])
    assert loss(values, logarithmic=True).item() == pytest.approx((math.log(0.225) + math.log(0.4)) / 2, abs=1e-6)
    assert loss(values, logarithmic=False).item() == pytest.approx(0.3125)


def test_squared_error_is_the_mean_over_batch_and_outputs() -> None:
    outputs, targets = torch.zeros(2, 3, 5, 2), torch.zeros(2, 1, 5, 2)
    targets[1, 0, 0, 1] = 2.0
    assert squared_error(outputs, targets).tolist() == [[0.0] * 3, [pytest.approx(0.4)] * 3]


@pytest.mark.parametrize(
    ("branch", "progress", "expected"),
    [
        ("up", 0.0, (-6, -6)),
        ("up", 0.34, (-6, -6)),
        ("up", 0.525, (-6, -3)),
        ("up", 0.8, (-6, 0)),
        ("down", 0.2, (0, 0)),
        ("down", 0.525, (-3, 0)),
        ("down", 1.0, (-6, 0)),
        ("none", 0.0, (-6, 0)),
    ],
)
def test_the_range_of_prices_opens_from_its_end(branch: Branch, progress: float, expected: tuple[int, int]) -> None:
    assert window(TrainConfig(beta_low=1e-6), branch, progress) == pytest.approx(expected)
