"""The verbs of arc that make runs."""

from novacula.arc.bench import BENCH
from novacula.arc.solve import SOLVE
from novacula.arc.submit import SUBMIT

VERBS = (SOLVE, BENCH, SUBMIT)
