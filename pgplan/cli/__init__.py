"""The command line. Starting it imports click and little else; each command imports what it needs when it is called."""

from __future__ import annotations

import gc
import signal
import sys

from pgplan.cli.run import run
from pgplan.cli.terminal import open_streams


def main() -> None:
    """The console script: run the command line and exit with its code (docs/reference/exit-codes.md)."""
    # A run makes many objects, hardly any cycle, and ends: looking for cycles took a third of the time of a large plan.
    gc.disable()
    # As after Ctrl-C: what is open is rolled back, and an embedded server is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    open_streams()
    sys.exit(run(sys.argv[1:]))
