"""Train on a puzzle and record what it proposes at each step: `record`. The command line has no such verb."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from typing_extensions import override

from novacula.arc.answers.answers import Proposal, Reader
from novacula.arc.answers.certainty import DECODE_EVERY
from novacula.arc.answers.recording import Origin, Proposals, Recording, grid_digest, prominent
from novacula.arc.answers.recording_file import fitting, rounded, write_recording
from novacula.arc.config import SolveConfig
from novacula.arc.data.parse import kept_task
from novacula.arc.data.puzzle import Puzzle, preprocess
from novacula.arc.data.task import Task
from novacula.arc.network.engine_choice import check_device, make_engine, settled
from novacula.errors import InputError, RunError
from novacula.files import StrPath, digest_of, from_json
from novacula.runs import Computation, OnStep, RunFolder, Step, drive, instruction_set, versions

CHECKPOINT_SECONDS = 60.0
"""Least wall time between checkpoints; a killed recording repeats at most the steps since the last."""
_COST_BITS, _UNCERTAINTY_BITS = 11, 15
_KINDS = ("sample", "average", "decode")


def record(
    task: Task,
    config: SolveConfig | None = None,
    *,
    out: StrPath | None = None,
    scratch: StrPath | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_step: OnStep | None = None,
) -> Recording:
    """Trains on a puzzle as ``arc solve`` does, and records the proposals of every step.

    With `scratch`, a recording that was killed goes on exactly where its last checkpoint left it. The folder is removed
    once the recording is written; one of another task, configuration, instruction set or version is not taken up.

    Args:
        task: demonstrations and test inputs; a task holds no solution.
        config: how to train, without restarts. All steps are trained, whatever `stop` says.
        out: the file that is written (`novacula.arc.answers.recording_file.write_recording`); by default none is.
        scratch: the folder of checkpoints, by default a temporary one.
        checkpoint_seconds: least wall time between checkpoints.
        on_step: called after every step.

    Raises:
        InputError: restarts, a device that torch does not have, or no folder for the file.
        RunError: the folder of checkpoints is in use, damaged, or holds something else.
        KeyboardInterrupt: a signal came, such as SIGINT; `scratch` holds what the next call goes on from.
    """
    config = SolveConfig.given(config)
    if config.restarts != 1:
        raise InputError("--restarts", f"is {config.restarts}; what is recorded is one run of one seed")
    if out is not None and (os.path.isdir(out) or not os.path.isdir(os.path.dirname(os.path.abspath(out)))):
        raise InputError(os.fspath(out), "is a folder, or the folder that it is to be in is missing")
    check_device(config.device)
    config = replace(settled(config, [task]), stop="never")
    with tempfile.TemporaryDirectory() as temporary:
        folder = _scratch_folder(task, config, Path(scratch or Path(temporary) / "run"))
        recorder = Recorder(preprocess(task, config.sizes), config)
        status = drive(recorder, folder, checkpoint_seconds=checkpoint_seconds, log_every=config.steps, on_step=on_step)
        if status != "finished":
            raise KeyboardInterrupt
        recording = recorder.recording()
        if out is not None:
            write_recording(out, recording)
        if scratch is not None:
            shutil.rmtree(scratch)
    return recording


@dataclass(frozen=True)
class RecorderState:
    """What a checkpoint of a recording holds beside arrays: every grid so far, in the order of its number.

    The processor time is that of all steps, and of their training alone.
    """

    steps: int
    texts: tuple[str, ...]
    cpu_seconds: tuple[float, float]


@dataclass(frozen=True)
class RecorderFindings:
    """How far a recording is; what was recorded is in `Recorder.recording`."""

    task: str
    steps: int


class Recorder(Computation):
    """Makes a recording of a puzzle without solution, a step at a time."""

    def __init__(self, puzzle: Puzzle, config: SolveConfig) -> None:
        self._puzzle, self._config = puzzle, config
        self._engine = make_engine(puzzle, config)
        self._reader = Reader(puzzle)
        self._numbers: dict[str, int] = {}
        self._cpu_seconds, self._training_cpu_seconds = 0.0, 0.0
        tests, steps = puzzle.axes.example - puzzle.demonstrations, config.steps
        costs = ("kl", "reconstruction")
        self._arrays: dict[str, np.ndarray] = {name: np.zeros(steps, np.float32) for name in costs}
        for kind, rows in zip(_KINDS, (steps, steps, steps // DECODE_EVERY), strict=True):
            self._arrays[f"{kind}_grids"] = np.zeros((rows, tests), np.int32)
            self._arrays[f"{kind}_uncertainties"] = np.zeros((rows, tests), np.float32)

    @override
    def progress(self) -> tuple[int, int]:
        return self._engine.steps, self._config.steps

    @override
    def step(self) -> Step:
        start = time.process_time()
        training = self._engine.step()
        trained = time.process_time()
        row = self.position - 1
        self._arrays["kl"][row], self._arrays["reconstruction"][row] = training.kl.sum(), training.reconstruction
        sample, average = self._reader.update(training.tests)
        self._put("sample", row, sample)
        self._put("average", row, average)
        if self.position % DECODE_EVERY == 0:
            self._put("decode", row // DECODE_EVERY, self._reader.read(self._engine.decode()))
        self._training_cpu_seconds += trained - start
        self._cpu_seconds += time.process_time() - start
        return Step({"kl": float(training.kl.sum()), "reconstruction": training.reconstruction})

    @override
    def state(self) -> tuple[dict[str, np.ndarray], RecorderState]:
        arrays = {**self._engine.state(), **self._reader.state(), **_filled(self._arrays)}
        seconds = (self._cpu_seconds, self._training_cpu_seconds)
        return arrays, RecorderState(self.position, tuple(self._numbers), seconds)

    @override
    def load(self, arrays: dict[str, np.ndarray], data: object) -> None:
        state = from_json(RecorderState, data, "the checkpoint")
        self._engine.load(arrays, state.steps)
        self._reader.load(arrays)
        self._numbers = {text: number for number, text in enumerate(state.texts)}
        self._cpu_seconds, self._training_cpu_seconds = state.cpu_seconds
        for name in _filled(self._arrays):
            self._arrays[name][...] = arrays[name]

    @override
    def result(self) -> RecorderFindings:
        return RecorderFindings(self._puzzle.name, self.position)

    def recording(self) -> Recording:
        """Returns what was recorded; all steps must be done."""
        series = [Proposals(self._arrays[f"{kind}_grids"], self._arrays[f"{kind}_uncertainties"]) for kind in _KINDS]
        texts = list(self._numbers)
        candidates = prominent(*series)
        wanted = {number: texts[number] for candidate in candidates for number in candidate}
        kept = fitting(wanted, len(self._arrays["sample_grids"]) * len(candidates[0]))
        samples, averages, decodes = (
            Proposals(of.grids, rounded(of.uncertainties, _UNCERTAINTY_BITS)) for of in series
        )
        return Recording(
            origin=self._origin(),
            kl=rounded(self._arrays["kl"], _COST_BITS),
            reconstruction=rounded(self._arrays["reconstruction"], _COST_BITS),
            samples=samples,
            averages=averages,
            decodes=decodes,
            digests=_digests(texts),
            texts=kept,
            dropped=len(wanted) - len(kept),
        )

    def _put(self, kind: str, row: int, proposal: Proposal) -> None:
        for test, (text, uncertainty) in enumerate(zip(proposal.grids, proposal.uncertainties, strict=True)):
            self._arrays[f"{kind}_grids"][row, test] = self._numbers.setdefault(text, len(self._numbers))
            self._arrays[f"{kind}_uncertainties"][row, test] = uncertainty

    def _origin(self) -> Origin:
        return Origin(
            task=self._puzzle.name,
            config=self._config,
            size_rule=self._puzzle.size_rule,
            instruction_set=instruction_set(),
            versions=versions(),
            cpu_seconds=round(self._cpu_seconds, 3),
            training_cpu_seconds=round(self._training_cpu_seconds, 3),
        )


def _filled(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the arrays that have a row."""
    return {name: array for name, array in arrays.items() if array.size}


def _digests(texts: Iterable[str]) -> np.ndarray:
    digests = [grid_digest(text) for text in texts]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), -1)


def _scratch_folder(task: Task, config: SolveConfig, path: Path) -> RunFolder:
    """Returns the folder of this recording's checkpoints, made anew where there is none that fits."""
    made_by = {"instruction_set": instruction_set(), "versions": versions()}
    grids = {name: digest_of(content) for name, content in kept_task(task).items()}
    wanted = {"task": task.name, "grids": grids, **asdict(config), **made_by}
    if (path / "run.json").exists():
        folder = RunFolder.open(path)
        if (folder.record.part, folder.record.verb) != ("arc", "record"):
            raise RunError(f"{path}: holds a run of another kind")
        if folder.record.configuration == wanted:
            return folder
        with folder.lock():
            shutil.rmtree(path)
    return RunFolder.create(part="arc", verb="record", configuration=wanted, seed=config.seed, threads=1, out=path)
