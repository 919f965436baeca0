# What the type checker reads instead of transformers, whose own files take it a minute: nothing is known of them.
from typing import Any

def __getattr__(name: str) -> Any: ...
