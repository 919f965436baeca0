"""The verbs of distill that make runs."""

from novacula.distill.bench import BENCH
from novacula.distill.run import RUN

VERBS = (RUN, BENCH)
