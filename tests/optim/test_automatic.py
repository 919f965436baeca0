"""Without a rate, LODO starts as Adam and finds its own scale."""

import math
from statistics import fmean

import pytest
import torch
from torch.nn import Parameter

from novacula.errors import InputError
from novacula.optim import LODO
from novacula.optim.automatic import (
    AVERAGED,
    BOOSTED_STEPS,
    FIRST_BOOST,
    OVERSHOOT_RATE,
    SCALE_RATE,
    SECOND_DECAY,
    length,
    normalization,
    unit_vector,
)
from novacula.optim.tasks.images import logistic_regression
from tests.optim.problems import generator, wandering


def descend(optimizer: torch.optim.Optimizer, x: Parameter, gradients: torch.Tensor) -> None:
    for gradient in gradients:
        x.grad = gradient.clone()
        optimizer.step()


@pytest.mark.parametrize("structure", ["blockperm", "butterfly", "diagonal"])
def test_the_first_step_is_that_of_adam(structure: str) -> None:
    gradients = torch.randn(1, 30, generator=generator(0), dtype=torch.float64) * torch.logspace(-6, 6, 30)
    ours, theirs = (Parameter(torch.zeros(30, dtype=torch.float64)) for _ in range(2))
    descend(LODO([ours], structure=structure), ours, gradients)  # pyright: ignore[reportArgumentType]
    epsilon = 1e-8 * float(gradients.square().mean().sqrt())
    descend(torch.optim.Adam([theirs], lr=1e-3, eps=epsilon), theirs, gradients)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=0)


def test_without_learning_it_is_adam() -> None:
    gradients = torch.randn(50, 30, generator=generator(1), dtype=torch.float64)
    ours, theirs = (Parameter(torch.zeros(30, dtype=torch.float64)) for _ in range(2))
    optimizer = LODO([ours], weight_decay=0.3)
    optimizer.freeze()
    descend(optimizer, ours, gradients)
    descend(torch.optim.AdamW([theirs], lr=1e-3, betas=(0.9, SECOND_DECAY), weight_decay=0.3), theirs, gradients)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)  # ε is in units of the gradients


def test_no_scale_of_the_loss_changes_the_path() -> None:
    gradients = torch.randn(40, 20, generator=generator(2), dtype=torch.float64) + 0.3
    paths = []
    for scale in (1.0, 1e4, 1e-2):
        x = Parameter(torch.zeros(20, dtype=torch.float64))
        descend(LODO([x]), x, scale * gradients)
        paths.append(x.detach())
    torch.testing.assert_close(paths[0], paths[1], rtol=1e-5, atol=0)
    torch.testing.assert_close(paths[0], paths[2], rtol=1e-4, atol=0)


def test_the_scale_grows_while_gradients_repeat_and_shrinks_while_they_turn() -> None:
    repeating, turning = torch.ones(60, 8), torch.ones(60, 8)
    turning[1::2] = -1
    spreads = [SECOND_DECAY**t / 8 for t in range(59)]  # of an angle by chance, until it is seen that none varies
    overshoot = OVERSHOOT_RATE * fmean((1 - spread**0.5) ** 2 for spread in spreads)
    for gradients, change in ((repeating, SCALE_RATE), (turning, -SCALE_RATE - overshoot)):
        x = Parameter(torch.zeros(8))
        optimizer = LODO([x], momentum=0.0, meta_lr=0.0)  # T stays I
        first = float(optimizer.export_preconditioner()["0.log_scale"])
        descend(optimizer, x, gradients)
        moved = float(optimizer.export_preconditioner()["0.log_scale"]) - first
        extra = FIRST_BOOST * math.copysign(SCALE_RATE, change) * sum(math.exp(-t / BOOSTED_STEPS) for t in range(59))
        if change > 0:  # growth of steps is also bounded
            assert 59 * change < moved < 59 * change + extra
        else:
            assert moved == pytest.approx(59 * change + extra, rel=1e-4)


def test_noise_in_few_directions_is_no_overshoot() -> None:
    """The scale of a hundred coordinates, three of which have gradients of noise, and its mean do not collapse."""
    noise = torch.zeros(300, 100)
    noise[:, :3] = torch.randn(300, 3, generator=generator(4))
    x = Parameter(torch.zeros(100))
    optimizer = LODO([x], meta_lr=0.0)
    descend(optimizer, x, noise[:100])
    before = float(optimizer.export_preconditioner()["0.log_scale"])
    descend(optimizer, x, noise[100:])
    assert float(optimizer.export_preconditioner()["0.log_scale"]) > before - 4


