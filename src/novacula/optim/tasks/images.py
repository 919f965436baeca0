"""Classifiers of small pictures: linear, one hidden layer, convolutions."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import conv2d, cross_entropy, max_pool2d
from typing_extensions import override

from novacula.optim.tasks.pictures import Pictures, small_digits
from novacula.optim.tasks.task import Problem, layer

Model = Callable[[list[Parameter], Float[Tensor, "images ..."]], Float[Tensor, "images classes"]]
"""Maps parameters and images to logits."""


class Classifier(Problem):
    """Cross-entropy of a model, on batches or on all images at once, with a ridge.

    Args:
        parameters: of the model, at their start.
        model: the model.
        images: in order. The last fifth is held out; without batches none is, and the held-out loss is the training
            loss.
        labels: from 0.
        batch: the number of images of a step, drawn with replacement; None for all images at every step.
        ridge: factor on half the square of all parameters, which is added if there are no batches.
        generator: draws the batches.
    """

    def __init__(
        self,
        parameters: list[Parameter],
        model: Model,
        images: Float[Tensor, "images ..."],
        labels: Int[Tensor, " images"],
        batch: int | None,
        ridge: float,
        generator: torch.Generator,
    ) -> None:
        self.parameters, self._model, self._generator = parameters, model, generator
        self._images, self._labels = images, labels
        self._batch, self._ridge, self._trained = batch, ridge, len(images) * 4 // 5

    @override
    def loss(self) -> Float[Tensor, ""]:
        if self._batch is None:
            ridge = sum((p.square().sum() for p in self.parameters), torch.zeros(()))
            return self._cross_entropy(slice(None)) + 0.5 * self._ridge * ridge
        return self._cross_entropy(torch.randint(self._trained, (self._batch,), generator=self._generator))

    @override
    @torch.no_grad()
    def held_out(self) -> float:
        return float(self.loss() if self._batch is None else self._cross_entropy(slice(self._trained, None)))

    def _cross_entropy(self, which: Tensor | slice) -> Tensor:
        return cross_entropy(self._model(self.parameters, self._images[which]), self._labels[which])


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
