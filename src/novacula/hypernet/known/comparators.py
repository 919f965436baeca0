"""Maximum, minimum, range, median and sorting out of comparators b + r(a - b). Source: sorting networks, by neighbors.

With softplus the tree of maxima is the log-sum-exp (1/k) ln Σ exp(k x_i), exactly, since ln(e^a + e^b) = b + ln(1 +
e^(a-b)).
"""

from novacula.hypernet.config import BuildConfig
from novacula.hypernet.known.circuit import Circuit
from novacula.hypernet.network import TargetNetwork


def max_tree(config: BuildConfig) -> TargetNetwork:
    """The larger of every pair, then of every pair of these, and so on."""
    circuit = Circuit(config.inputs, config.activation, config.slope)
    _reduce(circuit, [(list(range(config.inputs)), True)])
    return circuit.network("max")


def log_sum_exp(config: BuildConfig) -> TargetNetwork:
    """The tree of maxima with softplus."""
    circuit = Circuit(config.inputs, "softplus", config.slope)
    _reduce(circuit, [(list(range(config.inputs)), True)])
    return circuit.network("max")


def min_tree(config: BuildConfig) -> TargetNetwork:
    """The smaller of every pair, then of every pair of these, and so on."""
    circuit = Circuit(config.inputs, config.activation, config.slope)
    _reduce(circuit, [(list(range(config.inputs)), False)])
    return circuit.network("min")


def range_tree(config: BuildConfig) -> TargetNetwork:
    """Both trees side by side, and their difference."""
    circuit, everything = Circuit(config.inputs, config.activation, config.slope), list(range(config.inputs))
    _reduce(circuit, [(everything, True), (everything, False)])
    return circuit.network("range", [{0: 1.0, 1: -1.0}])


def sort_network(config: BuildConfig) -> TargetNetwork:
    """As many layers as inputs, each putting neighbors in order, in turn the pairs from the first and the second."""
    return _sorted(config).network("sort")


def median_network(config: BuildConfig) -> TargetNetwork:
    """All inputs in order, and the middle one or two of them."""
    n = config.inputs
    middle = range((n - 1) // 2, n // 2 + 1)
    return _sorted(config).network("median", [dict.fromkeys(middle, 1 / len(middle))])


def _reduce(circuit: Circuit, trees: list[tuple[list[int], bool]]) -> None:
    """Halve lists of features until one of each is left: the largest where a list says so, else the least."""
    first = True
    while first or any(len(features) > 1 for features, _ in trees):
        first, sums, above = False, [], []
        for features, largest in trees:
            compare = circuit.larger if largest else circuit.smaller
            pairs = zip(features[::2], features[1::2], strict=False)
            found = [compare(one, other) for one, other in pairs]
            found += [circuit.carried(features[-1])] if len(features) % 2 else []
            above.append((list(range(len(sums), len(sums) + len(found))), largest))
            sums += found
        circuit.layer(sums)
        trees = above


def _sorted(config: BuildConfig) -> Circuit:
    circuit, n = Circuit(config.inputs, config.activation, config.slope), config.inputs
    for turn in range(n):
        sums = [{} for _ in range(n)]
        for place in range(turn % 2, n - 1, 2):
            sums[place], sums[place + 1] = circuit.smaller(place, place + 1), circuit.larger(place, place + 1)
        circuit.layer([terms or circuit.carried(place) for place, terms in enumerate(sums)])
    return circuit
