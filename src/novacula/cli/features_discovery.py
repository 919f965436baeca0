"""``novacula features collect``, ``train-sae``, ``discover`` and ``survey``: features without labels."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from novacula.cli.console import conclude, printable
from novacula.cli.console import show as show_result
from novacula.cli.options import (
    CampaignOptions,
    CampaignOptionsParameter,
    Flat,
    ResumeOptions,
    RunOptions,
    RunOptionsParameter,
)
from novacula.cli.progress import job_lines, progress
from novacula.features.config import CollectConfig, DiscoverConfig, SurveyConfig, TrainSaeConfig

if TYPE_CHECKING:
    from rich.table import Table

    from novacula.jobs import Outcome
    from novacula.runs import RunFolder, RunResult, Step

_ROWS = 20
Paths = Annotated[tuple[Path, ...], Parameter(consume_multiple=True)]


def collect(
    *,
    model: str,
    text: Paths,
    config: Annotated[CollectConfig, Flat] = CollectConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Store a model's states on texts, each with its token and its place.

    Example: novacula features collect --model smollm2 --layer 8 --text /usr/share/doc --tokens 1000000

    Args:
        model: Folder of a model, a GGUF file, or smollm2.
        text: Text files, plain or .gz, or folders of them.
    """
    options.apply()
    from novacula.features.discover import DiscoverSource
    from novacula.features.discover import collect as run

    source = DiscoverSource(model=model, text=tuple(map(str, text)))
    with progress(options, _describe) as on_step:
        result = run(source, config, **_where(options), on_step=on_step)
    return conclude(result, options, _show)


