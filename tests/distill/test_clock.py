"""Long stages look at the clock while they work: none of them goes on when its time has passed."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from novacula.distill import distillation
from novacula.distill.choose import choose
from novacula.distill.config import RunConfig
from novacula.distill.direct import merged_machine
from novacula.distill.normalize import normalize
from novacula.distill.normalize.retrain import retrained
from novacula.distill.rows.reach import reach
from novacula.distill.source import load_source
from novacula.distill.synth.bank import Bank, Budget
from novacula.distill.synth.choices import Choices
from novacula.distill.synth.complete import express
from novacula.runs import OutOfTimeError, deadline
from tests.distill.normalize.test_gauge import data_of
from tests.distill.random_networks import random_network
from tests.distill.rows.test_reach import NEW, rows_of, summed

A, B = np.random.default_rng(0).integers(0, 9, (2, 40))
NETWORK = random_network(np.random.default_rng(0), depth=2)
DATA, ROWS = data_of(NETWORK, rows=20), rows_of(summed(NEW % 3), 0, 1)


def bank() -> Bank:
    made = Bank({"a": A, "b": B}, [0, 1], 40, Budget(10**6, 60))
    made.grow(2)
    return made


STAGES: dict[str, Callable[[], Callable[[], object]]] = {
    "states of rows are merged": lambda: lambda: merged_machine(ROWS, np.array([[0], [1]])),
    "a network is retrained": lambda: lambda: retrained(NETWORK, data_of(random_network(np.random.default_rng(1)))),
    "a network is simplified": lambda: lambda: normalize(NETWORK, DATA, np.random.default_rng(0)),
    "expressions are made": lambda: (lambda made: lambda: made._combine("+", np.arange(2), np.arange(2), 3, False))(
        bank()
    ),
    "thresholds are tried": lambda: (lambda made: lambda: express(made, (A * B < 9).astype(int), 60, True))(bank()),
    "choices are tried": lambda: (lambda made: lambda: list(Choices(made, A * B, 2).trees()))(bank()),
    "a range is looked for": lambda: lambda: reach(summed(NEW % 3), ROWS),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_long_stage_ends_itself(stage: str) -> None:
    work = STAGES[stage]()
    with deadline(time.monotonic()), pytest.raises(OutOfTimeError):
        work()


def test_whether_rows_determine_a_program_is_known_before_training_takes_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(0).integers(0, 2, (150, 8))
    lines = [json.dumps({"x": row.tolist(), "y": (row.cumsum() % 3).tolist()}) for row in x]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    work = distillation.Distillation(load_source(str(tmp_path / "rows.jsonl"), RunConfig()), RunConfig(), "")
    while choose(work.programs) is None:
        work.step()
    work.step()
    resumed = distillation.Distillation(load_source(str(tmp_path / "rows.jsonl"), RunConfig()), RunConfig(), "")
    resumed.load(*work.state())
    assert resumed.result().determination == work.result().determination is not None

    def late(*given: object, **named: object) -> None:
        raise OutOfTimeError

    monkeypatch.setattr(distillation, "determine", late)
    assert work.result().outcome == "right"
