"""What the tests of other collections of optimizers (pytorch_optimizer, heavyball, timm) check, as properties."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import Parameter
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from novacula.errors import InputError
from novacula.optim import LODO
from novacula.optim.tasks.synthetic import rosenbrock
from tests.optim.problems import generator, parameters, train

FORMS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "a number": {"lr": 0.1},
    "decay": {"weight_decay": 1e-3},
    "butterfly": {"structure": "butterfly"},
    "kronecker": {"structure": "kronecker"},
    "diagonal": {"structure": "diagonal", "scope": "param"},
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("form", FORMS)
def test_a_classifier_is_learned_in_every_precision(form: str, dtype: torch.dtype) -> None:
    x = torch.randn(64, 2, generator=generator(0)).to(dtype)
    y = (x[:, 0] + 0.5 * x[:, 1] > 0).to(dtype)[:, None]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)).to(dtype)
    optimizer, losses = LODO(model.parameters(), **FORMS[form]), []
    for _ in range(60):
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert all(p.dtype == dtype for p in model.parameters())


@pytest.mark.parametrize("form", ["as it comes", "butterfly", "kronecker"])
def test_the_valley_is_descended(form: str) -> None:
    x = Parameter(torch.tensor([-0.5, 2.0]))
    optimizer = LODO([x], **FORMS[form])
    for _ in range(300):
        optimizer.zero_grad()
        rosenbrock(x).backward()
        optimizer.step()
    assert float(rosenbrock(x.detach())) < 0.02


@pytest.mark.parametrize("form", FORMS)
def test_a_copy_and_a_loaded_state_go_on_alike(form: str) -> None:
    members = parameters((4, 3), (5,))
    optimizer = LODO(members, **FORMS[form])
    train(optimizer, members, range(6))
    other = copy.deepcopy(members)
    second = LODO(other, **FORMS[form])
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for some, one in ((members, optimizer), (other, second)):
        train(one, some, range(6, 12))
    assert all(torch.equal(a, b) for a, b in zip(members, other, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_a_closure_is_as_good_as_none(form: str) -> None:
    ends = []
    for closed in (False, True):
        x = Parameter(torch.linspace(1, 2, 6))
        optimizer = LODO([x], **FORMS[form])

        def loss(x: Parameter = x, optimizer: LODO = optimizer) -> torch.Tensor:
            optimizer.zero_grad()
            value = x.square().sum()
            value.backward()
            return value

        for _ in range(8):
            if closed:
                optimizer.step(loss)
            else:
                loss()
                optimizer.step()
        ends.append(x.detach())
    assert torch.equal(*ends)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_tensor_of_one_element_is_a_rate_whatever_its_dimensions(shape: tuple[int, ...]) -> None:
    ends = []
    for rate in (0.1, torch.full(shape, 0.1, dtype=torch.float64)):
        members = parameters((4, 3), (5,))
        train(LODO(members, lr=rate, weight_decay=0.1), members, range(5))
        ends.append(torch.cat([p.detach().flatten() for p in members]))
    torch.testing.assert_close(*ends, rtol=1e-5, atol=1e-6)


def test_a_number_of_steps_that_is_no_tensor_is_loaded() -> None:
    members = parameters((4, 3), (5,))
    optimizer = LODO(members)
    train(optimizer, members, range(3))
    state = copy.deepcopy(optimizer.state_dict())
    for each in state["state"].values():
        each["step"] = each["step"].item()
    optimizer.load_state_dict(state)
    train(optimizer, members, range(3, 6))
    assert optimizer.stats()[0].steps == 6


def test_a_tensor_in_place_of_parameters_is_an_error_of_its_kind() -> None:
    for kind in (TypeError, InputError):
        with pytest.raises(kind, match="params is a tensor"):
            LODO(torch.zeros(3))


def test_it_can_be_printed_and_its_gradients_cleared() -> None:
    members = parameters((2, 2))
    optimizer = LODO(members)
    members[0].grad = torch.ones(2, 2)
    optimizer.zero_grad(set_to_none=False)
    assert "meta_lr: 0.001" in repr(optimizer) and not members[0].grad.any()
