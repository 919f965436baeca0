import numpy as np
import pytest
import torch

from novacula.hypernet.analyst.function import Structure, measure_structure
from novacula.hypernet.build import build
from novacula.hypernet.tasks import find_task


def structure(kind: str, inputs: int) -> Structure:
    network = build(kind, inputs)
    x = find_task(network.task or "").law.draw((1024, inputs), torch.Generator().manual_seed(0)).double().numpy()
    return measure_structure(network, x, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("kind", "inputs", "separable", "pairwise", "ridge"),
    [
        ("double-sided", 6, True, True, False),
        ("squares-curvature", 4, True, True, False),
        ("linear", 4, True, True, True),
        ("product-squares", 4, False, True, False),
        ("neighbor-differences", 4, False, True, False),
        ("parity-staircase", 5, False, False, True),
        ("parity-tree", 5, False, False, True),
        ("count-threshold", 5, False, False, True),
        ("max-tree", 5, False, False, False),
        ("constant", 3, True, True, True),
    ],
)
def test_what_functions_depend_on(kind: str, inputs: int, separable: bool, pairwise: bool, ridge: bool) -> None:
    found = structure(kind, inputs)

    assert (found.separable > 0.99, found.pairwise > 0.99, found.ridge > 0.99) == (separable, pairwise, ridge)


def test_of_one_input_everything_is_separable_and_a_ridge() -> None:
    assert structure("double-sided", 1) == Structure(1, 1, 1)
