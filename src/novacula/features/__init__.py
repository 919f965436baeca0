"""Find, test and steer multi-dimensional features of language models (after arXiv 2405.14860).

Example:
    >>> from novacula.features import score_cloud
    >>> score_cloud(points).irreducible  # doctest: +SKIP

Names are imported when they are first used: options and help need no torch.
"""

from typing import TYPE_CHECKING

from novacula.lazy import publish

if TYPE_CHECKING:
    from novacula.features.circles.continuity import Continuity, continuity
    from novacula.features.circles.patching import Patching, patch
    from novacula.features.circles.probe import (
        CircularProbe,
        HeldOut,
        fit_answer_probe,
        fit_probe,
        unseen_groups,
        unseen_labels,
    )
    from novacula.features.circles.regression import explain_states, prompt_functions, regress
    from novacula.features.circles.test import CircleTest, circle_test, is_circle
    from novacula.features.clouds.cloud_score import CloudScore, score_cloud, score_plane
    from novacula.features.clouds.geometry import gromov_hyperbolicity, hyperbolicity, two_nn_dimension
    from novacula.features.concepts import CONCEPTS, Concept, Template, find_concept
    from novacula.features.config import (
        CollectConfig,
        DiscoverConfig,
        ExplainConfig,
        ProbeConfig,
        ScoreConfig,
        SteerConfig,
        SurveyConfig,
        TrainSaeConfig,
    )
    from novacula.features.discover import DiscoverSource, collect, discover, train_sae
    from novacula.features.discovery.slices import CodeMatrix, Slice
    from novacula.features.explain import explain
    from novacula.features.models import Edit, LanguageModel, Point, find_smollm2, load_model
    from novacula.features.probe import ProbedStates, probe, probe_states
    from novacula.features.sae import SparseAutoencoder, read_sae, write_sae
    from novacula.features.score import score
    from novacula.features.steer import steer
    from novacula.features.store import Store
    from novacula.features.survey import survey

__all__ = publish(  # pyright: ignore[reportUnsupportedDunderAll]
    __name__,
    {
        "circles.continuity": ("Continuity", "continuity"),
        "circles.patching": ("Patching", "patch"),
        "circles.probe": (
            "CircularProbe",
            "HeldOut",
            "fit_answer_probe",
            "fit_probe",
            "unseen_groups",
            "unseen_labels",
        ),
        "circles.regression": ("explain_states", "prompt_functions", "regress"),
        "circles.test": ("CircleTest", "circle_test", "is_circle"),
        "clouds.cloud_score": ("CloudScore", "score_cloud", "score_plane"),
        "clouds.geometry": ("gromov_hyperbolicity", "hyperbolicity", "two_nn_dimension"),
        "concepts": ("CONCEPTS", "Concept", "Template", "find_concept"),
        "config": (
            "CollectConfig",
            "DiscoverConfig",
            "ExplainConfig",
            "ProbeConfig",
            "ScoreConfig",
            "SteerConfig",
            "SurveyConfig",
            "TrainSaeConfig",
        ),
        "discover": ("DiscoverSource", "collect", "discover", "train_sae"),
        "discovery.slices": ("CodeMatrix", "Slice"),
        "explain": ("explain",),
        "models": ("Edit", "LanguageModel", "Point", "find_smollm2", "load_model"),
        "probe": ("ProbedStates", "probe", "probe_states"),
        "sae": ("SparseAutoencoder", "read_sae", "write_sae"),
        "score": ("score",),
        "steer": ("steer",),
        "store": ("Store",),
        "survey": ("survey",),
    },
)
