"""A saved optimizer goes on bit for bit, and what does not fit is refused."""

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed.checkpoint.state_dict import get_optimizer_state_dict, set_optimizer_state_dict
from torch.nn import Parameter

from novacula.errors import InputError
from novacula.optim import LODO
from tests.optim.problems import parameters, train, trained
from tests.optim.resuming import make


def test_runs_resumed_in_another_process_end_as_those_that_were_not_interrupted(tmp_path: Path) -> None:
    saved, wanted = [], []
    for lr in (0.1, None):
        optimizer, members = make(lr)
        train(optimizer, members, range(137))
        now = copy.deepcopy((optimizer.state_dict(), [p.detach() for p in members]))
        saved.append({"optimizer": now[0], "members": now[1], "step": 137, "lr": lr})
        train(optimizer, members, range(137, 300))
        wanted += members
    torch.save(saved, tmp_path / "saved.pt")
    command = [
        sys.executable,
        "-m",
        "tests.optim.resuming",
        str(tmp_path / "saved.pt"),
        "300",
        str(tmp_path / "end.pt"),
    ]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    ends = torch.load(tmp_path / "end.pt", weights_only=True)
    assert all(torch.equal(a.detach(), b) for a, b in zip(wanted, ends[0] + ends[1], strict=True))


def test_loading_casts_nothing() -> None:
    """The stock method casts every tensor to the parameter's dtype, permutations too."""
    members = [Parameter(torch.randn(300).to(torch.bfloat16))]
    optimizer = LODO(members, lr=0.1)
    train(optimizer, members, range(3))
    other = LODO([Parameter(torch.zeros(300, dtype=torch.bfloat16))], lr=0.1)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    mine, theirs = (o.state_dict()["state"][0] for o in (optimizer, other))
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        assert theirs[name].dtype == value.dtype and torch.equal(theirs[name].nan_to_num(), value.nan_to_num()), name
    assert theirs["permutations"].dtype == torch.int32


def test_pickle_and_safe_loading_keep_everything() -> None:
    optimizer, members = trained(4, (6,), lr=0.1)
    again, twins = pickle.loads(pickle.dumps((optimizer, members)))  # noqa: S301  # our own bytes
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    buffer.seek(0)
    third_members = [Parameter(members[0].detach().clone())]
    third = LODO(third_members, lr=0.1)
    third.load_state_dict(torch.load(buffer, weights_only=True))
    for each, owned in ((optimizer, members), (again, twins), (third, third_members)):
        train(each, owned, range(4, 8))
    assert torch.equal(members[0], twins[0]) and torch.equal(members[0], third_members[0])


def while_the_mean_is_shown() -> tuple[LODO, list[Parameter], torch.Tensor]:
    """An optimizer after `eval`, its parameter, and the iterate."""
    optimizer, members = trained(12, (8,))
    iterate = members[0].detach().clone()
    optimizer.state[members[0]]["toward"].fill_(1.0)
    optimizer.eval()
    assert not torch.equal(members[0], iterate)
    return optimizer, members, iterate


@pytest.mark.parametrize("change", ["copy", "pickle", "preconditioner", "state", "saved"])
def test_the_iterate_outlives_all_that_happens_while_the_mean_is_shown(change: str) -> None:
    optimizer, members, iterate = while_the_mean_is_shown()
    if change == "copy":
        optimizer, members = copy.deepcopy((optimizer, members))
    elif change == "pickle":
        optimizer, members = pickle.loads(pickle.dumps((optimizer, members)))  # noqa: S301  # our own bytes
    elif change == "preconditioner":
        optimizer.load_preconditioner(optimizer.export_preconditioner())
    elif change == "saved":
        members = [Parameter(members[0].detach().clone())]
        other = LODO(members)
        with pytest.warns(UserWarning, match="before you save"):
            other.load_state_dict(optimizer.state_dict())
        optimizer, members[0].grad = other, torch.ones(8)
        with pytest.raises(InputError, match="the parameters are a mean"):
            optimizer.step()
    else:
        optimizer.load_state_dict(trained(12, (8,))[0].state_dict())
    optimizer.train()
    assert torch.equal(members[0], iterate)
    optimizer.step()


