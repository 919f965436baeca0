"""LODO in programs that do what few do: modes of torch around a step, odd numbers, states that went through others."""

import copy
import math
import subprocess
import sys
import threading
import warnings
from fractions import Fraction
from typing import Any

import numpy
import pytest
import torch
from torch.nn import Parameter
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from novacula.errors import InputError
from novacula.optim import LODO
from novacula.optim.groups import OPTIONS
from novacula.optim.stats import loss_value
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
        (cast("phi", torch.float64), "its vectors are of torch.float32, torch.float64; this"),
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


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("lr", [None, 0.1])
def test_tensors_that_others_put_into_the_state_are_those_of_the_next_step(engine: Any, lr: float | None) -> None:
    """As programs do that move a state to a device; the kernels went on with the old ones, which nobody saved."""
    optimizer, members = trained(4, (3, 4), (5,), engine=engine, lr=lr)
    other, copies = resumed(optimizer, members, engine=engine, lr=lr)
    train(optimizer, members, range(4, 6))
    for name, saved in other.state[copies[0]].items():
        optimizer.state[members[0]][name] = saved.clone()
    for p, q in zip(members, copies, strict=True):
        p.data.copy_(q)
    train(optimizer, members, range(4, 7))
    train(other, copies, range(4, 7))
    assert same(members, copies)
    assert torch.equal(*(each.export_preconditioner()["0.phi"] for each in (optimizer, other)))


INSIDE: dict[str, Any] = {
    "export": lambda optimizer, other: optimizer.export_preconditioner(),
    "freeze": lambda optimizer, other: (optimizer.freeze(), optimizer.unfreeze()),
    "take over": lambda optimizer, other: optimizer.load_preconditioner(other.export_preconditioner()),
    "load": lambda optimizer, other: optimizer.load_state_dict(copy.deepcopy(other.state_dict())),
}


@pytest.mark.parametrize("call", INSIDE)
def test_a_state_that_is_made_in_inference_mode_can_go_on(call: str) -> None:
    """Its tensors were frozen for good: the next step failed."""
    other, _ = trained(3, (3, 4), (5,))
    ends = []
    for mode in (torch.no_grad, torch.inference_mode):
        members = parameters((3, 4), (5,))
        optimizer = LODO(members)
        with mode():
            INSIDE[call](optimizer, other)
        train(optimizer, members, range(3))
        ends.append(members)
    assert same(*ends)


def test_parameters_that_cannot_move_are_refused() -> None:
    with torch.inference_mode():
        constant = Parameter(torch.ones(3), requires_grad=False)
    conjugate = Parameter(torch.ones(3, dtype=torch.complex64).conj())
    lazy = torch.nn.LazyLinear(2).weight
    for wrong, says in {constant: "clone it outside", conjugate: "resolve_conj", lazy: "no shape yet"}.items():
        with pytest.raises(InputError, match=says):
            LODO([wrong])


def test_parameters_that_change_their_precision_are_followed() -> None:
    """Complex numbers are twice as many; and the mean of the iterates is that of the rounded ones from then on."""
    (x,) = members = parameters((3,))
    optimizer = LODO(members)
    train(optimizer, members, range(2))
    x.grad, x.data = None, x.data.to(torch.complex64)
    train(optimizer, members, range(2, 4))
    assert [(each.scalars, each.steps) for each in optimizer.stats()] == [(6, 2)]
    y = Parameter(torch.full((50,), 100.0))
    optimizer = LODO([y])
    y.grad = torch.zeros(50)
    optimizer.step()
    y.grad, y.data = None, y.data.to(torch.bfloat16)
    for step in range(20):
        y.grad = torch.randn(50, generator=torch.Generator().manual_seed(step)).to(torch.bfloat16)
        optimizer.step()
    assert bool((y == 100).all()) and not optimizer.state[y]["lag"].any()


@pytest.mark.parametrize("options", [{"state_dtype": "float64"}, {}])
def test_a_state_of_another_precision_than_the_optimizers_is_refused(options: dict[str, Any]) -> None:
    """The option was ignored; a state goes on in its own precision where the option names it."""
    optimizer, _ = trained(2, (3, 4))
    members = parameters((3, 4), dtype=torch.float32 if options else torch.float64)
    with pytest.raises(InputError, match=r"are of torch\.float32; this optimizer's are of torch\.float64"):
        LODO(members, **options).load_state_dict(optimizer.state_dict())
    LODO(members, state_dtype="float32").load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize("also", ["a group is added", "a group goes"])
