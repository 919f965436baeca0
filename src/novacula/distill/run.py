"""From a source to a program: ``novacula distill run``.

The stages: the source's data (`source`), perfect networks (`train`), their normal forms (`normalize`), their states
(`states`), programs for these (`synth`), verdicts (`verify`), the choice among the programs (`choose`), files
(`export`, `artifacts`) and a page (`report`). `distillation` puts them in order, as a computation that can be stopped
and resumed.
"""

from dataclasses import dataclass
from pathlib import Path

from typing_extensions import Unpack

from novacula.distill.config import RunConfig
from novacula.distill.distillation import Distillation
from novacula.distill.findings import DistillFindings
from novacula.distill.report import write_page
from novacula.distill.source import load_source
from novacula.functions import is_function_name
from novacula.runs import RunResult, RunSettings, Signature, Verb


@dataclass(frozen=True)
class RunInputs:
    """What a run begins with: the name of a task, a file or a function."""

    source: str


@dataclass(frozen=True)
class DistillResult(RunResult[DistillFindings]):
    """How a run ended; ``findings`` holds the tier, the program, and what was checked."""

    @property
    def program(self) -> str | None:
        """The text of the Python file; None where there is no program."""
        return self.findings.program

    @property
    def reached(self) -> bool:
        """Whether the program is known to be right: from tier S2 on, or with data alone if all rows determine it."""
        return self.findings.reached


def run(name: str, config: RunConfig | None = None, **settings: Unpack[RunSettings]) -> DistillResult:
    """Finds the program that a task, data, a function or a network computes.

    Args:
        name: a benchmark task, a .csv or .jsonl file of sequences, a function as ``module:name``, or a network's
            .safetensors file.
        config: seed, networks, and the range of a function's inputs.
        settings: see `novacula.runs.RunSettings`.

    Raises:
        InputError: the source is not there or breaks a rule.
        RunError: the run's folder cannot be made.

    Source: arXiv 2402.05110.
    """
    config = config or RunConfig()
    source = load_source(name, config)
    return RUN.start(config, RunInputs(name), source, about=name, label=Path(name).stem, **settings)


RUN = Verb(
    Signature("distill run", RunConfig, RunInputs, DistillResult),
    load=lambda config, inputs, folder: load_source(inputs.source, config),
    begin=lambda config, source, folder: Distillation(source, config, str(folder.path)),
    page=write_page,
    functions=lambda config, inputs: (inputs.source,) if is_function_name(inputs.source) else (),
)
