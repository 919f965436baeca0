"""Functions of bits, and addition modulo p. Source: well known; the Fourier form, from networks trained on it."""

import numpy as np

from novacula.hypernet.architecture import Architecture
from novacula.hypernet.config import BuildConfig
from novacula.hypernet.known.circuit import Circuit
from novacula.hypernet.network import TargetNetwork


def parity_staircase(config: BuildConfig) -> TargetNetwork:
    """With s bits set: r(s) - 2 r(s - 1) + 2 r(s - 2) - …, up and down between 0 and 1."""
    circuit = Circuit(config.inputs, config.activation, config.slope)
    total = dict.fromkeys(range(config.inputs), 1.0)
    terms = {circuit.unit(total, -float(step)): (2.0 if step else 1.0) * (-1) ** step for step in range(config.inputs)}
    circuit.layer([terms])
    return circuit.network("parity")


def parity_tree(config: BuildConfig) -> TargetNetwork:
    """|a - b| of every pair of bits, then of every pair of these, and so on."""
    circuit, bits = Circuit(config.inputs, config.activation, config.slope), config.inputs
    while bits > 1:
        sums = []
        for first in range(0, bits - 1, 2):
            difference, opposite = {first: 1.0, first + 1: -1.0}, {first: -1.0, first + 1: 1.0}
            sums.append({circuit.unit(difference): 1.0, circuit.unit(opposite): 1.0})
        sums += [circuit.carried(bits - 1)] if bits % 2 else []
        circuit.layer(sums)
        bits = len(sums)
    return circuit.network("parity")


def majority_threshold(config: BuildConfig) -> TargetNetwork:
    """With s bits set and m the least majority: r(s - m + 1) - r(s - m)."""
    circuit, least = Circuit(config.inputs, config.activation, config.slope), config.inputs // 2 + 1
    total = dict.fromkeys(range(config.inputs), 1.0)
    circuit.layer([{circuit.unit(total, 1.0 - least): 1.0, circuit.unit(total, -float(least)): -1.0}])
    return circuit.network("majority")


def clock(config: BuildConfig) -> TargetNetwork:
    """1/p Σ cos(2πk(a + b - c)/p) over all k, the products of waves by the activation z²."""
    p = config.inputs // 2
    digits, rows, outs = np.arange(p), [], []
    for k in range(1, p // 2 + 1):
        share = (1 if 2 * k == p else 2) / p
        cosine, sine = np.cos(2 * np.pi * k * digits / p), np.sin(2 * np.pi * k * digits / p)
        for first, second, out in ((cosine, cosine, cosine), (sine, sine, -cosine), (sine, cosine, sine)):
            pairs = [(first, second)] if first is second else [(first, second), (second, first)]
            for left, right in pairs:
                rows += [np.concatenate([left, right]), np.concatenate([left, -right])]
                outs += [share * out / 4, -share * out / 4]
    weights = (np.array(rows), np.array(outs).T)
    architecture = Architecture((2 * p, len(rows), p), "square")
    return TargetNetwork(architecture, weights, (np.zeros(len(rows)), np.full(p, 1 / p)), task="modular-addition")


def table(config: BuildConfig) -> TargetNetwork:
    """A unit r(x_a + y_b - 1) for every pair of digits, joined to the digit of their sum."""
    circuit, p = Circuit(config.inputs, config.activation, config.slope), config.inputs // 2
    sums: list[dict[int, float]] = [{} for _ in range(p)]
    for a in range(p):
        for b in range(p):
            sums[(a + b) % p][circuit.unit({a: 1.0, p + b: 1.0}, -1.0)] = 1.0
    circuit.layer(sums)
    return circuit.network("modular-addition")
