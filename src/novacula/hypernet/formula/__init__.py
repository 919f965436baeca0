"""From a network to a readable formula, its limit, and a proved bound of the error."""

from novacula.hypernet.formula.describe import describe
from novacula.hypernet.formula.formula import POINTS, Check, Formula, SizeLaw, size_laws
