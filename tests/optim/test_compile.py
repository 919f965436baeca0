"""`torch.compile` of a step, at small n."""

import subprocess
import sys
from pathlib import Path


def test_a_compiled_step_is_one_graph_and_the_same_step() -> None:
    """In a process of its own: the type checker of the tests cannot be traced."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.optim.compiling"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1e-12
