"""From common options to what the workflow takes."""

from __future__ import annotations

import os
from pathlib import Path

from pgplan.cli.options import Common
from pgplan.configuration.model import Inputs
from pgplan.workflow import Request


def request_of(common: Common) -> Request:
    inputs = Inputs(dict(common.variables), tuple(common.var_files), dict(os.environ))
    return Request(Path(), inputs, common.url, common.lock_timeout)
