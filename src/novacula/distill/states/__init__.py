"""From hidden vectors to integer codes, clusters and finite machines."""

from novacula.distill.states.read import Picture, States, read_states
from novacula.distill.states.reading import Code, Reading
