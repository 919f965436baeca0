"""Drawings of networks and of what many networks have in common; all deterministic, all as inline SVG."""
