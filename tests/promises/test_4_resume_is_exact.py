"""Promise 4: a run that was stopped and resumed leaves what one that was never stopped does, bit for bit."""

from pathlib import Path

import pytest

from novacula.cli.main import main
from novacula.runs import RunFolder
from tests.promises.small_runs import COMMANDS, command, left, without_reports


@pytest.mark.parametrize("part", COMMANDS)
def test_stopped_after_every_step(part: str, small_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(small_runs)  # where the inputs are
    whole, cut, stops = small_runs / part, tmp_path / "cut", 0
    with without_reports():
        main(command(part, cut, "--time-limit", "0.001s"))
        while RunFolder.open(cut).record.status == "time-limit":
            stops += 1
            main(["runs", "resume", str(cut), "--quiet", "--time-limit", "0.001s"])
    assert stops >= 1 and RunFolder.open(cut).record.status == "finished"
    assert left(cut) == left(whole)
    assert list(RunFolder.open(cut).events())[-1]["step"] == list(RunFolder.open(whole).events())[-1]["step"]
