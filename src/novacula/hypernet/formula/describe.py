"""From a network to a formula: `describe`.

A network is read (`draft`): units by what they look at (`shallow`), roles with one set of values each, fitted again
(`roles`), the first form that does no worse, and its limit (`limit`); networks of several hidden layers by `deep`. What
was read is then judged here: by a check of what is written against the network (`check`) and a proved bound (`bound`).
"""

import numpy as np
import torch

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.analyst.units import can_be_measured
from novacula.hypernet.formula.bound import Box, error_bound
from novacula.hypernet.formula.check import POINTS, check
from novacula.hypernet.formula.deep import deep_bound
from novacula.hypernet.formula.draft import Draft, read_formula
from novacula.hypernet.formula.formula import Formula, columns
from novacula.hypernet.formula.known import is_known
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.tasks import Task

_FIT_POINTS = 1500
_LIMIT_POINTS = 20_000
_MOST_NUMBERS = 30_000_000
"""Numbers of a layer on all points: wide networks are checked on fewer."""


def describe(network: TargetNetwork, task: Task, *, points: int = POINTS, seed: int = 0) -> Formula:
    """Finds a formula of a network, and checks it.

    Args:
        network: any; those with one hidden layer are read by their roles, deeper ones if their weights are simple.
        task: what it should compute, and the law of the inputs.
        points: inputs on which formula and network are compared; fewer where layers are wider than 300 units.
        seed: of the inputs.

    Returns:
        A formula, accepted or not; or the reason why there is none.

    Source: arXiv 2312.03051 reads formulas from drawings; the method here is ours.
    """
    n = network.architecture.inputs
    points = max(1000, min(points, _MOST_NUMBERS // max(network.architecture.sizes)))
    generator = torch.Generator().manual_seed(seed)
    drawn = task.law.draw((points + _FIT_POINTS, n), generator).double().numpy()
    fit_x, x = drawn[:_FIT_POINTS], drawn[_FIT_POINTS:]
    if not can_be_measured(network) or not np.isfinite(network(fit_x)).all():
        return Formula(n, reason="the network explodes, or has weights beyond 10^30")
    draft = read_formula(network, task, fit_x)
    if draft is None:
        return Formula(n, reason="the weights fall into no roles: every unit would need a term of its own")
    return _judged(network, task, draft, x)


def _judged(network: TargetNetwork, task: Task, draft: Draft, x: np.ndarray) -> Formula:
    n, limits = x.shape[1], draft.limits
    y = np.concatenate([network(part) for part in np.array_split(x, max(1, len(x) // 20_000))])
    checked = check(lambda inputs: columns(draft.outputs, inputs), network, x, y)
    limit_checked = None
    if limits:
        limit_checked = check(lambda inputs: columns(limits, inputs), network, x[:_LIMIT_POINTS], y[:_LIMIT_POINTS])
    wanted = task.function(torch.from_numpy(x)).double().numpy().reshape(len(x), -1)
    mse, network_mse = (float(((got - wanted) ** 2).mean()) for got in (columns(draft.outputs, x), y))
    variance = float(((wanted - wanted.mean(0)) ** 2).mean())
    reason = draft.caveat
    if mse > THRESHOLDS.rise * network_mse + 1e-9 * variance:
        reason = reason or f"the formula's squared error is {mse:.3g}, the network's {network_mse:.3g}"
    elif not checked.holds:
        reason = reason or f"the formula explains {checked.r2:.1%} of the network's output"
    box = Box.around(x)
    bounds = [error_bound(*part, box) for part in draft.parts]
    bounds += [deep_bound(network, draft.deep, box.farthest)] if draft.deep else []
    return Formula(
        n,
        draft.outputs,
        accepted=not reason,
        reason=reason,
        mse=mse,
        network_mse=network_mse,
        checked=checked,
        limits=limits,
        limit_checked=limit_checked,
        is_task=is_known(limits or draft.outputs, task, n),
        error_bound=max(bounds) if bounds and not draft.caveat else None,
        box=box,
        values=draft.values,
    )
