"""A hypernetwork that writes small readable networks at a chosen complexity, and an analyst (after arXiv 2312.03051).

Example:
    >>> from novacula.hypernet import build, classify
    >>> found = classify(build("double-sided", 16))  # doctest: +SKIP
    >>> print(found.analysis.label, found.formula.limit_line)  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

from typing import TYPE_CHECKING

from novacula.lazy import publish

if TYPE_CHECKING:
    from novacula.hypernet.analyst.label import Analysis, analyze
    from novacula.hypernet.analyst.orders import OrderParameters
    from novacula.hypernet.architecture import Architecture
    from novacula.hypernet.build import build
    from novacula.hypernet.census import census
    from novacula.hypernet.classify import Classified, classify
    from novacula.hypernet.compare import compare
    from novacula.hypernet.config import BaselineConfig, BuildConfig, ClassifyConfig, SampleConfig, TrainConfig
    from novacula.hypernet.draw import write_plan
    from novacula.hypernet.formula import Formula, SizeLaw, describe, size_laws
    from novacula.hypernet.generalize import generalize
    from novacula.hypernet.network import TargetNetwork
    from novacula.hypernet.network_file import read_network, write_network
    from novacula.hypernet.sample import sample
    from novacula.hypernet.study_config import CensusConfig, CompareConfig, GeneralizeConfig
    from novacula.hypernet.tasks import TASK_NAMES, Task, find_task
    from novacula.hypernet.tasks.laws import InputLaw
    from novacula.hypernet.train import TrainResult, resume, train
    from novacula.hypernet.training.baseline import train_directly
    from novacula.hypernet.training.generator import Generator, load_generator

__all__ = publish(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "architecture": ("Architecture",),
        "training.baseline": ("train_directly",),
        "build": ("build",),
        "census": ("census",),
        "classify": ("Classified", "classify"),
        "compare": ("compare",),
        "config": ("BaselineConfig", "BuildConfig", "ClassifyConfig", "SampleConfig", "TrainConfig"),
        "draw": ("write_plan",),
        "formula": ("Formula", "SizeLaw", "describe", "size_laws"),
        "generalize": ("generalize",),
        "training.generator": ("Generator", "load_generator"),
        "analyst.label": ("Analysis", "analyze"),
        "tasks.laws": ("InputLaw",),
        "network": ("TargetNetwork",),
        "network_file": ("read_network", "write_network"),
        "analyst.orders": ("OrderParameters",),
        "sample": ("sample",),
        "study_config": ("CensusConfig", "CompareConfig", "GeneralizeConfig"),
        "tasks": ("TASK_NAMES", "Task", "find_task"),
        "train": ("TrainResult", "resume", "train"),
    },
)
