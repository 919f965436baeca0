"""The toy transformer that the tests of probes and interventions rest on."""

import pytest

from benchmarks.reference.toy import train_toy
from novacula.errors import InputError


def test_the_same_seed_trains_the_same_weights() -> None:
    first, second = (train_toy(4, width=8, steps=3, seed=5) for _ in range(2))
    other = train_toy(4, width=8, steps=3, seed=6)
    assert first.loss == second.loss != other.loss
    with pytest.raises(InputError, match="multiple of 4"):
        train_toy(7, width=10)
