"""The command line. Starting it imports click and little else; each command imports what it needs when it is called."""

from __future__ import annotations

import sys

from pgplan.cli.run import run


def main() -> None:
    """The console script: run the command line and exit with its code (docs/reference/exit-codes.md)."""
    sys.exit(run(sys.argv[1:]))
