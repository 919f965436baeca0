"""An engine that a Python user brings."""

import json
from pathlib import Path

import pytest
from torch import Tensor
from typing_extensions import override

from novacula.arc import Outputs, SolveConfig, Task, TorchEngine, solve
from novacula.arc.data.parse import task_as_json
from novacula.errors import RunError
from novacula.runs import resume
from tests.arc.small_set import NAMES, TASKS


class Cheap(TorchEngine):
    """An engine for which a nat of the latents costs nothing."""

    @override
    def loss(self, outputs: Outputs, error: Tensor) -> Tensor:
        return 10 * error


@pytest.mark.usefixtures("without_reports")
def test_another_loss_trains_another_network(tmp_path: Path) -> None:
    task, config = TASKS[NAMES[0]], SolveConfig(steps=4, engine="torch")
    ours, theirs = solve(task, config, out=tmp_path / "ours"), solve(task, config, engine=Cheap, out=tmp_path / "own")
    assert ours.document["kl"] < theirs.document["kl"]
    assert (theirs.folder.record.inputs["engine"], ours.folder.record.inputs["engine"]) == ("Cheap", None)


class Diverging(TorchEngine):
    """An engine whose gradients are no numbers."""

    @override
    def loss(self, outputs: Outputs, error: Tensor) -> Tensor:
        return error * float("nan")


@pytest.mark.usefixtures("without_reports")
def test_a_training_that_diverges_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="outputs are not finite: its training has diverged"):
        solve(TASKS[NAMES[0]], SolveConfig(steps=3), engine=Diverging, out=tmp_path / "run")


@pytest.mark.usefixtures("without_reports")
def test_a_run_with_an_engine_of_ones_own_is_not_resumed(tmp_path: Path) -> None:
    solve(TASKS[NAMES[0]], SolveConfig(steps=50), engine=Cheap, out=tmp_path / "run", time_limit=0.01)
    with pytest.raises(RunError, match="an engine of yours, Cheap; call solve again with it"):
        resume(tmp_path / "run")


def test_the_page_names_what_no_command_can(tmp_path: Path) -> None:
    mine = Task("mine", TASKS[NAMES[0]].train, TASKS[NAMES[0]].test)
    file = tmp_path / "p.json"
    file.write_text(json.dumps(task_as_json(mine)))
    config = SolveConfig(steps=1)
    own, unnamed = solve(mine, config, engine=Cheap, source=file), solve(mine, config)
    assert "the engine Cheap" in own.report.read_text() and "The engine is one of yours" in own.report.read_text()
    assert "What training minimizes" in unnamed.report.read_text() and "the task mine" in unnamed.report.read_text()
    assert not any("novacula arc solve" in result.report.read_text() for result in (own, unnamed))
    assert "novacula</span> <span>arc" in solve(mine, config, source=file).report.read_text()
