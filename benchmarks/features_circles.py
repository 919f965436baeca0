"""Which built-in concepts does the probe call circles in a language model, and at which layers?

    python benchmarks/features_circles.py [--model smollm2] [--concepts NAME,…] [--json PATH]

Concepts marked ordered or control have no cycle: calling one of them a circle is a false alarm. Digits have the
successor 0 of 9 only in counting, hours and notes share their words with numbers and letters.
"""

import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import torch
from harness import arguments, save

from novacula.features.concepts import CONCEPTS, Concept
from novacula.features.config import ProbeConfig
from novacula.features.models import LanguageModel, load_model
from novacula.features.probe import Probe


def probed(model: LanguageModel, concepts: Iterable[Concept]) -> list[dict[str, Any]]:
    """Probe concepts at all layers, print a line for each, and return what was found."""
    rows = []
    head = f"{'concept':18} {'kind':8} {'least p':>8} {'error at the middle':>20} {'turn':>5} {'closing':>8}"
    print(head + "  circle at layers")
    for concept in concepts:
        began = time.process_time()
        program = Probe(model, concept, ProbeConfig())
        while program.position < program.length:
            program.step()
        result = program.result()
        middle = result.layers[len(result.layers) // 2]
        least = min(layer.p_value for layer in result.layers)
        error, turn, closing = middle.median_angle_error_deg, middle.turn, middle.closing
        print(
            f"{concept.name:18} {concept.kind:8} {least:8.4f} {error:19.1f}° {turn:5.2f} {closing:8.2f}  "
            f"{[*result.circle_layers]}, alone {[*result.lone_layers]}",
            flush=True,
        )
        found = {name: value for name, value in asdict(result).items() if name != "prompts"}
        rows.append({"concept": concept.name, "cpu_seconds": time.process_time() - began, **found})
    return rows


def main() -> None:
    """Probe the built-in concepts that are named."""
    options = arguments(__doc__, model="smollm2", concepts=",".join(CONCEPTS))
    torch.set_num_threads(1)
    rows = probed(load_model(options.model), [CONCEPTS[name] for name in options.concepts.split(",")])
    save(options.json, rows=rows)


if __name__ == "__main__":
    main()
