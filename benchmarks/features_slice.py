"""How long does it take to get a cluster's reconstructions out of a million tokens, and how much memory?

    python benchmarks/features_slice.py [--tokens 1000000] [--latents 24576] [--json PATH]

Random codes: 32 active latents a token, frequent and rare ones as in a real dictionary (activity falls as one over the
rank), width 768. The codes are made in shards, joined to one matrix by `read_codes`, and clusters of 10, 50 and 250
latents are cut out, with and without a limit of 20,000 tokens. CPU seconds of one thread; peak memory of the process.
"""

import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import arguments, machine_line, save, table_head, table_row

from novacula.features.discovery.slices import read_codes
from novacula.files import write_safetensors

ACTIVE, WIDTH, SHARD = 32, 768, 50_000


@dataclass(frozen=True)
class Row:
    """A cluster's slice."""

    members: int
    limit: int | None
    tokens: int
    active: int
    seconds: float


def write_shards(folder: Path, tokens: int, latents: int, random: np.random.Generator) -> list[Path]:
    """Random codes in shards."""
    weights = 1 / np.arange(10, latents + 10)
    edges = np.cumsum(weights / weights.sum())
    paths = []
    for shard, start in enumerate(range(0, tokens, SHARD)):
        count = min(SHARD, tokens - start)
        drawn = np.searchsorted(edges, random.random((count, ACTIVE)), side="right").clip(max=latents - 1)
        drawn.sort(axis=1)
        first = np.ones(drawn.shape, bool)
        first[:, 1:] = drawn[:, 1:] != drawn[:, :-1]
        path = folder / f"{shard}.safetensors"
        chosen = drawn[first].astype(np.int32)
        values = random.random(len(chosen), np.float32)
        counts = first.sum(1).astype(np.int32)
        write_safetensors(path, {"counts": counts, "latents": chosen, "values": values})
        paths.append(path)
    return paths


def main() -> None:
    """Measure and print the table."""
    options = arguments(__doc__, tokens=1_000_000, latents=24_576)
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_shards(Path(folder), options.tokens, options.latents, random)
        begin = time.process_time()
        codes = read_codes(paths, options.latents)
        joining = time.process_time() - begin
    decoder = random.standard_normal((options.latents, WIDTH), np.float32)
    found = []
    for size in (10, 50, 250):
        members = np.sort(random.choice(options.latents, size, replace=False))
        for limit in (20_000, None):
            begin = time.process_time()
            part = codes.slice(members, decoder, limit=limit)
            found.append(Row(size, limit, len(part.rows), part.total, time.process_time() - begin))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(machine_line())
    print(f"{codes.matrix.nnz:,} entries, joined in {joining:.1f} s; peak memory {peak:.2f} GB (goal: below 2)")
    table_head("members", "limit", "active tokens", "tokens", "CPU seconds (goal: below 1)")
    for row in found:
        table_row(row.members, row.limit or "none", f"{row.active:,}", f"{row.tokens:,}", f"{row.seconds:.3f}")
    save(options.json, entries=int(codes.matrix.nnz), join_seconds=joining, peak_gb=peak, rows=found)


if __name__ == "__main__":
    main()
