"""Networks of known algorithms, made by hand: ``novacula hypernet build``. They test the analyst."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypedDict, cast

import numpy as np
from typing_extensions import Unpack

from novacula.errors import InputError
from novacula.hypernet.config import Activation, BuildConfig, KindName
from novacula.hypernet.known import circuit, networks
from novacula.hypernet.network import TargetNetwork, shuffled, with_noise
from novacula.hypernet.tasks import find_task

_KINDS: dict[KindName, tuple[str, Callable[[BuildConfig], TargetNetwork]]] = {
    "double-sided": ("l1-norm", networks.double_sided),
    "pudding+": ("l1-norm", networks.positive_pudding),
    "pudding-": ("l1-norm", networks.negative_pudding),
    "mixed": ("l1-norm", networks.mixed),
    "convexity": ("l1-norm", networks.convexity),
    "linear": ("sum", networks.linear),
    "constant": ("constant", networks.constant),
    "neighbor-differences": ("total-variation", networks.total_variation),
    "max-tree": ("max", circuit.max_tree),
    "max-log-sum-exp": ("max", circuit.log_sum_exp),
    "min-tree": ("min", circuit.min_tree),
    "range-tree": ("range", circuit.range_tree),
    "median-comparators": ("median", circuit.median_network),
    "sort-comparators": ("sort", circuit.sort_network),
    "product-squares": ("dot-product", networks.by_squares),
    "product-curvature": ("dot-product", networks.by_curvature),
    "product-completion": ("dot-product", networks.by_completion),
    "squares-curvature": ("squared-l2", networks.squared_l2),
    "squares-frame": ("squared-l2", networks.squares_frame),
    "l2-bowls": ("l2-norm", networks.bowls),
    "parity-staircase": ("parity", networks.parity_staircase),
    "parity-tree": ("parity", networks.parity_tree),
    "count-threshold": ("majority", networks.majority_threshold),
    "modular-addition-clock": ("modular-addition", networks.clock),
    "modular-addition-table": ("modular-addition", networks.table),
    "angle-addition-squares": ("angle-addition", networks.angle_sum),
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
