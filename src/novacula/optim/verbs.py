"""The verbs of optim that make runs."""

from novacula.optim.bench import BENCH
from novacula.optim.demo import DEMO

VERBS = (DEMO, BENCH)
