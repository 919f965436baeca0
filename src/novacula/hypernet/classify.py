"""What a network computes: ``novacula hypernet classify``.

The analyst (`label`) says which algorithm it is, by its weights and by its outputs; `formula` writes it down.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from novacula.errors import InputError
from novacula.files import JSON
from novacula.hypernet.analyst.label import Analysis, analyze
from novacula.hypernet.analyst.measures import measures
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.formula import POINTS, Formula, describe
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.network_file import read_network
from novacula.hypernet.tasks import Task, find_task
from novacula.hypernet.user_function import is_function_name

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Classified:
    """A network, its label and its formula.

    Attributes:
        network: the network.
        task: what it should compute.
        analysis: the label, and what it rests on.
        formula: what it computes, in terms of the number of inputs.
    """

    network: TargetNetwork
    task: Task
    analysis: Analysis
    formula: Formula

    def document(self) -> dict[str, JSON]:
        """Everything, as the command prints it with ``--json``."""
        formula, checked = self.formula, self.formula.checked
        limit = formula.limit_checked
        found: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "task": self.task.name,
            "law": self.task.law.name,
            "sizes": list(self.network.architecture.sizes),
            "activation": self.network.architecture.activation,
            **label_document(self.analysis),
            "formula": formula.python,
            "formula_line": formula.line,
            "formula_latex": formula.latex,
            "formula_sympy": formula.sympy_text,
            "formula_accepted": formula.accepted,
            "formula_reason": formula.reason,
            "formula_mse": formula.mse,
            "formula_r2": checked.r2 if checked else None,
            "formula_r2_far": checked.far_r2 if checked else None,
            "formula_points": checked.points if checked else None,
            "limit": formula.limit_line,
            "limit_latex": formula.limit_latex,
            "limit_r2": limit.r2 if limit else None,
            "is_task": formula.is_task,
            "error_bound": formula.error_bound,
            "error_bound_says": formula.bound_says,
            "largest_error_seen": limit.largest if limit else checked.largest if checked else None,
            "complexity": {**measures(self.network), "formula_numbers": len(formula.values) or None},
            "provenance": dict(self.network.provenance),
        }
        return {name: finite(value) for name, value in found.items()}


def label_document(analysis: Analysis) -> dict[str, Any]:
    """The label and what it rests on, as JSON."""
    return {
        "label": analysis.label,
        "broken": analysis.broken,
        "functional_label": analysis.functional_label,
        "agree": analysis.agree,
        "why": analysis.why,
        "confidence": finite(analysis.confidence),
        "order_parameters": finite(analysis.order_parameters.document()),
        "r2": finite(analysis.r2),
        "mse": finite(analysis.mse),
    }


def classify(
    network: TargetNetwork | str | PathLike[str], config: ClassifyConfig | None = None, *, check_points: int = POINTS
) -> Classified:
    """Label a network, and find its formula.

    Args:
        network: the network, or its file.
        config: task, law of the inputs, and how carefully.
        check_points: inputs on which the formula is compared with the network.

    Raises:
        InputError: a file that breaks a rule, an unknown task or law, or a task that cannot have so many inputs.
    """
    config = config or ClassifyConfig()
    source, network = (
        ("network", network) if isinstance(network, TargetNetwork) else (str(network), read_network(Path(network)))
    )
    if config.task is None and network.task is not None and is_function_name(network.task):
        raise InputError(source, f"names the task {network.task}; give it as --task: a file may not run code")
    task = find_task(config.task or network.task or "l1-norm", config.law)
    formula = describe(network, task, points=check_points, seed=config.seed)
    return Classified(network, task, analyze(network, task, config), formula)


def finite(value: Any) -> Any:
    """A value as JSON can say it: what is no finite number becomes null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: finite(item) for key, item in value.items()}
        case list() | tuple():
            return [finite(item) for item in value]
        case _:
            return value
