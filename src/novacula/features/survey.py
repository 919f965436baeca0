"""Discovery at several layers of a model, each a job of its own: ``novacula features survey``.

The folder of a survey holds a run of ``discover`` for every layer in ``layers/``, with its report. Source: ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any

from novacula.errors import InputError
from novacula.features.config import DiscoverConfig, SurveyConfig
from novacula.features.discover import DiscoverSource, Discovery, check_source, make_folder
from novacula.features.report import build_report
from novacula.files import JSON
from novacula.jobs import Job, Outcome, executor_for, run_missing
from novacula.runs import RunFolder, RunResult, drive, working

WORK = "novacula.features.survey:layer_job"
"""The name under which `novacula.jobs` calls `layer_job`."""
_CHECKPOINT_SECONDS = 20.0
_FIXED_MB = 700.0
"""What a job takes beside its weights: 600 MB on the smallest model."""
_BYTES = 4
_TOP = 5
"""Features of a layer that the survey lists."""

OnLayer = Callable[[Outcome, int, int], None]
"""Called when a layer has an outcome, with how many have one and the number of layers."""


def survey(
    source: DiscoverSource,
    config: DiscoverConfig = DiscoverConfig(),  # noqa: B008 - it is frozen
    campaign: SurveyConfig = SurveyConfig(),  # noqa: B008 - it is frozen
    *,
    runs: str | PathLike[str] = "runs",
    out: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    on_layer: OnLayer | None = None,
) -> RunResult:
    """Look for irreducible features at several layers of a model.

    Args:
        source: a model and texts.
        config: what `discover` does at each; its `layer` is None.
        campaign: which layers, and where they are computed.
        runs: folder in which the run's folder is made.
        out: the run's folder itself, instead.
        time_limit: seconds of wall time after which layers are cut off.
        on_layer: called when a layer has an outcome.

    Raises:
        InputError: states that come from no model, a layer that it does not have, or damaged files.
        RunError: the run's folder cannot be made, or no worker can be had.
    """
    from novacula.features.models.load import load_model

    problems = [] if source.model else ["a survey needs --model and --text"]
    problems += [] if source.sae is None else ["--sae is of one layer; a survey trains one for each"]
    problems += [] if config.layer is None else ["--layer is of one run; a survey takes --layers"]
    if problems or source.model is None:
        raise InputError("options", *problems)
    check_source(source)
    model = load_model(source.model)
    layers = campaign.layers or tuple(range(model.n_layers + 1))
    if beyond := [layer for layer in layers if layer > model.n_layers]:
        raise InputError("--layers", f"has {beyond[0]}; the model has layers 0 … {model.n_layers}")
    weights = sum(parameter.numel() for parameter in model.module.parameters())
    dictionary = 2 * config.latents * model.d_model
    more = {
        "layers": list(layers),
        # The weights twice, while they are loaded; a dictionary, its gradients and both moments of Adam.
        "memory_mb": round(_FIXED_MB + _BYTES * (2 * weights + 4 * dictionary) / 1e6),
    }
    folder = make_folder("survey", source, config, 1, runs, out, asdict(campaign) | more)
    return resume(folder, time_limit=time_limit, on_layer=on_layer)


def resume(folder: RunFolder, *, time_limit: float | None = None, on_layer: OnLayer | None = None) -> RunResult:
    """Go on with a survey: what has a result is kept, what failed is tried again.

    Raises:
        InputError, RunError: the folder is damaged or in use, or no worker can be had.
    """
    campaign, outcomes = folder.record.options(SurveyConfig), {}

    def take(outcome: Outcome) -> None:
        outcomes[outcome.id] = outcome
        folder.set_status("running", step=len(outcomes), length=len(jobs))
        if on_layer:
            on_layer(outcome, len(outcomes), len(jobs))

    with working(folder):
        jobs = [_job(folder, layer) for layer in campaign.layers]
        folder.set_status("running", step=0, length=len(jobs))
        status = run_missing(
            WORK,
            jobs,
            folder=folder,
            seed=folder.record.seed,
            executor=executor_for(campaign.cluster, campaign.workers, campaign.memory_limit),
            time_limit=time_limit,
            on_outcome=take,
        )
        known = [outcomes[job.id] for job in jobs if job.id in outcomes]
        failed = [[outcome.id, outcome.error] for outcome in known if outcome.status == "failed"]
        folder.write_result({"layers": [outcome.result for outcome in known if outcome.result], "failed": failed})
        error = f"{len(failed)} of {len(jobs)} layers failed" if failed and status == "finished" else ""
        folder.set_status("failed" if error else status, step=len(outcomes), length=len(jobs), error=error)
        return RunResult(status, folder.read_result() or {}, build_report(folder))


def _job(folder: RunFolder, layer: int) -> Job:
    """The job of a layer."""
    source, config = folder.record.options(DiscoverSource), folder.record.options(DiscoverConfig)
    name = f"layer-{layer}"
    configuration: dict[str, JSON] = {
        "source": asdict(source) | {"text": list(source.text)},
        "config": asdict(replace(config, layer=layer)),
        "folder": str((folder.path / "layers" / name).resolve()),
    }
    return Job(name, configuration, memory_mb=float(folder.record.configuration["memory_mb"]))


def layer_job(configuration: Mapping[str, Any], seed: int) -> dict[str, JSON]:
    """Discovers at a layer, from its checkpoint where there is one: that changes no result, only the time.

    Args:
        configuration: of `_job`. It holds the survey's own seed, so that all layers read the same texts.
        seed: the job's, which is not used.

    Returns:
        A row of the survey.
    """
    path, config = Path(configuration["folder"]), DiscoverConfig(**configuration["config"])
    source = DiscoverSource(**configuration["source"] | {"text": tuple(configuration["source"]["text"])})
    started = (path / "run.json").exists()
    folder = RunFolder.open(path) if started else make_folder("discover", source, config, 1, out=path)
    status = drive(Discovery(folder).pipeline, folder, checkpoint_seconds=_CHECKPOINT_SECONDS)
    if status != "finished":
        raise KeyboardInterrupt  # somebody told this worker to end; the job goes on in another
    build_report(folder)
    return _row(config.layer, folder.read_result() or {})


def _row(layer: int | None, found: Mapping[str, Any]) -> dict[str, JSON]:
    """What a survey says of a layer."""
    ranking, null = found["rank"]["ranking"], found["rank"]["null"]
    chance = max(null, default=0.0)
    kept = ("rank", "score", "plane", "members", "tokens", "stability", "examples")
    return {
        "layer": layer,
        "explained": found["train-sae"]["explained"],
        "l0": found["train-sae"]["l0"],
        "clusters": len(ranking),
        "best": max((row["score"] for row in ranking), default=0.0),
        "chance": chance,
        "above_chance": sum(row["score"] > chance for row in ranking),
        "top": [{name: row[name] for name in kept} for row in ranking[:_TOP]],
    }
