"""One preconditioner, step by step, beside matrices written out: what it learns, what it moves, and what it forgets."""

import math
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from novacula.optim.config import GroupOptions, SharedOptions
from novacula.optim.groups import ParameterGroup, partition
from novacula.optim.preconditioner import Preconditioner
from novacula.optim.state import initial_state
from tests.optim.problems import generator, parameters

SHARED = SharedOptions(engine="torch")


def group_of(members: list[Parameter], lr: float | None = 0.3, **options: Any) -> ParameterGroup:
    """A group as the optimizer makes it."""
    values = vars(GroupOptions(lr, **options)) | {"params": members, "scope": "global", "generation": 0}
    automatic = {"automatic": lr is None, "lr": 1.0 if lr is None else lr, "frozen": False}
    return cast("ParameterGroup", values | automatic)


def made(*groups: ParameterGroup, state: dict[str, torch.Tensor] | None = None) -> Preconditioner:
    """The one preconditioner of some groups."""
    (members,) = partition(groups)
    return Preconditioner(members, initial_state(members, SHARED) if state is None else state, SHARED)


def descend(preconditioner: Preconditioner, gradients: torch.Tensor) -> None:
    """Step with each gradient, as the optimizer does; the parameters' own gradients only say that there are some."""
    for parameter in preconditioner.members.parameters:
        parameter.grad = torch.zeros_like(parameter)
    for gradient in gradients:
        preconditioner.check_unchanged()
        preconditioner.step(gradient)
        preconditioner.note_versions()