def train_sae(
    store: Path | None = None,
    /,
    *,
    activations: Path | None = None,
    config: Annotated[TrainSaeConfig, Flat] = TrainSaeConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Train a sparse autoencoder on stored states; it is written in the folder format of SAELens.

    Example: novacula features train-sae runs/features-collect/artifacts/store --latents 4608 --k 32
    Example: novacula features train-sae --activations states.npz --kind relu --sparsity 0.02

    Args:
        store: Folder of states, as collect makes it.
        activations: A npz file with an array activations, rows × width, instead.
    """
    options.apply()
    from novacula.features.discover import DiscoverSource
    from novacula.features.discover import train_sae as run

    source = DiscoverSource(store=_text(store), activations=_text(activations))
    with progress(options, _describe) as on_step:
        result = run(source, config, **_where(options), on_step=on_step)
    return conclude(result, options, _show)


def discover(
    *,
    model: str | None = None,
    text: Paths = (),
    activations: Path | None = None,
    store: Path | None = None,
    sae: Path | None = None,
    config: Annotated[DiscoverConfig, Flat] = DiscoverConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Find features that no single direction can hold, without labels: states, a dictionary, clusters, a ranking.

    Example: novacula features discover --model smollm2 --layer 8 --text /usr/share/doc
    Example: novacula features discover --activations states.npz --latents 1024 --k 12

    Args:
        model: Folder of a model, a GGUF file, or smollm2; needs --text.
        text: Text files, plain or .gz, or folders of them.
        activations: A npz file with an array activations, rows × width, instead.
        store: Folder of states, as collect makes it, instead.
        sae: Folder of a sparse autoencoder in SAELens' format; without it one is trained.
    """
    options.apply()
    from novacula.features.discover import DiscoverSource
    from novacula.features.discover import discover as run

    source = DiscoverSource(
        model=model, text=tuple(map(str, text)), activations=_text(activations), store=_text(store), sae=_text(sae)
    )
    with progress(options, _describe) as on_step:
        result = run(source, config, **_where(options), on_step=on_step)
    return conclude(result, options, _show)


def _resume(folder: "RunFolder", options: RunOptions) -> int:
    options.apply()
    from novacula.features.discover import resume as go_on

    with progress(options, _describe) as on_step:
        result = go_on(folder, time_limit=options.time_limit, on_step=on_step)
    return conclude(result, options, _show)


def survey(
    *,
    model: str,
    text: Paths,
    config: Annotated[DiscoverConfig, Flat] = DiscoverConfig(),  # noqa: B008 - it is frozen
    campaign: Annotated[SurveyConfig, Flat] = SurveyConfig(),  # noqa: B008 - it is frozen
    options: CampaignOptionsParameter = CampaignOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Discover at several layers of a model, each a job of its own, and say what each layer holds.

    The exit code is 1 where layers failed.

    Example: novacula features survey --model smollm2 --text /usr/share/doc --layers 4,8,12 --workers 2

    Args:
        model: Folder of a model, a GGUF file, or smollm2.
        text: Text files, plain or .gz, or folders of them.
    """
    options.apply_logging()
    from novacula.features.discover import DiscoverSource
    from novacula.features.survey import survey as run

    source = DiscoverSource(model=model, text=tuple(map(str, text)))
    on_layer = job_lines(options, _found_at_layer)
    return _conclude_survey(run(source, config, campaign, **options.places, on_layer=on_layer), options)


def _resume_survey(folder: "RunFolder", options: RunOptions) -> int:
    options.apply_logging()
    from novacula.features.survey import resume as go_on

    on_layer = job_lines(options, _found_at_layer)
    return _conclude_survey(go_on(folder, time_limit=options.time_limit, on_layer=on_layer), options)


VERBS: tuple[Callable[..., int], ...] = (collect, train_sae, discover, survey)
RESUME: dict[str, Callable[["RunFolder", RunOptions], int]] = {
    **dict.fromkeys(("collect", "train-sae", "discover"), _resume),
    "survey": _resume_survey,
}


def _found_at_layer(outcome: "Outcome") -> str:
    return f"best score {outcome.result['best']:.3f} bits, {outcome.cpu_seconds:,.0f} s" if outcome.result else ""


def _show_survey(document: Mapping[str, Any]) -> None:
    from rich.table import Table

    shown = Table("layer", "best score", "chance", "above chance", "clusters", "tokens of the best", box=None)
    for row in document["layers"]:
        numbers = (f"{row['best']:.3f}", f"{row['chance']:.3f}", str(row["above_chance"]), str(row["clusters"]))
        shown.add_row(str(row["layer"]), *numbers, printable(" ".join(row["top"][0]["examples"])))
    show_result(shown)


def _conclude_survey(result: "RunResult", options: ResumeOptions) -> int:
    return conclude(result, options, _show_survey, unit="layer", reached=not result.document["failed"])


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _where(options: RunOptions) -> dict[str, Any]:
    return {**options.places, "threads": options.threads}


def _describe(step: "Step") -> str:
    metrics = dict(step.metrics)
    stage = metrics.pop("stage")
    return f"{stage}  " + "  ".join(f"{name} {value}" for name, value in metrics.items())


def _show(document: Mapping[str, Any]) -> None:
    """What each stage that is done says, in a line, and the head of the ranking."""
    if stored := document.get("collect"):
        show_result(printable(f"{stored['tokens']:,} states of {stored['passages']} passages in {stored['store']}"))
    if (trained := document.get("train-sae")) and "density" in trained:
        show_result(
            f"The dictionary explains {trained['explained']:.1%} of the variance with {trained['l0']:.1f} active "
            f"latents a token; {trained['dead']:.1%} are dead."
        )
    if grouped := document.get("cluster"):
        show_result(f"{len(grouped['clusters'])} clusters of {grouped['alive']} living latents.")
    if ranked := document.get("rank"):
        show_result(_ranking(ranked["ranking"][:_ROWS]))
        chance = ranked["null"]
        show_result(f"The highest of {len(chance)} clusters of chance scores {max(chance, default=0):.3f}.")


def _ranking(rows: list[Mapping[str, Any]]) -> "Table":
    from rich.table import Table

    table = Table("rank", "score", "plane", "mixture", "members", "active", "stability", "tokens", box=None)
    for row in rows:
        mixture = "" if row["mixture"] is None else f"{row['mixture']:.2f}"
        table.add_row(
            str(row["rank"]),
            f"{row['score']:.3f}",
            row["plane"] or row["reason"],
            mixture,
            str(len(row["members"])),
            f"{row['tokens']:,}",
            f"{row['stability']:.2f}",
            printable(" ".join(row["examples"])),
        )
    return table
