"""The tasks of the bench."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from novacula.errors import InputError
from novacula.optim.tasks import TASKS, prediction
from novacula.optim.tasks.images import logistic_regression, read_idx
from novacula.optim.tasks.synthetic import Adding, Poisson, Valley, WanderingBowl, random_hessian, rosenbrock
from novacula.optim.tasks.task import Problem
from tests.optim.problems import generator

OFFLINE = [name for name, task in TASKS.items() if task.package is None and task.debian is None]


def value(problem: Problem) -> float:
    return float(problem.loss().detach())


@pytest.mark.parametrize("name", OFFLINE)
def test_batches_depend_on_the_seed_alone(name: str) -> None:
    """Not on how often somebody looks at the held-out loss, nor on what another instance draws."""
    task = TASKS[name]
    plain, watched = task.make(generator(3)), task.make(generator(3))
    losses = [value(plain) for _ in range(3)]
    seen = []
    for _ in range(3):
        seen.append(value(watched))
        watched.held_out()
    assert losses == seen
    assert (len({*losses}) == 1) == task.deterministic
    assert any(p.ndim > 1 for p in plain.parameters) == task.matrices
    if task.deterministic:
        assert plain.held_out() == pytest.approx(losses[0], rel=1e-6)


def test_the_hessian_has_the_condition_that_it_is_asked_for() -> None:
    curvatures = torch.linalg.eigvalsh(random_hessian(20, 1000.0, generator(0)).double())
    assert curvatures[-1] == pytest.approx(1.0, rel=1e-5) and curvatures[0] == pytest.approx(1e-3, rel=1e-2)


def test_following_the_bowl_exactly_costs_half_the_trace() -> None:
    bowl = WanderingBowl(10, 10.0, generator(1))
    losses = []
    for _ in range(3000):
        losses.append(value(bowl))
        with torch.no_grad():
            bowl.parameters[0].copy_(bowl._minimum)
    floor = float(bowl.hessian.trace()) / 2
    assert sum(losses) / len(losses) == pytest.approx(floor, rel=0.05)


def test_rosenbrock_is_the_published_function_in_two_coordinates_and_a_sum_in_more() -> None:
    assert Valley(torch.tensor([-0.5, 2.0])).held_out() == pytest.approx(0.01 * 2.25 + 1.75**2)
    x = torch.randn(5, generator=generator(2), dtype=torch.float64)
    pairs = [float(rosenbrock(x[i : i + 2])) for i in range(4)]
    assert float(rosenbrock(x)) == pytest.approx(sum(pairs))
    assert float(rosenbrock(torch.ones(5))) == 0


def test_the_laplacian_is_that_of_the_network() -> None:
    problem = Poisson(generator(4))
    problem.parameters = [Parameter(p.detach().double()) for p in problem.parameters]
    points = torch.rand(6, 2, generator=generator(5), dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(problem._value(points).sum(), points, create_graph=True)
    second = [torch.autograd.grad(slope[:, a].sum(), points, retain_graph=True)[0][:, a] for a in (0, 1)]
    assert torch.allclose(problem._laplacian(points), second[0] + second[1], atol=1e-12)


def test_the_boundary_points_lie_on_all_four_sides() -> None:
    x, y = Poisson(generator(6))._edge.T
    sides = [x == 0, x == 1, y == 0, y == 1]
    assert bool(torch.stack(sides).any(0).all()) and all(int(side.sum()) == 16 for side in sides)


def test_two_numbers_are_marked_and_their_sum_is_wanted() -> None:
    inputs, sums = Adding(generator(7))._draw(50)
    values, marks = inputs.unbind(2)
    assert bool((marks.sum(0) == 2).all()) and torch.equal((values * marks).sum(0), sums)


def test_logistic_regression_begins_near_chance_with_no_weights() -> None:
    problem = logistic_regression(generator(8))
    for p in problem.parameters:
        p.data.zero_()
    assert problem.held_out() == pytest.approx(math.log(10), rel=1e-5)


def test_the_published_network_has_as_many_parameters_and_sees_only_pixels_before_its_own() -> None:
    parameters = prediction._pixel_parameters(generator(8))
    assert sum(p.numel() for p in parameters) == 94_696
    images = torch.randint(0, 256, (4, 28, 28), generator=generator(9))
    pixels = torch.tensor([0, 27, 300, 783])
    changed = images.clone()
    for image, pixel in zip(changed.flatten(1), pixels.tolist(), strict=True):
        image[pixel:] = 255 - image[pixel:]
    before, after = (prediction.channels(some, pixels) for some in (images, changed))
    assert torch.equal(before, after)
    assert torch.equal(before[:, 0].flatten(1)[3, :783] * 256, images[3].flatten()[:783].float())
    with torch.no_grad():
        assert prediction.pixel_logits(parameters, before).shape == (4, 256)


def test_the_transformer_does_not_look_ahead() -> None:
    problem = prediction.Text(generator(10))
    samples = problem._draw(0, 1000, 3)[:, :-1]
    changed = samples.clone()
    changed[:, 20:] = (changed[:, 20:] + 1) % 50
    with torch.no_grad():
        before, after = (prediction.character_logits(problem.parameters, some) for some in (samples, changed))
    assert torch.allclose(before[:, :20], after[:, :20], atol=1e-5)
    assert not torch.allclose(before[:, 20:], after[:, 20:], atol=1e-2)


def test_an_idx_file_is_read_or_refused(tmp_path: Path) -> None:
    path, array = tmp_path / "some.gz", np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()))
    assert np.array_equal(read_idx(path, 3), array)
    for content in (b"", b"plain", gzip.compress(head), gzip.compress(head + bytes(25)), gzip.compress(bytes(4))):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"some\.gz"):
            read_idx(path, 3)
    path.write_bytes(gzip.compress(head + array.tobytes()))
    with pytest.raises(InputError, match="1 axes"):
        read_idx(path, 1)
