from pathlib import Path

import numpy as np
import pytest
import torch

from novacula.errors import InputError
from novacula.hypernet.tasks import TASK_NAMES, find_task

X = torch.tensor([[3.0, -1.0, 2.0, -4.0]])
BITS = torch.tensor([[1.0, 0.0, 1.0, 1.0]])


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("l1-norm", X, [10.0]),
        ("weighted-l1", X, [(2 * 3 + 4 * 1 + 6 * 2 + 8 * 4) / 5]),
        ("total-variation", X, [4 + 3 + 6.0]),
        ("max", X, [3.0]),
        ("min", X, [-4.0]),
        ("range", X, [7.0]),
        ("median", X, [0.5]),
        ("sort", X, [-4.0, -1.0, 2.0, 3.0]),
        ("product", X, [24.0]),
        ("dot-product", X, [3 * 2 + -1 * -4.0]),
        ("squared-l2", X, [30.0]),
        ("l2-norm", X, [30**0.5]),
        ("parity", BITS, [1.0]),
        ("majority", BITS, [1.0]),
        ("4-of-n", BITS, [0.0]),
        ("3-of-n", BITS, [1.0]),
        ("xor", BITS[:, :2], [1.0]),
        ("modular-addition", torch.tensor([[0.0, 0, 1, 0, 1, 0]]), [1.0, 0.0, 0.0]),
        ("angle-addition", torch.tensor([[0.0, 1, 0, 1]]), [-1.0, 0.0]),
        ("sum", X, [0.0]),
        ("mean", X, [0.0]),
        ("linear", X, [(2 * 3 + 4 * 1 + 6 * 2 + 8 * 4) / 5]),
        ("constant", X, [1.0]),
        ("clip", X, [0.0]),
        ("piecewise", X, [2 + 0 + 1 - 3.0]),
    ],
)
def test_values(name: str, x: torch.Tensor, y: list[float]) -> None:
    task = find_task(name)

    np.testing.assert_allclose(task.function(x)[0], y, rtol=1e-6)
    assert task.outputs(x.shape[1]) == len(y)


@pytest.mark.parametrize("name", TASK_NAMES)
def test_every_task_keeps_its_rules_at_several_sizes(name: str) -> None:
    task = find_task(name)
    admitted = [inputs for inputs in range(1, 9) if task.admits(inputs)]

    assert admitted
    for inputs in admitted:
        task.check(inputs)
        x = task.law.draw((2, 3, inputs), torch.Generator().manual_seed(1))
        assert task.function(x).shape == (2, 3, task.outputs(inputs))


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(InputError, match="did you mean l1-norm"):
        find_task("l1norm")
    with pytest.raises(InputError, match="is no task; such are"):
        find_task("zzzz")
    with pytest.raises(InputError, match="is no law"):
        find_task("max", "cauchy")


def test_sizes_that_a_task_cannot_have() -> None:
    with pytest.raises(InputError, match="cannot have 5 inputs; 2 to 4096, a multiple of 2"):
        find_task("dot-product").check(5)
    with pytest.raises(InputError, match="cannot have 0 inputs"):
        find_task("max").check(0)


USER = """
import torch
def clipped(x):
    "The sum, clipped. More."
    return x.sum(-1).clamp(-1, 1)
clipped.symmetries = ("permutations",)
clipped.law = "uniform(-3,3)"
def several(x): return torch.stack([x[..., 0], x.abs().sum(-1)], -1)
def raises(x): raise RuntimeError("boom")
def halves(x): return x[..., :1].unsqueeze(-1)
def nan(x): return x.sum(-1).log()
def text(x): return "1"
def lies(x): return x[..., 0]
lies.symmetries = "permutations"
def unknown(x): return x[..., 0]
unknown.symmetries = ("rotations",)
def batch(x): return (x - x.mean(0)).sum(-1)
def random(x): return torch.rand(x.shape[:-1])
def number(x): return x.sum(-1)
number.symmetries = 5
value = 3
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "tasks_of_a_user.py").write_text(USER)
    monkeypatch.chdir(tmp_path)
    return "tasks_of_a_user"


def test_a_users_function(user: str) -> None:
    task = find_task(f"{user}:clipped")
    task.check(5)

    assert (task.outputs(5), task.symmetric, task.law.name) == (1, True, "uniform(-3,3)")
    assert task.function(X).tolist() == [[0.0]]
    assert task.summary == "The sum, clipped. More"
    assert find_task(f"{user}:clipped", "laplace").law.name == "laplace"
    several = find_task(f"{user}:several")
    several.check(3)
    assert (several.outputs(3), several.typed) == (2, True)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("raises", "raised RuntimeError for 4 inputs: boom"),
        ("halves", "returned shape"),
        ("nan", "not finite"),
        ("text", "returned str; a tensor is needed"),
        ("lies", "declares the symmetry permutations, but lacks it"),
        ("batch", "another batch"),
        ("random", "not deterministic"),
    ],
)
def test_a_users_function_that_breaks_a_rule(user: str, name: str, problem: str) -> None:
    task = find_task(f"{user}:{name}")
    with pytest.raises(InputError, match=problem):
        task.check(4)


def test_a_users_function_that_cannot_be_loaded(user: str) -> None:
    problems = {"absent": "cannot be loaded", "value": "is int, no function", "unknown": "'rotations'", "number": "'5'"}
    for name, problem in problems.items():
        with pytest.raises(InputError, match=problem):
            find_task(f"{user}:{name}")
    with pytest.raises(InputError, match="cannot be loaded: ModuleNotFoundError"):
        find_task("no_such_module:f")
