"""Does extraction alone bring planted networks to proved programs, exact and disguised?

    python benchmarks/distill_planted.py [--tasks NAME,…] [--disguises exact,turned,blurred] [--json PATH]

The networks of 61 tasks are worked out by hand (all but Bit_Palindrome's, whose state doubles with every step), and
nothing is trained. *exact*: as planted. *turned*: in a random basis of condition number at most 10, in float32.
*blurred*: turned, and 1e-3 of relative noise on every weight. Each is opened with the task's 10,000 sequences at hand,
as a trained network would be, and the verdict is of the task's definition, for every length. `wrong` is the share of
these sequences on which the disguised network itself errs. Seconds are of processor time on one thread, reading the
definition and judging included.
"""

import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import arguments, save, table_head, table_row

sys.path.insert(0, str(Path(__file__).parents[1]))  # the planted networks stand with the tests

from novacula.distill.choose import JudgedProgram, choose
from novacula.distill.config import RunConfig
from novacula.distill.extract import Judge, Stopwatch, extract
from novacula.distill.networks.network import Network
from novacula.distill.source import Source, load_source
from novacula.runs import instruction_set
from tests.distill.planted import PLANTED, disguise, planted_network

NOISE = {"exact": None, "turned": 0.0, "blurred": 1e-3}


@dataclass(frozen=True)
class Row:
    """One network: its own errors, and the best tier and its syntax nodes on either road (None: no program)."""

    task: str
    disguise: str
    wrong: float
    opened: str | None
    queried: str | None
    nodes: int | None
    seconds: float


def network_of(task: str, kind: str) -> Network:
    """A planted network, disguised."""
    noise = NOISE[kind]
    generator = np.random.default_rng([7, sorted(PLANTED).index(task)])
    return planted_network(task) if noise is None else disguise(planted_network(task), generator, noise)


def measure(task: str, kind: str, source: Source) -> Row:
    """Open one network and judge what it gives."""
    network, start = network_of(task, kind), time.process_time()
    programs = extract(0, network, source, Judge(source, 0), Stopwatch(), 0).programs
    seconds = time.process_time() - start
    opened, queried, best = choose(programs, "opened"), choose(programs, "queried"), choose(programs)
    wrong = (network.run(source.sequences.x) != source.sequences.y).any((1, 2)).mean()
    nodes = best.nodes if best else None
    return Row(task, kind, float(wrong), _tier(opened), _tier(queried), nodes, round(seconds, 1))


def _tier(program: JudgedProgram | None) -> str | None:
    return str(program.certificate.tier) if program and program.certificate else None


def main() -> None:
    """Measure what was asked for and print the table, then the sums."""
    options = arguments(__doc__, tasks=",".join(PLANTED), disguises=",".join(NOISE))
    table_head("task", "disguise", "wrong", "opened", "queried", "nodes", "seconds")
    rows = []
    for task in options.tasks.split(","):
        source = load_source(task, RunConfig())
        for kind in options.disguises.split(","):
            row = measure(task, kind, source)
            rows.append(row)
            table_row(row.task, row.disguise, f"{row.wrong:.2%}", row.opened, row.queried, row.nodes, row.seconds)
    for kind in options.disguises.split(","):
        of_kind = [row for row in rows if row.disguise == kind]
        proved = sum("S4" in (row.opened, row.queried) for row in of_kind)
        unharmed = [row for row in of_kind if not row.wrong]
        kept = sum("S4" in (row.opened, row.queried) for row in unharmed)
        median = statistics.median(row.seconds for row in of_kind)
        print(f"{kind}: S4 {proved} of {len(of_kind)}; of those without error {kept} of {len(unharmed)}; {median} s")
    save(options.json, instruction_set=instruction_set(), rows=rows)


if __name__ == "__main__":
    main()
