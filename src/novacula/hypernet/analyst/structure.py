"""Dependences of a network's function on its inputs, measured from the function alone. Source: ours."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from novacula.hypernet.network import TargetNetwork

_POINTS = 512


@dataclass(frozen=True)
class Structure:
    """Shares of the function's variation, 0 to 1.

    Attributes:
        separable: 1 where the function is a sum over its inputs; 0 where the effect of an input depends wholly on
            another.
        ridge: 1 where the function depends on the sum of its inputs alone.
        pairwise: 1 where the joint effect of two inputs does not depend on a third.
    """

    separable: float
    ridge: float
    pairwise: float


def measure_structure(
    network: TargetNetwork, x: Float[np.ndarray, "batch inputs"], generator: np.random.Generator
) -> Structure:
    """Returns the structure of a function on independent inputs; x are typical ones.

    Inputs are replaced by those of another row of x, so that the function is used only where it has a meaning.
    """
    count, inputs = min(_POINTS, len(x) // 2), x.shape[1]
    here, there = x[:count], x[count : 2 * count]
    places = np.argsort(generator.random((count, inputs)), axis=1)[:, :3]

    def at(changed: tuple[int, ...]) -> Float[np.ndarray, "rows outputs"]:
        moved, rows = here.copy(), np.arange(count)
        for which in changed:
            moved[rows, places[:, which]] = there[rows, places[:, which]]
        return network(moved)

    start = at(())
    singles = [at((which,)) - start for which in range(min(3, inputs))]
    separable = pairwise = 1.0
    if inputs > 1:
        together = at((0, 1)) - start - singles[0] - singles[1]
        separable = _kept(together, [singles[0], singles[1]])
        if inputs > 2:
            others = [at(two) - start - singles[two[0]] - singles[two[1]] for two in ((0, 2), (1, 2))]
            three = at((0, 1, 2)) - start - sum(singles) - together - sum(others)
            # What is separable is pairwise, too, whatever rounding makes of effects that are not there.
            pairwise = max(separable, _kept(three, [together, *others]))
    return Structure(separable, _ridge(network, here, there, generator), pairwise)


def _kept(rest: Float[np.ndarray, "rows outputs"], parts: list[Float[np.ndarray, "rows outputs"]]) -> float:
    """1 less the size of a joint effect, over the mean of those that it joins."""
    size = float(np.mean([(part**2).mean() for part in parts]))
    return float(np.clip(1 - (rest**2).mean() / size, 0, 1)) if size > 0 else 1.0


def _ridge(
    network: TargetNetwork,
    here: Float[np.ndarray, "rows inputs"],
    there: Float[np.ndarray, "rows inputs"],
    generator: np.random.Generator,
) -> float:
    """1 less the share of the variance that other inputs of the same sum make: of bits, these in other order."""
    if len(np.unique(here)) <= 3:
        moved = generator.permuted(here, axis=1)
    else:
        moved = there + (here.mean(1) - there.mean(1))[:, None]
    start = network(here)
    variance = float(start.var(0).mean())
    return float(np.clip(1 - ((network(moved) - start) ** 2).mean() / (2 * variance), 0, 1)) if variance > 0 else 1.0
