"""A family of clouds: a shape, noise, units, and whether it is irreducible."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Sampler = Callable[[np.random.Generator, int], Float[np.ndarray, "n d"]]  #: draws so many points of a shape


@dataclass(frozen=True)
class Family:
    """Clouds of one shape, each stretched along its own axes, turned, shifted and scaled at random."""

    name: str  #: of the shape
    irreducible: bool  #: whether the shape, without noise, is irreducible by the definition of arXiv 2405.14860
    why: str  #: the argument for it
    shape: Sampler  #: draws its points
    held_out: bool = False  #: whether it was left out when the score and its threshold were chosen
    noise: float = 0.1
    """Largest standard deviation of isotropic noise, of the root-mean-square radius; each cloud draws its own."""
    stretch: float = 2.0  #: largest ratio of two axes; a product stays a product, a circle becomes an ellipse

    def draw(self, generator: np.random.Generator, n: int) -> Float[np.ndarray, "n d"]:
        """A cloud of n points in random units and in random order."""
        points = generator.permutation(self.shape(generator, n))
        d = points.shape[1]
        points = points * self.stretch ** generator.uniform(-0.5, 0.5, d)
        radius = np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())
        noise = radius * generator.uniform(0, self.noise) / np.sqrt(d)
        points = points + noise * generator.standard_normal((n, d))
        turn = np.linalg.qr(generator.standard_normal((d, d)))[0]
        return 10 ** generator.uniform(-2, 2) * (points @ turn + radius * generator.standard_normal(d))
