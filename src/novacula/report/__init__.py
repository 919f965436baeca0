"""One HTML file per run that opens from disk: no network, figures inline, everything escaped.

A part makes a list of `Section`; `write_report` lays them out. HTML is what `markupsafe.Markup` says it is: a plain
``str`` anywhere is text, and is escaped. `write_gallery` makes a site of many reports.
"""

from novacula.report.facts import run_facts
from novacula.report.figures import FAINT, INK, SERIES, figure_svg
from novacula.report.gallery import find_runs, write_gallery
from novacula.report.page import Section, table, write_report
from novacula.report.pictures import read_svg
from novacula.report.plots import hue, plotly_figure

__all__ = [
    "FAINT",
    "INK",
    "SERIES",
    "Section",
    "figure_svg",
    "find_runs",
    "hue",
    "plotly_figure",
    "read_svg",
    "run_facts",
    "table",
    "write_gallery",
    "write_report",
]
