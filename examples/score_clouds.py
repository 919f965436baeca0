"""Three clouds of two coordinates each: a circle cannot be split, a product and a mixture can.

python examples/score_clouds.py [--points N]
"""

import argparse

import numpy as np

from novacula.features import CloudScore, score_cloud


def main(count: int, seed: int = 0) -> dict[str, CloudScore]:
    """The score of each cloud, turned and stretched at random, which changes nothing."""
    generator = np.random.default_rng(seed)
    angle = generator.uniform(0, 2 * np.pi, count)
    one_or_other = np.eye(2)[generator.integers(0, 2, count)]
    clouds = {
        "circle": np.column_stack([np.cos(angle), np.sin(angle)]),
        "product": np.column_stack([generator.uniform(-1, 1, count), generator.laplace(size=count)]),
        "mixture": one_or_other * generator.uniform(0.5, 1, (count, 1)),
    }
    scores = {}
    for name, cloud in clouds.items():
        noisy = cloud + generator.normal(0, 0.03, cloud.shape)
        scores[name] = found = score_cloud(noisy @ generator.normal(size=(2, 2)), seed=seed)
        print(
            f"{name:8s} separability {found.separability_bits:.2f} bits, mixture {found.mixture:.2f}, "
            f"score {found.score:.2f}: {'irreducible' if found.irreducible else 'reducible'}"
        )
    return scores


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=2000)
    main(parser.parse_args().points)
