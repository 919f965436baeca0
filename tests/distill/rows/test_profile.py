"""What a data set shows on its own."""

import numpy as np
import pytest

from novacula.distill.rows.profile import affine_of, lag_of, parity_of, profile
from novacula.distill.sources.sequences import Sequences
from novacula.distill.tasks import TASKS


def of(name: str) -> Sequences:
    return TASKS[name].data(500, np.random.default_rng(0))


def test_ranges_and_lengths() -> None:
    facts = profile(of("Newton_Magnetic"))
    assert facts[0] == "500 sequences of length 10; inputs -10 … 10, -10 … 10, 441 different symbols"
    assert not any("no function" in fact or "later inputs" in fact for fact in facts)


@pytest.mark.parametrize(
    ("name", "lag"), [("Current_Number", 0), ("Prev3", 3), ("Bit_Shift_Right", 1), ("Sum_Last2", None)]
)
def test_delays_are_seen(name: str, lag: int | None) -> None:
    assert lag_of(of(name)) == lag


@pytest.mark.parametrize(
    ("name", "affine"),
    [
        ("Sum_Last3", (((1,), (1,), (1,)), 0)),
        ("Bitwise_Not", (((-1,),), 1)),
        ("Diff_Last2", (((1,), (-1,)), 0)),
        ("Bitwise_Xor", None),
        ("Sum_All", None),
        ("Abs_Diff", None),
    ],
)
def test_affine_functions_of_the_last_inputs_are_seen(name: str, affine: tuple | None) -> None:
    assert affine_of(of(name)) == affine


def test_parities_are_seen() -> None:
    assert parity_of(of("Parity_All")) == (0,)
    assert parity_of(of("Parity_Zeros")) is None  # its sign changes with time
    assert parity_of(of("Bit_Dot_Prod_Mod2")) is None
    x = np.random.default_rng(0).integers(0, 2, (200, 8, 3))
    y = 1 - x[:, :, [0, 2]].cumsum(axis=1).sum(axis=2, keepdims=True) % 2
    rows = Sequences(x, y, np.full(200, 8), "")
    assert parity_of(rows) == (0, 2)
    assert "the output is a parity of everything read so far in streams 0, 2" in profile(rows)


def test_outputs_that_know_the_future_and_rows_that_contradict_are_told() -> None:
    x = np.random.default_rng(0).integers(0, 2, (50, 5, 1))
    future = profile(Sequences(x, x[:, ::-1].copy(), np.full(50, 5), ""))
    assert "some output depends on later inputs" in future
    twice = np.concatenate([x[:1], x[:1]])
    outputs = np.zeros((2, 5, 1), np.int64)
    outputs[1, 4] = 1
    contradiction = profile(Sequences(twice, outputs, np.array([5, 5]), ""))
    assert "the same inputs stand before different outputs: no function" in contradiction
    assert "some output depends on later inputs" not in contradiction
