"""Objects of which pgplan manages nothing but privileges: types, languages, tablespaces, large objects and parameters, as found.

https://www.postgresql.org/docs/current/ddl-priv.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import LiteralString

from pgplan.sdk import AccessList, Facts, Found, Item, ReaderBase, Row, Scope, join, part, sql
from pgplan_postgres.acl import Lists, extension, found_with_list, listed
from pgplan_postgres.base import FIRST_NORMAL_OID
from pgplan_postgres.relations import relation
from pgplan_postgres.sql import roles
from pgplan_postgres.targets import is_system

TYPES_FROM = """pg_catalog.pg_type AS t
      JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
     -- of arrays, multiranges and the rows of tables nobody can be granted anything: they have what their element or table has
     WHERE t.typtype IN ('b', 'c', 'd', 'e', 'r')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS e WHERE e.oid = t.typelem AND e.typarray = t.oid)
       AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
       AND (n.nspname !~ '^pg_' OR n.nspname = 'pg_catalog')"""
_TYPES = """
WITH {listed}
SELECT t.oid::bigint AS oid, n.nspname AS schema, t.typname AS name, t.typtype::text AS typtype, o.rolname AS owner,
       {extension} AS extension,
       listed.list, listed.acl
  FROM listed
  JOIN pg_catalog.pg_type AS t ON t.oid = listed.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
  LEFT JOIN {roles} AS o ON o.oid = t.typowner
"""
_TYPTYPES = {"b": "base type", "c": "composite type", "d": "domain", "e": "enum", "r": "range"}


class TypeReader(ReaderBase):
    """https://www.postgresql.org/docs/current/catalog-pg-type.html"""

    type = "type"

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "t", "typacl", "typowner", TYPES_FROM, facts)
        return sql.SQL(_TYPES).format(listed=lists, extension=extension("t"), roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        for row in rows:
            spec = relation(_TYPTYPES[row["typtype"]], row["owner"] or "")
            key = join(row["schema"], row["name"])
            yield found_with_list(self.type, key, spec, row, lists, system=is_system(row["schema"]))


class MultirangeReader(ReaderBase):
    """Types that a range brings: of them there is nothing to know but that they are there.

    https://www.postgresql.org/docs/current/catalog-pg-range.html
    """

    type = "multirange"

    def query(self, facts: Facts) -> str:
        return """
SELECT t.oid::bigint AS oid, n.nspname AS schema, t.typname AS name
  FROM pg_catalog.pg_type AS t
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
 WHERE t.typtype = 'm'
"""

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        return [Found(self.type, join(row["schema"], row["name"]), row["oid"], relation(self.type, "")) for row in rows]


_NAMED = """
WITH {listed}
SELECT x.oid::bigint AS oid, {name} AS name, o.rolname AS owner, listed.list, listed.acl
  FROM listed
  JOIN {catalog} AS x ON x.oid = listed.oid
  LEFT JOIN {roles} AS o ON o.oid = x.{owner}
"""


class _NamedReader(ReaderBase):
    """Objects of a catalog that have a name, an owner and an access list, and nothing else that matters here."""

    type: str
    catalog: LiteralString
    name: LiteralString
    """SQL for the name, of a row called x."""
    acl: LiteralString
    owner: LiteralString
    where: LiteralString = ""
    by_initdb = True
    """Whether initdb makes some, which have small OIDs."""

    def query(self, facts: Facts) -> str:
        lists = listed(self.type, "x", self.acl, self.owner, f"{self.catalog} AS x{self.where}", facts)
        catalog, name, owner = sql.SQL(self.catalog), sql.SQL(self.name), sql.Identifier(self.owner)
        return sql.SQL(_NAMED).format(listed=lists, catalog=catalog, name=name, owner=owner, roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        for row in rows:
            spec = relation(self.type, row["owner"] or "")
            system = self.by_initdb and row["oid"] < FIRST_NORMAL_OID
            yield found_with_list(self.type, part(row["name"]), spec, row, lists, system=system)


class LanguageReader(_NamedReader):
    """Trusted ones: of others PostgreSQL lets nothing be granted. https://www.postgresql.org/docs/current/catalog-pg-language.html"""

    type = "language"
    catalog, name, acl, owner = "pg_catalog.pg_language", "x.lanname", "lanacl", "lanowner"
    where = " WHERE x.lanpltrusted"


class TablespaceReader(_NamedReader):
    """https://www.postgresql.org/docs/current/catalog-pg-tablespace.html"""

    type = "tablespace"
    scope: Scope = "cluster"
    catalog, name, acl, owner = "pg_catalog.pg_tablespace", "x.spcname", "spcacl", "spcowner"


class LargeObjectReader(_NamedReader):
    """Their name is their OID, which whoever makes one may choose.
    https://www.postgresql.org/docs/current/catalog-pg-largeobject-metadata.html"""

    type = "large_object"
    catalog, name, acl, owner = "pg_catalog.pg_largeobject_metadata", "x.oid::bigint::text", "lomacl", "lomowner"
    by_initdb = False


_PARAMETERS_SINCE = 150000
_PARAMETERS = """
WITH parameter AS (
    SELECT row_number() OVER (ORDER BY p.name)::int4::oid AS oid, p.name, p.paracl, 10::oid AS owner
      FROM (SELECT a.parname AS name, a.paracl FROM pg_catalog.pg_parameter_acl AS a
             UNION ALL
            -- no catalog: which parameters there are follows from the server's program and what it has loaded
            SELECT pg_catalog.lower(s.name), NULL FROM pg_catalog.pg_settings AS s
             WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_parameter_acl AS a WHERE a.parname = pg_catalog.lower(s.name))) AS p
), {listed}
SELECT 0 AS oid, p.name, o.rolname AS owner, listed.list, listed.acl
  FROM listed
  JOIN parameter AS p ON p.oid = listed.oid
  LEFT JOIN {roles} AS o ON o.oid = p.owner
"""


class ParameterReader(ReaderBase):
    """Those that the server knows, and those that something was granted on. One has an OID only while something is granted on it.

    They belong to the role that made the cluster. https://www.postgresql.org/docs/current/catalog-pg-parameter-acl.html
    """

    type = "parameter"
    scope: Scope = "cluster"

    def query(self, facts: Facts) -> str:
        if facts.version < _PARAMETERS_SINCE:
            return "SELECT 0 AS oid WHERE false"
        lists = listed(self.type, "p", "paracl", "owner", "parameter AS p", facts)
        return sql.SQL(_PARAMETERS).format(listed=lists, roles=roles(facts)).text

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        lists = Lists(rows)
        for row in rows:
            yield found_with_list(self.type, row["name"], relation(self.type, ""), row, lists)

    def implied(self, key: str, facts: Facts) -> Found | None:
        """A parameter of an extension that nobody has loaded yet: the server takes any name with a dot."""
        return Found(self.type, key, 0, relation(self.type, "")) if "." in key and facts.version >= _PARAMETERS_SINCE else None

    def unheeded(self, key: str, forbidden: Collection[Item], after: Callable[[str], AccessList]) -> Iterable[tuple[str, str]]:
        return ()
