"""The tensor program of many networks: its written-out gradients, and the network that each stands for."""

import numpy as np
import pytest
import torch

from novacula.distill.tasks import TASKS
from novacula.distill.train.descent import Batches
from novacula.distill.train.lesson import Lesson
from novacula.distill.train.parameters import states
from novacula.distill.train.stack import Batch, Stack, forward, gradients, network_of, random_stack, stacked

NETS, SIZE, WIDTH = 3, 4, 6


def lesson_of(name: str) -> Lesson:
    random = np.random.default_rng(0)
    return Lesson(TASKS[name].data(64, random), TASKS[name].data(16, random))


def setting(name: str = "Base_3_Addition") -> tuple[Lesson, Stack, Batch]:
    """Networks in float64 with every path open, and a batch with noise."""
    lesson = lesson_of(name)
    encoding = lesson.encoding(True)
    generator = torch.Generator().manual_seed(0)
    outputs, classes = lesson.targets.shape[2], len(lesson.values)
    weights = random_stack(NETS, SIZE, WIDTH, encoding, outputs, classes, generator, torch.float64)
    weights["carry"][:, :, :SIZE] = 0.3 * torch.randn(NETS, SIZE, SIZE, generator=generator, dtype=torch.float64)
    batch = Batches(lesson, encoding, torch.float64).draw(32, 5, generator)
    noise = 0.1 * torch.randn(5, NETS, SIZE, 32, generator=generator, dtype=torch.float64)
    return lesson, weights, Batch(batch.features, batch.targets, batch.classes, noise)


def plain_loss(weights: Stack, batch: Batch, class_weight: float) -> torch.Tensor:
    """The same loss written step by step, for autograd."""
    assert batch.noise is not None
    state = torch.zeros_like(batch.noise[0])
    errors, surprises = [], []
    for t, shown in enumerate(batch.features):
        driven = weights["drive"] @ shown
        units = torch.relu(weights["recur"] @ state + driven[:, :WIDTH])
        state = weights["carry"] @ torch.cat([state, units], 1) + driven[:, WIDTH:] + batch.noise[t]
        read, guess = (weights[k][:, :, :-1] @ state + weights[k][:, :, -1:] for k in ("read", "classify"))
        errors.append((read - batch.targets[t]).square().mean((1, 2)))
        if class_weight:
            which = batch.classes[t].expand(NETS, -1)
            surprises.append(torch.nn.functional.cross_entropy(guess, which, reduction="none").mean(1))
    loss = torch.stack(errors).mean(0)
    return loss + class_weight * torch.stack(surprises).mean(0) if class_weight else loss


@pytest.mark.parametrize(("name", "class_weight"), [("Base_3_Addition", 0.7), ("Newton_Magnetic", 0.0)])
def test_gradients_are_those_of_autograd(name: str, class_weight: float) -> None:
    _, weights, batch = setting(name)
    loss, _, slope = gradients(weights, batch, class_weight)
    leaves = {key: value.clone().requires_grad_() for key, value in weights.items()}
    expected = plain_loss(leaves, batch, class_weight)
    expected.sum().backward()
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-12, atol=0)
    for key, leaf in leaves.items():
        wanted = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        torch.testing.assert_close(slope[key], wanted, rtol=1e-9, atol=1e-12)


def test_gradients_are_those_of_finite_differences() -> None:
    _, weights, batch = setting()
    _, _, slope = gradients(weights, batch, 0.4)
    generator = torch.Generator().manual_seed(1)
    for key, weight in weights.items():
        direction = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        up, down = (gradients(weights | {key: weight + step * direction}, batch, 0.4)[0] for step in (1e-6, -1e-6))
        torch.testing.assert_close((up - down) / 2e-6, (slope[key] * direction).sum((1, 2)), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["Base_3_Addition", "Binary_Addition", "Abs_Diff", "Newton_Magnetic"])
def test_one_of_the_stack_is_the_network_that_it_stands_for(name: str) -> None:
    lesson, weights, _ = setting(name)
    encoding = lesson.encoding(True)
    features = encoding(lesson.data.x)
    time_first, targets = (
        torch.from_numpy(np.ascontiguousarray(part.transpose(1, 2, 0))) for part in (features, lesson.targets)
    )
    batch = Batch(time_first, targets, torch.zeros(10, 64, dtype=torch.int64))
    trace = forward(weights, batch)
    for net in range(NETS):
        parameters = network_of(weights, net)
        reached = states(parameters, features)
        np.testing.assert_allclose(
            trace.states[:, net, :SIZE].numpy().transpose(2, 0, 1), reached, rtol=1e-9, atol=1e-9
        )
        outputs = reached[:, 1:] @ parameters.read[:, :-1].T + parameters.read[:, -1]
        plain = lesson.network(parameters, encoding)
        assert (plain.size, plain.streams, plain.outputs) == (SIZE, encoding.streams, lesson.targets.shape[2])
        expected = outputs * lesson.scale + lesson.offset
        np.testing.assert_allclose(plain.outputs_of(lesson.data.x), expected, rtol=1e-7, atol=1e-7)


def test_stacking_undoes_taking_one() -> None:
    _, weights, _ = setting()
    again = stacked([network_of(weights, net) for net in range(NETS)], torch.float64)
    for key in ("recur", "drive", "carry", "read"):
        assert torch.equal(again[key], weights[key])
    assert again["classify"].shape == (NETS, 0, SIZE + 1)


def test_batches_hold_only_rows_that_are_long_enough() -> None:
    random = np.random.default_rng(0)
    short, long = (TASKS["Sum_All"].data(30, random, length) for length in (3, 6))
    both = type(short)(
        np.concatenate([np.pad(short.x, [(0, 0), (0, 3), (0, 0)]), long.x]),
        np.concatenate([np.pad(short.y, [(0, 0), (0, 3), (0, 0)]), long.y]),
        np.repeat([3, 6], 30),
        "both",
    )
    lesson = Lesson(both, long)
    batches = Batches(lesson, lesson.encoding(False), torch.float64)
    for length in (2, 3, 4, 6):
        batch = batches.draw(500, length, torch.Generator().manual_seed(length))
        sums = (batch.features[:, 0] * 99).cumsum(0)
        torch.testing.assert_close(batch.targets[:, 0] * lesson.scale[0] + lesson.offset[0], sums)
        assert len(torch.unique(sums[-1])) > 20
