"""Other people's functions, in a process that they cannot leave: good ones, and every way of being bad."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from novacula.distill.behavior import Behavior
from novacula.distill.function import Function
from novacula.errors import InputError

MODULE = """
import itertools, os, random, sys

print("this goes nowhere")
not_a_function = 3

def total(xs): return list(itertools.accumulate(xs))
def both(xs): return [[a + b, a - b] for a, b in xs]
def odd(xs): return [x % 2 == 1 for x in xs]
def raises(xs): return [1 // (x - 1) for x in xs]
def forever(xs):
    while True: pass
def dies(xs): os._exit(3)
def greedy(xs): return [len(bytearray(10 ** 10))] * len(xs)
def short(xs): return xs[1:]
def half(xs): return [x / 2 for x in xs]
def text(xs): return "abc"
def ragged(xs): return [[x] * (1 + x % 2) for x in xs]
def huge(xs): return [2 ** 70 for x in xs]
def reverse(xs): return xs[::-1]
def dice(xs): return [random.randrange(10 ** 6) for x in xs]
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "somebodys.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("raise OSError('no luck')")
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
    ("name", "told"),
    [
        ("nowhere:f", "cannot be loaded: ModuleNotFoundError"),
        ("broken:f", "cannot be loaded: OSError: no luck"),
        ("somebodys:g", "cannot be loaded: AttributeError"),
        ("somebodys:not_a_function", "is int, no function"),
        ("somebodys:raises", "raised ZeroDivisionError: "),
        ("somebodys:dies", "ended its process (exit code 3) for [0, 0, 0, 0]"),
        ("somebodys:greedy", "raised MemoryError"),
        ("somebodys:short", "returned 3 outputs for the 4 inputs [0, 0, 0, 0]"),
        ("somebodys:half", "returned '0.0' at step 0"),
        ("somebodys:text", "returned str; a list is needed"),
        ("somebodys:ragged", "returned 2 integers at step 3 for [0, 0, 0, 1], 1 elsewhere"),
        ("somebodys:huge", "at most 2^62 in magnitude"),
        ("somebodys:reverse", "is not causal: for [0] its outputs are not the first ones for [0, 0, 0, 1]"),
        ("somebodys:dice", "is not deterministic: asked twice for [0, 0, 0, 0]"),
    ],
)
def test_a_bad_function_is_told_how(module: str, name: str, told: str) -> None:
    x = np.array([[0, 0, 0, 0], [0, 0, 0, 1]])[:, :, None]
    with pytest.raises(InputError) as caught:
        ask(name, x)
    assert caught.value.source == name
    assert told in caught.value.problems[0]


def test_a_function_that_never_returns_is_ended(module: str) -> None:
    function = Function(f"{module}:forever", 0.3)
    pid = function._process.pid
    with pytest.raises(InputError, match=r"did not return within 0.3 s for \[5\]"):
        function.run(np.array([[[5]]]))
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.02)
    else:
        pytest.fail("the process goes on")
