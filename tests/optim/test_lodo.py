"""LODO as an optimizer: what `torch.optim` promises, and what LODO adds."""

import copy
import math
from typing import Any

import pytest
import torch
from torch.nn import Parameter

from novacula.errors import InputError
from novacula.optim import LODO
from novacula.optim.config import ScopeName
from tests.optim.problems import generator, parameters, train, trained


def test_a_closure_is_evaluated_once_with_gradients() -> None:
    x, calls = Parameter(torch.ones(3)), []

    def closure() -> torch.Tensor:
        calls.append(torch.is_grad_enabled())
        loss = x.square().sum()
        loss.backward()
        return loss

    assert float(LODO([x], lr=0.1).step(closure).detach()) == 3.0
    assert calls == [True]
    assert (x.detach() < 1).all()


@pytest.mark.parametrize("maximize", [False, True])
def test_stats_tell_how_far_a_step_lowered_the_loss_and_was_to(maximize: bool) -> None:
    """From x, half the way down ½ x²: predicted ½ x², done ⅜ x²."""
    sign = -1.0 if maximize else 1.0
    x = Parameter(torch.full((2,), 2.0, dtype=torch.float64))
    optimizer = LODO([x], lr=0.5, momentum=0.0, maximize=maximize)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = sign * 0.5 * x.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    (stats,) = optimizer.stats()
    assert stats.predicted_decrease == pytest.approx(4.0)
    assert stats.actual_decrease != stats.actual_decrease and stats.gain_ratio != stats.gain_ratio
    optimizer.step(closure)
    (stats,) = optimizer.stats()
    assert stats.actual_decrease == pytest.approx(3.0) and stats.gain_ratio == pytest.approx(0.75)
    with torch.no_grad():
        x.add_(1.0)  # what follows is not by the step
    optimizer.step(closure)
    (stats,) = optimizer.stats()
    assert math.isnan(stats.actual_decrease) and math.isnan(stats.gain_ratio) and stats.changed == 1
    optimizer.step(lambda: None)
    assert math.isnan(optimizer.stats()[0].gain_ratio)


def test_a_notebook_shows_the_statistics_of_all_preconditioners() -> None:
    members = parameters((2, 3), (4,))
    optimizer = LODO(members, scope="param")
    train(optimizer, members, range(3))
    stats = optimizer.stats(spectrum=2)
    html = stats._repr_html_()
    assert html.count("<th>") == 3 and "<td>scalars</td><td>6</td><td>4</td>" in html
    assert "<td>actual_decrease</td><td>not known</td><td>not known</td>" in html and " … " in html
    assert stats[0]._repr_html_().count("<th>") == 2


@pytest.mark.parametrize("lr", [0.1, None])
@pytest.mark.parametrize(
    "shapes", [((),), ((1,),), ((2, 3), (), (0,), (4,))], ids=["no dimensions", "one scalar", "several, one empty"]
)
def test_tiny_parameters_are_optimized(shapes: tuple, lr: float | None) -> None:
    for scope in ("global", "group", "param"):
        members = parameters(*shapes)
        before = [p.detach().clone() for p in members]
        train(LODO(members, lr=lr, scope=scope), members, range(5))
        assert all(not torch.equal(b, p.detach()) for b, p in zip(before, members, strict=True) if p.numel())


def test_scope_none_is_global_for_few_scalars_and_per_parameter_for_many() -> None:
    few, many = parameters((10,), (5,)), [Parameter(torch.zeros(60_000)), Parameter(torch.zeros(50_000))]
    assert len(LODO(few).stats()) == 1
    assert LODO(many, structure="diagonal").param_groups[0]["scope"] == "param"
    assert len(LODO(few, structure="kronecker").stats()) == 2
    groups = [{"params": few[:1], "structure": "kronecker"}, {"params": few[1:]}]
    assert [group["scope"] for group in LODO(groups).param_groups] == ["param", "param"]


@pytest.mark.parametrize("scope", ["global", "group", "param"])
@pytest.mark.parametrize("lr", [0.1, None])
def test_a_parameter_without_gradient_stays_as_it_is(scope: ScopeName, lr: float | None) -> None:
    members = parameters((3,), (4,))
    optimizer = LODO(members, lr=lr, scope=scope, weight_decay=0.1)
    train(optimizer, members, range(20))
    before = members[1].detach().clone()
    for _ in range(20):
        members[0].grad, members[1].grad = torch.ones(3), None
        optimizer.step()
    assert torch.equal(before, members[1].detach())
    train(optimizer, members, range(20, 25))
    assert not torch.equal(before, members[1].detach())


