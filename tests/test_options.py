import math
import os
import sys

import numpy as np
import pytest

from novacula.arc.config import BenchConfig
from novacula.errors import InputError
from novacula.options import (
    CampaignOptions,
    near_names,
    refuse,
    unless_at_least,
    unless_between,
    unless_installed,
    unless_memory,
    unless_number,
    unless_one_of,
    unless_seed,
    unless_within,
)


@pytest.mark.parametrize(
    ("problems", "text"),
    [
        (unless_within("--draws", 0, 1, 1000), "--draws is 0; it must lie in 1 … 1000"),
        (unless_within("--noise", math.nan, 0, 1.5), "--noise is nan; it must lie in 0 … 1.5"),
        (unless_between("--rate", 1, 0, 1), "--rate is 1; it must lie in 0 … 1, both excluded"),
        (unless_at_least("--steps", 0), "--steps is 0; it must be at least 1"),
        (unless_seed("--seed", -1), "--seed is -1; it must lie in 0 … 2^32 - 1"),
        (unless_seed("--seed", 1.5), "--seed is 1.5; it must be a whole number"),
        (unless_seed("--seed", 2**64, bits=64), f"--seed is {2**64}; it must lie in 0 … 2^64 - 1"),
        (unless_one_of("--mode", "fim", ("film", "pareto")), "--mode is 'fim'; it must be one of film, pareto"),
        (
            unless_installed("--model", "lm", "torch", "absent", "gone"),
            "--model needs absent and gone, not installed; in a clone of novacula: "
            f"{sys.executable} -m pip install -e '.[lm]'",
        ),
        (unless_memory("--memory-limit", 0.0), "--memory-limit is 0 MB; it must be more than 0"),
        (unless_memory("--memory-limit", math.nan), "--memory-limit is nan MB; it must be more than 0"),
    ],
)
def test_a_broken_rule_names_option_value_and_rule(problems: list[str], text: str) -> None:
    assert problems == [text]


def test_bounds_are_allowed_where_they_are_said_to_be() -> None:
    kept = unless_within("--a", 1, 1, 2) + unless_within("--a", 2, 1, 2) + unless_between("--b", 0.5, 0, 1)
    kept += unless_at_least("--c", 1) + unless_seed("--d", 0) + unless_seed("--d", 2**32 - 1)
    kept += unless_installed("--e", "lm", "torch")
    assert kept == [] and unless_one_of("--d", "x", ("x",)) == []
    refuse(kept)


def test_all_problems_are_refused_at_once_and_each_is_told_once() -> None:
    with pytest.raises(InputError) as raised:
        refuse([*unless_seed("--seed", -1), *unless_at_least("--steps", 0), *unless_seed("--seed", -1)], "LODO")
    assert raised.value.source == "LODO" and len(raised.value.problems) == 2


def test_what_is_no_number_is_refused_before_it_is_compared() -> None:
    config = BenchConfig(gpu_share=1, limit=None)
    wrong = {"steps": "400", "restarts": 2.0, "gpu_share": [1], "limit": "all"}
    for name, value in wrong.items():
        object.__setattr__(config, name, value)  # the tests' own type checker would refuse the call
    with pytest.raises(InputError) as raised:
        config.__post_init__()
    assert [problem.removeprefix("--").removesuffix("number") for problem in raised.value.problems] == [
        "steps is '400'; it must be a whole ",
        "restarts is 2.0; it must be a whole ",
        "gpu-share is [1]; it must be a ",
        "limit is 'all'; it must be a whole ",
    ]
    assert unless_number("a", np.int32(3), int) == unless_number("a", np.float32(3), float) == []


def test_auto_is_as_many_workers_as_there_are_cores_for_this_process() -> None:
    options = CampaignOptions(workers="auto")
    assert 1 <= options.processes <= (os.cpu_count() or 1)
    if hasattr(os, "sched_getaffinity"):
        allowed = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(allowed)})
            assert options.processes == 1
        finally:
            os.sched_setaffinity(0, allowed)
    assert CampaignOptions(workers=3).processes == 3
    object.__setattr__(options, "workers", "all")
    with pytest.raises(InputError, match="workers is 'all'; it must be a whole number"):
        options.__post_init__()


def test_names_that_are_suggested_are_near() -> None:
    runs = ["one", "toy-new", "toy-cut", "run-1", "arc-6d75e8bb-20261130"]
    assert [near_names(typed, runs) for typed in ("score", "solve", "r", "", "zzz")] == [[]] * 5
    assert near_names("toy-cat", runs) == ["toy-cut"] and near_names("XONE", runs) == ["one"]
    assert near_names("6d75e8bb", runs) == ["arc-6d75e8bb-20261130"] and near_names("ru", runs) == ["run-1"]
    assert near_names("toy", runs, 1) == ["toy-new"]
