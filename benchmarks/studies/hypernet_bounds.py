"""Does an adversary break a bound that is called proved?

    python benchmarks/studies/hypernet_bounds.py [--networks 1000] [--first 0] [--json PATH]

Random networks of all kinds, with backgrounds and noise, are read (`benchmarks/reference/random_networks.py`). Where
there is a formula with a bound, an adversary goes for the largest difference in the domain: uphill from 64 starts, and
at the corners. A difference above the bound, by more than 1e-9 of it, is a violation: the analyst refuses to print the
bound, and it is counted here. A bound is loose if it is more than 10 times the largest difference that was found. To
both 1e-5 of the size of the numbers that an output is a sum of is added: below that, it is rounding.
"""

import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness
sys.path.insert(0, str(Path(__file__).parents[2]))  # the networks

from harness import arguments, save, table_head, table_row

from benchmarks.reference.random_networks import random_network
from novacula.hypernet import describe, find_task

HEAD = ("kind", "networks", "with a bound", "violations", "bound / found, median", "loose")


def main() -> None:
    """Reads, attacks and counts."""
    options = arguments(__doc__, networks=1000, first=0)
    networks, bounds, violations, loose = Counter(), Counter(), Counter(), Counter()
    ratios: dict[str, list[float]] = {}
    begun = time.process_time()
    for seed in range(options.first, options.first + options.networks):
        name, network, task = random_network(seed)
        kind = name.split(":")[0]
        networks[kind] += 1
        try:
            found = describe(network, find_task(task), points=2000, attack=True)
        except RuntimeError as error:
            violations[kind] += 1
            print(f"network {seed}, {name}: {error}")
            continue
        if found.looseness is not None:
            bounds[kind] += 1
            loose[kind] += found.is_loose
            ratios.setdefault(kind, []).append(found.looseness)
    table_head(*HEAD)
    rows = []
    for kind in networks:
        ratio = round(median(ratios[kind]), 2) if kind in ratios else None
        rows.append([kind, networks[kind], bounds[kind], violations[kind], ratio, loose[kind]])
        table_row(*rows[-1])
    print(f"{sum(violations.values())} violations in {time.process_time() - begun:.0f} s of processor time")
    save(options.json, networks=options.networks, first=options.first, head=HEAD, rows=rows)


if __name__ == "__main__":
    main()
