"""Networks of known algorithms, made by hand: ``novacula hypernet build``. They test the analyst."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypedDict, cast

import numpy as np
from typing_extensions import Unpack

from novacula.errors import InputError
from novacula.hypernet.config import Activation, BuildConfig, KindName
from novacula.hypernet.known import bits, circuit, norms, products
from novacula.hypernet.network import TargetNetwork, shuffled, with_noise
from novacula.hypernet.tasks import find_task

_KINDS: dict[KindName, tuple[str, Callable[[BuildConfig], TargetNetwork]]] = {
    "double-sided": ("l1-norm", norms.double_sided),
    "pudding+": ("l1-norm", norms.positive_pudding),
    "pudding-": ("l1-norm", norms.negative_pudding),
    "mixed": ("l1-norm", norms.mixed),
    "convexity": ("l1-norm", norms.convexity),
    "linear": ("sum", norms.linear),
    "constant": ("constant", norms.constant),
    "neighbor-differences": ("total-variation", norms.total_variation),
    "max-tree": ("max", circuit.max_tree),
    "max-log-sum-exp": ("max", circuit.log_sum_exp),
    "min-tree": ("min", circuit.min_tree),
    "range-tree": ("range", circuit.range_tree),
    "median-comparators": ("median", circuit.median_network),
    "sort-comparators": ("sort", circuit.sort_network),
    "product-squares": ("dot-product", products.by_squares),
    "product-curvature": ("dot-product", products.by_curvature),
    "product-completion": ("dot-product", products.by_completion),
    "squares-curvature": ("squared-l2", products.squared_l2),
    "squares-frame": ("squared-l2", products.squares_frame),
    "l2-bowls": ("l2-norm", norms.bowls),
    "parity-staircase": ("parity", bits.parity_staircase),
    "parity-tree": ("parity", bits.parity_tree),
    "count-threshold": ("majority", bits.majority_threshold),
    "modular-addition-clock": ("modular-addition", bits.clock),
    "modular-addition-table": ("modular-addition", bits.table),
    "angle-addition-squares": ("angle-addition", products.angle_sum),
}


class BuildOptions(TypedDict, total=False):
    """The options of `BuildConfig` that have a default."""

    slope: float
    hidden_per_input: int
    activation: Activation
    offset: float | None
    noise: float
    shuffle: bool
    seed: int


def build(kind: str, inputs: int, **options: Unpack[BuildOptions]) -> TargetNetwork:
    """Returns the network of a known algorithm.

    Args:
        kind: the algorithm, a `KindName`.
        inputs: of the network.
        options: the other options of `BuildConfig`, such as slope, hidden_per_input or seed.

    Raises:
        InputError: an option is out of its range, or the task cannot have this number of inputs.
    """
    config = BuildConfig(kind=cast(KindName, kind), inputs=inputs, **options)
    task, make = _KINDS[config.kind]
    find_task(task).check(inputs)
    generator = np.random.default_rng([config.seed, 1])
    network = make(config)
    if network.architecture.inputs != inputs:
        raise InputError("options", f"--inputs is {inputs}; {kind} has {network.architecture.inputs}")
    if config.noise:
        network = with_noise(network, config.noise, generator)
    if config.shuffle:
        network = shuffled(network, generator)
    return replace(network, provenance={"built": asdict(config)})
