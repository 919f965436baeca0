"""Which of the checks that PyTorch makes of its own optimizers does LODO pass?

    python benchmarks/studies/lodo_peers.py [--tests 'a,b'] [--json PATH]

PyTorch's `TestOptimRenewed` is driven by `torch.testing._internal.common_optimizers`, which comes with torch: what an
optimizer supports, its options, and what it must refuse. LODO is described there in the same way (`INFO`), and every
check of that battery that runs on a CPU and asks for no implementation by a flag (foreach, fused, capturable) is
written anew here, under its name. Each runs with each set of options; the table has the reasons of what fails. Inherent
are two: a complex number is two reals side by side, so that it is not the same vector as all real parts before all
imaginary parts; and a preconditioner mixes all coordinates, so that there is no sparse step.
"""

import io
import sys
import types
import unittest
import warnings
from collections.abc import Callable
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness

from harness import arguments, save, table_head, table_row

from novacula.optim import LODO

if find_spec("expecttest") is None:  # the battery's module needs its name only
    sys.modules["expecttest"] = cast("Any", types.SimpleNamespace(TestCase=unittest.TestCase))

from torch.testing._internal.common_optimizers import (
    OptimizerErrorEnum,
    OptimizerInfo,
    OptimizerInput,
    get_error_inputs_for_all_optims,
)

OPTIONS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "a number": {"lr": 0.01},
    "weight decay": {"weight_decay": 0.1},
    "maximize": {"weight_decay": 0.1, "maximize": True},
    "number, maximize": {"lr": 0.01, "maximize": True},
    "gradient descent": {"lr": 0.01, "meta_optimizer": "sgd", "momentum": 0.0},
    "per parameter": {"scope": "param"},
    "kronecker": {"structure": "kronecker"},
    "torch engine": {"engine": "torch", "structure": "butterfly"},
}
INFO: Any = cast("Any", OptimizerInfo)(
    LODO,
    optim_inputs_func=lambda device, dtype=None: [
        cast("Any", OptimizerInput)(params=None, kwargs=kwargs, desc=name) for name, kwargs in OPTIONS.items()
    ],
    optim_error_inputs_func=get_error_inputs_for_all_optims,
    supported_impls=(),
    not_og_supported_flags=(),
    supports_sparse=True,  # which is checked, though LODO refuses
)
INHERENT = {"complex_2d": "order of complex numbers", "rosenbrock_sparse": "sparse gradients"}
Options = dict[str, Any]


def problem(
    contiguous: bool = True, dtype: torch.dtype = torch.float32
) -> tuple[list[Parameter], Callable[[], Tensor]]:
    """A weight and a bias, and the loss of the battery, ‖W x + b‖²."""
    generator = torch.Generator().manual_seed(0)
    weight, bias, x = (torch.randn(shape, generator=generator).to(dtype) for shape in ((10, 5, 2), (10, 2), (5,)))
    members = [Parameter(each[..., 0]) for each in (weight, bias)]
    if contiguous:
        members = [Parameter(each.detach().contiguous()) for each in members]
    return members, lambda: (members[0].mv(x) + members[1]).square().sum()


def train(optimizer: LODO, loss: Callable[[], Tensor], steps: int, schedules: tuple[Any, ...] = ()) -> None:
    """Steps with a closure, each followed by the schedulers."""

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    for _ in range(steps):
        value = optimizer.step(closure)
        for schedule in schedules:
            schedule.step(value.detach()) if isinstance(schedule, ReduceLROnPlateau) else schedule.step()


def check(holds: bool, otherwise: str) -> None:
    """Fails with a reason."""
    if not holds:
        raise AssertionError(otherwise)


def same(left: Any, right: Any) -> None:
    """Fails unless two nested values are equal, bit for bit."""
    torch.testing.assert_close(left, right, rtol=0, atol=0, equal_nan=True)


def right_direction(options: Options, parameters: Callable[[list[Parameter]], Any], contiguous: bool = True) -> None:
    """20 steps lower the loss, or raise it, with and without each tuple of schedulers."""
    for schedulers in ((), *INFO.scheduler_inputs):
        members, loss = problem(contiguous)
        optimizer = LODO(parameters(members), **options)
        before = float(loss().detach())
        train(optimizer, loss, 20, tuple(make(optimizer) for make in schedulers))
        change = float(loss().detach()) - before
        check(change > 0 if options.get("maximize") else change < 0, f"the loss changed by {change:g}")


def tensor_lr(options: Options) -> None:
    """A rate as a tensor of one element does what the number does, and stays as it is."""
    for shape in ((), (1,), (1, 1)):
        ends = []
        for rate in (0.01, torch.full(shape, 0.01, dtype=torch.float64)):
            members, loss = problem()
            train(LODO(members, **{**options, "lr": rate}), loss, 5)
            ends.append([p.detach() for p in members])
        torch.testing.assert_close(*ends, rtol=1e-5, atol=1e-6)


