"""Formulas of networks whose algorithm is known, and of networks that have none."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.build import build
from novacula.hypernet.formula import Formula, describe
from novacula.hypernet.formula.formula import check, explained
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import find_task
from novacula.hypernet.tasks.given import network_task

POINTS = 4000
L1 = "sum(abs(x_i) for x_i in x)"


def described(network: TargetNetwork, task: str | None = None) -> Formula:
    return describe(network, find_task(task or network.task or "l1-norm"), points=POINTS)


def network_of(rows: np.ndarray, outs: np.ndarray, activation: str = "swish", constant: float = 0.0) -> TargetNetwork:
    sizes = (rows.shape[1], len(rows), 1)
    biases = np.zeros(len(rows)), np.array([constant])
    return TargetNetwork(Architecture(sizes, activation), (rows, outs[None]), biases)  # pyright: ignore


@pytest.mark.parametrize(
    ("kind", "inputs", "limit"),
    [
        ("double-sided", 16, L1),
        ("pudding+", 16, L1),
        ("pudding-", 5, L1),
        ("mixed", 8, L1),
        ("neighbor-differences", 6, "sum(abs(x_i - x_j) for x_i, x_j in zip(x, x[1:]))"),
        ("max-tree", 4, "max(x)"),
        ("min-tree", 5, "min(x)"),
        ("range-tree", 4, "-min(x) + max(x)"),
        ("product-squares", 2, "x[0] * x[1]"),
        ("product-curvature", 2, "x[0] * x[1]"),
        ("product-completion", 2, "x[0] * x[1]"),
        ("squares-curvature", 6, "sum(square(x_i) for x_i in x)"),
    ],
)
def test_the_limit_of_a_known_network_is_its_task_symbol_by_symbol(kind: str, inputs: int, limit: str) -> None:
    task = "product" if kind.startswith("product") else None
    found = described(build(kind, inputs, shuffle=True), task)
    assert found.accepted and found.is_task and found.limit_line == limit


HALF = "0.5 * abs(x[0] - x[1]) + 0.5 * sum(x)"


def test_of_two_inputs_the_larger_is_half_the_gap_above_the_middle() -> None:
    # k = 5: r(x - y), r(y - x), and the sum as r(s) - r(-s); the bound of both parts together, not of each alone.
    rows = 5 * np.array([[1.0, -1], [-1, 1], [1, 1], [-1, -1]])
    network = network_of(rows, np.array([0.1, 0.1, 0.1, -0.1]))
    found = described(network, "max")
    assert found.accepted and found.is_task and found.limit_line == HALF
    assert found.error_bound and found.error_bound < 0.12  # 0.557/k, of half the gap half of it
    least = described(network_of(rows, np.array([-0.1, -0.1, 0.1, -0.1])), "min")
    assert least.is_task and least.limit_line == "-" + HALF
    assert not described(network, "min").is_task


def test_what_is_nearly_linear_is_written_as_linear() -> None:
    # 100 swish(z/50) = z + small: half the sum, from units that were told so.
    rows = np.array([[5.0, -5], [-5, 5], [0.02, 0.0], [0.0, 0.02]])
    found = described(network_of(rows, np.array([0.1, 0.1, 50.0, 50.0])), "max")
    assert found.is_task and found.line and found.line.count("swish") == 2 and "* sum(x)" in found.line


@pytest.mark.parametrize(
    ("sense", "limit"),
    [
        (1, "sum(relu(x_i + 1) - relu(x_i - 1) for x_i in x) - 6"),
        (-1, "sum(relu(x_i + 1) - relu(-x_i + 1) for x_i in x) - sum(x)"),
    ],
)
def test_the_clipped_sum_in_both_ways(sense: int, limit: str) -> None:
    # r(x+1) - r(x-1) - 1, whose constant is found in the mean; r(x+1) - r(1-x) - x, by a direct path.
    n, k = 6, 10.0
    rows, outs = k * np.concatenate([np.eye(n), sense * np.eye(n)]), np.repeat([1 / k, -1 / k], n)
    biases = np.repeat([k, -sense * k], n), np.array([-float(n)] if sense > 0 else [0.0])
    architecture = Architecture((n, 2 * n, 1), bypass=sense < 0)
    bypass = None if sense > 0 else np.full((1, n), -1.0)
    found = described(TargetNetwork(architecture, (rows, outs[None]), biases, bypass, "clip"))
    assert found.is_task and found.limit_line == limit


def test_of_bits_the_limit_is_compared_at_every_input() -> None:
    assert described(build("parity-staircase", 5)).is_task
    assert not described(build("parity-staircase", 5), "majority").is_task


def test_squares_that_leave_only_products_are_products() -> None:
    found = described(build("product-completion", 4, shuffle=True))
    assert found.is_task and found.limit_line == "sum(x_i * x_j for x_i, x_j in zip(x, x[n // 2:]))"
    half = described(network_of(np.array([[1.0, -1.0]]), np.array([-0.25]), "square"), "product")
    assert half.limit_line == "-0.25 * square(x[0] - x[1])" and not half.is_task


def test_a_staircase_is_one_sum_over_its_stairs() -> None:
    found = described(build("parity-staircase", 6))
    assert found.limit_line == "2 * sum((-1) ** k * relu(sum(x) - k) for k in range(1, n)) + sum(x)"
    for n in (2, 3, 9):
        bits = np.random.default_rng(n).integers(0, 2, (50, n)).astype(float)
        assert np.allclose(found(bits)[:, 0], bits.sum(1) % 2, atol=1e-6)


def test_refitted_roles_undo_noise() -> None:
    network = build("double-sided", 12, noise=0.05, shuffle=True, seed=1)
    found = described(network)
    assert found.accepted and found.limit_line == L1 and found.network_mse and found.mse is not None
    assert found.mse < found.network_mse
    assert found.line and found.line.count("swish") <= 2


def test_a_formula_holds_for_other_sizes() -> None:
    found = described(network_of(10 * np.concatenate([np.eye(4), -np.eye(4)]), np.full(8, 0.1)))
    x = np.random.default_rng(0).normal(size=(100, 9))
    assert np.allclose(found(x)[:, 0], (x * np.tanh(5 * x)).sum(1))


def test_what_has_no_pattern_has_no_formula_and_says_why() -> None:
    generator = np.random.default_rng(0)
    found = described(network_of(generator.normal(size=(24, 8)), generator.normal(size=24)))
    assert not found.accepted and found.python is None and "no roles" in found.reason
    narrow = described(build("convexity", 16))  # the mean over such networks explains less than half of this one
    assert narrow.line is None and "random" in narrow.reason
    bowls = described(build("convexity", 16, hidden_per_input=12))
    assert not bowls.accepted and "random" in bowls.reason and bowls.line and "sqrt(" in bowls.line
    assert bowls.checked and bowls.checked.r2 < 0.9


def test_what_is_read_wrongly_or_cancels_is_not_shown() -> None:
    crossed = network_of(np.array([[1.0], [1.001]]), np.array([1444.0, -1440.0]), "tanh")
    found = described(replace(crossed, biases=(np.array([0.0, 0.02]), np.zeros(1))))
    assert found.line is None and found.reason.startswith("terms of size 9") and "would cancel" in found.reason
    tiny = network_of(np.array([[1.0, 0], [0, 1]]), np.ones(2), "relu", constant=1e-16)
    assert described(replace(tiny, biases=(np.full(2, 1e-17), tiny.biases[1]))).line == "sum(relu(x_i) for x_i in x)"
    assert described(tiny).limit_line == "sum(relu(x_i) for x_i in x)"
    gap = network_of(
        np.array([[20.0, -20], [-20, 20]]), np.array([0.05, 0.025])
    )  # of slopes 1 and 1/2, and 1/2 (a - b)
    gap = replace(gap, architecture=replace(gap.architecture, bypass=True), bypass=np.array([[0.5, -0.5]]))
    assert described(gap).limit_line == "1.5 * relu(x[0] - x[1])"


def test_the_check_refutes_a_wrong_formula() -> None:
    x = np.random.default_rng(0).normal(size=(1000, 3))
    wrong = check(
        lambda z: z.sum(1, keepdims=True), lambda z: np.abs(z).sum(1, keepdims=True), x, np.abs(x).sum(1)[:, None]
    )
    assert not wrong.holds and not wrong.holds_far
    near = check(lambda z: np.sin(z[:, :1]), lambda z: z[:, :1], 0.3 * x, 0.3 * x[:, :1])
    assert near.holds and not near.holds_far


def test_a_linear_network_and_a_constant_one() -> None:
    assert described(build("linear", 6)).line == "sum(x)"
    assert described(build("constant", 4)).line == "1"
    zero = network_of(np.zeros((4, 3)), np.zeros(4))
    assert described(zero, "l1-norm").line == "0"


def test_every_output_has_a_formula() -> None:
    found = described(build("sort-comparators", 3))
    assert found.accepted and found.limits[0] == found.outputs[0]
    assert found.line == "min(x), max(min(max(x[0], x[1]), x[2]), min(x[0], x[1])), max(x)"
    assert found.latex and found.latex.startswith("y_{1} = ")


def test_an_output_of_small_numbers_is_held_to_the_same_rule_as_a_large_one() -> None:
    slopes = np.tile([1, 0.8, 0.6, 0.2, -1, -0.8, -0.6, -0.2], 2)
    rows, outs = np.concatenate([np.eye(8), -np.eye(8)]), np.stack([np.full(16, 1000.0), slopes])
    network = TargetNetwork(Architecture((8, 16, 2), "relu"), (rows, outs), (np.zeros(16), np.zeros(2)))
    found = describe(network, network_task(network, None), points=POINTS)
    assert not found.accepted and "squared error of output 1" in found.reason
    assert found.checked and found.checked.r2 < 0.99


@pytest.mark.parametrize("constant", [0.123456789, 1234567.89])
def test_a_constant_beside_another_output_has_six_digits(constant: float) -> None:
    one = build("double-sided", 4)
    (rows, outs), (inner, outer) = one.weights, one.biases
    weights, biases = (rows, np.vstack([outs, 0 * outs])), (inner, np.append(outer, constant))
    network = TargetNetwork(replace(one.architecture, sizes=(4, len(rows), 2)), weights, biases)
    found = describe(network, network_task(network, None), points=POINTS)
    assert found.accepted and (found.line or "").endswith(f", {constant:.6g}")


def test_of_one_hidden_layer_there_is_none_that_adds_its_input() -> None:
    network = build("double-sided", 3)
    residual = replace(network, architecture=replace(network.architecture, residual=True))
    assert described(residual).line == described(network).line


@pytest.mark.parametrize("n", [5, 7])
def test_what_is_printed_of_an_odd_number_of_inputs_is_what_was_checked(n: int) -> None:
    # Σ |x_i - x_(i + n//2)|: zip(x, x[n // 2:]), which was written, has one pair more.
    rows = np.zeros((n // 2, n))
    rows[range(n // 2), range(n // 2)], rows[range(n // 2), range(n // 2, 2 * (n // 2))] = 1, -1
    network = network_of(np.concatenate([rows, -rows]), np.ones(2 * (n // 2)), "relu")
    found = describe(network, network_task(network, None), points=POINTS)
    names: dict[str, Any] = {}
    exec(found.python or "", names)  # noqa: S102 - what is written must run
    x = np.random.default_rng(0).standard_normal((20, n))
    assert np.allclose([names["f"](row) for row in x.tolist()], network(x)[:, 0], atol=1e-12)
    assert found.accepted and found.error_bound is not None and found.error_bound < 1e-6


@pytest.mark.parametrize("scale", [1.0, 1e-13, 1e-170])
def test_what_a_formula_explains_does_not_depend_on_the_scale_of_the_outputs(scale: float) -> None:
    got, wanted = np.random.default_rng(0).standard_normal((2, 500))
    assert explained(scale * got, scale * wanted) == pytest.approx(explained(got, wanted))
    assert explained(scale * wanted, scale * wanted) == 1


def test_outputs_that_vary_by_rounding_alone_are_explained_by_a_constant() -> None:
    x = np.random.default_rng(0).standard_normal((500, 1))
    wanted = (x + 1e3) - 1e3 - x  # 0 but for rounding
    assert explained(np.zeros_like(x), wanted, 1e3) == 1
    assert explained(np.full_like(x, 1e-3), wanted, 1e3) == 0


def test_a_network_of_tiny_outputs_is_not_explained_by_a_plane() -> None:
    generator = np.random.default_rng(0)
    network = network_of(generator.standard_normal((12, 3)), 1e-13 * generator.standard_normal(12), "tanh")
    found = describe(network, network_task(network, None), points=POINTS)
    assert found.checked is None or found.checked.r2 < 0.999


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_whether_a_bound_is_loose_does_not_depend_on_the_unit_of_the_outputs(unit: float) -> None:
    def looks(bound: float, seen: float) -> bool:
        return Formula(2, error_bound=bound * unit, largest_seen=seen * unit, size=unit).is_loose

    assert looks(0.5, 0.04) and not looks(0.5, 0.06)
    assert not looks(1e-9, 1e-13)  # the rest is rounding
