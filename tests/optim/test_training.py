"""Single runs of the bench, and tuning."""

import numpy as np
import pytest
import torch
from torch.nn import Parameter

from novacula.optim.opponents import OPPONENTS, Range
from novacula.optim.tasks import TASKS
from novacula.optim.training import MARKS, train, tune

VALLEY, BOWL = TASKS["rosenbrock-2"], TASKS["bowl-100-c10"]
OWN = [name for name, each in OPPONENTS.items() if each.package == "torch"]


@pytest.mark.parametrize("name", OWN)
def test_every_optimizer_descends_with_its_defaults_and_repeats_itself(name: str) -> None:
    opponent = OPPONENTS[name]
    settings = opponent.settings(0, np.random.default_rng(0))
    first, again = (train(VALLEY, opponent, settings, seed=1, steps=100) for _ in range(2))
    assert first.curve == again.curve and first.loss == again.loss
    assert not first.diverged and first.loss is not None and first.loss < 3.0
    assert first.steps >= 100 and len(first.curve) == MARKS == len(first.clock)
    assert first.seconds >= first.optimizer_seconds > 0


def test_a_line_search_pays_for_its_evaluations() -> None:
    steps: list[int] = []

    def note(parameters: list[Parameter]) -> None:
        steps.append(len(steps))

    training = train(VALLEY, OPPONENTS["lbfgs"], {"lr": 1.0, "history_size": 10.0}, seed=1, steps=60, on_step=note)
    assert 60 <= training.steps < 60 + 26 and len(steps) < 50


def test_the_loss_is_the_mean_of_the_last_tenth() -> None:
    training = train(VALLEY, OPPONENTS["sgd"], {"lr": 0.01, "momentum": 0.9}, seed=1, steps=200)
    assert training.loss == pytest.approx(np.mean(training.curve[-5:]))
    path: list[torch.Tensor] = []
    train(
        VALLEY,
        OPPONENTS["sgd"],
        {"lr": 0.01, "momentum": 0.9},
        seed=1,
        steps=200,
        on_step=lambda parameters: path.append(parameters[0].detach().clone()),
    )
    assert len(path) == 201 and path[0].tolist() == [-0.5, 2.0]


def test_a_run_that_runs_away_ends_as_diverged() -> None:
    training = train(VALLEY, OPPONENTS["sgd"], {"lr": 1e3, "momentum": 0.0}, seed=1, steps=200)
    assert training.diverged and training.loss is None and training.steps < 200


def test_a_factor_multiplies_the_rate_also_of_what_finds_its_own() -> None:
    doubled = train(BOWL, OPPONENTS["sgd"], {"lr": 0.1, "momentum": 0.5}, seed=2, steps=50, factor=2.0)
    assert doubled.curve == train(BOWL, OPPONENTS["sgd"], {"lr": 0.2, "momentum": 0.5}, seed=2, steps=50).curve
    plain, small = (train(BOWL, OPPONENTS["lodo"], {}, seed=2, steps=50, factor=factor) for factor in (1.0, 0.5))
    assert plain.curve != small.curve


def test_the_global_generator_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    train(BOWL, OPPONENTS["adamw"], {"lr": 0.1, "beta1": 0.9, "beta2": 0.999}, seed=2, steps=5)
    assert torch.equal(before, torch.random.get_rng_state())


def test_settings_are_drawn_between_the_ends() -> None:
    generator = np.random.default_rng(0)
    rates = np.array([Range(1e-4, 1.0, 1e-2).draw(generator) for _ in range(500)])
    assert rates.min() > 1e-4 and rates.max() < 1 and 0.4 < np.mean(rates < 1e-2) < 0.6
    decays = np.array([Range(1e-2, 1.0, 0.9, from_one=True).draw(generator) for _ in range(500)])
    assert decays.min() > 0 and decays.max() < 0.99 and 0.4 < np.mean(decays > 0.9) < 0.6


def test_tuning_tries_the_defaults_too_and_puts_the_best_first() -> None:
    tried = tune(VALLEY, OPPONENTS["sgd"], trials=6, instance=1, seed=3, steps=60)
    losses = [float("inf") if each.training.loss is None else each.training.loss for each in tried]
    assert len(tried) == 6 and losses == sorted(losses)
    assert {"lr": 1e-2, "momentum": 0.9} in [each.settings for each in tried]
    assert len(tune(VALLEY, OPPONENTS["lodo"], trials=6, instance=1, seed=3, steps=5)) == 1
