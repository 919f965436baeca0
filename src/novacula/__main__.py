"""Makes ``python -m novacula`` the `novacula` command."""

import sys

from novacula.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
