"""The only place that reads and writes files: atomic durable writers, and readers that no file can harm.

A reader refuses a file with `InputError`, which names the file, the place and the rule. A writer raises `OSError` when
the disk refuses, and leaves the old file as it was.
"""

from novacula.files.atomic import StrPath, sweep, sync, write_bytes, write_durably, write_text
from novacula.files.jsonfile import (
    JSON,
    check_json,
    check_schema,
    format_json,
    from_json,
    parse_json,
    read_json,
    to_json,
    write_json,
)
from novacula.files.lines import append_line, read_lines
from novacula.files.npz import read_npy, read_npz, write_npz
from novacula.files.reading import check_file, contained, digest_of, digest_of_file, read_buffer, refuse_links
from novacula.files.tensors import (
    decode_safetensors,
    encode_safetensors,
    layer_orders,
    natural_order,
    read_safetensors,
    read_tensor_bytes,
    safetensors_metadata,
    unless_sound,
    write_safetensors,
)

__all__ = [
    "JSON",
    "StrPath",
    "append_line",
    "check_file",
    "check_json",
    "check_schema",
    "contained",
    "decode_safetensors",
    "digest_of",
    "digest_of_file",
    "encode_safetensors",
    "format_json",
    "from_json",
    "layer_orders",
    "natural_order",
    "parse_json",
    "read_buffer",
    "read_json",
    "read_lines",
    "read_npy",
    "read_npz",
    "read_safetensors",
    "read_tensor_bytes",
    "refuse_links",
    "safetensors_metadata",
    "sweep",
    "sync",
    "to_json",
    "unless_sound",
    "write_bytes",
    "write_durably",
    "write_json",
    "write_npz",
    "write_safetensors",
    "write_text",
]
