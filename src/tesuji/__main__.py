"""`python -m tesuji`: the command line."""

import sys

from tesuji.engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
