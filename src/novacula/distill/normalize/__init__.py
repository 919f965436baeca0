"""Networks in simpler form: changes of basis, fewer units, integers for weights."""

from novacula.distill.normalize.metrics import Metrics
from novacula.distill.normalize.normalize import Form, NormalForm, normalize
