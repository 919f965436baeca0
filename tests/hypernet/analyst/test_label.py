from dataclasses import replace

import numpy as np
import pytest

from novacula.errors import InputError
from novacula.hypernet.analyst.label import Analysis, analyze
from novacula.hypernet.analyst.norm_label import EXACT
from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.config import Activation, ClassifyConfig
from novacula.hypernet.network import TargetNetwork, with_noise
from novacula.hypernet.tasks import find_task

QUICK = ClassifyConfig(points=1024, draws=0)
NORM = find_task("l1-norm")


def labeled(network: TargetNetwork, task: str | None = None) -> Analysis:
    return analyze(network, find_task(task or network.task or ""), QUICK)


def shallow(
    rows: np.ndarray, outs: np.ndarray, activation: Activation = "relu", task: str = "l1-norm"
) -> TargetNetwork:
    biases = (np.zeros(len(rows)), np.zeros(1))
    return TargetNetwork(Architecture((rows.shape[1], len(rows), 1), activation), (rows, outs[None]), biases, task=task)


@pytest.mark.parametrize("kind", ["double-sided", "pudding+", "pudding-", "mixed", "convexity"])
@pytest.mark.parametrize("inputs", [4, 16])
def test_algorithms_of_the_l1_norm_with_noise_and_dead_units(kind: str, inputs: int) -> None:
    for seed in range(4):
        found = labeled(build(kind, inputs, noise=0.05, shuffle=True, seed=seed))
        assert (found.label, found.functional_label) == (kind, kind)
        assert found.agree or inputs == 4  # the weights of so few cannot tell random rows from spikes


@pytest.mark.parametrize(
    ("kind", "inputs", "shows"),
    [
        ("max-tree", 6, "unstructured"),
        ("max-log-sum-exp", 5, "bowls"),
        ("min-tree", 4, "unstructured"),
        ("range-tree", 8, "unstructured"),
        ("median-comparators", 5, "unstructured"),
        ("sort-comparators", 4, "unstructured"),
        ("product-squares", 2, "pairwise"),
        ("product-curvature", 4, "pairwise"),
        ("product-completion", 2, "pairwise"),
        ("product-completion", 4, "pairwise"),
        ("squares-curvature", 6, "separable"),
        ("squares-frame", 6, "separable"),
        ("l2-bowls", 8, "bowls"),
        ("neighbor-differences", 8, "pairwise"),
        ("parity-staircase", 6, "ridge"),
        ("parity-tree", 6, "ridge"),
        ("count-threshold", 7, "ridge"),
        ("modular-addition-clock", 10, "pairwise"),
        ("modular-addition-table", 6, "pairwise"),
        ("angle-addition-squares", 4, "pairwise"),
    ],
)
def test_algorithms_of_other_tasks(kind: str, inputs: int, shows: str) -> None:
    found = labeled(build(kind, inputs, shuffle=True))

    assert (found.label, found.broken, found.agree) == (kind, False, True)
    assert found.functional_label in (shows, "bowls" if shows == "unstructured" else shows)


def test_a_structure_that_stands_without_its_function_is_broken() -> None:
    network = build("pudding+", 16)
    off = replace(network, biases=(network.biases[0], network.biases[1] + 8))

    found = labeled(off)
    assert (found.label, found.broken) == ("pudding+", True)
    assert found.r2 < 0
    assert not labeled(network).broken


def test_half_of_the_spikes_are_partial() -> None:
    rows = 20 * np.concatenate([np.eye(16)[:8], -np.eye(16)[:8]])
    found = labeled(shallow(rows, np.full(16, 0.05), "swish"))

    assert (found.label, found.order_parameters.coverage) == ("partial", 0.5)


