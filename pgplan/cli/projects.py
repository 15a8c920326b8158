"""What commands that connect work with."""

from __future__ import annotations

from pgplan.cli.options import Common
from pgplan.cli.requests import request_of
from pgplan.project import Project


def project(common: Common) -> Project:
    """The configuration that the common options name, for a ``with`` block."""
    return Project(request_of(common))
