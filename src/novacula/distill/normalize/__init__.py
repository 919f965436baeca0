"""Networks in simpler form: changes of basis, clean-ups, integers for weights."""

from novacula.distill.normalize.metrics import Metrics
from novacula.distill.normalize.normalize import Normalized, Stage, normalize

__all__ = ["Metrics", "Normalized", "Stage", "normalize"]
