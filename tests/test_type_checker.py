"""The checker of annotations notices what it is there for."""

from dataclasses import dataclass

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float

from novacula.features.clouds.geometry import two_nn_dimension
from tests.type_checker import checked


@checked
def scaled(points: Float[np.ndarray, "n d"], scales: Float[np.ndarray, " d"]) -> Float[np.ndarray, "n d"]:
    return points * scales if scales.sum() else scales


@checked
def halves(number: "float", name: "Unknown" = None) -> str:  # type: ignore[name-defined]  # pyright: ignore
    return number / 2 if number < 0 else str(number / 2)  # type: ignore[return-value]  # pyright: ignore


@checked
@dataclass(frozen=True)
class Cloud:
    points: Float[np.ndarray, "n d"]
    weights: Float[np.ndarray, " n"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: scaled(np.ones(3), np.ones(3)),
        lambda: scaled(np.ones((3, 2), np.int64), np.ones(2)),
        lambda: scaled(np.ones((3, 2)), np.ones(3)),
        lambda: scaled(np.ones((3, 2)), np.zeros(2)),
        lambda: halves("1"),
        lambda: halves(-1.0),
        lambda: Cloud(np.ones((3, 2)), np.ones(2)),
        lambda: two_nn_dimension(np.ones(3)),
    ],
)
def test_what_contradicts_an_annotation_is_noticed(call) -> None:
    with pytest.raises(BeartypeCallHintViolation):
        call()


def test_what_agrees_passes_and_every_call_has_its_own_dimensions() -> None:
    for rows, columns in ((3, 2), (4, 5)):
        assert scaled(np.ones((rows, columns)), np.ones(columns)).shape == (rows, columns)
        assert Cloud(np.ones((rows, columns)), np.ones(rows)).points.shape == (rows, columns)
    assert halves(3) == "1.5"
