"""The entry point: every kind and every reader that this provider brings, in one list each."""

from __future__ import annotations

from collections.abc import Sequence

from pgplan.kind import EdgeChange, EdgeKind, EdgeStatement, ObjectKind, Reader
from pgplan_postgres.database import DatabaseReader
from pgplan_postgres.extension import ExtensionKind, ExtensionReader
from pgplan_postgres.foreign_data_wrapper import ForeignDataWrapperReader
from pgplan_postgres.schema import SchemaKind, SchemaReader
from pgplan_postgres.server import ServerKind, ServerReader


class PostgresProvider:
    kinds: Sequence[ObjectKind | EdgeKind] = (
        SchemaKind(),
        ExtensionKind(),
        ServerKind(),
    )
    readers: Sequence[Reader] = (
        DatabaseReader(),
        SchemaReader(),
        ExtensionReader(),
        ForeignDataWrapperReader(),
        ServerReader(),
    )

    def edge_statements(self, changes: Sequence[EdgeChange]) -> Sequence[EdgeStatement]:
        assert not changes
        return ()


provider = PostgresProvider()
