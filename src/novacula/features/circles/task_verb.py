"""What the verbs probe, steer and explain have in common: each begins with a language model and a concept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from typing_extensions import Unpack

from novacula.features.concepts import Concept, find_concept
from novacula.features.models import LanguageModel, find_model, load_model
from novacula.files import StrPath
from novacula.runs import Program, RunFolder, RunResult, RunSettings, Signature, Verb, located

Config = TypeVar("Config")
Findings = TypeVar("Findings")
Begin = Callable[[LanguageModel, Concept, Config], Program]


@dataclass(frozen=True)
class TaskInputs:
    """The inputs of such a run, as run.json keeps them."""

    model: str  #: the model, as the user named it
    task: str  #: the name of the concept, or of its file
    concept: Concept  #: the concept itself, since its file may change


TaskVerb = Verb[Config, TaskInputs, Program, RunResult[Findings]]


def task_verb(
    name: str, config: type[Config], begin: Begin[Config], findings: type[Findings], page: Callable[[RunFolder], Path]
) -> TaskVerb[Config, Findings]:
    """Returns the verb of this name, whose program begins with a model, a concept and options.

    The program checks them, so it is made before the run's folder is.
    """
    return Verb(
        Signature(f"features {name}", config, TaskInputs, RunResult[findings]),
        load=lambda config, inputs, folder: begin(load_model(inputs.model), inputs.concept, config),
        begin=lambda config, program, folder: program,
        page=page,
        files=lambda config, inputs: (find_model(inputs.model),),
    )


def start(
    verb: TaskVerb[Config, Findings],
    begin: Begin[Config],
    model: StrPath,
    task: str | Concept,
    config: Config,
    **settings: Unpack[RunSettings],
) -> RunResult[Findings]:
    """Does a new run of the verb."""
    concept = task if isinstance(task, Concept) else find_concept(task)
    named = Path(task).name if isinstance(task, str) else concept.name
    inputs = TaskInputs(located(model), named, concept)
    program, name = begin(load_model(model), concept, config), concept.name
    return verb.start(config, inputs, program, about=name, label=f"{verb.name}-{name}", **settings)
