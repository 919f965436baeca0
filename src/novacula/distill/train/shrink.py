"""Smaller networks that do nearly the same: states in fewer numbers, transitions with fewer units. Source: ours."""

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
