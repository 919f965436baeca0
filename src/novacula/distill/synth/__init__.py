"""From tables, machines and behaviors that were read of a network to the shortest programs that reproduce them."""

from novacula.distill.synth.bank import Limits
from novacula.distill.synth.synthesize import Candidate, synthesize
