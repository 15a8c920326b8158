"""The version of pgplan, for whatever needs nothing else of it."""

__version__ = "0.1.0"