def test_weights_that_are_loaded_while_the_mean_is_shown_stay() -> None:
    optimizer, members, _ = while_the_mean_is_shown()
    with torch.no_grad():
        members[0].fill_(2.0)
    optimizer.train()
    assert torch.equal(members[0], torch.full((8,), 2.0)) and optimizer.stats()[0].changed == 1


def test_parameters_in_another_order_are_refused() -> None:
    saved = trained(2, (2, 3), (4,))[0].state_dict()
    with pytest.raises(InputError, match="had other shapes, or stood in another order"):
        LODO(parameters((4,), (2, 3))).load_state_dict(saved)
    del saved["state"][0]["shapes"]  # as states were saved before
    LODO(parameters((2, 3), (4,))).load_state_dict(saved)
    a, b = parameters((3,), (3,))
    with pytest.raises(InputError, match="the same names as those of this optimizer, in another order"):
        LODO([("a", a), ("b", b)]).load_state_dict(LODO([("b", b), ("a", a)]).state_dict())


def test_what_others_keep_in_a_group_survives_a_load() -> None:
    (x,) = parameters((3,))
    optimizer = LODO([{"params": [x], "part": "head"}])
    torch.optim.lr_scheduler.StepLR(optimizer, 5)
    optimizer.load_state_dict(trained(2, (3,))[0].state_dict())
    assert optimizer.param_groups[0]["part"] == "head" and optimizer.param_groups[0]["initial_lr"] == 1


def test_a_group_that_came_late_comes_back() -> None:
    optimizer, members = trained(3, (4,), lr=0.1, scope="global")
    late = parameters((4,), (3,))[1:]
    optimizer.add_param_group({"params": late})
    train(optimizer, members + late, range(3, 5))
    again = [Parameter(p.detach().clone()) for p in members + late]
    other = LODO([{"params": again[:1]}, {"params": again[1:]}], lr=0.1, scope="global")
    other.load_state_dict(optimizer.state_dict())
    for each, owned in ((optimizer, members + late), (other, again)):
        train(each, owned, range(5, 8))
    assert all(torch.equal(a, b) for a, b in zip(members + late, again, strict=True))


def broken(change: str) -> tuple[LODO, dict[str, Any]]:
    """An optimizer, and the state of another one that does not fit it."""
    optimizer, _ = trained(2, (6,), lr=0.1)
    state = copy.deepcopy(trained(2, (6,), lr=0.1)[0].state_dict())
    tensors = state["state"][0]
    match change:
        case "version":
            state["param_groups"][0]["format"] = 4
        case "no version":
            del state["param_groups"][0]["format"]
        case "stock":
            x = Parameter(torch.ones(6))
            state = torch.optim.Adam([x]).state_dict()
        case "phi":
            tensors["phi"] = tensors["phi"][:3]
        case "missing":
            del tensors["second"]
        case "permutations":
            tensors["permutations"][0, 0] = tensors["permutations"][0, 1]
        case "size":
            state = trained(2, (7,), lr=0.1)[0].state_dict()
        case "depth":
            state = trained(2, (6,), lr=0.1, depth=3)[0].state_dict()
        case "groups":
            state = trained(2, (6,), (2,), lr=0.1)[0].state_dict()
    return optimizer, state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("version", "group 0: format is 4; this novacula reads 3"),
        ("no version", "group 0: format is None"),
        ("stock", "group 0: format is None"),
        ("phi", r"preconditioner 0: phi has shape \(3, 1, 4, 4, 16\); it must have \(16, 1, 4, 4, 16\)"),
        ("missing", "preconditioner 0: second is missing"),
        ("permutations", "rows that are no permutations"),
        ("size", r"momentum has shape \(7,\); it must have \(6,\)"),
        ("depth", "group 0: depth is 3; this optimizer's is None"),
        ("groups", "its groups have other numbers of parameters"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change: str, message: str) -> None:
    optimizer, state = broken(change)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(InputError, match=message):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    assert all(torch.equal(after["state"][0][k], v) for k, v in before["state"][0].items())


