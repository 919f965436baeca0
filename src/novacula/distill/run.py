"""From a source to a program: ``novacula distill run``.

The stages: the source's data (`source`), perfect networks (`train`), their normal forms (`normalize`), their states
(`states`), programs for these (`synth`), verdicts (`verify`), the choice among the programs (`choose`), files
(`export`, `artifacts`) and a page (`report`). `distillation` puts them in order, as a computation that can be stopped
and resumed.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import isfunction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped
from typing_extensions import Unpack

from novacula.distill.config import RunConfig
from novacula.distill.distillation import Distillation
from novacula.distill.findings import DistillFindings
from novacula.distill.networks.network import load_network
from novacula.distill.networks.torch_module import from_torch
from novacula.distill.report import write_page
from novacula.distill.rows.noise import tolerant
from novacula.distill.source import Source, is_file, kind_in_words, load_source, network_source, unless_heard
from novacula.distill.sources.behavior import RecurrentNetwork
from novacula.distill.sources.sequences import Word
from novacula.errors import InputError
from novacula.files import encode_safetensors
from novacula.functions import is_function_name
from novacula.options import refuse
from novacula.runs import RunFolder, RunResult, RunSettings, Signature, Verb, located

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RunInputs:
    """What a run begins with: the name of a task, a file or a function, or a network that its folder holds."""

    source: str  #: the name
    network: bool = False  #: whether it is that of a network that was given in Python; the folder keeps it


@dataclass(frozen=True)
class DistillResult(RunResult[DistillFindings]):
    """How a run ended; ``findings`` holds the tier, the program, and what was checked."""

    @property
    def program(self) -> str | None:
        """The text of the Python file; None where there is no program."""
        return self.findings.program

    @property
    def reached(self) -> bool:
        """Whether the goal is reached: tier S2, a machine that passed the W-method, or rows that determine it."""
        return self.findings.reached


def run(
    name: "str | RecurrentNetwork | torch.nn.Module | None" = None,
    config: RunConfig | None = None,
    *,
    alphabet: Sequence[Word | int] | Shaped[np.ndarray, " symbols"] | None = None,
    **settings: Unpack[RunSettings],
) -> DistillResult:
    """Finds the program that a task, data, a function or a network computes.

    Args:
        name: a benchmark task, a .csv or .jsonl file of sequences, a function as ``module:name``, a network's
            .safetensors file, a module of torch, or what `from_torch` made of one; None for the option `command`.
        config: seed, networks, and the range of a function's inputs; `length` is that of a module's training.
        alphabet: the inputs of a module, in the order of their places; by default 0, 1, …
        settings: see `novacula.runs.RunSettings`.

    Raises:
        InputError: the source is not there or breaks a rule.
        RunError: the run's folder cannot be made.

    Source: arXiv 2402.05110.
    """
    config, begun = RunConfig.given(config), time.monotonic()
    if (name is None) != bool(config.command):
        raise InputError("options", "a run has either a source or --command")
    name = name or config.command
    if not isinstance(name, str):
        if isfunction(name):
            said = f"name a function of a file as 'file:{name.__name__}', since it runs in a process of its own"
            raise InputError(name.__name__, said)
        opened = isinstance(name, RecurrentNetwork)
        refuse(unless_heard(config, "a network" if opened else "a module") + _unheard(alphabet, opened))
        network = name if isinstance(name, RecurrentNetwork) else from_torch(name, alphabet, config.length)
        title = network.shape
        source, inputs = network_source(title, network, config), RunInputs(title, True)
        kept = {_GIVEN: encode_safetensors(*network.tensors())}
        return RUN.start(config, inputs, source, about=title, label="network", kept=kept, **settings)
    refuse(unless_heard(config, kind_in_words(name, config)) + _unheard(alphabet, True), name)
    name = located(name) if not config.command and is_file(name) else name
    source = tolerant(load_source(name, config), config)
    if (limit := settings.get("time_limit")) is not None:
        settings["time_limit"] = max(0.0, limit - min(_FOR_THE_PAGE, limit / 10) - (time.monotonic() - begun))
    return RUN.start(config, RunInputs(name), source, about=source.name, label=Path(name).stem, **settings)


def _unheard(alphabet: Sequence[Word | int] | Shaped[np.ndarray, " symbols"] | None, ignored: bool) -> list[str]:
    return ["the argument alphabet is for a module; RunConfig has its own"] if ignored and alphabet is not None else []


_FOR_THE_PAGE = 1.5
"""Seconds of a time limit that are left to the result and its page, but at most a tenth of the limit."""
_GIVEN = "given.safetensors"


def _load(config: RunConfig, inputs: RunInputs, folder: RunFolder) -> Source:
    if inputs.network:
        return network_source(inputs.source, load_network(folder.artifact(_GIVEN)), config)
    return tolerant(load_source(inputs.source, config), config)


def _files(config: RunConfig, inputs: RunInputs) -> tuple[str, ...]:
    """The file of the source, and the one beside an ONNX file that may hold its weights."""
    if inputs.network or config.command or not is_file(inputs.source):
        return ()
    beside = f"{inputs.source}.data"
    return (inputs.source, *([beside] if inputs.source.lower().endswith(".onnx") and os.path.isfile(beside) else []))


def _called(config: RunConfig, inputs: RunInputs) -> tuple[str, ...]:
    """What a run would call: a function, or a command and the file that it would write."""
    if config.command:
        return (f"command:{config.command}", *([f"cache:{config.cache}"] if config.cache else []))
    return (inputs.source,) if not inputs.network and is_function_name(inputs.source) else ()


RUN = Verb(
    Signature("distill run", RunConfig, RunInputs, DistillResult),
    load=_load,
    begin=lambda config, source, folder: Distillation(source, config, str(folder.path)),
    page=write_page,
    files=_files,
    functions=_called,
)
