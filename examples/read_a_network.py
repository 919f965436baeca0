"""Read small networks: two written by hand in different ways, one trained. All three are given as weights alone.

python examples/read_a_network.py [--inputs N] [--steps N]
"""

import argparse

import numpy as np

from novacula.hypernet import BaselineConfig, Classified, build, classify, train_directly


def main(inputs: int, steps: int, seed: int = 0) -> dict[str, Classified]:
    """What the analyst says of each network."""
    networks = {"written, one way": build("double-sided", inputs), "written, another way": build("pudding-", inputs)}
    config = BaselineConfig(inputs=inputs, hidden=(3 * inputs,), steps=steps, seed=seed)
    networks["trained by Adam"] = train_directly(config)[0]
    x = np.random.default_rng(seed).normal(size=(1000, inputs))
    read = {}
    for name, network in networks.items():
        read[name] = found = classify(network)
        error = np.abs(network(x)[:, 0] - np.abs(x).sum(1)).max()
        print(f"{name}: {found.analysis.label}; largest error on 1,000 inputs {error:.3f}")
        if found.formula.accepted:
            print(f"    in the limit   {found.formula.limit_line}")
            print(f"    {found.formula.bound_says}")
        else:
            print(f"    no formula: {found.formula.reason}")
    return read


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=1500)
    arguments = parser.parse_args()
    main(arguments.inputs, arguments.steps)
