"""How sure the solver is, and when it stops: the model, the rule, and both in a run."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacula.arc.answers import certainty
from novacula.arc.answers.answers import Answers, Proposal, Reader, parse_answer
from novacula.arc.answers.certainty import (
    EITHER,
    FIRST,
    GAIN,
    Evidence,
    evidence,
    is_settled,
    probabilities,
    softened_logit,
)
from novacula.arc.answers.laws import Laws
from novacula.arc.config import BenchConfig, Choice, SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.drawing.puzzles import chance_text, order_note
from novacula.arc.findings import NewAttempts, read_history
from novacula.arc.network.engine_choice import make_engine
from novacula.arc.program import SolveProgram
from novacula.arc.record import record
from novacula.arc.solve import solve
from novacula.cli.main import main
from novacula.files import to_json
from novacula.runs import RunFolder
from tests.arc.puzzles import random_task
from tests.arc.small_set import NAMES, TASKS

STUDY = Path(__file__).parents[2] / "benchmarks" / "results" / "arc_certainty.json"
CONFIG = SolveConfig(steps=60, seed=3)
SHARES = st.floats(0, 1)
LOST = st.floats(0, 1000)
NOTHING = Evidence(0.0, 0.0, False, 0, 0.0, 0.0, False)


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Makes every training stop there."""
    monkeypatch.setattr(certainty, "SETTLED_FROM", step)
    monkeypatch.setattr(certainty, "LEAST_GAIN", 1.0)


def test_shares_count_noise_free_decodes() -> None:
    assert evidence("ab", {"a": 6, "b": 2, "c": 8}, True, (2.5, 1.5)) == Evidence(0.375, 0.5, True, 16, 2.5, 1.5, False)
    assert evidence("a", {"c": 3}, False, (2.0,)) == Evidence(0.0, 0.0, False, 3, 2.0, 2.0, True)
    assert evidence("ab", {}, False) == Evidence(0.0, 0.0, False, 0, 0.0, 0.0, False)


def test_no_probability_is_stated_without_evidence() -> None:
    assert probabilities(evidence("ab", {}, True)) == ()
    assert probabilities(evidence("a", {"a": 25}, True)) == (FIRST(1.0, True, 0.0),), "attempt 2 is the same"