def test_a_change_of_the_parameters_is_noticed_whatever_else_changes(also: str) -> None:
    a, b = parameters((3, 4), (5,))
    optimizer = LODO([{"params": [a]}, {"params": [b]}], scope="group")
    train(optimizer, [a, b], range(5))
    before = optimizer.export_preconditioner()["0.phi"]
    with torch.no_grad():
        a.mul_(0.5)
    if also == "a group is added":
        optimizer.add_param_group({"params": parameters((2,))})
    else:
        optimizer.param_groups.pop()
    train(optimizer, [a], range(5, 6))
    assert torch.equal(before, optimizer.export_preconditioner()["0.phi"]) and optimizer.stats()[0].changed == 1


@pytest.mark.parametrize("loss", [numpy.float32(0.5), Fraction(1, 2), numpy.array(0.5)])
def test_the_value_of_a_closure_is_a_loss_if_it_is_a_number(loss: Any) -> None:
    assert loss_value(loss) == 0.5
    assert all(math.isnan(loss_value(other)) for other in (torch.tensor(1j), torch.ones(2), "0.5", None))


def test_options_of_all_other_optimizers_are_refused_in_a_group() -> None:
    kinds = [torch.optim.SGD, torch.optim.NAdam, torch.optim.Rprop, torch.optim.LBFGS, torch.optim.Adafactor]
    for name in {name for kind in kinds for name in kind(parameters((2, 2)), lr=0.1).defaults} - {*OPTIONS}:
        with pytest.raises(InputError, match=name):
            LODO([{"params": parameters((2,)), name: 1}])


HOOK = """
import torch
from novacula.optim import LODO
x = torch.nn.Parameter(torch.ones(3))
optimizer = LODO([x])
x.register_post_accumulate_grad_hook(lambda p: optimizer.step())
x.sum().backward()
"""


def test_a_step_in_a_hook_of_the_parameter_says_nothing_at_the_end() -> None:
    """The parameter holds the optimizer from C++, so that Python frees neither; the kernels spoke of a leak."""
    done = subprocess.run([sys.executable, "-c", HOOK], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""


def shadowed(optimizer: LODO, model: torch.nn.Module) -> None:
    """What averages of weights and their wrappers do beside a training run."""
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    average.update_parameters(model)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    copy.deepcopy(optimizer).step()


@pytest.mark.parametrize("how", ["scaler", "thread", "deterministic", "float64", "shadow"])
def test_what_stands_around_a_training_run_does_not_change_it(how: str) -> None:
    x, ends = torch.randn(8, 4, generator=torch.Generator().manual_seed(3)), []
    for around in ("", how):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
        optimizer, scaler = LODO(model.parameters()), torch.amp.GradScaler("cpu", enabled=around == "scaler")

        def descend(
            model: Any = model, optimizer: LODO = optimizer, scaler: Any = scaler, around: str = around
        ) -> None:
            for step in range(8):
                optimizer.zero_grad(set_to_none=step % 2 == 0)
                for rows in x.split(4):  # accumulates
                    scaler.scale(model(rows).square().mean()).backward()
                if around == "scaler" and step == 4:
                    model[0].weight.grad.view(-1)[0] = math.inf
                if around == "shadow":
                    shadowed(optimizer, model)
                elif step != 4 or how != "scaler":
                    scaler.unscale_(optimizer)
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                if step != 4 or how != "scaler" or around:
                    scaler.step(optimizer)
                scaler.update()

        thread = threading.Thread(target=descend)
        torch.use_deterministic_algorithms(around == "deterministic")
        torch.set_default_dtype(torch.float64 if around == "float64" else torch.float32)
        try:
            thread.start() if around == "thread" else descend()
            thread.join() if around == "thread" else None
        finally:
            torch.use_deterministic_algorithms(False)
            torch.set_default_dtype(torch.float32)
        ends.append(list(model.parameters()))
    assert same(*ends)
