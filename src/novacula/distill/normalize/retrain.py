"""Least squares on a network's weights, some of them held fixed, by Levenberg and Marquardt's method.

Jacobians are exact: the derivatives of the state by the weights are carried forward in time.

Source: Levenberg 1944, Marquardt 1963; integers are arXiv 2402.05110's quantization, and weights held
fixed its masked retraining.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from novacula.distill.networks.network import Activation, Layer, Network, activate
from novacula.distill.sources.sequences import Sequences
from novacula.runs import check_time

_STEPS, _DAMPINGS = 20, 12  # the most for each length, and for each step
_LENGTHS = (1, 2, 3, 5, 7)
LARGEST = 1000  #: free weights beyond which a network is left as it is: every step solves a system of their number


def flat_weights(network: Network) -> Float[np.ndarray, " weights"]:
    """Returns all weights, layer after layer of f, then of g: each a matrix by rows, then its bias."""
    return np.concatenate([part for layer in (*network.f, *network.g) for part in (layer.weight.ravel(), layer.bias)])


def with_weights(network: Network, flat: Float[np.ndarray, " weights"]) -> Network:
    """Returns the network of the same shape with other weights, in the order of `flat_weights`."""
    layers, at = [], 0
    for layer in (*network.f, *network.g):
        rows, columns = layer.weight.shape
        end = at + rows * columns
        layers.append(Layer(flat[at:end].reshape(rows, columns), flat[end : end + rows]))
        at = end + rows
    return replace(network, f=tuple(layers[: len(network.f)]), g=tuple(layers[len(network.f) :]))


def retrained(network: Network, sequences: Sequences, free: Bool[np.ndarray, " weights"] | None = None) -> Network:
    """Returns the network after a few steps towards the least squared error, on ever longer beginnings of the rows.

    A network of more than `LARGEST` free weights is returned as it is.

    Args:
        network: where it starts.
        sequences: what its outputs should be; a few hundred rows are enough.
        free: which weights may move, in the order of `flat_weights`; all by default.
    """
    flat = flat_weights(network)
    free = np.ones(len(flat), bool) if free is None else free
    longest = sequences.x.shape[1]
    if not 0 < free.sum() <= LARGEST:
        return network
    for length in sorted({min(length, longest) for length in _LENGTHS} | {longest}):
        flat = _descended(network, sequences, flat, free, length)
    return with_weights(network, flat)


def _descended(network: Network, sequences: Sequences, flat: np.ndarray, free: np.ndarray, length: int) -> np.ndarray:
    x, y = sequences.x[:, :length], sequences.y[:, :length]
    inside = np.repeat(sequences.inside[:, :length].reshape(-1), y.shape[2])
    damping = 1e-3
    residual, jacobian = _linearized(with_weights(network, flat), x, y)
    for _ in range(_STEPS):
        residual, jacobian = residual[inside], jacobian[inside][:, free]
        loss = residual @ residual
        if loss < 1e-24 * len(residual):
            break
        square, gradient = jacobian.T @ jacobian, jacobian.T @ residual
        scale = np.diag(square).max() * np.eye(len(square))
        for _ in range(_DAMPINGS):
            check_time()
            trial = flat.copy()
            trial[free] -= np.linalg.solve(square + damping * 1e-3 * scale, gradient)
            after = (with_weights(network, trial).outputs_of(x) - y).reshape(-1)[inside]
            better = after @ after
            if better < loss:
                break
            damping *= 5
        else:
            break
        flat, damping = trial, max(damping / 10, 1e-12)
        if better > 0.999 * loss:
            break
        residual, jacobian = _linearized(with_weights(network, flat), x, y)
    return flat


def _linearized(network: Network, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The errors of all outputs and their derivatives by all weights, by carrying the state's derivatives forward."""
    rows, time, size = len(x), x.shape[1], network.size
    inner = sum(layer.weight.size + layer.bias.size for layer in network.f)
    total = inner + sum(layer.weight.size + layer.bias.size for layer in network.g)
    state, slope = np.zeros((rows, size)), np.zeros((rows, size, inner))
    errors = np.empty((rows, time, network.outputs))
    slopes = np.zeros((rows, time, network.outputs, total))
    for at in range(time):
        state, by_input, by_weight = _derivatives(network.f, np.concatenate([state, x[:, at]], 1), network.activation)
        slope = by_input[:, :, :size] @ slope + by_weight
        output, by_state, by_weight = _derivatives(network.g, state, network.activation)
        errors[:, at] = output - y[:, at]
        slopes[:, at, :, :inner] = by_state @ slope
        slopes[:, at, :, inner:] = by_weight
    return errors.reshape(-1), slopes.reshape(-1, total)


def _derivatives(
    layers: tuple[Layer, ...], values: np.ndarray, activation: Activation
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The outputs of a perceptron, and their derivatives by its inputs and by its weights."""
    inputs = [values]
    for layer in layers[:-1]:
        inputs.append(activate(layer(inputs[-1]), activation))
    result = layers[-1](inputs[-1])
    back = np.broadcast_to(np.eye(result.shape[1]), (len(values), result.shape[1], result.shape[1]))
    parts: list[np.ndarray] = []
    for place in reversed(range(len(layers))):
        by_weight = np.einsum("roi,rj->roij", back, inputs[place]).reshape(*back.shape[:2], -1)
        parts = [by_weight, back, *parts]
        back = back @ layers[place].weight
        if place:
            back = back * _slope(inputs[place], activation)[:, None]
    return result, back, np.concatenate(parts, axis=2)


def _slope(activated: np.ndarray, activation: Activation) -> np.ndarray:
    """The derivative of an activation, in terms of its value."""
    if activation == "relu":
        return (activated > 0).astype(float)
    return 1 - activated**2 if activation == "tanh" else activated * (1 - activated)


def quantized(network: Network) -> Network:
    """Returns the network with every weight and bias rounded that is at most 0.01 from an integer."""
    flat = flat_weights(network)
    return with_weights(network, np.where(np.abs(flat - np.rint(flat)) <= 0.01, np.rint(flat) + 0.0, flat))
