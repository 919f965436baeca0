"""A network from a trained hypernetwork: ``novacula hypernet sample``."""

from novacula.files import StrPath
from novacula.hypernet.config import SampleConfig
from novacula.hypernet.network import TargetNetwork
from novacula.hypernet.training.generator import load_generator
from novacula.runs import RunFolder


def sample(run: RunFolder | StrPath, config: SampleConfig | None = None) -> TargetNetwork:
    """Returns a network of any size, trained on or not, at any price of the run's range.

    Args:
        run: a run of ``hypernet train``, finished or not.
        config: price, size, seed, and the hypernetwork of the run.

    Raises:
        RunError: no run of that kind.
        InputError: a price, size, seed, branch or step that the run does not have.
    """
    config = config or SampleConfig()
    return load_generator(run, config.step).generate(
        config.beta,
        config.inputs,
        config.hidden,
        config.seed,
        trained_seed=config.trained_seed,
        branch=config.branch,
        prior_only=config.prior_only,
    )