@pytest.mark.parametrize("inputs", [2, 4, 6, 16])
def test_evident_weights_are_not_overruled_however_few_the_inputs(inputs: int) -> None:
    axes = np.concatenate([np.eye(inputs), -np.eye(inputs)])
    half = np.concatenate([axes[: inputs // 2], axes[inputs : inputs + inputs // 2]])
    moved = shallow(axes, np.ones(2 * inputs))
    for distance in (0.5, 1.0):  # Σ |x_i - distance|, whose kinks are not those of the norm
        off = replace(moved, biases=(distance * np.repeat([-1.0, 1.0], inputs), np.zeros(1)))
        assert labeled(off).label in ("partial", "unstructured")
        assert labeled(off).functional_label == "unstructured"
    assert labeled(shallow(half, np.ones(len(half)))).label == "partial"
    for slope in (1.0, 2.0):
        for kind in ("pudding+", "double-sided"):
            assert labeled(build(kind, inputs, slope=slope, activation="swish")).label == kind


@pytest.mark.parametrize("inputs", [4, 16])
def test_a_deep_network_of_the_norm_has_a_true_reason(inputs: int) -> None:
    axes, units = np.concatenate([np.eye(inputs), -np.eye(inputs)]), 2 * inputs
    found = labeled(
        TargetNetwork(
            Architecture((inputs, units, units, 1), "relu"),
            (axes, np.eye(units), np.ones((1, units))),
            (np.zeros(units), np.zeros(units), np.zeros(1)),
            task="l1-norm",
        )
    )

    assert (found.label, found.functional_label) == ("partial", "double-sided")
    assert "the first layer has its spikes; the layers above it are not read" in found.why


def test_spikes_without_their_linear_part_are_no_pudding() -> None:
    assert labeled(shallow(np.eye(12), np.full(12, 2.0))).label == "partial"


def test_heavy_tails_lie_between_bowls_and_spikes() -> None:
    rows = np.random.default_rng(0).standard_cauchy((48, 16))

    assert labeled(shallow(rows, np.full(48, 0.05))).label not in (*EXACT, "convexity")


def test_a_linear_part_of_opposite_pairs_hides_the_side_from_the_function() -> None:
    # Bypassed puddings are double-sided as far as the function goes, and the weights predict just that.
    rows, network = 20 * np.eye(6), build("double-sided", 6)
    architecture = Architecture((6, 6, 1), bypass=True)
    outs = (rows, np.full((1, 6), 0.1))
    pudding = TargetNetwork(architecture, outs, (np.zeros(6), network.biases[1]), -np.ones((1, 6)), "l1-norm")

    found = labeled(pudding)
    assert (found.label, found.broken) == ("pudding+", False)
    assert found.r2 > 0.999


@pytest.mark.parametrize(
    "kind", ["squares-curvature", "max-tree", "l2-bowls", "neighbor-differences", "product-curvature", "parity-tree"]
)
@pytest.mark.parametrize("inputs", [4, 8])
def test_no_other_function_gets_a_label_of_the_l1_norm(kind: str, inputs: int) -> None:
    assert labeled(build(kind, inputs), "l1-norm").label not in (*EXACT, "convexity")


def test_no_other_task_gets_a_label_of_the_l1_norm() -> None:
    for kind in ("double-sided", "pudding-", "convexity"):
        for task in ("max", "squared-l2", "l2-norm", "weighted-l1", "median", "sum"):
            found = labeled(build(kind, 8), task)
            assert found.label not in (*EXACT, "convexity")
            assert found.broken or found.label in ("partial", "unstructured", "separable", "bowls", "l2-bowls")


def test_a_task_without_known_algorithms_is_named_by_its_pattern() -> None:
    found = labeled(build("double-sided", 6), "sum")

    assert (found.label, found.functional_label, found.broken) == ("separable", "separable", False)


def test_all_zero_and_constant_networks() -> None:
    zero = shallow(np.zeros((5, 4)), np.zeros(5))
    for network in (zero, replace(zero, biases=(np.ones(5), np.full(1, -7.0))), build("constant", 4)):
        found = labeled(network, "l1-norm")
        assert (found.label, found.functional_label, found.broken) == ("constant", "constant", False)
        assert np.isfinite(list(vars(found.order_parameters).values())).all()
    assert labeled(build("constant", 4)).broken is False
    assert labeled(zero, "constant").broken


def test_linear_networks() -> None:
    direct = TargetNetwork(Architecture((3, 1)), (np.ones((1, 3)),), (np.zeros(1),), task="sum")

    for network in (direct, build("linear", 4)):
        assert (labeled(network).label, labeled(network).broken) == ("linear", False)
        assert labeled(network, "mean").broken
        assert not labeled(network, "l1-norm").broken


def test_squares_of_differences_complete_the_product_as_well() -> None:
    rows = np.array([[1.0, -1.0], [1.0, 0.0], [0.0, 1.0]])
    for sense, label in ((1, "product-completion"), (-1, "partial")):
        found = labeled(shallow(rows, np.array([-0.5, sense / 2, sense / 2]), "square", "product"))
        assert (found.label, found.r2 > 0.999) == (label, sense == 1)


def test_rows_that_are_no_frame_sum_no_squares() -> None:
    rows = np.random.default_rng(0).standard_normal((8, 8))
    assert labeled(shallow(rows, np.full(8, 0.15), "square", "squared-l2")).label != "squares-frame"


def test_a_majority_by_votes_of_those_that_are_not_set() -> None:
    # Of five bits, Σ r(s/2 - 1.3 x_i - 1): s = 3 gives 2 · 1/2, s = 4 gives 1, s = 5 gives 5 · 1/5.
    rows = np.full((5, 5), 0.5) - 1.3 * np.eye(5)
    biases = (np.full(5, -1.0), np.zeros(1))
    network = TargetNetwork(Architecture((5, 5, 1), "relu"), (rows, np.ones((1, 5))), biases, task="majority")

    found = labeled(network)
    assert (found.label, found.functional_label, found.agree) == ("count-of-others", "ridge", True)
    assert found.r2 > 0.999 and found.patterns.background == 1


def test_one_kink_makes_no_staircase() -> None:
    network = shallow(np.full((1, 4), -5.0), np.array([-40.0]), "swish", "parity")
    assert labeled(network).label == "partial"


@pytest.mark.parametrize("weight", [1e31, 1e150, 1e200])
@pytest.mark.parametrize("activation", ["swish", "square"])
def test_weights_beyond_all_measure_have_a_label_and_no_warning(weight: float, activation: Activation) -> None:
    network = shallow(weight * np.eye(4), np.full(4, 1 / weight), activation)
    for task in ("l1-norm", "max", "squared-l2"):
        found = analyze(network, find_task(task), replace(QUICK, draws=2))
        assert (found.label, found.functional_label) == ("unstructured", "unstructured") and "10^30" in found.why


def test_a_network_that_explodes() -> None:
    found = labeled(shallow(np.full((2, 4), 1e200), np.full(2, 1e200), "square"))

    assert (found.label, found.mse, found.r2) == ("unstructured", float("inf"), -float("inf"))


def test_a_directly_trained_network_has_no_structure(trained: TargetNetwork) -> None:
    found = labeled(trained)

    assert found.r2 > 0.6
    assert found.label in ("unstructured", "partial")


@pytest.fixture(scope="module")
def trained() -> TargetNetwork:
    """The default network after a short direct training by Adam."""
    import torch

    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(shape, generator=generator) / 4 for shape in ((48, 16), (1, 48), (48,), (1,))]
    parts = [part.requires_grad_() for part in parts]
    optimizer = torch.optim.Adam(parts, lr=1e-2)
    for _ in range(600):
        x = torch.randn(256, 16, generator=generator)
        y = torch.nn.functional.silu(x @ parts[0].T + parts[2]) @ parts[1].T + parts[3]
        loss = (y - x.abs().sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    rows, outs, biases, constant = (part.detach().numpy() for part in parts)
    return TargetNetwork(Architecture((16, 48, 1)), (rows, outs), (biases, constant), task="l1-norm")


def test_the_confidence_is_the_share_of_noisy_copies_with_the_label() -> None:
    config = ClassifyConfig(points=1024, draws=8)
    sure = analyze(build("double-sided", 8), NORM, config)
    shaken = analyze(build("convexity", 8), NORM, replace(config, noise=1.0))

    assert sure.confidence == 1
    assert shaken.confidence < 0.5
    assert analyze(build("double-sided", 8), NORM, QUICK).confidence == sure.margin == pytest.approx(1, abs=0.05)


def test_one_seed_one_answer() -> None:
    network, config = with_noise(build("mixed", 8), 0.2, np.random.default_rng(0)), ClassifyConfig(points=512)
    first, again = (analyze(network, NORM, config) for _ in range(2))

    assert (first.confidence, first.mse) == (again.confidence, again.mse)
    assert first.order_parameters == again.order_parameters


def test_a_network_of_the_wrong_shape_for_its_task() -> None:
    with pytest.raises(InputError, match=r"has 1 outputs; sort has 4"):
        labeled(build("max-tree", 4), "sort")
    with pytest.raises(InputError, match="cannot have 4 inputs"):
        labeled(build("max-tree", 4), "xor")


@pytest.mark.parametrize("kind", ["double-sided", "pudding-", "mixed", "linear"])
def test_a_fit_through_as_many_points_as_inputs_says_nothing(kind: str) -> None:
    """Noisy copies are judged on 256 points. With 300 inputs a plane goes through all of these: all were linear."""
    found = analyze(build(kind, 300), find_task("sum" if kind == "linear" else "l1-norm"), ClassifyConfig(draws=2))
    assert found.label == kind and found.confidence == 1
    found = analyze(build(kind, 70), find_task("l1-norm"), ClassifyConfig(draws=0, points=64))
    assert found.label == kind
