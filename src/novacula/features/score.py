"""The score of a cloud in a file, as a run: ``novacula features score``.

The stages: the file (`clouds`), the score (`cloud_score`), a page (`score_report`).
"""

from dataclasses import asdict
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Float

from novacula.errors import InputError
from novacula.features.clouds.cloud import read_cloud, refuse_constant_columns
from novacula.features.clouds.cloud_score import CloudScore, score_cloud, score_plane
from novacula.features.clouds.score_report import build_report, picture_arrays
from novacula.features.config import ScoreConfig
from novacula.files import JSON, write_npz
from novacula.runs import OnStep, RunFolder, RunResult, Step, drive

__all__ = ["CloudScore", "resume", "score", "score_cloud", "score_plane"]


def score(
    source: str,
    config: ScoreConfig = ScoreConfig(),  # noqa: B008 - it is frozen
    *,
    array: str = "points",
    seed: int = 0,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    on_step: OnStep | None = None,
) -> RunResult:
    """Score the cloud in a file, into a run's folder with a report.

    Args:
        source: a npz file.
        config: resolution and repetitions.
        array: which of the file's arrays is the cloud.
        seed: as in `score_cloud`.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        on_step: called when the cloud is scored.

    Raises:
        InputError: the file holds no such cloud, or one with a constant column; or as `score_cloud`.
        RunError: the run's folder cannot be made.

    Source: as `score_cloud`.
    """
    if not 0 <= seed < 2**32:
        raise InputError("options", f"--seed is {seed}; it must lie in 0 … 2^32 - 1")
    points = _points(source, array)
    folder = RunFolder.create(
        part="features",
        verb="score",
        configuration={"source": source, "array": array, **asdict(config)},
        seed=seed,
        threads=1,
        label=Path(source).stem,
        runs=runs,
        out=out,
    )
    return _go_on(folder, points, on_step)


def resume(folder: RunFolder, *, on_step: OnStep | None = None) -> RunResult:
    """Do a run of ``score`` that was stopped before its only step; its file must still be there.

    Raises:
        InputError, RunError: the file is gone, or the folder is damaged or in use.
    """
    stored = folder.record.configuration
    return _go_on(folder, _points(str(stored["source"]), str(stored["array"])), on_step)


def _points(source: str, array: str) -> Float[np.ndarray, "n d"]:
    points = read_cloud(source, array)
    refuse_constant_columns(points, f"{source}: array {array!r}")
    return points


def _go_on(folder: RunFolder, points: Float[np.ndarray, "n d"], on_step: OnStep | None) -> RunResult:
    status = drive(_Scoring(folder, points), folder, on_step=on_step)
    return RunResult(status, folder.read_result() or {}, build_report(folder))


class _Scoring:
    """The one step of a run (see `novacula.runs.Program`)."""

    def __init__(self, folder: RunFolder, points: Float[np.ndarray, "n d"]) -> None:
        self._folder, self._points = folder, points
        self._document: dict[str, JSON] = {}

    @property
    def position(self) -> int:
        """1 when the cloud is scored."""
        return int(bool(self._document))

    @property
    def length(self) -> int:
        """One step."""
        return 1

    def step(self) -> Step:
        """Score the cloud, and leave what the report draws."""
        record = self._folder.record
        scored = score_cloud(self._points, record.options(ScoreConfig), record.seed)
        write_npz(self._folder.artifact("cloud.npz"), picture_arrays(scored))
        self._document = scored.document()
        return Step({"score": scored.score})

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, JSON]]:
        """What was measured."""
        return {}, self._document

    def load(self, arrays: dict[str, np.ndarray], data: dict[str, JSON]) -> None:
        """Take over what was measured."""
        self._document = data

    def result(self) -> dict[str, JSON]:
        """What was measured, and where."""
        return {**self._document, "run": str(self._folder.path)}
