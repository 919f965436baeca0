"""``novacula features``: score, and the verbs of its modules."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from novacula.cli import features_discovery, features_models
from novacula.cli.console import conclude
from novacula.cli.console import show as show_result
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat, RunOptions
from novacula.errors import RunError
from novacula.features.config import ScoreConfig

if TYPE_CHECKING:
    from novacula.runs import RunFolder

app = App(
    name="features",
    help="Find, test and steer multi-dimensional features of language models.",
    help_format="plaintext",
    default_parameter=Parameter(negative_iterable=()),
)


@app.command
def score(
    source: str,
    /,
    *,
    array: str = "points",
    seed: int = 0,
    config: Annotated[ScoreConfig, Flat] = ScoreConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Tell whether a cloud of points is one feature that no directions can split.

    Example: novacula features score cloud.npz
    Example: novacula features score states.npz --array layer7 --json

    Args:
        source: A npz file.
        array: Which of its arrays is the cloud: one point a row, two columns or more.
        seed: Seed of shuffles and resampling, 0 to 2^32 - 1.
    """
    options.apply_logging()
    from novacula.features.score import score as run

    result = run(source, config, array=array, seed=seed, runs=options.runs, out=options.out)
    return conclude(result, options, _show_score)


def _resume_score(folder: "RunFolder", options: RunOptions) -> int:
    options.apply_logging()
    from novacula.features.score import resume as go_on

    return conclude(go_on(folder), options, _show_score)


def _show_score(found: Mapping[str, Any]) -> None:
    from rich.text import Text

    from novacula.features.clouds.score_report import verdict_sentence

    low, high = found["interval"]
    show_result(Text(verdict_sentence(found), "bold"))
    show_result(
        Text(
            f"score {found['score']:.3f} bits: separability {found['separability_bits']:.3f} bits "
            f"({low:.3f} … {high:.3f}, z {found['separability_null_z']:.1f}, by neighbors "
            f"{found['neighbors_bits']:.3f}), mixture {found['mixture']:.3f}, slice {found['slice_share']:.3f}; "
            f"{found['n']:,} points in {found['d']} dimensions"
        )
    )


for _verb in (*features_models.VERBS, *features_discovery.VERBS):
    app.command(_verb)

_RESUME: "dict[str, Callable[[RunFolder, RunOptions], int]]" = {
    "score": _resume_score,
    **features_models.RESUME,
    **features_discovery.RESUME,
}


def resume(folder: "RunFolder", options: RunOptions) -> int:
    """Go on with a run of ``features``; ``novacula runs resume`` calls this.

    Raises:
        RunError: the run is of a verb that cannot be resumed.
    """
    if folder.record.verb not in _RESUME:
        raise RunError(f"{folder.path}: is a run of `features {folder.record.verb}`, which is not resumed by itself")
    return _RESUME[folder.record.verb](folder, options)
