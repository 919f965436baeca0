"""What a network computes: ``novacula hypernet classify``.

The analyst (`analyst.label`) says which algorithm it is, by its weights and by its outputs; `formula` writes it down.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from markupsafe import Markup
from typing_extensions import override

from novacula.errors import InputError
from novacula.files import JSON, StrPath, to_json
from novacula.functions import is_function_name
from novacula.hypernet.analyst.evidence import r2_of
from novacula.hypernet.analyst.function import InputFindings, measure_inputs, points_for
from novacula.hypernet.analyst.label import (
    Analysis,
    Complexity,
    LabelFindings,
    analyze,
    finite,
    label_findings,
    measure_complexity,
)
from novacula.hypernet.analyst.orders import EXPLAINED, PATTERNS_EXPLAINED
from novacula.hypernet.config import Activation, ClassifyConfig
from novacula.hypernet.draw.pictures import gallery_picture, matrix_picture
from novacula.hypernet.foreign import from_torch, open_network
from novacula.hypernet.formula import POINTS, Formula, describe
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task, find_task
from novacula.hypernet.tasks.given import NONE, data_task, network_task, read_data
from novacula.options import percent
from novacula.report import Section, table
from novacula.runs.notebook import Brief

SCHEMA_VERSION = 1
NORMS = ("l1-norm", "weighted-l1")  #: tasks whose labels rest on the order parameters


@dataclass(frozen=True)
class DomainFindings:
    """The inputs for which a bound holds."""

    inputs: tuple[tuple[float, float], ...]  #: the least and the greatest value of each input
    sum: tuple[float, float]  #: the least and the greatest sum of all inputs
    bits: bool  #: whether the statement about the task holds only where every input is 0 or 1


@dataclass(frozen=True)
class FormulaComplexity(Complexity):
    """How complex a network and its formula are."""

    formula_numbers: int | None  #: numbers of the formula; None where there is none


@dataclass(frozen=True, kw_only=True)
class ClassifyFindings(LabelFindings, Brief):
    """What is found out about a network."""

    schema_version: int = SCHEMA_VERSION
    task: str  #: what it should compute; `none` where nobody knows, `data` where a file says it
    task_assumed: bool  #: whether neither option nor file names the task
    law: str  #: the law of the inputs
    patterns: Mapping[str, float]  #: shares of the first layer's bend, by what its units look at
    inputs: InputFindings  #: which inputs matter, and the function's symmetries
    sizes: tuple[int, ...]  #: units of each layer
    activation: Activation  #: the hidden units' activation
    formula: str | None  #: a Python module; null where no formula was found
    formula_line: str | None  #: the formula on one line of Python
    formula_latex: str | None  #: the formula in LaTeX
    formula_sympy: str | None  #: the formula as SymPy reads it
    formula_accepted: bool  #: whether it is as good as the network
    formula_reason: str  #: why there is none, or why it is not accepted
    formula_mse: float | None  #: its squared error on the task
    formula_r2: float | None  #: how much of the network's output it explains
    formula_r2_far: float | None  #: how much it explains on inputs ten times as large
    formula_points: int | None  #: inputs on which it was checked
    limit: str | None  #: what becomes of it for sharp or for shallow units
    limit_latex: str | None  #: the limit in LaTeX
    limit_r2: float | None  #: how much of the network's output the limit explains
    is_task: bool  #: whether the limit, or the formula without one, is the task itself
    error_bound: float | None
    """A proved bound of the difference between network and limit, or formula; null where none is known."""
    error_bound_says: str  #: the bound in words
    largest_error_seen: float | None
    """The largest such difference on the checked inputs, and by the search of an attack."""
    domain: DomainFindings | None  #: the inputs for which the bound holds; null where there is no formula
    complexity: FormulaComplexity  #: how complex network and formula are
    provenance: Mapping[str, JSON]  #: where the network comes from


@dataclass(frozen=True, repr=False)
class Classified:
    """A network, its label and its formula. `print` tells these, and the bound, in some lines."""

    network: TargetNetwork  #: the network
    task: Task  #: what it should compute
    analysis: Analysis  #: the label, and what it rests on
    formula: Formula  #: what it computes, in terms of the number of inputs
    inputs: InputFindings  #: which inputs matter, and the function's symmetries
    assumed: bool = False  #: whether neither the configuration nor the network names the task

    def _repr_html_(self) -> str:
        return gallery_picture("classified", [(self.analysis.label, self.network)]) + formula_block(self)

    @override
    def __str__(self) -> str:
        analysis, formula = self.analysis, self.formula
        agrees = "agrees" if analysis.agree else "disagrees"
        says = f"{analysis.label}; by its outputs {analysis.functional_label}, which {agrees}"
        lines = [says, formula.line or f"no formula: {formula.reason}"]
        lines += [f"not accepted: {formula.reason}"] if formula.line and formula.reason else []
        lines += [f"in the limit {formula.limit_line}"] if formula.limit_line else []
        return "\n".join([*lines, *([f"proved: {formula.bound_says}"] if formula.bound_says else [])])

    @override
    def __repr__(self) -> str:
        return f"<Classified {self.analysis.label}: {self.formula.limit_line or self.formula.line or 'no formula'}>"

    @property
    def findings(self) -> ClassifyFindings:
        """Everything, as the command prints it with ``--json``."""
        formula, checked, limit = self.formula, self.formula.checked, self.formula.limit_checked
        numbers, box = len(formula.values) or None, formula.box
        return ClassifyFindings(
            **vars(label_findings(self.analysis)),
            task=self.task.name,
            task_assumed=self.assumed,
            law=self.task.law.name,
            patterns={name: getattr(self.analysis.patterns, name) for name in PATTERNS_EXPLAINED},
            inputs=self.inputs,
            sizes=self.network.architecture.sizes,
            activation=self.network.architecture.activation,
            formula=formula.python,
            formula_line=formula.line,
            formula_latex=formula.latex,
            formula_sympy=formula.sympy_text,
            formula_accepted=formula.accepted,
            formula_reason=formula.reason,
            formula_mse=finite(formula.mse),
            formula_r2=finite(checked and checked.r2),
            formula_r2_far=finite(checked and checked.far_r2),
            formula_points=checked.points if checked else None,
            limit=formula.limit_line,
            limit_latex=formula.limit_latex,
            limit_r2=finite(limit and limit.r2),
            is_task=formula.is_task,
            error_bound=finite(formula.error_bound),
            error_bound_says=formula.bound_says,
            largest_error_seen=finite(formula.largest_seen),
            domain=box and DomainFindings(((box.low, box.high),) * formula.inputs, (box.least, box.most), box.bits),
            complexity=FormulaComplexity(**asdict(measure_complexity(self.network)), formula_numbers=numbers),
            provenance=self.network.provenance,
        )

    def document(self) -> dict[str, JSON]:
        """The findings as JSON."""
        document = to_json(self.findings)
        assert isinstance(document, dict)
        return document


def classify(
    network: TargetNetwork | torch.nn.Module | StrPath,
    config: ClassifyConfig | None = None,
    *,
    check_points: int = POINTS,
) -> Classified:
    """Labels a network, and finds its formula.

    Args:
        network: the network; a module, as `from_torch` reads it; or a file, as `open_network` reads it.
        config: task, law of the inputs, and how carefully.
        check_points: inputs on which the formula is compared with the network.

    Raises:
        InputError: a file or module that breaks a rule, an unknown task or law, or a task that cannot have this number
            of inputs.
    """
    config = ClassifyConfig.given(config)
    if isinstance(network, torch.nn.Module):
        network = from_torch(network, config.activation)
    source = "network" if isinstance(network, TargetNetwork) else str(network)
    network = network if isinstance(network, TargetNetwork) else open_network(network, config.activation)
    data = read_data(config.data, network) if config.data else None
    name = NONE if data else config.task or network.task or "l1-norm"
    if config.task is None and is_function_name(name):
        raise InputError(source, f"names the task {name}; give it as --task: a file may not run code")
    known = None if name == NONE else find_task(name, config.law)
    task = data_task(*data) if data else known or network_task(network, config.law)
    analysis = analyze(network, task, config)
    if data and math.isfinite(analysis.mse):  # on each row once
        mse = float(((network(data[0]) - data[1]) ** 2).mean())
        analysis = replace(analysis, mse=mse, r2=r2_of(mse, data[1]))
    points = points_for(network.architecture.inputs), network.architecture.inputs
    x = task.law.draw(points, torch.Generator().manual_seed(config.seed)).double()
    with np.errstate(over="ignore", invalid="ignore"):
        inputs = measure_inputs(network, x.numpy(), np.random.default_rng([config.seed, 2]))
    formula = describe(network, task, points=check_points, seed=config.seed, attack=config.attack)
    return Classified(network, task, analysis, formula, inputs, not (config.task or network.task or data))


_CODE = Markup('<pre style="overflow-x:auto;line-height:1.45"><code>{}</code></pre>')


def network_section(title: str, name: str, found: Classified) -> Section:
    """The section of a classified network; `name`, of letters, digits and hyphens, begins the ids of its pictures."""
    body = gallery_picture(f"{name}-plan", [("", found.network)]) + matrices(name, found)
    return Section(title, body + formula_block(found) + _labels(found), label_words(found))


def label_words(found: Classified) -> str:
    """The two labels in a sentence."""
    analysis = found.analysis
    both = f"By its weights {analysis.label}, by its outputs {analysis.functional_label}"
    agree = "the two agree" if analysis.agree else "the two disagree"
    broken = "; the structure stands, the function does not" if analysis.broken else ""
    return f"{both}: {agree}{broken}. Confidence {analysis.confidence:.2f}. {analysis.why.capitalize()}."


def matrices(name: str, found: Classified) -> Markup:
    """Weights of every hidden layer, units and inputs in canonical order."""
    ordered = found.analysis.canonical.network
    pictures = [
        matrix_picture(
            f"{name}-matrix-{layer}", ordered.weights[layer], ordered.weights[layer + 1], ordered.biases[layer]
        )
        for layer in range(len(ordered.weights) - 1)
    ]
    return Markup("").join(pictures)


def measures(found: ClassifyFindings) -> list[tuple[str, str, str]]:
    """What the label rests on: names, values and what these say; but for norms, what the first layer looks at."""
    if found.task not in NORMS:
        shares = [(name, percent(value), PATTERNS_EXPLAINED[name]) for name, value in found.patterns.items()]
        return [row for row in shares if row[1] not in ("0%", "<1%")]
    orders = found.order_parameters.items()
    return [(n.replace("_", " "), f"{v:.2f}", EXPLAINED[n]) for n, v in orders if v is not None]


def input_words(found: InputFindings) -> list[str]:
    """Which inputs matter, and the symmetries, in sentences."""
    order = sorted(range(len(found.matter)), key=lambda i: -found.matter[i])
    used = [i for i in order if found.matter[i] >= _MATTERS]
    told = ", ".join(f"x[{i}] {percent(found.matter[i])}" for i in used[:_TOLD]) or "none"
    rest = f", and {len(used) - _TOLD} more" if len(used) > _TOLD else ""
    words = [f"inputs that matter, by their share in the output's variance: {told}{rest}"]
    if idle := [f"x[{i}]" for i in sorted(order) if found.matter[i] < _MATTERS]:
        words.append(f"below {_MATTERS:.1%}: {', '.join(idle[:_TOLD])}{' …' if len(idle) > _TOLD else ''}")
    symmetries = [f"{', '.join(f'x[{i}]' for i in group)} can change places" for group in found.exchangeable]
    if found.sign_free:
        symmetries.append(f"the sign of {', '.join(f'x[{i}]' for i in found.sign_free)} does not matter")
    symmetries += {"even": ["f(-x) = f(x)"], "odd": ["f(-x) = -f(x) but for a constant"]}.get(found.parity, [])
    symmetries += ["one number added to all inputs changes nothing"] if found.translations else []
    return [*words, f"symmetries, within 2 % of the output's spread: {'; '.join(symmetries) or 'none found'}"]


_MATTERS, _TOLD = 1e-3, 8


def _labels(found: Classified) -> Markup:
    findings = found.findings
    rows = measures(findings)
    if findings.task != NONE:
        rows.insert(0, ("mean squared error", f"{found.analysis.mse:.3g}", f"on {findings.task}"))
        rows.insert(0, ("R²", f"{found.analysis.r2:.5f}", "1 - squared error / variance of the outputs"))
    body = Markup("<h3>Measures</h3>") + table(("measure", "", "what it says"), rows)
    told = (Markup("<p>{}.</p>").format(words.capitalize()) for words in input_words(found.inputs))
    return body + (Markup("").join(told) if findings.task not in NORMS else Markup(""))


def formula_block(found: Classified) -> Markup:
    """The formula, its limit, its bound and its check."""
    formula, checked = found.formula, found.formula.checked
    if formula.line is None or checked is None:
        return Markup("<p>No formula: {}.</p>").format(formula.reason)
    said = [f"It explains {percent(checked.r2, 4)} of the network's output on {checked.points:,} inputs"]
    said.append(f"{percent(max(0.0, finite(checked.far_r2) or 0.0), 2)} on inputs ten times as large")
    verdict = "Accepted" if formula.accepted else f"Not accepted: {formula.reason}"
    body = Markup("<h3>Formula</h3>") + _CODE.format(formula.python)
    body += Markup("<p>{}. {}.</p>").format(", ".join(said), verdict)
    if formula.limit_line:
        at = "at every input" if formula.box and formula.box.bits else "symbol by symbol"
        exact = f" This is the task itself, {at}." if formula.is_task else ""
        body += Markup("<p>In the limit <code>{}</code>.{}</p>").format(formula.limit_line, exact)
    if formula.bound_says:
        body += Markup("<p>Proved: <code>{}</code>.</p>").format(formula.bound_says)
    rest = [("LaTeX", formula.latex), ("LaTeX, limit", formula.limit_latex), ("SymPy", formula.sympy_text)]
    return body + Markup("").join(Markup("<h3>{}</h3>").format(t) + _CODE.format(v) for t, v in rest if v)
