"""What a network's function shows by itself: its shape, and its dependences on the inputs. Source: ours.

The kink at 0 of input i is κ_i(δ) = [y(x + δe_i) + y(x - δe_i) - 2y(x)]/(2δ) where x_i = 0, averaged over x: 1 at every
δ for the L1 norm, proportional to δ for what is smooth, or has its kinks elsewhere."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from novacula.hypernet.analyst.thresholds import THRESHOLDS
from novacula.hypernet.network import TargetNetwork

_LEAST, _MOST = 2, 256
_FAR = 1e4
ROUNDING = 1e-14  #: a share of the size of a sum, below which what varies is rounding
_SLIGHT = 1e-9  #: a kink that counts as none, as a share of the spread of the outputs
_CANCELS = 1e-12  #: the mean of some numbers, as a share of the largest, below which they cancel


@dataclass(frozen=True)
class Kinks:
    """The shape of a scalar function of n inputs, at steps of the inputs' standard deviation s."""

    near: Float[np.ndarray, " inputs"]  #: κ_i at s
    wide: Float[np.ndarray, " inputs"]  #: κ_i at 2s
    anisotropy: float
    """The mean of κ_i at s/2, over that of κ in random directions: 1 for bowls, about 5 for the L1 norm."""
    concavity: float  #: among second differences in random directions, the share of negative ones, by magnitude
    odd: Float[np.ndarray, " inputs"]
    """[y(z e_i) - y(-z e_i)]/z for one input z far out, over the mean of `wide`: t of the family |x| = (1 + t) r(x)
    + (1 - t) r(-x) - t x, if units that leave their linear part out there carry the linear term."""

    @property
    def at_0(self) -> Bool[np.ndarray, " inputs"]:
        """For every input, whether the function has a kink at 0, of about the same height as elsewhere."""
        few, height = len(self.wide) < THRESHOLDS.few, float(np.median(self.wide))
        if height <= 0:
            return np.zeros(len(self.wide), bool)
        alike = (self.wide > THRESHOLDS.least_slope * height) & (self.wide < THRESHOLDS.greatest_slope * height)
        return alike & (self.near > (THRESHOLDS.sharp_of_few if few else THRESHOLDS.sharp) * self.wide)

    @property
    def sharpness(self) -> float:
        """The mean of κ at s over κ at 2s."""
        return float(self.near.mean() / self.wide.mean()) if self.wide.mean() else 0.0


