"""How often is the analyst of `novacula.hypernet` right on networks whose algorithm is known?

    python benchmarks/hypernet_classifier.py [--draws 25] [--seeds 20] [--json PATH]

Hand-built networks of the L1 norm, with their units in random order and a third of them dead or in the linear part, at
several sizes, clean and with noise of 5 %: relative, every number times 1 + 0.05 z, or additive, every weight plus
0.05 z of the largest weight of its layer. Then networks of the other algorithms, with relative noise; networks of other
functions that pretend to be L1 norms, of which none may get one of its labels; and networks that Adam trains directly
on the default task, 16-48-1, with and without a penalty on weights. Seeds count from 0; 1 thread.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from harness import arguments, machine_line, save, table_head, table_row

from novacula.hypernet.analyst.label import Analysis, analyze
from novacula.hypernet.analyst.norm_label import EXACT
from novacula.hypernet.architecture import Architecture, activation_torch
from novacula.hypernet.build import build
from novacula.hypernet.config import ClassifyConfig
from novacula.hypernet.network import TargetNetwork, with_noise
from novacula.hypernet.tasks import find_task

SHARE = 0.05
SIZES = (4, 8, 16, 32)
LABEL_ONLY = ClassifyConfig(draws=0)
GOALS = {"double-sided": 0.95, "pudding+": 0.90, "pudding-": 0.90}
OTHERS = {
    "neighbor-differences": (4, 8, 16),
    "max-tree": (4, 8, 16),
    "max-log-sum-exp": (4, 8, 16),
    "min-tree": (4, 8, 16),
    "range-tree": (4, 8),
    "median-comparators": (3, 5),
    "sort-comparators": (3, 4),
    "product-squares": (2, 8),
    "product-curvature": (2, 8),
    "product-completion": (2, 8),
    "squares-curvature": (4, 16),
    "squares-frame": (4, 16),
    "l2-bowls": (4, 16),
    "parity-staircase": (4, 8, 16),
    "parity-tree": (4, 8, 16),
    "count-threshold": (5, 16),
    "modular-addition-clock": (10, 22),
    "modular-addition-table": (6, 14),
    "angle-addition-squares": (4,),
}
Noise = Callable[[TargetNetwork, np.random.Generator], TargetNetwork]


@dataclass(frozen=True)
class Row:
    """Networks of one kind: how many got the right label, how many of these are broken, and what the others got."""

    what: str
    networks: int
    right: int
    broken: int
    agree: int
    others: dict[str, int]
    goal: float | None = None

    @property
    def share(self) -> float:
        """The share that is right."""
        return self.right / self.networks


def relative(network: TargetNetwork, generator: np.random.Generator) -> TargetNetwork:
    """Every number times 1 + 0.05 z."""
    return with_noise(network, SHARE, generator)


def additive(network: TargetNetwork, generator: np.random.Generator) -> TargetNetwork:
    """Every weight plus 0.05 z of the largest of its layer; biases as they are."""
    weights = tuple(w + SHARE * np.abs(w).max() * generator.standard_normal(w.shape) for w in network.weights)
    return replace(network, weights=weights)


def clean(network: TargetNetwork, generator: np.random.Generator) -> TargetNetwork:
    """The network."""
    return network


NOISES: dict[str, Noise] = {"clean": clean, "relative": relative, "additive": additive}


def row(what: str, analyses: list[Analysis], right: set[str], goal: float | None = None) -> Row:
    """Count the labels."""
    labels = [analysis.label for analysis in analyses]
    return Row(
        what,
        len(labels),
        sum(label in right for label in labels),
        sum(analysis.broken for analysis in analyses),
        sum(analysis.agree for analysis in analyses),
        dict(Counter(label for label in labels if label not in right)),
        goal,
    )


def hand_built(kind: str, inputs: int, noise: str, draws: int, goal: float | None = None) -> Row:
    """Labels of networks of one kind, each shuffled and with noise of its own."""
    task = find_task(build(kind, inputs).task or "")
    analyses = []
    for seed in range(draws):
        generator = np.random.default_rng([seed, inputs, len(noise)])
        slope = float(generator.choice([5, 10, 20, 40]))
        network = NOISES[noise](build(kind, inputs, seed=seed, slope=slope, shuffle=True), generator)
        analyses.append(analyze(network, task, LABEL_ONLY))
    return row(f"{kind}, n = {inputs}, {noise}", analyses, {kind}, goal)


def impostors() -> Row:
    """Networks of other functions, analyzed as L1 norms."""
    analyses = []
    for kind in OTHERS:
        for inputs in (4, 8, 16):
            network = build(kind, inputs) if kind != "angle-addition-squares" or inputs == 4 else None
            if network is not None and network.architecture.outputs == 1:
                analyses.append(analyze(network, find_task("l1-norm"), LABEL_ONLY))
    return row("other functions as L1 norms", analyses, {a.label for a in analyses} - EXACT - {"convexity"}, 1.0)


def trained(seeds: int, steps: int, penalty: float, task: str = "l1-norm", inputs: int = 16) -> list[TargetNetwork]:
    """Networks with three hidden units for each input that Adam trains directly, all seeds at once."""
    generator, found = torch.Generator().manual_seed(0), find_task(task)
    hidden, outputs = 3 * inputs, found.outputs(inputs)
    rows = (torch.randn(seeds, hidden, inputs, generator=generator) / inputs**0.5).requires_grad_()
    outs = (torch.randn(seeds, outputs, hidden, generator=generator) / hidden**0.5).requires_grad_()
    biases = torch.zeros(seeds, 1, hidden, requires_grad=True)
    constants = torch.zeros(seeds, 1, outputs, requires_grad=True)
    optimizer = torch.optim.Adam([rows, outs, biases, constants], lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    activation = activation_torch("swish")
    for _ in range(steps):
        x = found.law.draw((256, inputs), generator)
        y = activation(x @ rows.mT + biases) @ outs.mT + constants
        loss = ((y - found.function(x)) ** 2).mean((1, 2)).sum() + penalty * (rows.abs().sum() + outs.abs().sum())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    arrays = [part.detach().numpy() for part in (rows, outs, biases[:, 0], constants[:, 0])]
    architecture = Architecture((inputs, hidden, outputs))
    return [TargetNetwork(architecture, (w, v), (b, c), task=task) for w, v, b, c in zip(*arrays, strict=True)]


def directly_trained(seeds: int, steps: int) -> list[Row]:
    """Labels of networks that Adam trained on the L1 norm."""
    found = []
    for penalty in (0.0, 1e-3):
        analyses = [analyze(network, find_task("l1-norm"), LABEL_ONLY) for network in trained(seeds, steps, penalty)]
        r2 = float(np.median([analysis.r2 for analysis in analyses]))
        what = f"Adam{f', L1 penalty {penalty:g}' if penalty else ''}, {steps} steps, median R² {r2:.3f}"
        found.append(row(what, analyses, {"unstructured", "partial"}, None if penalty else 0.95))
    return found


def seconds() -> dict[str, float]:
    """CPU seconds of one whole analysis, confidence included."""
    found = {}
    for kind, inputs in (("double-sided", 16), ("pudding+", 16), ("convexity", 48), ("pudding-", 64), ("max-tree", 16)):
        network = build(kind, inputs)
        task, start = find_task(network.task or ""), time.process_time()
        analyze(network, task)
        found[f"{kind}, n = {inputs}"] = time.process_time() - start
    return found


def main() -> None:
    """Measure and print the tables."""
    options = arguments(__doc__, draws=25, seeds=20, steps=3500)
    torch.set_num_threads(1)
    found = [
        hand_built(kind, inputs, noise, options.draws if noise != "clean" else 5, GOALS.get(kind))
        for kind in ("double-sided", "pudding+", "pudding-", "mixed", "convexity")
        for inputs in SIZES
        for noise in NOISES
    ]
    found += [
        hand_built(kind, inputs, noise, options.draws if noise != "clean" else 3)
        for kind, sizes in OTHERS.items()
        for inputs in sizes
        for noise in ("clean", "relative")
    ]
    found += [impostors(), *directly_trained(options.seeds, options.steps)]
    print(machine_line())
    table_head("networks", "of them", "right", "goal", "broken", "labels agree", "others")
    for line in found:
        others = ", ".join(f"{label} {count}" for label, count in line.others.items())
        goal = f"{line.goal:.0%}" if line.goal else None
        table_row(line.what, line.networks, f"{line.share:.0%}", goal, line.broken, line.agree, others)
    times = seconds()
    for what, spent in times.items():
        print(f"one analysis of {what}: {spent:.2f} s")
    save(options.json, rows=found, seconds=times)


if __name__ == "__main__":
    main()
