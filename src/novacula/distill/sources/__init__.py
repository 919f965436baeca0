"""Where sequences come from: files, functions, devices, and all that can be asked for outputs."""