@pytest.mark.parametrize("early", [15, 150])
def test_a_run_shows_only_probabilities_that_it_has(
    early: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A grid of one cell, which is always black, has a single candidate at last."""
    grid = [[0]]
    (tmp_path / "black.json").write_text(
        json.dumps({"train": [{"input": grid, "output": grid}], "test": [{"input": grid}]})
    )
    monkeypatch.setattr("novacula.arc.answers.answers.EARLY_STEPS", early)
    monkeypatch.setattr(Reader, "read", lambda reader, drawn: Proposal(("0",), np.zeros(1)))
    assert main(["arc", "solve", str(tmp_path / "black.json"), "--steps", "20", "--out", str(tmp_path / "run")]) == 0
    said, found = capsys.readouterr(), json.loads((tmp_path / "run" / "result.json").read_text())
    assert found["attempts"][0] == found["attempts"][1]
    assert len(found["probabilities"]) == (early == 15)
    text = said.out + said.err
    assert text.count("%") == 2 * (early == 15), "in the last line of progress, and below attempt 1"
    assert ("too early for a probability" in text) == (early == 150)
    page = (tmp_path / "run" / "report.html").read_text()
    assert ("A percentage is" in page) == (early == 15)
    assert set(re.findall(r"Attempt (\d), \d+%", page)) == ({"1"} if early == 15 else set())


@given(st.tuples(SHARES, SHARES, st.booleans()), st.tuples(LOST, LOST))
def test_probabilities_are_probabilities(given: tuple[float, float, bool], lost: tuple[float, float]) -> None:
    low, high, same_size = min(given[:2]), max(given[:2]), given[2]
    first, second = probabilities(Evidence(low, high, same_size, 10, max(lost), min(lost), False))
    assert 0 < first < 1 and second >= 0 and first + second < 1
    for model in (FIRST, EITHER):
        assert model(low, same_size, max(lost)) <= model(high, same_size, min(lost))
        assert model(low, False, min(lost)) < model(low, True, min(lost))


def test_a_model_is_a_logistic_of_the_softened_share() -> None:
    assert softened_logit(0.5) == 0
    assert softened_logit(1.0) == pytest.approx(3.9318, abs=1e-4) and softened_logit(0.0) == -softened_logit(1.0)
    model = certainty.Logistic(-1.0, 2.0, 0.5, -0.25)
    assert model(0.5, False, 0.0) == pytest.approx(0.26894, abs=1e-5)
    assert model(0.5, True, 2.0) == model(0.5, False, 0.0), "two nats lost by laws weigh as much as equal sizes here"
    assert model(0.9, True, 0.0) == pytest.approx(1 / (1 + 2.718281828 ** (0.5 - 2 * 2.03688)), abs=1e-4)
    assert model(0.5, True, np.inf) == model(0.5, True, certainty.MOST_LOST) > 0


def test_the_models_are_those_of_the_study() -> None:
    study = json.loads(STUDY.read_text())
    figures = study["figures"]
    assert [figure["logistic"] for figure in figures] == [vars(FIRST), vars(EITHER)]
    assert study["stopping"]["logistic"] == vars(GAIN)
    for figure in figures:
        assert figure["model"] + 2 * figure["error"] < figure["share"] < figure["constant"]


@pytest.mark.parametrize(
    ("steps", "share", "same_size", "settled"),
    [
        (290, 1.0, False, False),
        (300, 1.0, False, True),
        (300, 0.0, False, False),
        (500, 0.0, False, True),
        (300, 1.0, True, True),
        (400, 0.4, True, False),
        (600, 0.4, True, True),
        (800, 0.0, True, False),
        (900, 0.0, True, True),
    ],
)
def test_a_training_is_settled_once_more_steps_gain_little(
    steps: int, share: float, same_size: bool, settled: bool
) -> None:
    shown = Evidence(share, share, same_size, steps // 10 - 15, 0.0, 0.0, False)
    assert is_settled([0.4] * (steps // 10), shown) == settled


def test_nothing_is_settled_before_the_first_decode() -> None:
    assert not is_settled([], NOTHING)


def test_beyond_a_thousand_steps_the_probability_must_rise() -> None:
    rising = [0.25 + 0.002 * decode for decode in range(110)]
    assert not any(is_settled(rising[:length], NOTHING) for length in range(101, 111))
    assert is_settled([*rising[:105], rising[84]], NOTHING), "as high as 200 steps before"
    assert not is_settled([*rising[:105], rising[85] + 1e-9], NOTHING)


def count_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes decodes count from step 16 on, so that short runs have some."""
    for module in ("answers", "recording"):
        monkeypatch.setattr(f"novacula.arc.answers.{module}.EARLY_STEPS", 15)


@pytest.mark.parametrize("choice", ["laws", "published"])
@pytest.mark.parametrize("name", NAMES[:2])
def test_a_run_and_a_recording_say_the_same(name: str, choice: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The study fits to recordings what a run weighs."""
    count_early(monkeypatch)
    recording = record(TASKS[name], CONFIG)
    puzzle = preprocess(TASKS[name])
    laws = Laws(TASKS[name])
    engine, answers = make_engine(puzzle, recording.origin.config), Answers(puzzle, laws=laws, choice=choice)
    for step, leaders in enumerate(recording.leaders(laws, choice)):
        answers.update(engine.step().tests, step)
        if (step + 1) % 10 == 0:
            answers.note_decode(engine.decode(), step)
        assert answers.evidence() == leaders.evidence
        rounding = 10 * 2.0**-16  # a weight is e to -10 uncertainties, which a recording has to 2^-16 of their values
        assert answers.attempts()[0].share == pytest.approx(leaders.share, rel=rounding)
        assert len(leaders.candidates) == min(2, len(answers.scores))
        ranking = answers.ranking()[:2]
        assert [recording.candidate_of(parse_answer(text)) for text in ranking] == list(leaders.candidates)
        assert choice == "laws" or recording.ranking(step + 1)[:2] == list(leaders.candidates)
    assert sum(answers.decodes.values()) == (recording.origin.config.steps - 15) // 10 + 1


def test_a_run_stops_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stop_at(monkeypatch, 20)
    count_early(monkeypatch)
    result = solve(random_task(2, side=2), CONFIG, out=tmp_path / "run")
    assert result.status == "finished" and result.findings.steps == 20
    assert (result.folder.record.step, result.folder.record.length) == (20, 20)
    assert result.findings.probabilities == pytest.approx(result.document["probabilities"])
    assert 0 < sum(result.findings.probabilities) < 1
    page = (tmp_path / "run" / "report.html").read_text()
    (tmp_path / "run" / "result.json").unlink()
    older = NewAttempts("attempts", 5, result.attempts, (0.5, 0.25), (0.5, 0.25))
    with (tmp_path / "run" / "events.jsonl").open("a") as log:
        log.write(json.dumps(older.as_event()) + "\n")
    history = read_history(RunFolder.open(tmp_path / "run"))
    assert history.attempts == result.attempts and np.isnan(history.probabilities).all(), "they are of an older step"
    assert f"Attempt 1, {result.findings.probabilities[0]:.0%}" in page


def test_a_likelier_second_attempt_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = [[0]]
    (tmp_path / "one.json").write_text(
        json.dumps({"train": [{"input": grid, "output": grid}], "test": [{"input": grid}]})
    )
    monkeypatch.setattr("novacula.arc.program.probabilities", lambda found: (0.104, 0.31))
    assert main(["arc", "solve", str(tmp_path / "one.json"), "--steps", "2", "--out", str(tmp_path / "run")]) == 0
    said, page = capsys.readouterr().out, (tmp_path / "run" / "report.html").read_text()
    assert (
        "Attempt 1 is the first choice; attempt 2 is the likelier" in said and "Attempt 1 is the first choice" in page
    )
    assert order_note((0.102, 0.104)) == order_note((0.5,)) == order_note(()) == order_note((0.5, float("nan"))) == ""
    assert chance_text((0.97, 0.0), 1) == "<1%"  # that attempt 1 is the likelier leaves attempt 2 a chance


def test_all_steps_are_done_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_at(monkeypatch, 1)
    assert solve(random_task(2, side=2), replace(CONFIG, steps=30, stop="never")).findings.steps == 30
    assert (SolveConfig().stop, BenchConfig().stop, BenchConfig().for_puzzle(1).stop) == ("auto", "never", "never")


def test_a_stop_is_where_it_was_after_a_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved and taken up at any step, a run ends at the same one with the same probability."""
    stop_at(monkeypatch, 30)
    count_early(monkeypatch)
    whole = SolveProgram(random_task(3, side=2), CONFIG, "run")
    saved = {}
    while whole.position < whole.length:
        whole.step()
        saved[whole.position] = whole.state()
    assert whole.position == 30
    assert sum(whole.state()[1].decodes.values()) == 2, "after steps 20 and 30"
    for step in (9, 10, 25, 30):
        arrays, state = saved[step]
        again = SolveProgram(random_task(3, side=2), CONFIG, "run")
        again.load(arrays, to_json(state))
        while again.position < again.length:
            again.step()
        assert again.position == 30
        assert again.result().probabilities == whole.result().probabilities
        assert again.state()[1] == replace(whole.state()[1], cpu_seconds=again.state()[1].cpu_seconds)


def test_restarts_are_weighed_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stop_at(monkeypatch, 20)
    count_early(monkeypatch)
    result = solve(random_task(2, side=2), replace(CONFIG, restarts=2), out=tmp_path / "run")
    assert result.findings.steps == 20
    events = list(RunFolder.open(tmp_path / "run").events())
    assert [event["probability"] for event in events if "probability" in event][-1] == pytest.approx(
        sum(result.findings.probabilities)
    )
