"""What a network computes does not depend on the units of its inputs and outputs, nor do labels and formulas."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from novacula.hypernet import Architecture, Classified, ClassifyConfig, TargetNetwork, build, classify
from novacula.hypernet.formula import describe
from novacula.hypernet.tasks import find_task


def times(network: TargetNetwork, factor: float, plus: float = 0.0) -> TargetNetwork:
    """The network with its outputs times a factor, and a number added."""
    *weights, outer = network.weights
    *biases, constant = network.biases
    return replace(network, weights=(*weights, outer * factor), biases=(*biases, constant * factor + plus))


def read(network: TargetNetwork, **options: str | Path) -> Classified:
    return classify(network, ClassifyConfig(draws=0, points=1024, **options), check_points=2000)  # pyright: ignore


@pytest.mark.parametrize("factor", [1e-30, 1e25])
@pytest.mark.parametrize(
    ("kind", "inputs", "line"),
    [
        ("double-sided", 8, "sum(abs(x_i) for x_i in x)"),
        ("pudding-", 8, "sum(abs(x_i) for x_i in x)"),
        ("max-tree", 4, "max(x)"),
        ("product-curvature", 2, "x[0] * x[1]"),
    ],
)
def test_the_unit_of_the_outputs_changes_neither_label_nor_formula(
    kind: str, inputs: int, line: str, factor: float
) -> None:
    network = build(kind, inputs)
    plain, other = (read(each, task=network.task or "l1-norm") for each in (network, times(network, factor)))
    said = [
        (e.analysis.label, e.analysis.functional_label, e.inputs.exchangeable, e.inputs.parity) for e in (plain, other)
    ]
    assert said[0] == said[1] and said[0][0] == kind
    assert other.inputs.matter == pytest.approx(plain.inputs.matter)
    assert other.analysis.broken and not plain.analysis.broken  # the function is another one, but not constant
    assert (plain.formula.limit_line, other.formula.limit_line) == (line, f"{factor:g} * {line}")
    assert plain.formula.largest_seen and other.formula.largest_seen
    assert other.formula.largest_seen == pytest.approx(factor * plain.formula.largest_seen, rel=1e-6)
    assert plain.formula.error_bound and other.formula.error_bound and other.formula.error_bound < np.inf
    if kind != "max-tree":  # bounds of several layers count the size of the corners below
        assert other.formula.error_bound == pytest.approx(factor * plain.formula.error_bound, rel=1e-6)


def test_a_function_is_constant_where_its_spread_is_nothing_beside_its_own_size_and_the_tasks() -> None:
    network = build("double-sided", 8)
    labels = {name: read(each, task="l1-norm").analysis.label for name, each in {
        "tiny": times(network, 1e-30),
        "high": times(network, 1, 1e12),
        "flat": times(network, 1e-6, 12),
        "rounded": times(network, 1, 1e16),
        "dead": times(network, 0),
    }.items()}  # fmt: skip
    assert labels == {
        "tiny": "double-sided",
        "high": "double-sided",
        "flat": "constant",
        "rounded": "constant",
        "dead": "constant",
    }


def test_a_constant_of_many_digits_has_a_formula() -> None:
    found = describe(times(build("constant", 3), 0, 0.123456789), find_task("constant"), points=1000)
    assert found.line == "0.123457" and found.accepted
    assert found.checked and found.checked.r2 == 1
    assert found.error_bound and 2.1e-7 < found.error_bound < 2.2e-7


def kinks(unit: float) -> TargetNetwork:
    """max(x_0 - 1/2, 0) + max(x_1 - 1, 0) + 2 max(1/4 - x_2, 0) + 1/2 of inputs in a unit."""
    rows = np.diag([1.0, 1.0, -1.0]) / unit
    outer, biases = np.array([[1.0, 1.0, 2.0]]), (np.array([-0.5, -1.0, 0.25]), np.array([0.5]))
    return TargetNetwork(Architecture((3, 3, 1), "relu"), (rows, outer), biases, task=None)


def differences(unit: float) -> TargetNetwork:
    """|x_0 - x_1| + |x_1 - x_2| of inputs in a unit."""
    gaps = np.array([[1.0, -1, 0], [0, 1, -1]])
    rows, biases = np.concatenate([gaps, -gaps]) / unit, (np.zeros(4), np.zeros(1))
    return TargetNetwork(Architecture((3, 4, 1), "relu"), (rows, np.ones((1, 4))), biases, task=None)


@pytest.mark.parametrize("unit", [1.0, 1e-25, 1e-9, 1e6, 1e25])
@pytest.mark.parametrize(
    ("make", "lines"),
    [
        (
            kinks,
            {
                1.0: "2 * relu(-x[2] + 0.25) + relu(x[0] - 0.5) + relu(x[1] - 1) + 0.5",
                1e-9: "2e+09 * relu(-x[2] + 2.5e-10) + 1e+09 * relu(x[0] - 5e-10) + 1e+09 * relu(x[1] - 1e-09) + 0.5",
                1e6: "2e-06 * relu(-x[2] + 250000) + 1e-06 * relu(x[0] - 500000) + 1e-06 * relu(x[1] - 1e+06) + 0.5",
            },
        ),
        (differences, {1e25: "1e-25 * sum(abs(x_i - x_j) for x_i, x_j in zip(x, x[1:]))"}),
    ],
)
def test_the_unit_of_data_changes_neither_label_nor_formula(
    make: Callable[[float], TargetNetwork], lines: dict[float, str], unit: float, tmp_path: Path
) -> None:
    x = unit * np.random.default_rng(0).standard_normal((400, 3))
    network = make(unit)
    np.savez(tmp_path / "data.npz", x=x, y=network(x))
    found = read(network, data=tmp_path / "data.npz")
    assert found.analysis.label == ("separable" if make is kinks else "pairwise")
    assert found.analysis.agree and found.formula.accepted and found.analysis.r2 == 1
    assert found.formula.limit_line == lines.get(unit, found.formula.limit_line)
    assert found.formula.error_bound and found.formula.error_bound < 1e-8


def test_data_far_from_zero_keep_their_digits(tmp_path: Path) -> None:
    far = 1e9  # float32 knows multiples of 64 there
    x = far + np.random.default_rng(0).standard_normal((400, 2))
    rows, biases = np.eye(2), (np.array([-far, -far - 1]), np.zeros(1))
    network = TargetNetwork(Architecture((2, 2, 1), "relu"), (rows, np.array([[1.0, 3.0]])), biases, task=None)
    np.savez(tmp_path / "data.npz", x=x, y=network(x))
    found = read(network, data=tmp_path / "data.npz")
    assert found.analysis.r2 == 1 and found.analysis.label == "separable"
    # Var max(z, 0) is 1/2 - 1/(2π), and of 3 max(z - 1, 0) about 0.62.
    assert found.inputs.matter == pytest.approx((0.35, 0.65), abs=0.1)
