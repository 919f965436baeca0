"""Networks whose function nobody knows, and networks beside data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from novacula.errors import InputError
from novacula.hypernet import Architecture, Classified, ClassifyConfig, TargetNetwork, build, classify
from novacula.hypernet.analyst.evidence import r2_of
from novacula.hypernet.analyst.function import measure_inputs
from novacula.hypernet.classify import formula_block, input_words, measures

X = np.random.default_rng(0).standard_normal((300, 4))


def unknown(network: TargetNetwork, **options: object) -> Classified:
    return classify(network, ClassifyConfig(draws=0, **({"task": "none"} | options)), check_points=3000)  # pyright: ignore


def two_of_four() -> TargetNetwork:
    """2 |x_0| + max(x_2 - x_3, 0); x_1 does not matter."""
    rows = np.array([[1.0, 0, 0, 0], [-1, 0, 0, 0], [0, 0, 1, -1]])
    return TargetNetwork(
        Architecture((4, 3, 1), "relu"), (rows, np.array([[2.0, 2, 1]])), (np.zeros(3), np.zeros(1)), task=None
    )


def test_what_an_unknown_network_does_is_told_without_words_of_the_norm() -> None:
    found = unknown(two_of_four())
    findings, analysis = found.findings, found.analysis
    assert (findings.task, findings.task_assumed, analysis.broken) == ("none", False, False)
    assert findings.formula_accepted and findings.formula_r2 == pytest.approx(1)
    assert findings.inputs.matter[1] == 0 and findings.inputs.sign_free == (0,)
    # Var |x| is 1 - 2/π; of max(x_2 - x_3, 0), whose argument has variance 2, it is 1 - 1/π.
    share = 4 * (1 - 2 / np.pi) / (4 * (1 - 2 / np.pi) + 1 - 1 / np.pi)
    assert findings.inputs.matter[0] == pytest.approx(share, abs=0.03)
    said = " ".join([*input_words(findings.inputs), *(f"{row}" for row in measures(findings)), analysis.why])
    assert "x[0]" in said and "the sign of x[0] does not matter" in said and "below 0.1%: x[1]" in said
    for word in ("norm", "pudding", "sided", "dough", "convexity", "none of"):
        assert word not in said and word not in analysis.label


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_only_input_that_matters_has_all_of_the_variance(shift: float) -> None:
    rows, outer = np.array([[1.0, 0], [-1, 0], [1, 0]]), np.array([[1.0, 1, 30]])
    for inputs in (1, 2):  # max(x_0 - shift, 0) has few large values, which a ratio of two estimates suffers from
        network = TargetNetwork(
            Architecture((inputs, 3, 1), "relu"), (rows[:, :inputs], outer), (np.array([0, 0, -shift]), np.zeros(1))
        )
        found = unknown(network)
        assert found.findings.inputs.matter == (1.0, 0.0)[:inputs]
        assert ("with sum in" in found.formula.bound_says) == (inputs == 2)


@pytest.mark.parametrize("seed", range(3))
def test_shares_of_a_sum_are_those_of_its_terms(seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((2**14, 3))
    network = TargetNetwork(
        Architecture((3, 3, 1), "relu"), (np.eye(3), np.array([[1.0, 2, 3]])), (np.zeros(3), np.zeros(1))
    )
    found = measure_inputs(network, x, np.random.default_rng(0)).matter
    assert found == pytest.approx((1 / 14, 4 / 14, 9 / 14), abs=0.015)


@pytest.mark.parametrize(
    ("kind", "groups", "sign_free", "parity", "translations"),
    [
        ("double-sided", ((0, 1, 2, 3),), (0, 1, 2, 3), "even", False),
        ("range-tree", ((0, 1, 2, 3),), (), "even", True),
        ("linear", ((0, 1, 2, 3),), (), "odd", False),
        ("product-curvature", ((0, 2), (1, 3)), (), "even", False),
        ("neighbor-differences", ((0,), (3,)), (), "even", True),
        ("constant", (), (), "neither", False),
    ],
)
def test_symmetries_of_functions_that_are_known(
    kind: str, groups: tuple[tuple[int, ...], ...], sign_free: tuple[int, ...], parity: str, translations: bool
) -> None:
    found = measure_inputs(
        build(kind, 4), np.random.default_rng(1).standard_normal((1024, 4)), np.random.default_rng(0)
    )
    assert found.exchangeable == tuple(group for group in groups if len(group) > 1)
    assert (found.sign_free, found.parity, found.translations) == (sign_free, parity, translations)


@pytest.mark.parametrize(("kind", "norm"), [("max-tree", False), ("pudding+", True)])
def test_words_of_the_norm_are_for_norms(kind: str, norm: bool) -> None:
    found = classify(build(kind, 4), ClassifyConfig(draws=0), check_points=1000).findings
    assert any("spike" in f"{row}" for row in measures(found)) == norm


def test_a_law_is_still_the_second_option() -> None:
    assert ClassifyConfig("max", "laplace").law == "laplace"


def test_a_network_without_a_task_is_judged_as_a_norm_and_says_so() -> None:
    assert classify(two_of_four(), ClassifyConfig(draws=0), check_points=1000).assumed
    assert not classify(build("max-tree", 4), ClassifyConfig(draws=0), check_points=1000).assumed


@pytest.mark.parametrize("kind", ["csv", "headed.csv", "npz", "npy"])
def test_a_network_is_judged_against_data(kind: str, tmp_path: Path) -> None:
    network, path = two_of_four(), tmp_path / f"data.{kind}"
    noise = 0.1 * np.random.default_rng(1).standard_normal((300, 1))
    y = network(X) + noise
    table = np.column_stack([X, y])
    if kind == "npz":
        np.savez(path, x=X, y=y[:, 0])
    elif kind == "npy":
        np.save(path, table)
    else:
        np.savetxt(path, table, delimiter=",", header="a,b,c,d,y" if kind != "csv" else "", comments="", fmt="%.17g")
    found = unknown(network, task=None, data=path)
    assert found.task.name == "data" and found.analysis.mse == pytest.approx(float((noise**2).mean()), rel=1e-6)
    assert found.analysis.r2 == pytest.approx(1 - float((noise**2).mean() / y.var()))
    assert found.formula.accepted and found.formula.mse == pytest.approx(found.analysis.mse, rel=0.05)
    assert found.findings.inputs.matter[1] == 0


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("data.txt", "1,2", "is no .csv, .npy or .npz file"),
        ("data.csv", "a,b\n1,2\n3,x\n", "is no table of numbers"),
        ("data.csv", "1,2,3\n" * 20, r"x \(20, 3\) and y \(20, 0\); the network has 4 inputs, 1 outputs"),
        ("data.csv", "1,2,3,4,5\n" * 3, "has 3 rows; at least 10"),
        ("data.csv", "1,2,3,4,nan\n" * 20, "finite numbers"),
        ("data.csv", "1,2,3,4,?\n" + "1,2,3,4,5\n" * 20, "is no table of numbers"),  # no line of names
        ("data.csv", "1e39,2,3,4,5\n" * 20, "has the input 1e\\+39"),
        ("data.csv", "", "network has 4 inputs"),
    ],
)
@pytest.mark.filterwarnings("ignore:loadtxt")
def test_data_that_do_not_fit_are_refused(name: str, text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=says):
        unknown(two_of_four(), task=None, data=tmp_path / name)
    with pytest.raises(InputError, match="takes the place of"):
        ClassifyConfig(task="max", data=tmp_path / name)


@pytest.mark.parametrize(("constant", "off", "r2"), [(0.1, 1e-3, 0.0), (0.1, 0.0, 1.0), (1e-5, 5e-4, 0.0)])
def test_outputs_that_never_vary_are_met_or_missed(constant: float, off: float, r2: float, tmp_path: Path) -> None:
    # The variance of 50 times 0.1 is not 0 in floating-point numbers.
    np.savez(tmp_path / "data.npz", x=X[:50], y=np.full(50, constant))
    rows = np.eye(4)
    network = TargetNetwork(
        Architecture((4, 4, 1), "relu"), (rows, np.full((1, 4), off)), (np.zeros(4), np.full(1, constant))
    )
    assert unknown(network, task=None, data=tmp_path / "data.npz").analysis.r2 == r2
    assert r2_of(off**2, np.full((50, 1), constant)) == r2


def test_units_that_read_nothing_make_a_constant() -> None:
    network = TargetNetwork(
        Architecture((2, 3, 1), "relu"), (np.zeros((3, 2)), np.ones((1, 3))), (np.ones(3), np.zeros(1))
    )
    found = classify(network, ClassifyConfig(task="none"), check_points=1000)
    assert found.analysis.label == "constant" and found.formula.line == "3"


def test_data_take_the_place_of_a_task_that_the_file_names(tmp_path: Path) -> None:
    network = replace(two_of_four(), task="somebody:function")
    np.savez(tmp_path / "data.npz", x=X, y=network(X))
    assert unknown(network, task=None, data=tmp_path / "data.npz").analysis.r2 == 1
    np.savez(tmp_path / "data.npz", x=X, y=1j * network(X))
    with pytest.raises(InputError, match="complex numbers"):
        unknown(network, task=None, data=tmp_path / "data.npz")


def test_of_bits_the_formula_is_the_task_at_every_input() -> None:
    for kind, words in (("parity-staircase", "at every input"), ("double-sided", "symbol by symbol")):
        found = classify(build(kind, 3), ClassifyConfig(draws=0), check_points=1000)
        assert f"This is the task itself, {words}." in formula_block(found)


def test_a_symmetry_is_one_of_every_output() -> None:
    rows, outs = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.array([[1e3, 1e3, 1e3, 1e3], [1, -1, 0, 0]])
    network = TargetNetwork(Architecture((2, 4, 2), "relu"), (rows, outs), (np.zeros(4), np.zeros(2)))
    found = measure_inputs(network, X[:, :2], np.random.default_rng(0))  # 1000 (|x| + |y|), and x
    assert found.parity == "neither" and found.sign_free == (1,) and not found.exchangeable


def test_on_a_single_input_every_function_is_constant(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.ones((12, 4)), y=np.full(12, 4.0))
    found = unknown(build("double-sided", 4), task=None, data=tmp_path / "data.npz")
    assert found.analysis.label == "constant" and found.formula.line == "4.01301"
