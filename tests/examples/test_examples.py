"""The programs of examples/, at a small size: each runs, and what it shows is so."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"an_example.{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def example(name: str) -> ModuleType:
    return load(EXAMPLES / f"{name}.py")


def test_every_example_is_tested_and_says_how_it_is_run() -> None:
    tests = Path(__file__).read_text()
    for path in sorted(EXAMPLES.glob("*.py")):
        assert f'example("{path.stem}")' in tests
        assert f"python examples/{path.name}" in (load(path).__doc__ or "")


def test_a_puzzle_is_solved_and_its_description_gets_shorter(tmp_path: Path) -> None:
    prices, solved = example("solve_a_puzzle").main("3618c87e", 220, tmp_path / "run")
    assert solved
    assert len(prices) == 220
    assert prices[-1] < prices[99] / 2 < prices[49] / 4


def test_experiments_with_the_solver_are_short(tmp_path: Path) -> None:
    module = example("research_on_arc")
    assert module.main("3618c87e", 20, tmp_path).keys() == {"decodes", "Ablated", "Cheap"}
    prices = [json.loads((tmp_path / name / "result.json").read_text())["kl"] for name in ("Ablated", "Cheap")]
    assert prices[0] != prices[1]


def test_the_distilled_program_adds(tmp_path: Path) -> None:
    result = example("distill_a_program").main("Binary_Addition", tmp_path / "run")
    assert result.document["tier"] == "S4"
    assert result.document["states"] == 2
    program = load(tmp_path / "run" / "artifacts" / "program.py")
    generator = np.random.default_rng(0)
    for a, b in generator.integers(0, 2**40, (50, 2)).tolist():
        bits = [((a >> place) & 1, (b >> place) & 1) for place in range(42)]
        assert sum(bit << place for place, bit in enumerate(program.run(bits))) == a + b


def test_only_the_circle_is_irreducible() -> None:
    scores = example("score_clouds").main(1000)
    assert {name: score.irreducible for name, score in scores.items()} == {
        "circle": True,
        "product": False,
        "mixture": False,
    }
    assert scores["product"].separability_bits < 0.1 < scores["mixture"].separability_bits


def test_networks_are_told_apart_by_their_weights() -> None:
    read = example("read_a_network").main(6, 600)
    labels = [found.analysis.label for found in read.values()]
    assert labels[:2] == ["double-sided", "pudding-"]
    assert labels[2] in ("unstructured", "partial")
    assert [found.formula.is_task for found in read.values()] == [True, True, False]


def test_the_learned_matrix_approaches_the_inverse_curvature() -> None:
    tenths = example("learn_a_curvature").main(1500)
    away = [distance for _, distance in tenths]
    assert np.mean(away[-3:]) < 0.8 * away[0]


def test_lodo_trains_a_network_that_can_be_read() -> None:
    read = example("lodo_trains_a_readable_network").main(800)
    lodo, adam = read["LODO"].analysis, read["Adam"].analysis
    assert lodo.label == "double-sided"
    assert lodo.mse < adam.mse / 10


def test_modular_addition_keeps_its_states_on_a_circle() -> None:
    program, circle, score = example("modular_circle").main(1200)
    assert program is not None and "% 7" in program
    assert circle.circle
    assert circle.test.p_value == pytest.approx(1 / 360)
    assert score.irreducible
