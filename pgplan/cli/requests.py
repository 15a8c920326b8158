"""From common options to what every command works with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pgplan.address import expression
from pgplan.cli.options import Common
from pgplan.configuration.model import Inputs
from pgplan.offline import Request


def request_of(common: Common) -> Request:
    inputs = Inputs(dict(common.variables), tuple(common.var_files), dict(os.environ))
    return Request(Path(), inputs, common.url, common.lock_timeout)


def matching(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether an address is like one of the patterns; without any, every address is."""
    expressions = [expression(pattern) for pattern in patterns]
    return lambda address: not expressions or any(one.fullmatch(address) for one in expressions)
