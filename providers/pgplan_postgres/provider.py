"""The entry point: every kind and every reader that this provider brings, in one list each."""

from __future__ import annotations

from pgplan_postgres.available_extension import AvailableExtensionReader
from pgplan_postgres.database import DatabaseKind
from pgplan_postgres.database_reader import DatabaseReader
from pgplan_postgres.default_lists import DefaultPrivilegesReader
from pgplan_postgres.default_privileges import DefaultPrivilegesKind
from pgplan_postgres.extension import ExtensionKind, ExtensionReader
from pgplan_postgres.foreign_data_wrapper import ForeignDataWrapperKind, ForeignDataWrapperReader
from pgplan_postgres.foreign_table import ForeignTableKind
from pgplan_postgres.foreign_table_reader import ForeignTableReader
from pgplan_postgres.function import FunctionKind
from pgplan_postgres.grant import GrantKind
from pgplan_postgres.granted_only import (
    LanguageReader,
    LargeObjectReader,
    MultirangeReader,
    ParameterReader,
    TablespaceReader,
    TypeReader,
)
from pgplan_postgres.import_foreign_schema import ImportKind, ImportReader
from pgplan_postgres.initial_privileges import InitialPrivilegesReader
from pgplan_postgres.membership import MembershipKind
from pgplan_postgres.membership_reader import MembershipReader
from pgplan_postgres.ownership import OwnershipKind
from pgplan_postgres.relations import SequenceReader, TableReader
from pgplan_postgres.revoke import RevokeKind
from pgplan_postgres.role import RoleKind
from pgplan_postgres.role_reader import RoleReader
from pgplan_postgres.routines import FunctionReader, SystemFunctionReader
from pgplan_postgres.schema import SchemaKind, SchemaReader
from pgplan_postgres.sdk import PostgresProvider
from pgplan_postgres.server import ServerKind, ServerReader
from pgplan_postgres.setting import SettingReader
from pgplan_postgres.user_mapping import UserMappingKind
from pgplan_postgres.user_mapping_reader import UserMappingReader
from pgplan_postgres.words import TABLES

provider = PostgresProvider(
    kinds=(
        RoleKind(),
        MembershipKind(),
        DatabaseKind(),
        SchemaKind(),
        ExtensionKind(),
        ForeignDataWrapperKind(),
        ServerKind(),
        UserMappingKind(),
        ForeignTableKind(),
        ImportKind(),
        FunctionKind(),
        GrantKind(),
        RevokeKind(),
        DefaultPrivilegesKind(),
        OwnershipKind(),
    ),
    readers=(
        DatabaseReader(),
        RoleReader(),
        MembershipReader(),
        SchemaReader(),
        ExtensionReader(),
        AvailableExtensionReader(),
        ForeignDataWrapperReader(),
        ServerReader(),
        UserMappingReader(),
        ForeignTableReader(),
        ImportReader(),
        TableReader(),
        SequenceReader(),
        FunctionReader(),
        SystemFunctionReader(),
        TypeReader(),
        MultirangeReader(),
        LanguageReader(),
        TablespaceReader(),
        LargeObjectReader(),
        ParameterReader(),
        SettingReader(),
        DefaultPrivilegesReader(),
        InitialPrivilegesReader(),
    ),
    words=TABLES,
)
