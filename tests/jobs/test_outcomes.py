import json
import logging
from pathlib import Path
from typing import Any

import pytest

from novacula.errors import InputError
from novacula.jobs import Job, Outcome, read_outcome
from novacula.jobs.run import digest_of_job, kept_outcomes, write_outcome
from novacula.runs import Origin

JOB = Job("a", {"steps": 3, "name": "x"})
DIGEST = digest_of_job("novacula.x:y", JOB, 5)
ORIGIN = Origin({"python": "3"}, {"machine": "m"})
OUTCOME = Outcome("a", "finished", {"x": [1, 2.5]}, "", 1.25, 300.0, 2, ORIGIN)


def write(folder: Path, **changes: Any) -> Path:
    """The file of `OUTCOME`, with changes that nobody who writes it makes."""
    write_outcome(folder, OUTCOME, DIGEST)
    path = folder / "jobs" / "a.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_an_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_outcome(tmp_path, "a") is None
    write_outcome(tmp_path, OUTCOME, DIGEST)
    assert read_outcome(tmp_path, "a") == OUTCOME
    document = json.loads((tmp_path / "jobs" / "a.json").read_text())
    assert (document["schema_version"], document["versions"]) == (1, {"python": "3"})
    assert kept_outcomes(tmp_path, {"a": DIGEST, "b": "other"}) == {"a": OUTCOME}


def test_work_configuration_and_seed_make_the_digest_but_not_cost_and_memory() -> None:
    same = Job("a", {"name": "x", "steps": 3}, cost=9, memory_mb=9)
    assert digest_of_job("novacula.x:y", same, 5) == DIGEST
    longer = Job("a", {"steps": 4, "name": "x"})
    others = [("novacula.x:z", JOB, 5), ("novacula.x:y", longer, 5), ("novacula.x:y", JOB, 6)]
    assert len({DIGEST, *(digest_of_job(*other) for other in others)}) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"status": "running"},
        {"status": "failed"},
        {"result": None},
        {"result": [1]},
        {"tries": 0},
        {"tries": True},
        {"cpu_seconds": -1},
        {"cpu_seconds": "1"},
        {"peak_memory_mb": None},
        {"error": 1},
        {"id": "b"},
        {"result": {"x": [1, 2.25]}},
        {"result_digest": None},
    ],
)
def test_a_file_without_an_outcome_gives_an_error_and_counts_as_not_done(
    tmp_path: Path, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, **change)
    with pytest.raises(InputError, match=r"a\.json: .*(must|Expected)"):
        read_outcome(tmp_path, "a")
    with caplog.at_level(logging.WARNING, logger="novacula"):
        assert kept_outcomes(tmp_path, {"a": DIGEST}) == {}
    assert "a.json" in caplog.text and "this job is done again" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"schema_version": 1}', b'{"schema_version": NaN}'])
def test_a_damaged_file_counts_as_not_done(tmp_path: Path, content: bytes) -> None:
    write(tmp_path).write_bytes(content)
    assert kept_outcomes(tmp_path, {"a": DIGEST}) == {}


def test_a_failed_job_is_not_kept(tmp_path: Path) -> None:
    failed = Outcome("a", "failed", None, "why", 0.0, 0.0, 3)
    write_outcome(tmp_path, failed, DIGEST)
    assert read_outcome(tmp_path, "a") == failed
    assert kept_outcomes(tmp_path, {"a": DIGEST}) == {}


def test_outcomes_of_another_run_are_refused_all_at_once(tmp_path: Path) -> None:
    for job_id in ("a", "b"):
        write_outcome(tmp_path, Outcome(job_id, "finished", {}, "", 0.0, 0.0, 1), DIGEST)
    with pytest.raises(InputError) as caught:
        kept_outcomes(tmp_path, {"a": "other", "b": "other"})
    assert [problem.partition(" ")[0] for problem in caught.value.problems] == ["a.json", "b.json"]


def test_an_outcome_of_a_newer_novacula_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path, schema_version=2)
    with pytest.raises(InputError, match="of a newer novacula"):
        kept_outcomes(tmp_path, {"a": DIGEST})


def test_an_id_or_a_link_cannot_leave_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "jobs").mkdir(parents=True)
    (tmp_path / "secret.json").write_text("{}")
    with pytest.raises(InputError, match="must name something inside"):
        read_outcome(folder, "../../secret")
    (folder / "jobs" / "a.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(InputError, match="is a link"):
        kept_outcomes(folder, {"a": DIGEST})
