"""Where the jobs of a campaign are computed: on this machine, or on a cluster."""

from novacula.jobs.cluster import RayExecutor
from novacula.jobs.local import LocalExecutor
from novacula.options import CampaignOptions


def executor_for(cluster: str | None, workers: int, memory_limit_mb: float | None) -> LocalExecutor | RayExecutor:
    """Returns the executor that the options of a campaign ask for.

    Args:
        cluster: None for this machine; ``auto``, or ``HOST:6379``, for the Ray cluster that this machine is a node of.
        workers: processes on this machine; a cluster has as many as it has cores.
        memory_limit_mb: most memory that the jobs on this machine may declare together; on a cluster, Ray heeds the
            memory of every node.

    Raises:
        InputError: a number is out of its range, the address has another form, or Ray is not installed.
    """
    return LocalExecutor(workers, memory_limit_mb) if cluster is None else RayExecutor(cluster)


def check_executor(options: CampaignOptions) -> None:
    """Refuses, before anything is made, a place to compute that is not there.

    Raises:
        InputError: no cluster answers, or Ray is not installed.
    """
    executor = executor_for(options.cluster, options.workers, options.memory_limit)
    if isinstance(executor, RayExecutor):
        executor.check()