def test_a_sparse_gradient_is_an_error_and_changes_nothing() -> None:
    x, table = Parameter(torch.ones(2)), torch.nn.Embedding(3, 2, sparse=True)
    optimizer = LODO([x, table.weight], lr=0.1)
    optimizer.step()  # without any gradient it does nothing
    x.grad = torch.ones(2)
    table(torch.tensor([1])).sum().backward()
    with pytest.raises(InputError, match="a gradient is sparse; gradients must be dense"):
        optimizer.step()
    assert torch.equal(x.detach(), torch.ones(2))


def test_the_meta_gradient_uses_the_rate_of_the_cached_step() -> None:
    """By hand: T = w, one scalar, w ← w + α · lr of the last step · g₁ g₂."""
    x = Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = LODO([x], lr=0.5, meta_lr=0.1, momentum=0.0, structure="scalar", meta_optimizer="sgd")
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1)
    for gradient in (2.0, 3.0):
        x.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        scheduler.step()
    assert float(optimizer.export_preconditioner()["0.phi"]) == pytest.approx(1 + 0.1 * 0.5 * 6, abs=1e-12)
    assert optimizer.stats()[0].rate == pytest.approx(0.05)


def test_a_tensor_rate_is_the_same_as_a_number() -> None:
    number, first = trained(6, (5,), lr=0.2)
    tensor, second = trained(6, (5,), lr=torch.tensor(0.2))
    torch.testing.assert_close(first[0], second[0], rtol=1e-6, atol=1e-6)
    assert number.stats()[0].rate == pytest.approx(tensor.stats()[0].rate, rel=1e-6)


def test_weight_decay_is_decoupled() -> None:
    plain, decayed = (trained(1, (5,), lr=0.2, weight_decay=w) for w in (0.0, 0.5))
    start = parameters((5,))[0].detach()
    torch.testing.assert_close(decayed[1][0].detach(), plain[1][0].detach() - 0.1 * start)
    same = trained(1, (5,), lr=0.2)[0].export_preconditioner()["0.phi"]
    assert torch.equal(decayed[0].export_preconditioner()["0.phi"], same)


def test_groups_of_one_preconditioner_may_have_rates_of_their_own() -> None:
    members = parameters((3,), (2,), dtype=torch.float64)
    optimizer = LODO([{"params": [p], "lr": rate} for p, rate in zip(members, (0.4, 0.1), strict=True)], scope="global")
    wanted = torch.diag(torch.tensor([0.4] * 3 + [0.1] * 2, dtype=torch.float64))
    torch.testing.assert_close(optimizer.dense(), wanted, rtol=1e-12, atol=1e-12)
    train(optimizer, members, range(20))
    matrix = optimizer.dense()
    torch.testing.assert_close(matrix, matrix.T, rtol=1e-10, atol=1e-12)
    assert torch.linalg.eigvalsh(matrix).min() > 0


def test_a_group_added_while_training_has_a_preconditioner_of_its_own() -> None:
    optimizer, members = trained(5, (4,), lr=0.1, scope="global")
    learned = optimizer.export_preconditioner()["0.phi"]
    late = parameters((3,))
    optimizer.add_param_group({"params": late, "lr": 0.2, "depth": 3})
    assert torch.equal(optimizer.export_preconditioner()["0.phi"], learned)
    train(optimizer, members + late, range(5, 8))
    assert [s.steps for s in optimizer.stats()] == [8, 3]
    assert optimizer.export_preconditioner()["1.permutations"].shape[0] == 3


def test_gradients_that_are_not_finite_change_nothing_and_are_counted() -> None:
    optimizer, members = trained(5, (4,), lr=0.1)
    before = copy.deepcopy(optimizer.state_dict()["state"][0]), members[0].detach().clone()
    members[0].grad = torch.tensor([0.0, torch.nan, 1.0, 2.0])
    optimizer.step()
    assert torch.equal(before[1], members[0].detach())
    for name, value in optimizer.state_dict()["state"][0].items():
        assert torch.equal(value, before[0][name]) or name == "skipped"
    assert optimizer.stats()[0].skipped == 1
    members[0].grad = torch.full((4,), 1e30)  # its square overflows, it does not
    optimizer.step()
    assert optimizer.stats()[0].skipped == 1


def test_a_skipped_amp_step_keeps_the_lookahead() -> None:
    """A scaler that finds inf does not call step(); the next gradient is still one after the same step."""
    skipping, plain = (trained(4, (4,), lr=0.1) for _ in range(2))
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale((skipping[1][0] * torch.inf).sum()).backward()
    scaler.step(skipping[0])
    scaler.update()
    for optimizer, members in (skipping, plain):
        train(optimizer, members, range(4, 6))
    assert torch.equal(skipping[1][0], plain[1][0])