def as_reals(options: Options, apart: bool) -> None:
    """A complex parameter moves as its real view does, or as its parts do."""
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(4, 3, dtype=torch.complex64, generator=generator)
    split = (lambda w: [w.real, w.imag]) if apart else lambda w: [torch.view_as_real(w)]
    ours, theirs = Parameter(z.clone()), [Parameter(part.clone()) for part in split(z)]
    optimizers = [LODO([ours], **options), LODO(theirs, **options)]
    for _ in range(5):
        ours.grad = torch.randn(4, 3, dtype=torch.complex64, generator=generator)
        for p, part in zip(theirs, split(ours.grad), strict=True):
            p.grad = part.clone()
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(split(ours.detach()), [p.detach() for p in theirs])


def step_is_noop_when_params_have_no_grad(options: Options) -> None:
    """Nothing moves without gradients."""
    members, _ = problem()
    before = deepcopy(members)
    LODO(members, **options).step()
    same(members, before)


def decayed(options: Options, decays: tuple[float, float]) -> None:
    """A step with gradients of 0 shrinks the parameters of two groups, each by its decay."""
    members, _ = problem()
    groups = [{"params": [p], "weight_decay": decay} for p, decay in zip(members, decays, strict=True)]
    optimizer, rate = LODO(groups, **{**options, "weight_decay": 0.0}), float(options.get("lr", 1e-3))
    wanted = [p.detach() * (1 - rate * decay) for p, decay in zip(members, decays, strict=True)]
    for p in members:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    torch.testing.assert_close([p.detach() for p in members], wanted)


def param_groups_lr(options: Options) -> None:
    """Groups of rate 0 stay, the others move."""
    members, loss = problem()
    optimizer = LODO([{"params": [members[0]], "lr": 0.0}, {"params": [members[1]], "lr": 0.01}], **options)
    before = [p.detach().clone() for p in members]
    train(optimizer, loss, 3)
    same(members[0].detach(), before[0])
    check(not torch.equal(members[1], before[1]), "a group with a rate stayed")


def resumed(options: Options, through: Callable[[Any], Any], named: tuple[bool, bool] = (False, False)) -> None:
    """A run goes on, bit for bit, in an optimizer that takes its state up."""
    members, loss = problem()
    names = ("weight", "bias")
    give = lambda some, with_names: zip(names, some, strict=True) if with_names else some  # noqa: E731
    first = LODO(give(members, named[0]), **options)
    train(first, loss, 5)
    others, their_loss = problem()
    with torch.no_grad():
        for p, value in zip(others, members, strict=True):
            p.copy_(value)
    second = LODO(give(others, named[1]), **options)
    saved = deepcopy(first.state_dict())
    second.load_state_dict(through(first.state_dict()))
    same(saved["state"], first.state_dict()["state"])
    train(first, loss, 5)
    train(second, their_loss, 5)
    same([p.detach() for p in members], [p.detach() for p in others])
    same(first.state_dict()["state"], second.state_dict()["state"])


def reread(state: Any) -> Any:
    """A state through a file that is read without running code."""
    torch.save(state, file := io.BytesIO())
    file.seek(0)
    return torch.load(file, weights_only=True)


def numbered(state: Any) -> Any:
    """A state whose number of steps is a plain number."""
    each = {key: {**value, "step": value["step"].item()} for key, value in state["state"].items()}
    return {**state, "state": each}


def step_hooks(options: Options) -> None:
    """Hooks before and after a step, of one optimizer and of all, run in order and may be removed."""
    members, loss = problem()
    optimizer, called = LODO(members, **options), []
    handles = [
        register_optimizer_step_pre_hook(lambda *_: called.append("all before")),
        optimizer.register_step_pre_hook(lambda *_: called.append("before")),
        optimizer.register_step_post_hook(lambda *_: called.append("after")),
        register_optimizer_step_post_hook(lambda *_: called.append("all after")),
    ]
    train(optimizer, loss, 1)
    for handle in handles:
        handle.remove()
    train(optimizer, loss, 1)
    check(called == ["all before", "before", "after", "all after"], f"called {called}")


def state_dict_hooks(options: Options) -> None:
    """Hooks around saving and loading run, prepended ones first, and may change what they get."""
    members, loss = problem()
    optimizer, called = LODO(members, **options), []
    train(optimizer, loss, 2)
    optimizer.register_state_dict_pre_hook(lambda _: called.append("save"))
    optimizer.register_state_dict_post_hook(lambda _, state: {**state, "more": 1})
    optimizer.register_load_state_dict_pre_hook(lambda _, state: called.append("second") or state)
    optimizer.register_load_state_dict_pre_hook(lambda _, state: called.append("first") or state, prepend=True)
    optimizer.register_load_state_dict_post_hook(lambda _: called.append("loaded"))
    optimizer.load_state_dict(state := optimizer.state_dict())
    check(state["more"] == 1, "a hook's value is lost")
    check(called == ["save", "first", "second", "loaded"], f"called {called}")


