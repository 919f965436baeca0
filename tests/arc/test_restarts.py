"""Restarts: the steps of each, that scores merge by logaddexp, and that neither a cut nor workers change a bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.config import EngineName, SolveConfig, SubmitConfig
from novacula.arc.network.engine_choice import restart_seed
from novacula.arc.program import SolveProgram
from novacula.errors import InputError
from novacula.options import moved
from tests.arc.puzzles import random_task

CONFIG = SolveConfig(steps=7, restarts=2, share_steps=True, seed=5)
TASK = random_task(1, "varied", side=3, train=2)


def program(config: SolveConfig) -> SolveProgram:
    return SolveProgram(TASK, config, "run")


def advance(program: SolveProgram, steps: int) -> SolveProgram:
    for _ in range(steps):
        program.step()
    return program


@given(st.integers(1, 50), st.data())
def test_shares_add_up_and_hardly_differ(steps: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, steps))
    config = SolveConfig(steps=steps, restarts=count, share_steps=True)
    shares = [config.steps_of(restart) for restart in range(count)]
    assert sum(shares) == steps and shares == sorted(shares, reverse=True) and shares[0] - shares[-1] <= 1
    assert {replace(config, share_steps=False).steps_of(restart) for restart in range(count)} == {steps}


def test_seeds_differ_and_the_first_is_the_runs_own() -> None:
    seeds = [restart_seed(seed, restart) for seed in (3, 4) for restart in range(10)]
    assert seeds[0] == 3 and seeds[10] == 4 and len(set(seeds)) == 20


@pytest.mark.parametrize(("share", "steps"), [(True, (4, 3)), (False, (7, 7))])
def test_the_scores_are_those_of_independent_runs_merged(share: bool, steps: tuple[int, int]) -> None:
    both = program(replace(CONFIG, share_steps=share))
    assert both.length == steps[0]
    merged = advance(both, steps[0])._answers.scores
    alone = [
        advance(program(SolveConfig(steps=each, seed=restart_seed(5, restart))), each)._answers.scores
        for restart, each in enumerate(steps)
    ]
    assert set(merged) == set(alone[0]) | set(alone[1])
    for text, score in merged.items():
        first, second = (scores.get(text, -np.inf) for scores in alone)
        assert score == pytest.approx(np.logaddexp(first, second), rel=1e-12)


@pytest.mark.parametrize("cut", [1, 2, 3])
@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_neither_a_cut_nor_workers_change_a_bit(cut: int, engine: EngineName) -> None:
    config = replace(CONFIG, restarts=3, engine=engine)
    whole = advance(program(replace(config, workers=1)), 3)
    arrays, data = advance(program(replace(config, workers=2)), cut).state()
    resumed = program(replace(config, workers=3))
    resumed.load(arrays, data)
    assert resumed.position == cut
    (one, told), (two, retold) = whole.state(), advance(resumed, 3 - cut).state()
    assert told.scores == retold.scores and told.shown == retold.shown
    assert whole.ranking() == resumed.ranking()
    assert all(np.array_equal(one[name], two[name]) for name in one if not name.endswith("_ms"))


def test_more_restarts_than_steps_to_share_are_refused() -> None:
    with pytest.raises(InputError, match="restarts is 3, more than the 2 steps that they share"):
        SolveConfig(steps=2, restarts=3, share_steps=True)
    with pytest.raises(InputError, match="restarts is 0"):
        SolveConfig(restarts=0)
    with pytest.raises(InputError, match="workers is 0"):
        SolveConfig(workers=0)
    assert SolveConfig(steps=2, restarts=3).steps_of(2) == 2


def test_a_puzzle_of_a_campaign_trains_its_restarts_on_one_thread() -> None:
    config = SubmitConfig(restarts=4, workers=3).for_puzzle(7)
    assert (config.restarts, config.workers, config.seed, config.at_once) == (4, 1, 7, 1)


def test_a_resumed_run_may_have_other_workers_but_no_cluster() -> None:
    assert moved(CONFIG, 2, None).workers == 2
    with pytest.raises(InputError, match="cluster is for runs of many jobs"):
        moved(CONFIG, None, "auto")
