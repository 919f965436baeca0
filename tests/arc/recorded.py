"""Values recorded from the published program, brought into the layout of this package."""

from pathlib import Path

import numpy as np
import torch

from novacula.arc.network.multitensor import AXES, MEMORY_AXES, SUBSETS, Subset, subset
from novacula.arc.network.parameters import Layout, class_count, class_table


class Recorded:
    """One file of recorded values; its keys are explained beside it."""

    def __init__(self, path: Path) -> None:
        self.values = dict(np.load(path, allow_pickle=False))

    def matrix(self, key: str, s: Subset) -> torch.Tensor:
        """A multitensor member as ``channels × positions``."""
        array = self.values[key]
        axes = [axis for axis in AXES if s.has(axis)]
        order = [axes.index(axis) for axis in MEMORY_AXES if s.has(axis)]
        return torch.as_tensor(
            array.transpose([array.ndim - 1, *order]).reshape(array.shape[-1], -1).astype(np.float64)
        )

    def multitensor(self, key: str) -> torch.Tensor:
        """All 18 members of `key`, whose ``*`` stands for their bits, side by side."""
        return torch.cat([self.matrix(key.replace("*", str(s)), s) for s in SUBSETS], 1)

    def parameter(self, name: str, prefix: str = "") -> torch.Tensor:
        """A parameter, or with ``prefix="grad."`` its gradient, in the shape that `Layout` gives it."""
        if name == "latent.target":
            columns = [self.values[f"{prefix}latent.{s}.target"] for s in SUBSETS]
            return torch.as_tensor(np.stack(columns, 1).astype(np.float64))
        if name.startswith("latent."):
            return self.multitensor(f"{prefix}latent.*.{name.removeprefix('latent.')}")
        array = self.values[prefix + name].astype(np.float64)
        if ".direction." not in name:
            return torch.as_tensor(array.T.copy())
        s = subset(name.split(".")[2])
        maps = [array[tuple(np.argwhere(class_table(s) == index)[0])].T for index in range(class_count(s))]
        return torch.as_tensor(np.stack(maps))

    def fill(self, layout: Layout, flat: torch.Tensor) -> None:
        """Write all recorded parameters into the flat vector."""
        for name in layout.entries:
            layout.slice(flat, name).copy_(self.parameter(name))
