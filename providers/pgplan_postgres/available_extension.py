"""The extensions that a server offers: their versions, what these need, and from which version one gets to which.

It is told by files beside the server's program, not by a catalog.
https://www.postgresql.org/docs/current/view-pg-available-extension-versions.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from pgplan.sdk import Facts, Found, ReaderBase, Row, part


@frozen
class Version:
    superuser: bool
    """Whether only a superuser may install it; or, where it is trusted, who may CREATE in the database."""
    trusted: bool
    schema: str
    """Where it must be; "" for anywhere."""
    requires: tuple[str, ...]


@frozen
class AvailableExtension:
    name: str
    default: str
    """The version that is installed if none is named; "" if one must be."""
    versions: Mapping[str, Version]
    """Those that can be installed."""
    updates: tuple[str, ...] | None = None
    """Versions that the one which is installed can become; None where nobody knows, or it is not installed."""

    def version(self, wanted: str | None) -> Version | None:
        return self.versions.get(wanted or self.default)


_QUERY = """
-- the ways between up to 40 versions the server finds in milliseconds; between hundreds, as PostGIS has, it takes minutes
WITH version AS (
    SELECT v.name, count(*) AS number,
           json_agg(json_build_array(v.version, v.superuser, v.trusted, v.schema, v.requires)) AS items
      FROM pg_catalog.pg_available_extension_versions() AS v
     GROUP BY v.name
)
SELECT a.name, a.default_version, v.items, u.targets, x.oid IS NOT NULL AND v.number <= 40 AS known
  FROM pg_catalog.pg_available_extensions() AS a
  LEFT JOIN version AS v ON v.name = a.name
  LEFT JOIN pg_catalog.pg_extension AS x ON x.extname = a.name
  LEFT JOIN LATERAL (
    SELECT array_agg(p.target) AS targets
      FROM pg_catalog.pg_extension_update_paths(CASE WHEN v.number <= 40 THEN x.extname END) AS p
     WHERE p.source = x.extversion AND p.path IS NOT NULL) AS u ON true
"""


class AvailableExtensionReader(ReaderBase):
    type = "available_extension"

    def query(self, facts: Facts) -> str:
        return _QUERY

    def load(self, rows: Sequence[Row], facts: Facts) -> Iterable[Found]:
        for row in rows:
            versions = {
                version: Version(superuser, trusted, schema or "", tuple(requires or ()))
                for version, superuser, trusted, schema, requires in row["items"] or ()
            }
            updates = tuple(sorted(row["targets"] or ())) if row["known"] else None
            spec = AvailableExtension(row["name"], row["default_version"] or "", versions, updates)
            yield Found(self.type, part(spec.name), 0, spec)
