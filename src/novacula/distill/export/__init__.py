"""Programs and machines in other languages, English too, and as pictures."""

from novacula.distill.export.c import c_source
from novacula.distill.export.diagram import machine_dot, machine_mermaid, machine_svg
from novacula.distill.export.python import check_python, machine_python, program_python, python_names
from novacula.distill.export.smt import smt_source
