"""The entry point: every kind and every reader that this provider brings, in one list each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgplan.address import grantee_role, part
from pgplan.kind import AccessList, Catalog, EdgeChange, EdgeKind, EdgeStatement, Facts, ObjectKind, Reader, Reference
from pgplan_postgres.database import DatabaseReader
from pgplan_postgres.default_lists import DefaultPrivilegesReader, born, without_list
from pgplan_postgres.default_privileges import DefaultPrivilegesKind
from pgplan_postgres.edge_statements import edge_statements
from pgplan_postgres.extension import ExtensionKind, ExtensionReader
from pgplan_postgres.foreign_data_wrapper import ForeignDataWrapperKind, ForeignDataWrapperReader
from pgplan_postgres.foreign_table import ForeignTableKind
from pgplan_postgres.foreign_table_reader import ForeignTableReader
from pgplan_postgres.grant import GrantKind
from pgplan_postgres.membership import MembershipKind
from pgplan_postgres.membership_reader import MembershipReader
from pgplan_postgres.relations import SequenceReader, TableReader
from pgplan_postgres.revoke import RevokeKind
from pgplan_postgres.rights import Rights
from pgplan_postgres.role import RoleKind
from pgplan_postgres.role_reader import RoleReader
from pgplan_postgres.routines import FunctionReader
from pgplan_postgres.schema import SchemaKind, SchemaReader
from pgplan_postgres.server import ServerKind, ServerReader
from pgplan_postgres.user_mapping import UserMappingKind
from pgplan_postgres.user_mapping_reader import UserMappingReader
from pgplan_postgres.words import TABLES


class PostgresProvider:
    words: Mapping[str, str] = TABLES
    kinds: Sequence[ObjectKind | EdgeKind] = (
        RoleKind(),
        MembershipKind(),
        SchemaKind(),
        ExtensionKind(),
        ForeignDataWrapperKind(),
        ServerKind(),
        UserMappingKind(),
        ForeignTableKind(),
        GrantKind(),
        RevokeKind(),
        DefaultPrivilegesKind(),
    )
    readers: Sequence[Reader] = (
        DatabaseReader(),
        RoleReader(),
        MembershipReader(),
        SchemaReader(),
        ExtensionReader(),
        ForeignDataWrapperReader(),
        ServerReader(),
        UserMappingReader(),
        ForeignTableReader(),
        TableReader(),
        SequenceReader(),
        FunctionReader(),
        DefaultPrivilegesReader(),
    )

    def grantee(self, name: str) -> Reference | None:
        role = grantee_role(name)
        return None if role is None else Reference("role", part(role))

    def built_in(self, type_: str, key: str, owner: str, facts: Facts) -> AccessList:
        return without_list(type_, key, owner, facts)

    def born(self, type_: str, key: str, catalog: Catalog) -> AccessList:
        return born(type_, key, catalog)

    def rights(self, catalog: Catalog, *, gaining: bool) -> Rights:
        return Rights(catalog, gaining=gaining)

    def edge_statements(self, changes: Sequence[EdgeChange]) -> Sequence[EdgeStatement]:
        return edge_statements(changes)


provider = PostgresProvider()