def noisy_bowl(noise: float, shown: bool) -> tuple[Parameter, LODO, list[torch.Tensor]]:
    """400 steps in a bowl of condition 100, with decay of weights; `shown` is the mean after each, and hidden again."""
    x, source = Parameter(torch.ones(20, dtype=torch.float64)), generator(5)
    optimizer, path = LODO([x], weight_decay=0.1), []
    for _ in range(400):
        x.grad = torch.logspace(-2, 0, 20) * x.detach() + noise * torch.randn(20, generator=source)
        optimizer.step()
        path.append(x.detach().clone())
        if shown:
            optimizer.eval()
            optimizer.train()
    return x, optimizer, path


def test_the_mean_of_iterates_is_shown_under_noise_and_changes_no_step() -> None:
    curvature = torch.logspace(-2, 0, 20)
    x, optimizer, path = noisy_bowl(0.3, shown=True)
    assert torch.equal(path[-1], noisy_bowl(0.3, shown=False)[2][-1])
    mean = path[0]
    for step, iterate in enumerate(path, 1):
        mean = mean.lerp(iterate, min(1.0, AVERAGED / step))
    optimizer.eval()
    torch.testing.assert_close(x.detach(), mean)
    assert float(mean @ (curvature * mean)) < 0.8 * float(path[-1] @ (curvature * path[-1]))
    with pytest.raises(InputError, match=r"the parameters are a mean since eval\(\)"):
        optimizer.step()
    with pytest.warns(UserWarning, match="before you save"):
        optimizer.state_dict()
    optimizer.train()
    optimizer.state_dict()
    assert torch.equal(x.detach(), path[-1])


def test_without_noise_the_last_iterate_is_shown() -> None:
    x, optimizer, path = noisy_bowl(0.0, shown=False)
    optimizer.eval()
    assert torch.equal(x.detach(), path[-1])
    with pytest.raises(InputError, match=r"eval\(\) came last; train\(\)"):  # not only where the parameters moved
        optimizer.step()
    optimizer.train()
    optimizer.step()


@pytest.mark.parametrize("scale", [1e-38, 1e-20, 1.0, 1e20, 1e37])
def test_lengths_neither_overflow_nor_vanish(scale: float) -> None:
    assert not unit_vector(torch.zeros(3)).any()
    assert float(length(scale * torch.ones(9)) / scale) == pytest.approx(3, rel=1e-6)
    torch.testing.assert_close(unit_vector(-scale * torch.ones(4)), torch.full((4,), -0.5))


def test_a_parameter_without_gradients_is_not_moved_by_others() -> None:
    """The weight of an input that is always 0 stays where it is, though T mixes all the others."""
    source = generator(3)
    target = torch.randn(12, generator=source, dtype=torch.float64)
    x = Parameter(torch.zeros(12, dtype=torch.float64))
    optimizer = LODO([x])
    for _ in range(300):
        rows = torch.randn(8, 12, generator=source, dtype=torch.float64) * torch.logspace(0, 1, 12)
        rows[:, 0] = 0
        x.grad = rows.T @ (rows @ (x.detach() - target)) / 8
        optimizer.step()
    assert float(x.detach()[0]) == 0
    learned = optimizer.dense()
    torch.testing.assert_close(learned, learned.T)
    assert torch.linalg.eigvalsh(learned).min() >= -1e-12 * learned.max()
    others = learned[1:, 1:]
    assert (others - others.diag().diag()).norm() > 0.1 * others.norm()


def test_a_convex_problem_does_not_run_away_once_it_is_nearly_solved() -> None:
    """Without a bound on the steps the loss comes down to 0.0034 and then leaps to 5."""
    problem = logistic_regression(generator(0))
    optimizer = LODO(problem.parameters, structure="butterfly")
    losses = []
    for _ in range(400):
        optimizer.zero_grad()
        loss = problem.loss()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert max(losses[200:]) < 1
    assert min(losses) < 0.004


def test_a_step_of_nothing_bounds_no_step_after_it() -> None:
    x = Parameter(torch.zeros(4, dtype=torch.float64))
    descend(LODO([x]), x, torch.cat([torch.zeros(5, 4), torch.ones(1, 4)]).double())
    assert float(x.detach().abs().min()) > 0


def test_the_diagonals_of_nothing_are_finite() -> None:
    frame = normalization(torch.zeros(3), torch.tensor(1.0))
    assert all(torch.isfinite(each).all() for each in frame if each is not None)


def test_it_solves_a_badly_scaled_problem_that_adam_at_its_default_rate_does_not() -> None:
    hessian, _ = wandering(20, 1)
    left = []
    for make in (LODO, torch.optim.Adam):
        x = Parameter(torch.full((20,), 30.0, dtype=torch.float64))
        optimizer = make([x])
        for _ in range(600):
            x.grad = hessian @ x.detach()
            optimizer.step()
        left.append(float(x.detach() @ hessian @ x.detach()))
    assert left[0] < 0.01 * left[1]
