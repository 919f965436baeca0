"""From examples of binary addition, to a recurrent network, to a program that is proved right.

python examples/distill_a_program.py [--task NAME]
"""

import argparse
from pathlib import Path
from tempfile import mkdtemp

from novacula.distill import DistillResult, RunConfig, run


def main(task: str, out: Path) -> DistillResult:
    """Finds the program of a task without its definition, and says how far it is known to be right."""
    result = run(task, RunConfig(seed=0, shortcuts=False), out=out)
    found = result.findings
    print(result.program)
    print(f"tier {found.tier}, {found.nodes} syntax nodes, {found.states} states; the report is {result.report}")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="Binary_Addition")
    main(parser.parse_args().task, Path(mkdtemp()) / "run")
