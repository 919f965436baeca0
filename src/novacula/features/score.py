"""The score of a cloud in a file, as a run: ``novacula features score``.

The stages: the file (`clouds.cloud`), the score (`clouds.cloud_score`), a page (`clouds.score_report`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from typing_extensions import Unpack

from novacula.features.clouds.cloud import read_cloud, refuse_constant_columns
from novacula.features.clouds.cloud_score import ScoreFindings, score_cloud
from novacula.features.clouds.score_report import PICTURES, picture_arrays, write_page
from novacula.features.config import ScoreConfig
from novacula.files import write_npz
from novacula.options import refuse, unless_seed
from novacula.runs import OneStep, RunFolder, RunResult, RunSettings, Signature, Verb, located


@dataclass(frozen=True)
class ScoreInputs:
    """What a score begins with."""

    source: str  #: a npz, safetensors, npy or csv file
    array: str  #: which of its arrays is the cloud
    seed: int  #: the seed of the score


def score(
    source: str,
    config: ScoreConfig = ScoreConfig(),
    *,
    array: str = "points",
    seed: int = 0,
    **settings: Unpack[RunSettings],
) -> RunResult[ScoreFindings]:
    """Scores the cloud in a file, into a run's folder with a report.

    Args:
        source: a npz, safetensors, npy or csv file.
        config: resolution and repetitions.
        array: which of the file's arrays is the cloud, in npz and safetensors.
        seed: as in `score_cloud`.
        settings: see `novacula.runs.RunSettings`; the score is one step.

    Raises:
        InputError: the file holds no such cloud, or one with a constant column; or as `score_cloud`.
        RunError: the run's folder cannot be made.

    Source: as `score_cloud`.
    """
    refuse(unless_seed("--seed", seed))
    inputs = ScoreInputs(located(source), array, seed)
    name = Path(source).stem
    return SCORE.start(ScoreConfig.given(config), inputs, _read_points(inputs), about=name, **settings)


def _scoring(config: ScoreConfig, points: Float[np.ndarray, "n d"], folder: RunFolder) -> OneStep[ScoreFindings]:
    """Returns the score of a cloud, as a program."""

    def measure() -> ScoreFindings:
        scored = score_cloud(points, config, folder.record.seed)
        write_npz(folder.artifact(PICTURES), picture_arrays(scored))
        return scored.findings(str(folder.path))

    return OneStep(ScoreFindings, measure, lambda found: ("score", found.score))


def _read_points(inputs: ScoreInputs) -> Float[np.ndarray, "n d"]:
    points = read_cloud(inputs.source, inputs.array)
    refuse_constant_columns(points, f"{inputs.source}: array {inputs.array!r}")
    return points


SCORE = Verb(
    Signature("features score", ScoreConfig, ScoreInputs, RunResult[ScoreFindings]),
    load=lambda config, inputs, folder: _read_points(inputs),
    begin=_scoring,
    page=write_page,
    files=lambda config, inputs: (inputs.source,),
    seed=lambda config, inputs: inputs.seed,
)
