"""A user's function as a behavior: good ones, and those whose answers are no causal function."""

from inspect import unwrap
from pathlib import Path

import numpy as np
import pytest

from novacula.distill.config import RunConfig
from novacula.distill.run import run
from novacula.distill.source import Function, load_source
from novacula.distill.sources.behavior import Behavior
from novacula.distill.sources.decimals import Decimals
from novacula.errors import InputError

MODULE = """
import decimal, fractions, itertools, random
import numpy

def total(xs): return list(itertools.accumulate(xs))
def both(xs): return [[a + b, a - b] for a, b in xs]
def odd(xs): return [x % 2 == 1 for x in xs]
def short(xs): return xs[1:]
def ragged(xs): return [[x] * (1 + x % 2) for x in xs]
def huge(xs): return [2 ** 70 for x in xs]
def reverse(xs): return xs[::-1]
def dice(xs): return [random.randrange(10 ** 6) for x in xs]
def tired(xs, calls=[0]):
    calls[0] += 1
    return [x + (calls[0] > 126) for x in xs]
def triples(xs): return list(itertools.accumulate(xs, lambda s, x: 3 * s + x))
def squares(xs): return list(itertools.accumulate(xs, lambda s, x: s * s + x))
def flaky(xs): return [x + (random.random() < 0.01) for x in xs]
def thirds(xs): return [s / 3 for s in itertools.accumulate(xs)]
def large(xs): return [numpy.int64(2**60 + x) for x in xs]
def halves(xs): return [numpy.float32(x / 2) for x in xs]
def quarters(xs): return [decimal.Decimal(x) / 4 for x in xs]
def eighths(xs): return [fractions.Fraction(x, 8) for x in xs]
def roots(xs): return [x ** 0.5 for x in xs]
def gated(xs): return [s > 3 and s / 2 for s in itertools.accumulate(xs)]
def compared(xs): return list(numpy.array(xs) > 1)
def beyond(xs): return [fractions.Fraction(10 ** 400) for x in xs]
def longest(xs): return [10 ** 5000 for x in xs]
def ended(xs): return ["a\\0" if x else "a" for x in xs]
def deepest(xs): return [-2 ** 63 if x == 7 else x for x in xs]
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
        ("somebodys:beyond", "returned more than 10^40 at step 0"),
        ("somebodys:longest", "returned more than 10^40 at step 0"),
        ("somebodys:ended", r"'a\x00' is no text of 1 to 60 printable letters"),
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


def test_a_function_that_changes_its_answers_later_is_named(module: str) -> None:
    """The third time it is asked, all that it says agrees; only what it said at first tells."""
    function = Function(f"{module}:tired")
    x = np.arange(60).reshape(20, 3, 1)
    function.run(x)
    with pytest.raises(InputError, match=r"changes its answers: it said \[\[0\], \[1\], \[2\]\] for \[0, 1, 2\]"):
        for start in (100, 200):
            function.run(x + start)
    function.close()


def test_a_function_that_errs_at_times_is_named(module: str) -> None:
    with pytest.raises(InputError, match="not deterministic"):
        ask(f"{module}:flaky", np.random.default_rng(0).integers(0, 9, (20_000, 10, 1)))


def test_a_length_is_shortened_until_five_times_it_stays_within_the_integers(module: str) -> None:
    """After n inputs of 1 comes (3^n - 1) / 2, which passes 2^62 at n = 40; of 39 steps 5 · 7 are used."""
    source = load_source(f"{module}:triples", RunConfig(length=10))
    assert (source.target and source.target.length, source.sequences.x.shape[1]) == (7, 7)
    assert "length is 7 in place of 10" in source.note
    assert load_source(f"{module}:triples", RunConfig(length=5)).note == ""
    with pytest.raises(InputError, match="narrower range"):
        load_source(f"{module}:squares", RunConfig(low=2, high=9))


def test_decimals_are_steps_of_what_the_function_puts_out(module: str) -> None:
    source = load_source(f"{module}:thirds", RunConfig(length=6, high=4))
    (scale,) = source.sequences.alphabet.outputs
    assert isinstance(scale, Decimals) and (scale.factor, scale.offset, scale.divisor) == (1, 0, 3)
    assert (source.sequences.y == np.cumsum(source.sequences.x, axis=1)).all()
    with pytest.raises(InputError, match="decimals are read if they are steps of one size"):
        load_source(f"{module}:roots", RunConfig(length=6, high=400))


def test_numbers_of_other_types_are_the_numbers_that_they_are(module: str) -> None:
    x = np.arange(5)[None, :, None]
    assert (ask(f"{module}:large", x) == 2**60 + x).all()
    for name, divisor in (("halves", 2), ("quarters", 4), ("eighths", 8)):
        (scale,) = load_source(f"{module}:{name}", RunConfig(length=4, high=4)).sequences.alphabet.outputs
        assert isinstance(scale, Decimals) and (scale.factor, scale.divisor) == (1, divisor)


def test_truth_values_of_numpy_and_among_decimals_are_read(module: str) -> None:
    assert ask(f"{module}:compared", np.arange(4)[None, :, None]).ravel().tolist() == [0, 0, 1, 1]
    source = load_source(f"{module}:gated", RunConfig(length=4, high=4))
    (scale,) = source.sequences.alphabet.outputs
    assert isinstance(scale, Decimals) and source.target is not None
    said = [scale.value(code) for code in source.target.behavior.run(np.array([[[3], [0], [2]]]))[0, :, 0].tolist()]
    assert said == [0, 0, 2.5]


def test_the_least_integer_of_64_bits_is_too_large_in_magnitude(module: str) -> None:
    with pytest.raises(InputError, match=r"at most 2\^62 in magnitude"):
        ask(f"{module}:deepest", np.array([[[1], [7]]]))


def test_a_function_in_place_of_its_name_is_refused() -> None:
    def ragged(xs: list[int]) -> list[int]:
        return xs

    with pytest.raises(InputError, match="a function of a file as 'file:ragged'"):
        unwrap(run)(ragged)  # pyright: ignore[reportArgumentType]