def test_distributed_checkpoints_take_the_state_apart_and_put_it_together() -> None:
    def model() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))

    first, second = model(), model()
    second.load_state_dict(first.state_dict())
    optimizers = [LODO(m.parameters(), lr=0.1, scope="param") for m in (first, second)]
    train(optimizers[0], list(first.parameters()), range(3))
    second.load_state_dict(first.state_dict())
    set_optimizer_state_dict(second, optimizers[1], get_optimizer_state_dict(first, optimizers[0]))
    for optimizer, m in zip(optimizers, (first, second), strict=True):
        train(optimizer, list(m.parameters()), range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_groups_that_share_a_tensor_as_lr_share_it_after_a_load() -> None:
    """A scheduler writes in it once for all, or once for each."""
    lr = torch.tensor(0.5)
    members, copies = (parameters((4,), (3,)) for _ in range(2))
    optimizer, other = (LODO([{"params": [p]} for p in each], lr=lr) for each in (members, copies))
    other.load_state_dict(optimizer.state_dict())
    first, second = (group["lr"] for group in other.param_groups)
    assert first is second and first is not lr and torch.equal(first, lr)


def test_what_is_loaded_and_saved_again_before_a_step_is_the_same() -> None:
    optimizer, _ = trained(2, (4,), (3,))
    other = LODO(parameters((4,), (3,)))
    other.load_state_dict(copy.deepcopy(saved := optimizer.state_dict()))
    again = other.state_dict()["state"]
    assert {key: {*value} for key, value in again.items()} == {key: {*value} for key, value in saved["state"].items()}


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("before", ["nothing", "loaded", "taken over"])
def test_a_group_may_go_at_any_time(before: str, place: int) -> None:
    """The state was of all groups until the next step, and could neither be saved nor, once loaded, go on."""
    members = parameters((3, 4), (5,))
    optimizer = LODO([{"params": [p]} for p in members])
    train(optimizer, members, range(3))
    if before == "loaded":
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    elif before == "taken over":
        optimizer.load_preconditioner(optimizer.export_preconditioner())
    optimizer.param_groups.pop(place)
    left = [members[1 - place]]
    copies = [Parameter(left[0].detach().clone())]
    other = LODO(copies)
    saved = optimizer.state_dict()
    assert [len(group["params"]) for group in saved["param_groups"]] == [1] and {*saved["state"]} <= {0}
    train(optimizer, left, range(3, 6))
    train(other, copies, range(3, 6))
    assert torch.equal(left[0], copies[0]) and optimizer.stats()[0].steps == 3


@pytest.mark.parametrize("way", ["load", "deepcopy"])
def test_parameters_that_change_before_the_first_step_after_a_load_are_noticed(way: str) -> None:
    """A model that is loaded after the optimizer ends where the state was saved; one that is changed does not."""
    x = torch.nn.Parameter(torch.ones(5))
    optimizer = LODO([x], lr=0.1)
    for _ in range(3):
        x.grad = x.detach().clone()
        optimizer.step()
    for change in (0.0, 1e-3):
        if way == "load":
            y = torch.nn.Parameter(torch.zeros(5))
            other = LODO([y], lr=0.1)
            other.load_state_dict(optimizer.state_dict())
            other.stats()
            other.state_dict()  # the model, which is loaded last, is not yet there
        else:
            y, other = copy.deepcopy((x, optimizer))
        with torch.no_grad():
            y.copy_(x + change)
        y.grad = x.detach().clone()
        other.step()
        assert other.stats()[0].changed == (1 if change else 0)
    x.grad = x.detach().clone()
    optimizer.step()
    assert optimizer.stats()[0].changed == 0  # the mark of an older point says nothing