def measure_kinks(network: TargetNetwork, x: Float[np.ndarray, "batch inputs"]) -> Kinks:
    """Returns the shape of the network's first output; x are inputs of its law."""
    inputs, step = x.shape[1], float(x.std()) or 1.0
    points = x[: min(max(len(x) // inputs, _LEAST), _MOST)]
    axes = np.repeat(np.eye(inputs), len(points), axis=0)
    base = np.tile(points, (inputs, 1)) * (1 - axes)
    origin, spread = network(base)[:, 0], float(network(x)[:, 0].std())
    rounding = max(_SLIGHT * spread, 10 * ROUNDING * network.size(base)) / step

    def kinks(size: float) -> Float[np.ndarray, " inputs"]:
        ends = network(base + size * axes)[:, 0] + network(base - size * axes)[:, 0]
        found = ((ends - 2 * origin) / (2 * size)).reshape(inputs, -1).mean(1)
        return np.where(np.abs(found) > rounding, found, 0.0)

    near, wide, close = kinks(step), kinks(2 * step), kinks(step / 2)
    bends = _random_bends(network, x, step / 2)
    level, total = float(bends.mean()), float(np.abs(bends).sum())
    anisotropy = float(close.mean()) / level if abs(level) > 1e-9 * float(np.abs(close).max()) else 0.0
    concavity = float(np.maximum(-bends, 0).sum()) / total if total > 0 else 0.0
    far = _FAR * step * np.eye(inputs)
    height = float(wide.mean())
    odd = (network(far) - network(-far))[:, 0] / (_FAR * step)
    upright = abs(height) > _CANCELS * float(np.abs(wide).max())
    return Kinks(near, wide, anisotropy, concavity, odd / height if upright else np.zeros(inputs))


def _random_bends(
    network: TargetNetwork, x: Float[np.ndarray, "batch inputs"], size: float
) -> Float[np.ndarray, " lines"]:
    """Second differences in directions that the inputs' own differences give, about points with no part in them."""
    lines = x[: 4 * (len(x) // 4)].reshape(2, -1, x.shape[1])
    ways = lines[0] - lines[0].mean(0)
    ways = ways / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-300)
    base = lines[1] - (lines[1] * ways).sum(1, keepdims=True) * ways
    ends = network(base + size * ways)[:, 0] + network(base - size * ways)[:, 0]
    return (ends - 2 * network(base)[:, 0]) / (2 * size)


_POINTS = 512


@dataclass(frozen=True)
class Structure:
    """Shares of the function's variation, 0 to 1."""

    separable: float
    """1 where the function is a sum over its inputs; 0 where the effect of an input depends wholly on another."""
    ridge: float  #: 1 where the function depends on the sum of its inputs alone
    pairwise: float  #: 1 where the joint effect of two inputs does not depend on a third


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


_MOST_EXCHANGED = 64
_EVALUATIONS, _MOST_POINTS = 2**16, 2**14


@dataclass(frozen=True)
class InputFindings:
    """What a function's inputs are to it, counted from 0. "No change" is one below 2 % of each output's spread."""

    matter: tuple[float, ...]
    """For each input, the share of the outputs' variance that goes with it, alone or with others (the total index of
    Sobol): 0 where it does not matter, and 1 for the only one that does. Their error is about 0.01 with up to 8 inputs,
    0.02 with 32, and 0.05 with many."""
    exchangeable: tuple[tuple[int, ...], ...] = ()
    """Groups of inputs that can change places, of those that matter; looked for among 64 at most."""
    sign_free: tuple[int, ...] = ()  #: inputs that matter, and whose sign does not
    parity: Literal["even", "odd", "neither"] = "neither"  #: whether f(-x) is f(x), or -f(x) but for a constant
    translations: bool = False  #: whether one number added to all inputs changes nothing


def points_for(inputs: int) -> int:
    """Returns the number of points on which `measure_inputs` uses a network: the more, the fewer inputs it has."""
    return min(max(_EVALUATIONS // inputs, _POINTS), _MOST_POINTS)


def measure_inputs(
    network: TargetNetwork, x: Float[np.ndarray, "batch inputs"], generator: np.random.Generator
) -> InputFindings:
    """Returns what the inputs are to a network; x are typical ones. Of bits, signs and translations mean nothing."""
    inputs = x.shape[1]
    here = x[: points_for(inputs)]
    count = len(here)
    start = network(here)
    spread, rounding = start.var(0), (ROUNDING * network.size(here)) ** 2
    variance = float(spread.sum())
    if not np.isfinite(start).all() or variance <= rounding:
        return InputFindings((0.0,) * inputs)

    def small(squares: Float[np.ndarray, " outputs"]) -> bool:
        return bool((squares[spread > rounding] < THRESHOLDS.symmetric**2 * spread[spread > rounding]).all())

    def put(place: int, values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, "rows inputs"]:
        return np.where(np.arange(inputs) == place, values[:, None], here)

    def same(changed: Float[np.ndarray, "rows inputs"]) -> bool:
        return small(((network(changed) - start) ** 2).mean(0))

    def share(place: int) -> float:
        # The other value comes from another row of the same sample: so the errors of both variances cancel.
        shifts = range(1, 5 if count > _POINTS else 2)
        changed = (network(put(place, np.roll(here[:, place], shift))) for shift in shifts)
        return min(1.0, float(np.mean([((y - start) ** 2).mean(0).sum() for y in changed])) / variance / 2)

    shares = [share(i) for i in range(inputs)]
    alone = sum(each > 0 for each in shares) == 1
    matter = tuple(float(each > 0) if alone else each for each in shares)
    used = [i for i in range(inputs) if matter[i] > THRESHOLDS.symmetric**2]
    groups: list[list[int]] = []
    for i in used[:_MOST_EXCHANGED]:
        order = np.arange(inputs)
        for group in groups:
            order[[i, group[0]]] = order[[group[0], i]]
            if same(here[:, order]):
                group.append(i)
                break
            order[[i, group[0]]] = order[[group[0], i]]
        else:
            groups.append([i])
    exchangeable = tuple(tuple(group) for group in groups if len(group) > 1)
    if len(np.unique(here)) <= 3:
        return InputFindings(matter, exchangeable)
    odd = small((network(-here) + start).var(0))
    step = generator.standard_normal((count, 1)) * x.std()
    return InputFindings(
        matter,
        exchangeable,
        tuple(i for i in used if same(put(i, -here[:, i]))),
        "even" if same(-here) else "odd" if odd else "neither",
        same(here + step),
    )


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
