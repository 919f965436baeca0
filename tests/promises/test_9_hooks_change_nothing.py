"""Promise 9: hooks that change nothing change no bit of what a model says; tests/features/models has the details."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacula.features.models import Edit, LanguageModel, Point
from tests.features.toys import ARCHITECTURES, untrained

POINTS = [
    *(Point(layer) for layer in range(3)),
    *(Point(block, site) for block in range(2) for site in ("attention", "mlp")),
    *(Point(block, "head", head) for block in range(2) for head in range(2)),
]
CHANGES: list[Callable[[torch.Tensor], torch.Tensor]] = [
    lambda states: states,
    lambda states: states.clone(),
    lambda states: states + 0.0,
    lambda states: states * 1.0,
]


@pytest.fixture(params=ARCHITECTURES)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return untrained(request.param)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tokens=st.lists(st.lists(st.integers(0, 15), min_size=6, max_size=6), min_size=1, max_size=3),
    edits=st.lists(st.tuples(st.sampled_from(POINTS), st.sampled_from(CHANGES)), max_size=12),
)
def test_no_bit_of_the_logits_changes(model: LanguageModel, tokens: list, edits: list) -> None:
    batch = torch.tensor(tokens)
    plain = model.module(input_ids=batch).logits
    assert torch.equal(model.run(batch, [Edit(point, change) for point, change in edits]), plain)
    assert torch.equal(model.module(input_ids=batch).logits, plain)


def test_an_edit_that_fails_leaves_no_hook(model: LanguageModel) -> None:
    batch = torch.tensor([[1, 2, 3]])
    plain = model.module(input_ids=batch).logits

    def fail(states: torch.Tensor) -> torch.Tensor:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        model.run(batch, [Edit(Point(0), lambda states: states * 2), Edit(Point(1), fail)])
    assert torch.equal(model.module(input_ids=batch).logits, plain)
