"""From tables, machines and behaviors that were read of a network to the shortest programs that reproduce them."""

from novacula.distill.synth.candidate import Candidate
from novacula.distill.synth.limits import Limits
from novacula.distill.synth.synthesize import synthesize

__all__ = ["Candidate", "Limits", "synthesize"]
