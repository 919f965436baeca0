"""Explanation via regression on states whose parts are known."""

import numpy as np
import pytest

from novacula.errors import InputError
from novacula.features.circles.explanation import explain_states, one_hot, prompt_functions, regress, residual_colors


def _grid() -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The published toy: a sine, a line, and two indicators, over ten by ten values."""
    draw = np.random.default_rng(0)
    a, b = (values.ravel() for values in np.meshgrid(np.arange(10), np.arange(10), indexing="ij"))
    functions = {"sin a": np.sin(a), "b": b.astype(float), "a is 4": (a == 4).astype(float), "b is 1": (b == 1) * 1.0}
    columns = {name: values[:, None] for name, values in functions.items()}
    weights = draw.uniform(0, 1, (4, 10))
    states = np.concatenate(list(columns.values()), axis=1) @ weights + 0.1 * draw.standard_normal((100, 10))
    return a, b, states, columns


def test_adding_functions_explains_the_published_toy_step_by_step() -> None:
    _, _, states, columns = _grid()
    indicators = [columns["a is 4"], columns["b is 1"]]
    first = regress(states, indicators).r2
    second = regress(states, [*indicators, columns["sin a"]]).r2
    third = regress(states, [*indicators, columns["sin a"], columns["b"]]).r2
    assert first < 0.2
    assert first < second < 0.5
    assert third > 0.99
    residual = regress(states, [*indicators, columns["sin a"], columns["b"]]).residual
    assert residual.std() == pytest.approx(0.1, rel=0.1)


def test_the_greedy_search_finds_what_was_put_in_and_stops() -> None:
    a, b, states, columns = _grid()
    draw = np.random.default_rng(1)
    decoys = {f"decoy {i}": draw.standard_normal((100, 3)) for i in range(3)} | {"one-hot a + b": one_hot(a + b)}
    found = explain_states(states, columns | decoys, most=8)
    assert {each.function for each in found} == set(columns)
    assert found[0].function == "b"
    assert [each.regression.r2 for each in found] == sorted(each.regression.r2 for each in found)


def test_one_hots_explain_additive_states_wholly() -> None:
    labels, offsets = (v.ravel() for v in np.meshgrid(np.arange(12), np.arange(1, 13), indexing="ij"))
    draw = np.random.default_rng(0)
    states = draw.standard_normal((12, 5))[labels] + draw.standard_normal((13, 5))[offsets]
    functions = prompt_functions(labels, offsets, 12)
    assert functions["α"].shape == (144, 12)
    assert functions["γ"].shape == (144, 12)
    assert functions["α + β"].shape == (144, 23)
    assert regress(states, [functions["α"], functions["β"]]).r2 == pytest.approx(1)


def test_left_out_rows_are_predicted_from_the_others() -> None:
    draw = np.random.default_rng(2)
    states, design = draw.standard_normal((12, 3)), draw.standard_normal((12, 2))
    errors = []
    for row in range(12):
        kept = np.arange(12) != row
        full = np.concatenate([np.ones((12, 1)), design], axis=1)
        solution = np.linalg.lstsq(full[kept], states[kept], rcond=None)[0]
        errors.append(states[row] - full[row] @ solution)
    expected = 1 - (np.array(errors) ** 2).sum() / ((states - states.mean(0)) ** 2).sum()
    assert regress(states, [design]).r2_left_out == pytest.approx(expected)


def test_a_function_that_fits_every_row_alone_explains_nothing() -> None:
    states = np.random.default_rng(0).standard_normal((9, 2))
    both = regress(states, [np.eye(9)])
    assert both.r2 == pytest.approx(1)
    assert both.r2_left_out == pytest.approx(0)


def test_colors_are_stretched_and_show_what_rows_share() -> None:
    labels = np.repeat(np.arange(5), 4)
    colors = residual_colors(np.random.default_rng(0).standard_normal((5, 6))[labels])
    assert (colors.min(), colors.max()) == (0, 1)
    assert np.ptp(colors.reshape(5, 4, 3), axis=1).max() < 1e-9


def test_states_that_are_all_alike_are_refused() -> None:
    with pytest.raises(InputError, match="alike"):
        regress(np.ones((5, 2)), [np.eye(5)])
