"""Reports: one HTML file per run that opens from disk, without a network, with its figures inline.

A part makes a list of `Section`, and `write_report` puts them on a page. Only `markupsafe.Markup` is HTML: the page
escapes every plain ``str``. `write_gallery` makes a site of many reports.
"""

from novacula.report.figures import FAINT, INK, SERIES, figure_svg, hue, plotly_figure, shared_texts
from novacula.report.gallery import find_runs, write_gallery
from novacula.report.page import Section, run_facts, table, write_report, write_run_report
from novacula.report.pictures import read_svg

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
    "shared_texts",
    "table",
    "write_gallery",
    "write_report",
    "write_run_report",
]
