"""Bad options are refused by name, value and rule, all at once."""

import math
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch.nn import Parameter

from novacula.errors import InputError
from novacula.optim import LODO


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1.0}, "lr is -1.0; it must be a finite number, at least 0"),
        ({"lr": math.inf}, "lr is inf"),
        ({"lr": torch.tensor(math.nan)}, "lr is tensor"),
        ({"meta_lr": math.nan}, "meta_lr is nan"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"momentum": 1.0}, "momentum is 1.0; it must lie in 0 ≤ β < 1"),
        ({"momentum": -0.1}, "momentum is -0.1"),
        ({"meta_betas": (0.9, 1.0)}, "meta_betas[1] is 1.0"),
        ({"meta_eps": -1e-7}, "meta_eps is -1e-07"),
        ({"block_size": 0}, "block_size is 0; it must be a whole number, at least 1"),
        ({"depth": -1}, "depth is -1"),
        ({"expand": 0}, "expand is 0"),
        ({"meta_every": 0}, "meta_every is 0"),
        ({"max_update_rms": -1.0}, "max_update_rms is -1.0"),
        ({"max_update_rms": 0}, "max_update_rms is 0; it must be more than 0"),
        ({"seed": -1}, "seed is -1"),
        ({"structure": "kronecker", "scope": "global"}, "its matrices need scope 'param'"),
        ({"engine": "native", "structure": "diagonal"}, None),
    ],
)
def test_an_option_out_of_its_range_is_named(options: dict[str, Any], message: str | None) -> None:
    x = Parameter(torch.ones(2))
    if message is None:
        optimizer = LODO([x], **options)
        x.grad = torch.ones(2)
        with pytest.raises(InputError, match="engine is 'native': they know layers of blocks only"):
            optimizer.step()
        return
    with pytest.raises(InputError) as caught:
        LODO([x], **options)
    assert message in str(caught.value)


def test_a_name_that_does_not_exist_is_refused() -> None:
    code = """
import torch
from novacula.optim import LODO
for wrong in ({"structure": "circulant", "meta_optimizer": "lion", "meta_betas": (0.9,)},
              {"scope": "layer", "state_dtype": "float16", "engine": "cuda"}):
    try: LODO([torch.nn.Parameter(torch.ones(2))], **wrong)
    except Exception as error: print(type(error).__name__, error)
"""  # in a process of its own, because in the tests the type checker would come first
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.count("InputError") == 2
    for part in ("structure is 'circulant'; it must be one of blockperm", "meta_optimizer is 'lion'", "two numbers"):
        assert part in said
    for part in ("scope is 'layer'", "state_dtype is 'float16'", "engine is 'cuda'; it must be one of auto"):
        assert part in said


def test_all_wrong_options_are_listed() -> None:
    with pytest.raises(InputError) as caught:
        LODO([Parameter(torch.ones(2))], lr=-1.0, momentum=2.0, block_size=0)
    assert len(caught.value.problems) == 3


def test_parameters_that_cannot_be_optimized_are_refused() -> None:
    with pytest.raises(InputError, match="params is empty"):
        LODO([])
    with pytest.raises(InputError, match="params is a tensor"):
        LODO(Parameter(torch.ones(2)))  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"torch.int64; parameters must be floating-point or complex"):
        LODO([Parameter(torch.ones(2)), torch.ones(2, dtype=torch.int64)])


def test_groups_of_one_preconditioner_must_agree() -> None:
    groups = [{"params": [Parameter(torch.ones(2))], "momentum": beta} for beta in (0.9, 0.5)]
    with pytest.raises(InputError, match=r"momentum is 0.5 and 0.9 .* only lr and weight_decay may differ"):
        LODO(groups, scope="global")
    LODO(groups, scope="group")


def test_a_bad_added_group_changes_nothing() -> None:
    optimizer = LODO([Parameter(torch.ones(2))])
    with pytest.raises(InputError, match="block_size is 0"):
        optimizer.add_param_group({"params": [Parameter(torch.ones(2))], "block_size": 0})
    assert len(optimizer.param_groups) == 1


def test_a_rate_that_a_scheduler_breaks_is_refused() -> None:
    x = Parameter(torch.ones(2))
    optimizer = LODO([x], lr=0.1)
    optimizer.param_groups[0]["momentum"] = 1.5
    x.grad = torch.ones(2)
    with pytest.raises(InputError, match=r"momentum is 1\.5"):
        optimizer.step()
    assert torch.equal(x.detach(), torch.ones(2))
