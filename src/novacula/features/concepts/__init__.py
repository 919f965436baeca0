"""Concepts whose labels have an order, and the prompts that name them."""

from novacula.features.concepts.builtin import CONCEPTS
from novacula.features.concepts.concept import Concept, Kind, Template, Wording
from novacula.features.concepts.concept_file import concept_document, find_concept, parse_concept
from novacula.features.concepts.prompts import Prompts, make_prompts

__all__ = [
    "CONCEPTS",
    "Concept",
    "Kind",
    "Prompts",
    "Template",
    "Wording",
    "concept_document",
    "find_concept",
    "make_prompts",
    "parse_concept",
]
