"""pgplan: plan and apply for PostgreSQL access control and foreign data.

The command line is `pgplan.cli`. This is the same without a terminal::

    with pgplan.open("billing") as project:
        plan = project.plan()
        project.apply(plan)

docs/reference/library.md tells all of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pgplan.version import __version__

if TYPE_CHECKING:
    from pgplan import events
    from pgplan.database.apply import Applied
    from pgplan.drift import Drift
    from pgplan.errors import ConfigurationError, Exit, LockedError, PgplanError, Problem, StaleError
    from pgplan.importing import Imported
    from pgplan.plan.model import Change
    from pgplan.planned import Plan, load
    from pgplan.project import Project
    from pgplan.project import open as open  # noqa: A004 - pgplan.open, as in webbrowser.open
    from pgplan.state.model import Entry, State

_EXPORTS = {
    "Applied": "pgplan.database.apply",
    "Change": "pgplan.plan.model",
    "ConfigurationError": "pgplan.errors",
    "Drift": "pgplan.drift",
    "Entry": "pgplan.state.model",
    "Exit": "pgplan.errors",
    "Imported": "pgplan.importing",
    "LockedError": "pgplan.errors",
    "PgplanError": "pgplan.errors",
    "Plan": "pgplan.planned",
    "Problem": "pgplan.errors",
    "Project": "pgplan.project",
    "StaleError": "pgplan.errors",
    "State": "pgplan.state.model",
    "load": "pgplan.planned",
    "open": "pgplan.project",
}
"""Imported when they are first asked for: the command line must not load a driver to print its version."""

__all__ = [
    "Applied",
    "Change",
    "ConfigurationError",
    "Drift",
    "Entry",
    "Exit",
    "Imported",
    "LockedError",
    "PgplanError",
    "Plan",
    "Problem",
    "Project",
    "StaleError",
    "State",
    "__version__",
    "events",
    "load",
    "open",
]


def __getattr__(name: str) -> Any:
    if name == "events":
        return import_module("pgplan.events")
    if name not in _EXPORTS:
        raise AttributeError(f"module 'pgplan' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
