"""Restarts: who does which step, that scores merge by logaddexp, and that a run resumes across the border."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.config import SolveConfig
from novacula.arc.program import Restarts, SolveProgram
from novacula.errors import InputError
from tests.arc.puzzles import random_task

CONFIG = SolveConfig(steps=7, restarts=2, seed=5)
TASK = random_task(1, "varied", side=3, train=2)


def program(config: SolveConfig) -> SolveProgram:
    return SolveProgram(TASK, config, "run")


def advance(program: SolveProgram, steps: int) -> SolveProgram:
    for _ in range(steps):
        program.step()
    return program


@given(st.integers(1, 50), st.data())
def test_every_step_has_its_engine(steps: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, steps))
    restarts = Restarts(steps, count, 0)
    owners = [engine for engine in range(count) for _ in range(restarts.begin(engine), restarts.begin(engine + 1))]
    assert owners == [restarts.at(position) for position in range(1, steps + 1)]
    assert max(map(owners.count, range(count))) - min(map(owners.count, range(count))) <= 1
    assert restarts.at(0) == 0


def test_seeds_differ_and_the_first_is_the_runs_own() -> None:
    seeds = [Restarts(10, 10, seed).seed_of(restart) for seed in (3, 4) for restart in range(10)]
    assert seeds[0] == 3 and seeds[10] == 4 and len(set(seeds)) == 20


def test_the_scores_are_those_of_independent_runs_merged() -> None:
    merged = advance(program(CONFIG), 7)._answers.scores
    seed = Restarts(7, 2, 5).seed_of(1)
    first = advance(program(replace(CONFIG, steps=3, restarts=1)), 3)._answers.scores
    second = advance(program(replace(CONFIG, steps=4, restarts=1, seed=seed)), 4)._answers.scores
    assert set(merged) == set(first) | set(second)
    for text, score in merged.items():
        assert score == pytest.approx(np.logaddexp(first.get(text, -np.inf), second.get(text, -np.inf)), rel=1e-12)


@pytest.mark.parametrize("cut", [2, 3, 4])
def test_a_run_resumes_to_the_same_bits_on_either_side_of_a_restart(cut: int) -> None:
    whole = advance(program(CONFIG), 7)
    arrays, data = advance(program(CONFIG), cut).state()
    resumed = program(CONFIG)
    resumed.load(arrays, data)
    assert resumed.position == cut
    (one, told), (two, retold) = whole.state(), advance(resumed, 7 - cut).state()
    assert told.scores == retold.scores and told.shown == retold.shown
    assert whole.ranking() == resumed.ranking()
    assert all(np.array_equal(one[name], two[name]) for name in one if not name.endswith("_ms"))


def test_more_restarts_than_steps_are_refused() -> None:
    with pytest.raises(InputError, match="restarts is 3; it must lie in 1 … steps, which is 2"):
        SolveConfig(steps=2, restarts=3)
