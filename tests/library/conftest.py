"""The library is tested on one version: what differs between servers is tested below it."""

from tests.cli.conftest import server

__all__ = ["server"]