def test_a_change_of_the_parameters_drops_the_lookahead_once() -> None:
    optimizer, members = trained(5, (4,), lr=0.1)
    phi = optimizer.export_preconditioner()["0.phi"]
    with torch.no_grad():
        members[0].mul_(0.5)
    train(optimizer, members, range(5, 6))
    assert torch.equal(optimizer.export_preconditioner()["0.phi"], phi)
    train(optimizer, members, range(6, 7))
    assert not torch.equal(optimizer.export_preconditioner()["0.phi"], phi)


def test_views_of_one_tensor_learn_as_tensors_apart_do() -> None:
    """They share a version count, so that a step of one changes it for all."""
    base, found = torch.ones(2, 8, dtype=torch.float64), []
    for pair in ([Parameter(base[0].clone()), Parameter(base[1].clone())], [Parameter(base[0]), Parameter(base[1])]):
        optimizer = LODO(pair, scope="param")
        for _ in range(5):
            for parameter, factor in zip(pair, (1.0, 3.0), strict=True):
                parameter.grad = factor * parameter.detach()
            optimizer.step()
        found.append(
            torch.stack([p.detach() for p in pair] + [next(optimizer.preconditioners()).state["log_scale"].expand(8)])
        )
    assert torch.equal(*found) and not torch.equal(found[0][0], base.new_ones(8))


def test_reset_lookahead_is_for_changes_that_go_unnoticed() -> None:
    optimizer, members = trained(5, (4,), lr=0.1)
    phi = optimizer.export_preconditioner()["0.phi"]
    members[0].data.mul_(0.5)
    optimizer.reset_lookahead()
    train(optimizer, members, range(5, 6))
    assert torch.equal(optimizer.export_preconditioner()["0.phi"], phi)


def test_frozen_preconditioners_stay() -> None:
    optimizer, members = trained(5, (4,), lr=0.1)
    phi = optimizer.export_preconditioner()["0.phi"]
    optimizer.freeze()
    train(optimizer, members, range(5, 9))
    assert torch.equal(optimizer.export_preconditioner()["0.phi"], phi)
    optimizer.unfreeze()
    train(optimizer, members, range(9, 11))
    assert not torch.equal(optimizer.export_preconditioner()["0.phi"], phi)


def test_a_group_that_joins_a_frozen_optimizer_is_frozen_too() -> None:
    optimizer, _ = trained(5, (4,), lr=0.1)
    optimizer.freeze()
    later, own = (Parameter(torch.ones(3)) for _ in range(2))
    optimizer.add_param_group({"params": [later]})
    optimizer.add_param_group({"params": [own], "frozen": False})
    before = optimizer.export_preconditioner()
    train(optimizer, [later, own], range(4))
    after = optimizer.export_preconditioner()
    assert torch.equal(after["1.phi"], before["1.phi"]) and not torch.equal(after["2.phi"], before["2.phi"])
    optimizer.unfreeze()
    train(optimizer, [later], range(4, 8))
    assert not torch.equal(optimizer.export_preconditioner()["1.phi"], before["1.phi"])


def test_learning_every_third_gradient_changes_phi_every_third_step() -> None:
    optimizer, members = trained(0, (4,), lr=0.1, meta_every=3)
    changes, last = [], optimizer.export_preconditioner()["0.phi"]
    for step in range(7):
        train(optimizer, members, range(step, step + 1))
        now = optimizer.export_preconditioner()["0.phi"]
        changes.append(not torch.equal(last, now))
        last = now
    assert changes == [False, False, False, True, False, False, True]


def test_half_precision_parameters_have_a_state_in_single_precision() -> None:
    x = Parameter(torch.randn(6, generator=generator(0)).to(torch.bfloat16))
    optimizer = LODO([x], lr=0.1)
    train(optimizer, [x], range(4))
    state = optimizer.state_dict()["state"][0]
    assert x.dtype == torch.bfloat16 and state["phi"].dtype == state["momentum"].dtype == torch.float32
    assert (
        LODO([Parameter(torch.zeros(2, dtype=torch.float64))]).export_preconditioner()["0.phi"].dtype == torch.float64
    )


def test_complex_parameters_are_pairs_of_reals() -> None:
    values = torch.randn(3, 2, generator=generator(0))
    pairs, numbers = Parameter(values.clone()), Parameter(torch.view_as_complex(values.clone()))
    for p in (pairs, numbers):
        optimizer = LODO([p], lr=0.1)
        for step in range(4):
            gradient = torch.randn(3, 2, generator=generator(step))
            p.grad = torch.view_as_complex(gradient) if p.is_complex() else gradient
            optimizer.step()
    torch.testing.assert_close(torch.view_as_real(numbers.detach()), pairs.detach())


