"""Perfect networks made smaller, or exact at once.

States go into fewer numbers, and transitions into fewer units. A perfect network whose states have noise is the noisy
picture of an automaton: its states lie near a few points, and the input alone decides which point follows which. The
nearest network for which this holds exactly is found without training, since the next state is linear in the last
layer's weights. Source: ours, after an idea in the discussion of arXiv 2402.05110.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from novacula.distill.train.parameters import Parameters, states


def project(parameters: Parameters, features: Float[np.ndarray, "rows time features"], size: int) -> Parameters:
    """Returns the network whose states are projected onto their strongest directions."""
    p = parameters
    reached = states(p, features).reshape(-1, p.size)
    _, basis = np.linalg.eigh(reached.T @ reached)
    into = basis[:, ::-1][:, :size]
    out = into / np.maximum(np.sqrt(((reached @ into) ** 2).mean(axis=0)), 1e-9)
    back = into * np.maximum(np.sqrt(((reached @ into) ** 2).mean(axis=0)), 1e-9)
    return Parameters(
        recur=p.recur @ back,
        drive=np.concatenate([p.drive[: p.width], out.T @ p.drive[p.width :]]),
        carry=out.T @ np.concatenate([p.carry[:, : p.size] @ back, p.carry[:, p.size :]], axis=1),
        read=np.concatenate([p.read[:, :-1] @ back, p.read[:, -1:]], axis=1),
    )


def eliminate(parameters: Parameters, features: Float[np.ndarray, "rows time features"], width: int) -> Parameters:
    """Returns the network without the units that the others can best replace, removed one after the other.

    The next state is linear in the state, the features and the units; those that are left are fitted to it again.
    """
    reached, shown = states(parameters, features), features.reshape(-1, features.shape[2])
    before, after = (part.reshape(-1, parameters.size) for part in (reached[:, :-1], reached[:, 1:]))
    return eliminate_rows(parameters, before, shown, after, width)


def eliminate_rows(
    parameters: Parameters,
    before: Float[np.ndarray, "transitions size"],
    shown: Float[np.ndarray, "transitions features"],
    after: Float[np.ndarray, "transitions size"],
    width: int,
) -> Parameters:
    """Does what `eliminate` does, given the transitions that must be kept."""
    p = parameters
    units = np.maximum(before @ p.recur.T + shown @ p.drive[: p.width].T, 0)
    table = np.concatenate([before, shown, units], axis=1)
    kept = list(range(table.shape[1]))
    first_unit = p.size + shown.shape[1]
    gram, target = table.T @ table / len(table), table.T @ after / len(table)
    gram += 1e-8 * np.diag(np.diag(gram) + 1e-9)
    while len(kept) > first_unit + width:
        inverse = np.linalg.inv(gram[np.ix_(kept, kept)])
        solution = inverse @ target[kept]
        cost = (solution**2).sum(axis=1) / np.diag(inverse)
        del kept[first_unit + int(np.argmin(cost[first_unit:]))]
    solution = np.linalg.lstsq(gram[np.ix_(kept, kept)], target[kept], rcond=None)[0].T
    chosen = np.array(kept[first_unit:], dtype=int) - first_unit
    drive_state = solution[:, p.size : first_unit]
    return Parameters(
        recur=p.recur[chosen],
        drive=np.concatenate([p.drive[chosen], drive_state]),
        carry=np.concatenate([solution[:, : p.size], solution[:, first_unit:]], axis=1),
        read=p.read,
    )


_RADII = (0.5, 0.4, 0.3, 0.22, 0.16, 0.12, 0.08, 0.05, 0.02)
"""Distances up to which states belong to a point, in units of the states' root mean square, the largest first."""
_MAX_POINTS = 150
_EXACT = 1e-9


@dataclass(frozen=True)
class Points:
    """The automaton in the states of a network."""

    centers: Float[np.ndarray, "points size"]  #: the points; the first is the state before the first input
    before: np.ndarray  #: the point that each different transition leaves
    features: Float[np.ndarray, "transitions features"]  #: features of the input that it reads
    after: np.ndarray  #: the point that it reaches


