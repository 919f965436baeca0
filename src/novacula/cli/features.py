"""``novacula features``: score, and the verbs of its modules."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from novacula.cli import features_discovery, features_models
from novacula.cli.console import show as show_result
from novacula.cli.options import CampaignOptions, CampaignOptionsParameter, Flat
from novacula.cli.screen import Screen, perform
from novacula.features.config import ScoreConfig

if TYPE_CHECKING:
    from novacula.features.clouds.findings import ScoreFindings
    from novacula.runs import RunResult

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
    from novacula.features.score import score as run

    return perform(partial(run, source, config, array=array, seed=seed, **options.where), SCREENS["score"], options)


def _show_score(result: "RunResult[ScoreFindings]") -> None:
    from rich.text import Text

    from novacula.features.clouds.score_report import verdict_sentence

    found = result.findings
    low, high, neighbors = (
        f"{value:.3f}" if value is not None else "?" for value in (*found.interval, found.neighbors_bits)
    )
    show_result(Text(verdict_sentence(found), "bold"))
    show_result(
        Text(
            f"score {found.score:.3f} bits: separability {found.separability_bits:.3f} bits ({low} … {high}, "
            f"z {found.separability_null_z:.1f}, by neighbors {neighbors}), mixture {found.mixture:.3f}, slice "
            f"{found.slice_share:.3f}; {found.n:,} points in {found.d} dimensions"
        )
    )


for _verb in (*features_models.VERBS, *features_discovery.VERBS):
    app.command(_verb)

SCREENS: dict[str, Screen[Any]] = {
    "score": Screen(_show_score),
    **features_models.SCREENS,
    **features_discovery.SCREENS,
}
