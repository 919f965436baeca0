"""LODO in programs that do what few do: modes of torch around a step, odd numbers, states that went through others."""

import copy
import math
import subprocess
import sys
import warnings
from typing import Any

import pytest
import torch
from torch.nn import Parameter
from torch.optim.lr_scheduler import OneCycleLR

from novacula.errors import InputError
from novacula.optim import LODO
from tests.optim.problems import parameters, train, trained

ENGINES = ("native", "torch")


def same(members: list[Parameter], others: list[Parameter]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(members, others, strict=True))


def resumed(optimizer: LODO, members: list[Parameter], **options: Any) -> tuple[LODO, list[Parameter]]:
    """Another optimizer of copies of the parameters, which has loaded the state."""
    copies = [Parameter(p.detach().clone()) for p in members]
    other = LODO(copies, **options)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    return other, copies


@pytest.mark.parametrize("engine", ENGINES)
def test_a_scheduler_of_momentum_does_not_spoil_a_resumption(engine: Any) -> None:
    """It changes the momentum between a step and the checkpoint; the step was corrected by the one before."""
    members = parameters((3, 4), (5,))
    optimizer = LODO(members, engine=engine)
    schedule = OneCycleLR(optimizer, max_lr=1, total_steps=40)
    for step in range(5):
        train(optimizer, members, range(step, step + 1))
        schedule.step()
    other, copies = resumed(optimizer, members, engine=engine)
    train(optimizer, members, range(5, 8))
    train(other, copies, range(5, 8))
    assert same(members, copies)


@pytest.mark.parametrize("how", ["state", "copy"])
def test_a_change_after_the_last_step_is_part_of_what_is_saved(how: str) -> None:
    optimizer, members = trained(6, (3, 4), (5,))
    with torch.no_grad():
        members[0].clamp_(max=0.1)
    other, copies = resumed(optimizer, members) if how == "state" else copy.deepcopy((optimizer, members))
    train(optimizer, members, range(6, 9))
    train(other, copies, range(6, 9))
    assert same(members, copies) and [o.stats()[0].changed for o in (optimizer, other)] == [1, 1]


@pytest.mark.parametrize("options", [{}, {"engine": "torch"}, {"structure": "kronecker"}, {"structure": "dense"}])
def test_no_mode_of_torch_around_a_step_changes_it(options: dict[str, Any]) -> None:
    members, others = (parameters((3, 4), (5,)) for _ in range(2))
    optimizer, other = LODO(members, **options), LODO(others, **options)
    train(optimizer, members, range(3))
    for step in range(3):
        for index, p in enumerate(others):
            noise = torch.randn(p.shape, generator=torch.Generator().manual_seed(1000 * step + index), dtype=p.dtype)
            p.grad = (index + 1) * p.detach() + 0.1 * noise
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.inference_mode():
            other.step()
            assert other.matvec(torch.ones(17)).dtype == torch.float32
    assert same(members, others)


def test_a_vector_has_the_order_of_the_groups_whatever_shares_a_preconditioner() -> None:
    members = parameters((2,), (2,), (2,))
    optimizer = LODO([{"params": [members[0]]}, {"params": [members[1]], "lr": 0.5}, {"params": [members[2]]}])
    diagonal = optimizer.dense().diag()
    assert torch.allclose(diagonal[2:4], torch.full((2,), 0.5)) and bool((diagonal[[0, 1, 4, 5]] > 1000).all())
    product = optimizer.matvec(torch.tensor([0.0, 0, 1, 1, 0, 0]))
    assert torch.allclose(product, torch.tensor([0.0, 0, 0.5, 0.5, 0, 0]), atol=1e-6)


@pytest.mark.parametrize("missing", ["none", "inf", "no closure"])
def test_the_gain_ratio_is_of_what_moved_between_two_closures(missing: str) -> None:
    a, b = parameters((2,), (2,))
    optimizer = LODO([a, b], lr=1e-3, scope="param")

    def closure(missing: str = "") -> torch.Tensor:
        optimizer.zero_grad()
        loss = 2 * a.sum() + 3 * b.sum()
        loss.backward()
        if missing:
            a.grad = torch.full_like(a, math.inf) if missing == "inf" else None
        return loss

    for _ in range(2):
        optimizer.step(closure)
    if missing == "no closure":
        optimizer.step()
    else:
        optimizer.step(lambda: closure(missing))
    optimizer.step(closure)
    ratio = optimizer.stats()[0].gain_ratio
    assert math.isnan(ratio) if missing == "no closure" else math.isclose(ratio, 1, rel_tol=1e-2)


