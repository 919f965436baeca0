"""The `novacula` command, with one module per part, which Python imports when the user asks for that part."""
