"""The parameters at earlier training steps, which a run keeps among its artifacts."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from novacula.files import read_safetensors, write_safetensors
from novacula.hypernet.training.curve import Curve
from novacula.runs import RunFolder

_PLACE = "weights/{step:08d}.safetensors"
_MAX_BYTES = 4_000_000_000
_PER_DECADE = 4


def steps_to_keep(steps: int) -> frozenset[int]:
    """Returns the steps of a training whose parameters are kept: 10, 18, 32, 56, 100 and so on."""
    exponents = range(_PER_DECADE, 1 + int(_PER_DECADE * np.log10(max(steps, 10))))
    return frozenset(step for step in (round(10 ** (k / _PER_DECADE)) for k in exponents) if step < steps)


def keep_weights(folder: RunFolder, step: int, flat: Float[Tensor, "members size"], curve: Curve) -> None:
    """Writes parameters and curve of a step."""
    arrays = {"flat": flat.detach().numpy()} | {name: np.array(rows) for name, rows in vars(curve).items()}
    write_safetensors(folder.artifact(_PLACE.format(step=step)), arrays)


def kept_steps(folder: RunFolder) -> list[int]:
    """Returns the earlier steps whose parameters are in the folder, ascending."""
    return sorted(int(path.stem) for path in folder.artifact(_PLACE.format(step=0)).parent.glob("*.safetensors"))


def read_weights(folder: RunFolder, step: int) -> tuple[Float[Tensor, "members size"], Curve]:
    """Returns the parameters and the curve of a kept step.

    Raises:
        InputError: the file is damaged.
    """
    arrays = read_safetensors(folder.artifact(_PLACE.format(step=step)), max_bytes=_MAX_BYTES)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return tensors.pop("flat"), Curve.of(**tensors)
