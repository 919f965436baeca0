"""The verbs of features that make runs."""

from novacula.features.collect import COLLECT
from novacula.features.discover import DISCOVER
from novacula.features.explain import EXPLAIN
from novacula.features.probe import PROBE
from novacula.features.score import SCORE
from novacula.features.steer import STEER
from novacula.features.survey import SURVEY
from novacula.features.train_sae import TRAIN_SAE

VERBS = (SCORE, COLLECT, TRAIN_SAE, DISCOVER, SURVEY, PROBE, STEER, EXPLAIN)
