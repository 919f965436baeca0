"""Training: it learns, its members do not depend on each other, and it resumes exactly."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from novacula.errors import InputError, RunError
from novacula.files import to_json
from novacula.hypernet.config import TrainConfig
from novacula.hypernet.train import train
from novacula.hypernet.training.curve import Curve, settled, steps_to_keep
from novacula.hypernet.training.lesson import Lesson
from novacula.hypernet.training.program import TrainProgram
from novacula.runs import RunFolder, Step, resume

TINY = TrainConfig(
    inputs=3, hidden=(6,), sizes=(2,), steps=12, networks=2, batch=32, width=8, edge_width=6, role=3, codes=12
)


def training(config: TrainConfig = TINY) -> TrainProgram:
    return TrainProgram(Lesson.of(config), lambda step, flat, curve: None)


def squared_errors(step: Step) -> list[float]:
    errors: Any = step.metrics["mse"]
    return errors


def weights(program: TrainProgram) -> np.ndarray:
    return program.state()[0]["flat"]


def test_seeds_in_one_program_are_what_each_is_alone() -> None:
    both, second = training(replace(TINY, seed=4, seeds=2)), training(replace(TINY, seed=5))
    assert np.array_equal(weights(both)[2:], weights(second))
    inputs = [(both.step().metrics["inputs"], second.step().metrics["inputs"]) for _ in range(4)]
    assert np.allclose(weights(both)[2:], weights(second), atol=2e-4)
    assert not np.allclose(weights(both)[:2], weights(second), atol=1e-2)
    assert all(first == other for first, other in inputs)


def test_a_program_put_away_and_taken_up_goes_on_exactly() -> None:
    whole, first, second = training(), training(), training()
    for _ in range(7):
        whole.step()
    for _ in range(3):
        first.step()
    arrays, data = first.state()
    second.load(arrays, to_json(data))
    for _ in range(4):
        second.step()
    assert second.position == 7
    for name, array in whole.state()[0].items():
        assert np.array_equal(array, second.state()[0][name]), name


@pytest.mark.parametrize(
    "options", [{"curriculum": "up"}, {"hidden": (6, 6), "residual": True, "bypass": True, "curriculum": "up"}]
)
def test_every_form_trains_and_resumes_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setattr("novacula.hypernet.train_report._sections", lambda *_: [])
    config = replace(TINY, steps=5, blocks=1, **options)
    whole = train(config, out=tmp_path / "whole")
    stopped = train(config, out=tmp_path / "stopped", time_limit=0)
    assert (whole.status, stopped.status, stopped.findings.steps) == ("finished", "time-limit", 1)
    resumed = resume(tmp_path / "stopped")
    assert resumed.findings == whole.findings and resumed.document == whole.document
    ends = [RunFolder.open(tmp_path / name).load_checkpoint() for name in ("whole", "stopped")]
    assert ends[0] is not None
    assert ends[1] is not None
    assert np.array_equal(ends[0].arrays["flat"], ends[1].arrays["flat"])


def test_it_learns_the_norm_of_two_numbers() -> None:
    config = replace(TINY, inputs=2, sizes=(), steps=120, batch=64, beta_high=1e-6, curriculum="none", blocks=1)
    config = replace(config, width=16, edge_width=8)
    program = training(config)
    errors = [squared_errors(program.step())[0] for _ in range(config.steps)]
    assert np.median(errors[-20:]) < 0.15  # of a variance of 0.73
    assert np.median(errors[:20]) > 0.5


def test_without_the_logarithm_the_loss_is_the_objective() -> None:
    metrics, plain = (training(replace(TINY, log_objective=on)).step().metrics for on in (False, True))
    assert metrics["mse"] == plain["mse"]
    losses: Any = metrics["loss"]
    assert min(losses) > 0 and losses != plain["loss"]


def test_the_result_names_the_better_member_at_each_price() -> None:
    program = training(replace(TINY, seeds=2))
    program.step()
    findings = program.result()
    assert [member.branch for member in findings.members] == ["up", "down"] * 2
    assert len(findings.curve.beta) == 20
    objective = np.array(findings.curve.objective)
    assert findings.best["0"] == tuple(objective[:2].argmin(0))
    assert findings.best["1"] == tuple(2 + objective[2:].argmin(0))


def test_a_branch_is_settled_where_it_is_better_and_gains_no_more() -> None:
    betas, nothing = (1e-6, 1e-3, 1.0), ((0.0,) * 3,) * 2
    up, down = (0.01, 0.5, 9.0), (2.0, 0.4, 1.0)
    now = Curve(betas, nothing, nothing, (up, down))
    said = settled(now, (up, (2.0, 0.405, 1.01)), 1, 0, 6.0)
    assert said == "settled: the better branch from β = 1.0e-03 on, its objective changed by 1.1% there at last"
    for before in ((2.0, 0.5, 1.2), (2.0, 0.2, 0.1)):
        assert settled(now, (up, before), 1, 0, 6.0) == "", "it still moves"
    worse = Curve(betas, (down, (7.0,) * 3), nothing, (up, down))
    assert settled(worse, worse.objective, 1, 0, 6.0) == "", "it is worse than a constant"
    first = Curve(betas, nothing, nothing, (up, (0.009, 0.4, 1.0)))
    assert settled(first, first.objective, 1, 0, 6.0) == "", "it is better at the least price too"
    last = Curve(betas, nothing, nothing, (up, (2.0, 0.6, 10.0)))
    assert settled(last, last.objective, 1, 0, 6.0) == "the other branch is better at every price"


def test_a_member_that_is_stopped_keeps_its_weights_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacula.hypernet.training.program.settled", lambda *_: "said so")
    config = replace(TINY, steps=40, seeds=2)  # steps 10, 18 and 32 are kept, and 10 has none before it
    whole, first, second = training(config), training(config), training(config)
    taken = [whole.step() for _ in range(18)]
    assert taken[-1].milestones[1]["milestone"] == "stopped" and None not in squared_errors(taken[-1])
    before = weights(whole).copy()
    errors = squared_errors(whole.step())
    assert [error is None for error in errors] == [False, True, False, True]
    still = np.all(weights(whole) == before, axis=1)
    assert still.tolist() == [False, True, False, True]
    for _ in range(18):
        first.step()
    arrays, data = first.state()
    second.load(arrays, to_json(data))
    second.step()
    assert np.array_equal(weights(whole), weights(second))
    assert [(stop.member, stop.step, stop.why) for stop in second.result().stopped] == [
        (1, 18, "said so"),
        (3, 18, "said so"),
    ]


def test_kept_steps_are_on_a_logarithmic_grid() -> None:
    assert sorted(steps_to_keep(200)) == [10, 18, 32, 56, 100, 178]
    assert steps_to_keep(5) == frozenset()


def test_sizes_that_cannot_be_taught_are_refused() -> None:
    with pytest.raises(InputError, match="learned codes"):
        Lesson.of(TrainConfig(task="weighted-l1", inputs=4, sizes=(3,)))
    with pytest.raises(InputError, match="outputs for 3 inputs"):
        Lesson.of(TrainConfig(task="sort", inputs=4, sizes=(3,)))
    with pytest.raises(InputError, match="no_such_task"):
        Lesson.of(TrainConfig(task="no_such_task"))


def test_a_typed_task_trains() -> None:
    program = training(replace(TINY, task="weighted-l1", sizes=(), curriculum="none"))
    before = weights(program)
    program.step()
    assert torch.isfinite(torch.from_numpy(weights(program))).all()
    assert not np.array_equal(before, weights(program))


def test_weights_of_another_hypernetwork_are_refused() -> None:
    arrays, data = training().state()
    with pytest.raises(RunError, match="another version"):
        training(replace(TINY, width=10)).load(arrays, to_json(data))