def find_points(
    parameters: Parameters,
    features: Float[np.ndarray, "rows time features"],
    targets: Float[np.ndarray, "rows time outputs"],
) -> Points | None:
    """Returns the fewest points that explain the states; None where these are too many, or still grow at the end."""
    reached = states(parameters, features)
    flat = reached[:, 1:].reshape(-1, parameters.size)
    scale = float(np.sqrt((flat**2).sum(axis=1).mean()))
    shown = features.reshape(-1, features.shape[2])
    symbols, symbol = np.unique(shown, axis=0, return_inverse=True)
    for radius in _RADII:
        leaders = _leaders(flat, radius * scale)
        if leaders is None:
            return None
        # The start is a point of its own, since it must be exactly zero.
        after = 1 + np.argmin(((flat[:, None] - leaders) ** 2).sum(axis=2), axis=1)
        path = np.concatenate([np.zeros((len(features), 1), int), after.reshape(features.shape[:2])], axis=1)
        key = path[:, :-1].reshape(-1) * len(symbols) + symbol.reshape(-1)
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        wanted = targets.reshape(len(after), -1)
        outputs = np.zeros((after.max() + 1, wanted.shape[1]))
        points, firsts = np.unique(after, return_index=True)
        outputs[points] = wanted[firsts]
        settled = path.shape[1] * 2 // 3
        if len(np.unique(path[:, :settled])) < len(leaders) + 1:
            continue
        if (after[first][group] == after).all() and np.allclose(outputs[after], wanted):
            centers = np.stack([flat[after == point].mean(axis=0) for point in range(1, len(leaders) + 1)])
            centers = np.concatenate([np.zeros((1, parameters.size)), _with_outputs(parameters, centers, outputs[1:])])
            return Points(centers, path[:, :-1].reshape(-1)[first], shown[first], after[first])
    return None


def snap(parameters: Parameters, points: Points, width: int | None = None) -> Parameters | None:
    """Returns the nearest network that goes from point to point exactly, or None where it has too few units for that.

    Args:
        parameters: the network.
        points: of its states.
        width: units that are kept; the others are eliminated first. None: all.
    """
    before, wanted = points.centers[points.before], points.centers[points.after]
    if width is not None:
        parameters = eliminate_rows(parameters, before, points.features, wanted, width)
    p = parameters
    units = np.maximum(before @ p.recur.T + points.features @ p.drive[: p.width].T, 0)
    table = np.concatenate([before, units, points.features], axis=1)
    last = np.concatenate([p.carry, p.drive[p.width :]], axis=1)
    for _ in range(3):  # the second and third time against the rounding errors of the first
        last = last + np.linalg.lstsq(table, wanted - table @ last.T, rcond=1e-12)[0].T
    if not np.abs(table @ last.T - wanted).max() <= _EXACT * np.abs(wanted).max():
        return None
    carry, drive = last[:, : p.size + p.width], last[:, p.size + p.width :]
    return replace(p, carry=carry, drive=np.concatenate([p.drive[: p.width], drive]))


def _leaders(flat: np.ndarray, radius: float) -> np.ndarray | None:
    """States of which every other is within the radius of one; None where there are too many."""
    chosen = []
    far = np.ones(len(flat), bool)
    while far.any():
        leader = flat[np.argmax(far)]
        chosen.append(leader)
        if len(chosen) > _MAX_POINTS:
            return None
        far &= ((flat - leader) ** 2).sum(axis=1) > radius**2
    return np.array(chosen)


def _with_outputs(parameters: Parameters, centers: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """The points, moved as little as is needed for the readout to be exact there."""
    matrix, offset = parameters.read[:, :-1], parameters.read[:, -1]
    for _ in range(2):
        centers = centers + (outputs - centers @ matrix.T - offset) @ np.linalg.pinv(matrix).T
    return centers