def deepcopy_copies_all_public_attrs(options: Options) -> None:
    """A copy has every public attribute."""
    optimizer = LODO(problem()[0], **options)
    names = [{name for name in vars(each) if not name.startswith("_")} for each in (optimizer, deepcopy(optimizer))]
    check(names[0] == names[1], f"differ in {names[0] ^ names[1]}")


def non_empty_state(options: Options) -> None:
    """Every parameter that moved has a state."""
    members, loss = problem()
    optimizer = LODO(members, **options)
    train(optimizer, loss, 1)
    check(all(optimizer.state[p] for p in members), "a parameter has no state")


def mixed_dtype(options: Options) -> None:
    """Parameters of half, single and double precision together."""
    dtypes = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    members = [Parameter(torch.ones(3, dtype=dtype)) for dtype in dtypes]
    optimizer = LODO(members, **options)
    for _ in range(5):
        for p in members:
            p.grad = torch.ones_like(p)
        optimizer.step()
    check(all(bool(torch.isfinite(p).all()) and float(p.detach()[0]) != 1 for p in members), "a parameter did not move")


def rosenbrock_sparse(options: Options) -> None:
    """A gradient of which one coordinate is given."""
    members = [Parameter(torch.tensor([1.5, 1.5]))]
    members[0].grad = torch.sparse_coo_tensor(torch.tensor([[0]]), torch.tensor([1.0]), (2,))
    LODO(members, **options).step()


def errors(options: Options) -> None:
    """What all optimizers of torch refuse, with an error of the same kind; the words may differ."""
    for error in INFO.optim_error_inputs_func("cpu", torch.float32):
        given, raised = error.optimizer_error_input, None
        params = [Parameter(torch.randn(1, 1))] if given.params is None else given.params
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                optimizer = LODO(params, **given.kwargs)
                if error.error_on == OptimizerErrorEnum.STEP_ERROR:
                    optimizer.step()
            except Exception as found:
                raised = found
        check(isinstance(raised, error.error_type), f"{given.desc}: {type(raised).__name__}")


TESTS: dict[str, Callable[[Options], object]] = {
    "errors": errors,
    "forloop_goes_right_direction": lambda o: [right_direction(o, list, contiguous) for contiguous in (True, False)],
    "param_group_with_lrscheduler_goes_right_direction": lambda o: right_direction(
        o, lambda members: [{"params": [members[0]]}, {"params": [members[1]], "lr": 0.01}]
    ),
    "tensor_lr": tensor_lr,
    "complex": lambda o: as_reals(o, apart=False),
    "complex_2d": lambda o: as_reals(o, apart=True),
    "step_is_noop_when_params_have_no_grad": step_is_noop_when_params_have_no_grad,
    "step_is_noop_for_zero_grads": lambda o: [decayed(o, (decay, decay)) for decay in (0.0, 0.1)],
    "param_groups_lr": param_groups_lr,
    "param_groups_weight_decay": lambda o: decayed(o, (0.5, 0.0)),
    "state_dict_deterministic": lambda o: resumed(o, deepcopy),
    "can_load_from_to_named_state_dict": lambda o: [
        resumed(o, deepcopy, named) for named in ((True, True), (True, False), (False, True))
    ],
    "save_load_equality_with_weights_only": lambda o: resumed(o, reread),
    "load_nontensor_step": lambda o: resumed(o, numbered),
    "step_hooks": step_hooks,
    "state_dict_hooks": state_dict_hooks,
    "deepcopy_copies_all_public_attrs": deepcopy_copies_all_public_attrs,
    "non_empty_state": non_empty_state,
    "mixed_dtype": mixed_dtype,
    "rosenbrock_sparse": rosenbrock_sparse,
}


def reasons(test: Callable[[Options], object]) -> dict[str, str]:
    """Why a test fails, by the options with which it does."""
    found = {}
    for given in INFO.optim_inputs_func("cpu"):
        try:
            test(dict(given.kwargs))
        except Exception as error:  # whatever a test raises is its result
            found[given.desc] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return found


def main() -> None:
    """Run the battery and print the table."""
    options = arguments(__doc__, tests="")
    torch.set_num_threads(1)
    rows = []
    table_head("test", f"passes of {len(OPTIONS)}", "why not")
    for name in options.tests.split(",") if options.tests else TESTS:
        failed, inherent = reasons(TESTS[name]), name in INHERENT
        rows.append({"test": name, "passed": len(OPTIONS) - len(failed), "failed": failed, "inherent": inherent})
        why = INHERENT.get(name, "") if failed else ""
        table_row(name, len(OPTIONS) - len(failed), why or "; ".join(sorted({*failed.values()})))
    passed, asked = sum(row["passed"] for row in rows), len(OPTIONS) * len(rows)
    rest = sum(len(row["failed"]) for row in rows if not row["inherent"])
    print(f"\n{passed} of {asked} pass; {rest} failures are not inherent")
    save(options.json, rows=rows, passed=passed, asked=asked)


if __name__ == "__main__":
    main()
