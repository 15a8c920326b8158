"""No module imports itself by way of others: what cannot be read without the other is one thing in two files."""

from __future__ import annotations

import grimp

from pgplan.cycle import find_cycle


def test_no_circle_of_imports() -> None:
    graph = grimp.build_graph("pgplan", "pgplan_postgres", "pgplan_backends", exclude_type_checking_imports=False)
    pairs = [(one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)]
    assert len(pairs) > 100
    assert find_cycle(pairs) == []
