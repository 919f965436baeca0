"""The `novacula` command: one module per part, imported only when that part is asked for."""