def test_climbing_is_descending_with_the_other_sign() -> None:
    down, up = Parameter(torch.zeros(3)), Parameter(torch.zeros(3))
    for x, sign in ((down, 1), (up, -1)):
        optimizer = LODO([x], lr=0.1, maximize=sign < 0)
        for step in range(3):
            x.grad = sign * torch.randn(3, generator=generator(step))
            optimizer.step()
    assert torch.equal(down, up)


def test_an_update_is_never_larger_than_allowed() -> None:
    x = Parameter(torch.zeros(4, dtype=torch.float64))
    optimizer = LODO([x], lr=10.0, max_update_rms=0.01)
    x.grad = torch.tensor([3.0, -4.0, 0.0, 0.0], dtype=torch.float64)
    optimizer.step()
    assert float(x.detach().norm()) / 2 == pytest.approx(0.01)
    assert optimizer.stats()[0].update_rms == pytest.approx(0.01)


def test_the_global_generator_is_left_alone_and_the_seed_decides() -> None:
    torch.manual_seed(7)
    state = torch.get_rng_state()
    exported = [trained(2, (20,), seed=seed)[0].export_preconditioner() for seed in (0, 0, 1)]
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(exported[0]["0.permutations"], exported[1]["0.permutations"])
    assert not torch.equal(exported[0]["0.permutations"], exported[2]["0.permutations"])


def test_a_preconditioner_moves_to_a_sibling_task() -> None:
    optimizer, _ = trained(30, (6,), lr=0.1, seed=0)
    other = LODO(parameters((6,)), lr=0.1, seed=5)
    other.load_preconditioner(optimizer.export_preconditioner())
    torch.testing.assert_close(other.dense(), optimizer.dense(), rtol=0, atol=0)
    with pytest.raises(InputError, match=r"0\.permutations is missing"):
        other.load_preconditioner({"0.phi": optimizer.export_preconditioner()["0.phi"]})
    smaller = LODO(parameters((5,)), lr=0.1)
    with pytest.raises(InputError, match=r"permutations must have shape \(16, 12\)"):
        smaller.load_preconditioner(optimizer.export_preconditioner())


def test_matvec_dense_and_spectrum_agree() -> None:
    optimizer, members = trained(20, (3,), (4,), lr=0.1, scope="param")
    matrix, v = optimizer.dense(), torch.randn(7, generator=generator(3))
    torch.testing.assert_close(optimizer.matvec(v), matrix @ v)
    assert torch.equal(matrix[:3, 3:], torch.zeros(3, 4))
    values = torch.tensor(optimizer.stats(spectrum=10)[1].spectrum)
    torch.testing.assert_close(values, torch.linalg.eigvalsh(matrix[3:, 3:]), rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match="there are 7 scalars; limit is 6"):
        optimizer.dense(limit=6)
    before = [p.detach().clone() for p in members]
    train(optimizer, members, range(20, 21))
    assert optimizer.stats()[0].update_rms == pytest.approx(
        float((before[0] - members[0]).norm().detach()) / 3**0.5, 1e-3
    )


def test_a_long_run_keeps_its_memory() -> None:
    import gc

    optimizer, members = trained(20, (10,), lr=0.01)

    def held() -> int:
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())

    before = held()
    for _ in range(300):
        optimizer.step()
    assert held() <= before
    assert all(p.grad_fn is None for p in members)


OPTIONS: list[dict[str, Any]] = [
    {"lr": 0.1},
    {"lr": None},
    {"lr": 0.1, "structure": "kronecker"},
    {"lr": None, "structure": "kronecker", "block_size": 2},
    {"lr": 0.1, "structure": "butterfly"},
    {"lr": 0.1, "structure": "residual"},
    {"lr": 0.1, "structure": "diagonal", "scope": "group"},
    {"lr": 0.1, "meta_optimizer": "sgd"},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_copy_goes_on_as_the_original(options: dict[str, Any]) -> None:
    optimizer, members = trained(4, (3, 4), (2,), **options)
    copied, twins = copy.deepcopy((optimizer, members))
    for each, owned in ((optimizer, members), (copied, twins)):
        train(each, owned, range(4, 8))
    assert all(torch.equal(a, b) for a, b in zip(members, twins, strict=True))
    assert all(bool(torch.isfinite(p).all()) for p in members)