def gradients(steps: int, n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(steps, n, generator=generator(seed), dtype=torch.float64)


def vector(n: int) -> list[Parameter]:
    return parameters((n,), dtype=torch.float64)


@pytest.mark.parametrize("every", [1, 3])
def test_a_free_matrix_learns_and_moves_as_written_out(every: int) -> None:
    n, lr, meta_lr, momentum = 4, 0.3, 0.05, 0.6
    (x,) = members = vector(n)
    start, given = x.detach().numpy().copy(), gradients(8, n)
    options: dict[str, Any] = {"structure": "dense", "meta_optimizer": "sgd", "meta_lr": meta_lr, "meta_every": every}
    preconditioner = made(group_of(members, lr, momentum=momentum, **options))
    descend(preconditioner, given)

    matrix, mean, where = np.eye(n), np.zeros(n), start
    for step, gradient in enumerate(given.numpy()):
        if step and step % every == 0:  # the loss falls by lr gᵀ T m: T climbs along the symmetric part of g mᵀ
            outer = np.outer(gradient, mean)
            matrix = matrix + meta_lr * lr * (outer + outer.T) / 2
        mean = momentum * mean + (1 - momentum) * gradient
        where = where - lr * matrix @ mean
    np.testing.assert_allclose(x.detach().numpy(), where, rtol=0, atol=1e-12)
    np.testing.assert_allclose(preconditioner.state["phi"].numpy(), matrix, rtol=0, atol=1e-12)
    v = gradients(1, n, 1)[0]
    np.testing.assert_allclose(preconditioner.matvec(v).numpy(), lr * matrix @ v.numpy(), rtol=0, atol=1e-12)


def test_the_predicted_decrease_is_that_of_a_linear_loss() -> None:
    (x,) = members = vector(5)
    slope = gradients(1, 5)[0]
    preconditioner = made(group_of(members))
    assert math.isnan(preconditioner.predicted_decrease())
    before = float(slope @ x.detach())
    descend(preconditioner, slope[None])
    assert preconditioner.predicted_decrease() == pytest.approx(before - float(slope @ x.detach()), rel=1e-12)
    preconditioner.forget()
    assert math.isnan(preconditioner.predicted_decrease())


@pytest.mark.parametrize("lr", [0.3, None], ids=["published", "automatic"])
def test_its_state_is_all_that_it_is(lr: float | None) -> None:
    given, whole, halves = gradients(9, 6), vector(6), vector(6)
    one = made(group_of(whole, lr))
    descend(one, given)
    first = made(group_of(halves, lr))
    descend(first, given[:4])
    second = made(group_of(halves, lr), state={name: value.clone() for name, value in first.state.items()})
    descend(second, given[4:])
    assert torch.equal(whole[0], halves[0])
    assert all(torch.equal(value, second.state[name]) for name, value in one.state.items())


def test_a_gradient_that_is_not_finite_is_counted_and_nothing_else() -> None:
    (x,) = members = vector(3)
    preconditioner = made(group_of(members))
    descend(preconditioner, gradients(2, 3))
    before = {name: value.clone() for name, value in preconditioner.state.items()} | {"x": x.detach().clone()}
    descend(preconditioner, torch.tensor([[1.0, math.inf, 0.0], [math.nan, 0.0, 0.0]], dtype=torch.float64))
    after = preconditioner.state | {"x": x.detach()}
    assert {name for name, value in before.items() if not torch.equal(value, after[name])} == {"skipped"}
    assert int(after["skipped"]) == 2


def test_a_gradient_whose_square_overflows_is_finite() -> None:
    (x,) = members = vector(3)
    preconditioner = made(group_of(members, 1e-201))
    before = x.detach().clone()
    descend(preconditioner, torch.full((1, 3), 1e200, dtype=torch.float64))
    assert int(preconditioner.state["skipped"]) == 0 and not torch.equal(x, before)


def test_after_a_change_from_outside_it_learns_nothing_once() -> None:
    (x,) = members = vector(4)
    preconditioner = made(group_of(members))
    changed = []
    for step, gradient in enumerate(gradients(5, 4)):
        before = preconditioner.state["phi"].clone()
        descend(preconditioner, gradient[None])
        changed.append(not torch.equal(before, preconditioner.state["phi"]))
        if step == 2:
            with torch.no_grad():
                x.add_(1)
    assert changed == [False, True, True, False, True]


def test_groups_of_different_rates_share_one_symmetric_matrix() -> None:
    one, two = vector(2), vector(3)
    slow, fast = group_of(one, 0.1), group_of(two, 0.4)
    preconditioner = made(slow, fast)
    descend(preconditioner, gradients(6, 5))
    dense = torch.stack([preconditioner.matvec(column) for column in torch.eye(5, dtype=torch.float64)])
    torch.testing.assert_close(dense, dense.T)
    slow["lr"] = fast["lr"]
    equal = torch.stack([preconditioner.matvec(column) for column in torch.eye(5, dtype=torch.float64)])
    roots = torch.tensor([0.5, 0.5, 1, 1, 1], dtype=torch.float64)  # √(0.1 / 0.4) for the slow group
    torch.testing.assert_close(dense, roots[:, None] * equal * roots)


def test_weight_decay_shrinks_and_is_not_learned_from() -> None:
    plain, decayed = vector(3), vector(3)
    one, two = made(group_of(plain, 0.2)), made(group_of(decayed, 0.2, weight_decay=0.5))
    descend(one, gradients(1, 3))
    descend(two, gradients(1, 3))
    start = vector(3)[0].detach()
    torch.testing.assert_close(decayed[0].detach() - plain[0].detach(), -0.2 * 0.5 * start)
    descend(one, gradients(3, 3, 1))
    descend(two, gradients(3, 3, 1))
    assert torch.equal(one.state["phi"], two.state["phi"])


def test_no_update_is_longer_than_allowed_and_learning_knows_its_length() -> None:
    limit, lr, meta_lr, given = 1e-3, 0.5, 0.05, gradients(2, 4)
    (x,) = members = vector(4)
    options: dict[str, Any] = {"structure": "diagonal", "meta_optimizer": "sgd", "meta_lr": meta_lr, "momentum": 0.0}
    preconditioner = made(group_of(members, lr, max_update_rms=limit, **options))
    before = x.detach().clone()
    descend(preconditioner, given[:1])
    moved = x.detach() - before
    assert float(moved.square().mean().sqrt()) == pytest.approx(limit)
    taken = limit / float(given[0].square().mean().sqrt())
    descend(preconditioner, given[1:])
    torch.testing.assert_close(preconditioner.state["phi"], 1 + meta_lr * taken * given[1] * given[0])
