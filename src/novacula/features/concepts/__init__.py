"""Concepts whose labels have an order, and the prompts that name them."""

from novacula.features.concepts.builtin import CONCEPTS, find_concept, parse_concept
from novacula.features.concepts.concept import Concept, Kind, Prompts, Template, Wording, make_prompts
