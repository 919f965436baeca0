"""Promise 6: the number of workers and the order in which jobs end change no result of any campaign."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from novacula.cli.main import main
from novacula.runs import RunFolder, Verb
from tests.arc.small_set import write_challenges
from tests.jobs.test_run import Inline
from tests.promises.small_runs import HYPERNET, left, without_reports

TRAINED = HYPERNET + " --heads 1 --codes 4 --curriculum up --seeds 1 --quiet --out trained"
CAMPAIGNS = {
    "arc submit": "--challenges challenges.json --steps 2 --out submission.json",
    "distill bench": "--tasks Current_Number,Bitwise_Not --out out",
    "hypernet census": "../trained --prices 2 --baseline-steps 2 --out out",
    "optim bench": "--tasks rosenbrock-2 --optimizers adamw,lodo --trials 2 --seeds 1 --steps-scale 0.05 --out out",
}
"""What each command is given; discovery over layers is in tests/features/test_survey.py."""
_MODULES = ("jobs.campaign",)


def no_report(folder: RunFolder) -> Path:
    return folder.path / "report.html"


def done_by(campaign: str, executor: Inline, monkeypatch: pytest.MonkeyPatch, folder: Path) -> dict[str, Any]:
    """What the jobs of a campaign, and it itself, leave."""
    folder.mkdir()
    write_challenges(folder)
    with monkeypatch.context() as patched:
        patched.chdir(folder)
        for name in _MODULES:
            patched.setattr(import_module(f"novacula.{name}"), "executor_for", lambda *_, **__: executor)
        patched.setattr(Verb, "draw", lambda verb, folder: no_report(folder))
        assert main([*campaign.split(), *CAMPAIGNS[campaign].split(), "--quiet"]) == 0
    (run,) = [folder / "out"] if (folder / "out").exists() else (folder / "runs").iterdir()
    submission = {path.name: path.read_text() for path in folder.glob("submission.json")}
    return {
        name: it for name, it in left(run).items() if name == "result.json" or name.startswith("jobs/")
    } | submission


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_one_worker_and_three_that_end_in_another_order(
    campaign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if "trained" in CAMPAIGNS[campaign]:
        with without_reports():
            assert main(TRAINED.split()) == 0
    alone = done_by(campaign, Inline(1, packages=("novacula",)), monkeypatch, tmp_path / "alone")
    several = done_by(campaign, Inline(3, seed=5, packages=("novacula",)), monkeypatch, tmp_path / "several")
    assert len(alone) >= 3 and "result.json" in alone
    assert [name for name in {**alone, **several} if alone.get(name) != several.get(name)] == []
