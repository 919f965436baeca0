"""The open suite is frozen: its tasks, their definitions as their outputs show them, and which half is sealed."""

import hashlib
import json
from itertools import product

import numpy as np

from novacula.distill.tasks.open_suite import OPEN_HALF, OPEN_SUITE
from novacula.functions import load_function

FROZEN = "4d9aef167dfa9a64d8c00a7519a44e168e9e3bb8606038cbd15d346ede0d1e6b"


def inputs(name: str) -> list[list]:
    task = OPEN_SUITE[name]
    one = list(task.words) or list(range(task.low, task.high + 1))
    symbols = one if task.streams == 1 else [list(pair) for pair in product(one, repeat=task.streams)]
    places = np.random.default_rng(0).integers(0, len(symbols), (40, 30))
    return [[symbols[place] for place in row] for row in places.tolist()]


def test_the_suite_is_as_it_was_frozen() -> None:
    assert len(OPEN_SUITE) == 100 and len(OPEN_HALF) == 50 and OPEN_SUITE.keys() >= OPEN_HALF
    answers = {name: [OPEN_SUITE[name](row) for row in inputs(name)] for name in sorted(OPEN_SUITE)}
    said = json.dumps([answers, sorted(OPEN_HALF)])
    assert hashlib.sha256(said.encode()).hexdigest() == FROZEN


def test_every_task_is_a_function_with_a_source() -> None:
    for name, task in OPEN_SUITE.items():
        assert load_function(f"novacula.distill.tasks.open_suite:{name}") is task and len(task.source) > 8
        assert task.words or task.low < task.high
        outputs = task(inputs(name)[0])
        assert len({type(value) for y in outputs for value in (y if isinstance(y, tuple) else (y,))}) == 1


def test_some_tasks_by_hand() -> None:
    """Answers that were worked out from the sources, not by the definitions."""
    run = {name: OPEN_SUITE[name] for name in OPEN_SUITE}
    assert run["tomita_2"]([1, 0, 1, 0, 0]) == [0, 1, 0, 1, 0]
    assert run["tomita_3"]([1, 0, 0, 1, 0, 1]) == [1, 0, 1, 1, 0, 0]
    assert run["tomita_7"]([0, 1, 0, 1, 0]) == [1, 1, 1, 1, 0]
    assert run["luhn"]([7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3])[-1] == 0
    assert run["gray_counter"]([1] * 7) == [1, 3, 2, 6, 7, 5, 4]
    assert run["uart"]([1, 0, 1, 0, 1, 1]) == [-1, -1, -1, -1, -1, 5]
    assert run["excess_3"]([1, 0, 1, 0]) == [0, 0, 0, 1]  # 5 + 3 = 8
    assert run["hamming_syndrome"]([0, 0, 1, 0, 0, 0, 0])[-1] == 3
    assert run["month_length"]([0] + [1] * 11) == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert run["bit_stuffing"]([0, 1, 1, 1, 1, 1, 0])[-1] == "stuffed"
    assert run["median_of_3"]([3, 1, 2]) == [0, 1, 2]
    assert run["subtractor"]([[0, 1], [1, 0]]) == [1, 0]  # 2 - 1 = 1
    assert run["two_brackets_depth_2"]([0, 2, 3, 1, 3]) == [0, 0, 0, 1, -1]
