"""The verbs of hypernet that make runs."""

from novacula.hypernet.census import CENSUS
from novacula.hypernet.compare import COMPARE
from novacula.hypernet.generalize import GENERALIZE
from novacula.hypernet.train import TRAIN

VERBS = (TRAIN, CENSUS, GENERALIZE, COMPARE)
