"""``novacula features``: score; probe, steer and explain, circles in a language model; and the verbs of discovery."""

from functools import partial
from typing import TYPE_CHECKING, Any

from novacula.cli import part_app
from novacula.cli.console import printable, show_result, table
from novacula.cli.features_discovery import DISCOVERY_SCREENS, DISCOVERY_VERBS, Model, open_
from novacula.cli.options import CampaignOptions, Flat, Grouped, RunOptions
from novacula.cli.screen import Screen, perform
from novacula.features.config import ExplainConfig, ProbeConfig, ScoreConfig, SteerConfig

if TYPE_CHECKING:
    from novacula.features.circles.findings import ExplainFindings, ProbeFindings, SteerFindings
    from novacula.features.clouds.cloud_score import ScoreFindings
    from novacula.runs import RunResult

app = part_app("features")


@app.command
def score(
    source: str,
    /,
    *,
    array: str = "points",
    seed: int = 0,
    config: Flat[ScoreConfig] = ScoreConfig(),
    options: Grouped[CampaignOptions] = CampaignOptions(),
) -> int:
    """Tell whether a cloud of points is one feature that no directions can split.

    Example: novacula features score cloud.npz
    Example: novacula features score states.npz --array layer7 --json

    Args:
        source: A .npz, .safetensors, .npy or .csv file.
        array: Which of its arrays is the cloud: one point a row, two columns or more.
        seed: Seed of shuffles and resampling, 0 to 2^32 - 1.
    """
    from novacula.features.score import score as run

    return perform(partial(run, source, config, array=array, seed=seed, **options.where), SCREENS["score"], options)


@app.command
def probe(
    *, model: Model, task: str, config: Flat[ProbeConfig] = ProbeConfig(), options: Grouped[RunOptions] = RunOptions()
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


@app.command
def steer(
    *, model: Model, task: str, config: Flat[SteerConfig] = SteerConfig(), options: Grouped[RunOptions] = RunOptions()
) -> int:
    """Change the state at a label's token, and see whether the model answers as if the label were another.

    Example: novacula features steer --model smollm2 --task weekdays --layer 7

    Args:
        task: weekdays, months, hours or seasons; or a .json file with a template that has an answer.
    """
    from novacula.features.steer import steer as run

    return perform(partial(run, model, task, config, **options.where), SCREENS["steer"], options)


@app.command
def explain(
    *,
    model: Model,
    task: str,
    config: Flat[ExplainConfig] = ExplainConfig(),
    options: Grouped[RunOptions] = RunOptions(),
) -> int:
    """Tell which functions of label, offset and answer make up the states at the last token of a task.

    Example: novacula features explain --model smollm2 --task months --layers 10,20,25

    Args:
        task: weekdays or months; or a .json file with a template that has an offset and an answer.
    """
    from novacula.features.explain import explain as run

    return perform(partial(run, model, task, config, **options.where), SCREENS["explain"], options)


for _verb in DISCOVERY_VERBS:
    app.command(_verb)
app.command(open_, name="open")


def _show_score(result: "RunResult[ScoreFindings]") -> None:
    from rich.text import Text

    show_result(Text(result.findings.sentence, "bold"), result.findings.numbers)


def _show_probe(result: "RunResult[ProbeFindings]") -> None:
    heads = ("layer", "circle", "in order", "p", "harmonic 1", "turn", "closing", "error", "R², new labels")
    show_result(table(heads, ([layer.cells[head] for head in heads] for layer in result.findings.layers)))


def _show_steer(result: "RunResult[SteerFindings]") -> None:
    from novacula.features.circles.steer_report import effect_in_words, templates_in_words

    found = result.findings
    show_result(printable(f"{templates_in_words(found)}  (layer {found.layer}); in brackets: 96% intervals"))
    heads = ("intervention", "logit difference", "target wins", "runs")
    rows = ((effect.name, *effect_in_words(effect)[:2], effect.runs) for effect in found.interventions)
    show_result(table(heads, rows))


def _show_explain(result: "RunResult[ExplainFindings]") -> None:
    rows = (
        (layer.layer, ", ".join(added.function for added in layer.rounds), f"{layer.r2:.3f}", f"{layer.r2_full:.3f}")
        for layer in result.findings.layers
    )
    show_result(table(("layer", "functions", "R²", "R², whole state"), rows))


SCREENS: dict[str, Screen[Any]] = {
    "score": Screen(_show_score),
    "probe": Screen(_show_probe),
    "steer": Screen(_show_steer),
    "explain": Screen(_show_explain),
    **DISCOVERY_SCREENS,
}