NUMBERS = f"""
from decimal import Decimal
from fractions import Fraction
import numpy as np, torch
from novacula.optim import LODO
names = ("lr", "meta_lr", "momentum", "weight_decay", "meta_eps", "max_update_rms")
for number in (Fraction(1, 10), Decimal("0.1"), np.float32(0.1), np.array(0.1)):
    for engine in {ENGINES}:
        ends = []
        for value in (number, float(number)):
            p = torch.nn.Parameter(torch.ones(5))
            optimizer = LODO([p], engine=engine, meta_betas=(value, value), **dict.fromkeys(names, value))
            assert {{type(optimizer.param_groups[0][name]) for name in names}} == {{float}}
            for step in range(3):
                p.grad = p.detach() * (step + 1)
                optimizer.step()
                optimizer.param_groups[0]["lr"] = value
            ends.append(p.detach())
        assert torch.equal(*ends)
"""


def test_a_number_of_any_kind_is_a_number() -> None:
    """The tests check annotations at every call, so a process without them asks."""
    subprocess.run([sys.executable, "-c", NUMBERS], check=True, timeout=120)


def test_an_option_that_is_changed_is_checked_before_anything_moves() -> None:
    members = parameters((3, 4), (5,))
    optimizer = LODO([{"params": [p]} for p in members], scope="group")
    train(optimizer, members, range(2))
    before = [p.detach().clone() for p in members]
    optimizer.param_groups[1]["momentum"] = 2
    with pytest.raises(InputError, match="momentum is 2"):
        train(optimizer, members, range(2, 3))
    assert all(torch.equal(p, q) for p, q in zip(members, before, strict=True))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("momentum", 0.5, "momentum is 0.5 and 0.9 in groups that share a preconditioner"),
        ("structure", "diagonal", "structure is 'diagonal' and 'blockperm'"),
        ("depth", 2, "depth is 2 now and was None; only a new optimizer can change it"),
        ("meta_optimizer", "sgd", "meta_optimizer is 'sgd' now and was 'adam'"),
        ("scope", "param", "scope is 'param' now and was 'global'"),
    ],
)
def test_an_option_that_cannot_change_is_refused(name: str, value: Any, message: str) -> None:
    """It was ignored before, or its state could not be loaded again."""
    members = parameters((3, 4), (5,))
    optimizer = LODO([{"params": [p]} for p in members])
    train(optimizer, members, range(2))
    for group in optimizer.param_groups[1:] if "and 0.9" in message or "and 'b" in message else optimizer.param_groups:
        group[name] = value
    with pytest.raises(InputError) as raised:
        train(optimizer, members, range(2, 3))
    assert message in str(raised.value)


def test_the_groups_of_another_lodo_keep_their_form() -> None:
    """Their lr is a factor, 1; as a number it would be the published method with this α0."""
    optimizer, _ = trained(2, (3, 4))
    assert LODO(optimizer.param_groups).param_groups[0]["automatic"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (set(parameters((2,), (3,))), "params is a set, which has no order"),
        ([{"params": set(parameters((2,), (3,)))}], "the params of a group are a set, which has no order"),
        ([{"lr": 0.1}], "a group has no params"),
        ([{"params": parameters((2,))}, *parameters((3,))], "params holds groups and a Parameter"),
        ([Parameter(torch.zeros(2).to(torch.float8_e4m3fn), requires_grad=False)], "float8_e4m3fn"),
    ],
)
def test_parameters_without_an_order_or_a_precision_are_refused(params: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LODO(params)


@pytest.mark.parametrize("engine", ENGINES)
def test_numbers_of_a_state_that_others_wrote_otherwise_are_the_same(engine: Any) -> None:
    optimizer, members = trained(4, (3, 4), engine=engine)
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0] = {k: v.item() if v.ndim == 0 else v for k, v in state["state"][0].items()}
    copies = [Parameter(p.detach().clone()) for p in members]
    other = LODO(copies, engine=engine)
    other.load_state_dict(state)
    train(optimizer, members, range(4, 7))
    train(other, copies, range(4, 7))
    assert same(members, copies)


