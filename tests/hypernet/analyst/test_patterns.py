import numpy as np
import pytest

from novacula.hypernet.analyst.orders import Patterns, measure_patterns
from novacula.hypernet.analyst.units import Layer, read_units
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.network import TargetNetwork, shuffled, with_noise
from novacula.hypernet.tasks import find_task


def patterns(network: TargetNetwork) -> Patterns:
    import torch

    law = find_task(network.task or "").law
    x = law.draw((1000, network.architecture.inputs), torch.Generator().manual_seed(0)).double().numpy()
    return measure_patterns(network, read_units(Layer.first_of(network), x))


@pytest.mark.parametrize(
    ("kind", "shares"),
    [
        ("double-sided", {"entry": 1}),
        ("neighbor-differences", {"difference": 1, "neighbors": 1}),
        ("max-tree", {"difference": 1, "tied": 1}),
        ("parity-staircase", {"total": 1, "entry": 0}),
        ("parity-tree", {"difference": 1, "tied": 1}),
        ("product-squares", {"sum": 0.5, "difference": 0.5, "halves": 1, "sum_sign": 1, "difference_sign": -1}),
        ("product-curvature", {"sum": 0.5, "difference": 0.5}),
        ("product-completion", {"sum": 0.5, "entry": 0.5, "sum_sign": 1, "entry_sign": -1, "halves": 1}),
        ("squares-curvature", {"entry": 1, "entry_sign": 1}),
        ("modular-addition-table", {"sum": 1, "tied": 0}),
    ],
)
def test_shares(kind: str, shares: dict[str, float]) -> None:
    found = vars(patterns(shuffled(build(kind, 8), np.random.default_rng(0))))

    assert {name: found[name] for name in shares} == pytest.approx(shares, abs=0.05)


def test_values_that_are_carried_through_a_layer_are_no_bend() -> None:
    # b = r(b) - r(-b) stands in every comparator; each of the two units bends, their sum does not.
    noisy = with_noise(build("max-tree", 8), 0.05, np.random.default_rng(0))

    assert patterns(build("max-tree", 8)).entry < 1e-9
    assert patterns(noisy).entry < 0.15


def test_random_rows_have_no_pattern() -> None:
    found = patterns(build("convexity", 16))

    assert max(found.entry, found.pairs, found.total, found.background) < 0.1
    assert found.isotropy < 0.8
    assert patterns(build("squares-frame", 8)).isotropy > 0.9


def test_a_row_has_the_pattern_that_it_fits_best() -> None:
    # (2.2, -1.2) fits the difference by 0.93 and one input by 0.77, (2.2, -0.6) by 0.75 and 0.93.
    for second, wanted in ((-1.2, "difference"), (-0.6, "entry")):
        rows = np.array([[2.2, second]])
        biases = (np.zeros(1), np.zeros(1))
        found = patterns(TargetNetwork(Architecture((2, 1, 1)), (rows, np.ones((1, 1))), biases, task="max"))
        assert vars(found)[wanted] == 1


def test_one_input_on_a_background_of_all_others() -> None:
    rows = np.full((6, 6), 1.0) - 3 * np.eye(6)
    biases = (np.zeros(6), np.zeros(1))
    found = patterns(TargetNetwork(Architecture((6, 6, 1)), (rows, np.ones((1, 6))), biases, task="majority"))
    assert (found.background, found.entry, found.total) == (1, 0, 0)
