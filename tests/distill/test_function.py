"""A user's function as a behavior: good ones, and those whose answers are no causal function."""

from pathlib import Path

import numpy as np
import pytest

from novacula.distill.behavior import Behavior
from novacula.distill.source import Function
from novacula.errors import InputError

MODULE = """
import itertools, random

def total(xs): return list(itertools.accumulate(xs))
def both(xs): return [[a + b, a - b] for a, b in xs]
def odd(xs): return [x % 2 == 1 for x in xs]
def short(xs): return xs[1:]
def ragged(xs): return [[x] * (1 + x % 2) for x in xs]
def huge(xs): return [2 ** 70 for x in xs]
def reverse(xs): return xs[::-1]
def dice(xs): return [random.randrange(10 ** 6) for x in xs]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "somebodys.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return "somebodys"


def ask(name: str, x: np.ndarray, seconds: float = 10.0) -> np.ndarray:
    function = Function(name, seconds)
    try:
        return function.run(x)
    finally:
        function.close()


def test_a_good_function_is_a_behavior(module: str) -> None:
    x = np.random.default_rng(0).integers(0, 9, (700, 5, 1))
    function = Function(f"{module}:total")
    assert isinstance(function, Behavior)
    assert (function.run(x) == np.cumsum(x, axis=1)).all()
    assert (function.run(x[:3, :2]) == np.cumsum(x[:3, :2], axis=1)).all()
    function.close()


def test_several_streams_and_outputs_and_truth_values(module: str) -> None:
    x = np.random.default_rng(0).integers(0, 9, (20, 5, 2))
    y = ask(f"{module}:both", x)
    assert (y == np.stack([x[..., 0] + x[..., 1], x[..., 0] - x[..., 1]], axis=2)).all()
    assert (ask(f"{module}:odd", x[:, :, :1]) == x[:, :, :1] % 2).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("somebodys:short", "returned 3 outputs for the 4 inputs [0, 0, 0, 0]"),
        ("somebodys:ragged", "returned 2 integers at step 3 for [0, 0, 0, 1], 1 elsewhere"),
        ("somebodys:huge", "at most 2^62 in magnitude"),
        ("somebodys:reverse", "is not causal: for [0] its outputs are not the first ones for [0, 0, 0, 1]"),
        ("somebodys:dice", "is not deterministic: asked twice for [0, 0, 0, 0]"),
    ],
)
def test_a_bad_function_is_named_with_what_it_did(module: str, name: str, said: str) -> None:
    x = np.array([[0, 0, 0, 0], [0, 0, 0, 1]])[:, :, None]
    with pytest.raises(InputError) as caught:
        ask(name, x)
    assert caught.value.source == name
    assert said in caught.value.problems[0]
