"""Drawings of networks and of what many networks have in common; all deterministic, all as inline SVG."""

from novacula.hypernet.draw.charts import (
    Cell,
    PaletteName,
    Point,
    order_picture,
    pareto_picture,
    phase_picture,
    price_picture,
    sizes_picture,
)
from novacula.hypernet.draw.pictures import Plan, draw_plan, gallery_picture, matrix_picture, plan, write_plan