def group(name: str, value: object) -> Any:
    return lambda state: state["param_groups"][0].__setitem__(name, value)


def cast(name: str, dtype: torch.dtype) -> Any:
    return lambda state: state["state"][0].__setitem__(name, state["state"][0][name].to(dtype))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("state"), "it must have `state`"),
        (lambda state: state.__setitem__("state", [1]), "it must have `state`"),
        (lambda state: state["state"].__setitem__(0, [1]), "state 0: is no mapping"),
        (lambda state: state["state"].__setitem__("0", state["state"].pop(0)), "belongs to no parameter"),
        (lambda state: state["param_groups"].__setitem__(0, None), "group 0: is no group"),
        (group("params", None), "group 0: is no group"),
        (group("generation", "x"), "generation is 'x'"),
        (group("lr", None), "lr is None"),
        (cast("phi", torch.float64), "its vectors are of torch.float32, torch.float64"),
        (cast("momentum", torch.bfloat16), "its vectors are of torch.bfloat16, torch.float32"),
        (cast("taken", torch.complex64), "taken is of torch.complex64"),
        (cast("permutations", torch.bool), "permutations must"),
    ],
)
def test_a_state_of_another_form_or_precision_is_refused_and_changes_nothing(change: Any, message: str) -> None:
    optimizer, _ = trained(2, (3, 4))
    before = copy.deepcopy(optimizer.state_dict())
    wrong = copy.deepcopy(before)
    change(wrong)
    with pytest.raises(InputError, match=message):
        optimizer.load_state_dict(wrong)
    after = optimizer.state_dict()
    assert all(torch.equal(after["state"][0][k], v) for k, v in before["state"][0].items() if v.isfinite().all())


def test_hooks_of_a_compiled_step_run_once() -> None:
    members, calls = parameters((3, 4)), []
    optimizer = LODO(members)
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))

    def step() -> None:
        optimizer.zero_grad()
        members[0].square().sum().backward()
        optimizer.step()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.compile(step, backend="eager")()
    assert calls == ["before", "after"] and optimizer.stats()[0].steps == 1


def test_the_mean_of_iterates_is_that_of_the_rounded_ones() -> None:
    """In bfloat16 a small step from 100 moves nothing: all iterates are the same, and so is their mean."""
    x = Parameter(torch.full((50,), 100, dtype=torch.bfloat16))
    optimizer = LODO([x])
    for step in range(50):
        x.grad = torch.randn(50, generator=torch.Generator().manual_seed(step)).to(torch.bfloat16)
        optimizer.step()
    assert bool((x == 100).all()) and not optimizer.state[x]["lag"].any()


def test_warnings_say_what_is_so() -> None:
    """A bound on the steps is no low factor; and what a state has learned is known after it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        members = parameters((3, 4))
        optimizer = LODO(members, max_update_rms=1e-9)
        optimizer.param_groups[0]["lr"] = 0.9
        train(optimizer, members, range(210))
        for step in range(9):
            with torch.no_grad():
                members[0].mul_(1)
            train(optimizer, members, range(step, step + 1))
        optimizer.param_groups[0]["meta_every"] = 1000
        other, copies = resumed(optimizer, members)
        train(other, copies, range(1))
        with torch.no_grad():
            copies[0].mul_(1)
        train(other, copies, range(1))
    assert other.stats()[0].changed == 10


def test_views_of_a_tensor_that_take_turns_were_changed_by_nobody_else() -> None:
    whole = torch.randn(6)
    a, b = whole[:3].requires_grad_(), whole[3:].requires_grad_()
    optimizer = LODO([a, b], scope="param")
    for step in range(6):
        a.grad, b.grad = torch.ones(3), torch.ones(3) if step % 2 else None
        optimizer.step()
    assert [each.changed for each in optimizer.stats()] == [0, 0]


def test_a_negative_number_of_products_is_refused() -> None:
    with pytest.raises(InputError, match="spectrum is -1"):
        trained(1, (3,))[0].stats(-1)
