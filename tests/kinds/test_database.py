"""Databases: what PostgreSQL settles when they are made, what it cannot alter, and what the connected role must not lose."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from pgplan.kind import InvalidBlockError, MadeApart, Renamable
from pgplan.testing import NAMES
from pgplan_postgres.encodings import encoding
from tests.kinds.bench import bench, one
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)


def test_another_database_is_altered_too(server: Server, database: str, unique: str) -> None:
    """All of it works in a transaction, and from any database: COMMENT as well."""
    other = f"{unique}_other"
    server.execute(f"CREATE DATABASE {other}", f"COMMENT ON DATABASE {other} IS 'x'")
    try:
        with bench(database) as b:
            assert b.reach(one("database", other, comment="c", allow_connections=False, connection_limit=2)) == [
                f'ALTER DATABASE "{other}" CONNECTION LIMIT 2 ALLOW_CONNECTIONS false',
                f"COMMENT ON DATABASE \"{other}\" IS 'c'",
            ]
    finally:
        server.execute(f"DROP DATABASE {other}")


@pytest.mark.parametrize("name", NAMES)
def test_names_of_every_sort(server: Server, database: str, name: str) -> None:
    """Also from the name that it has first."""
    plain, full = one("database", name), one("database", name, comment="c", is_template=True, config={"search_path": [name]})
    with bench(database) as b:
        kind = b.kind(plain)
        assert isinstance(kind, MadeApart)
        assert isinstance(kind, Renamable)
        server.execute(kind.apart(plain.spec, "first").sql, *(each.sql for each in kind.rename("first", plain.key)))
        found = b.found(plain)
        assert found is not None
        try:
            b.reach(full)
            b.reach(one("database", name, comment="", is_template=False, config={}), recorded=full)
        finally:
            b.session.rollback()
            server.execute(*(each.sql for each in kind.drop(found)))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"encoding": "LATIN1"}, "encoding of a database is settled when it is created, and it is 'UTF8'"),
        ({"lc_ctype": "POSIX"}, "lc_ctype of a database is settled when it is created, and it is 'C'"),
        ({"locale_provider": "icu", "icu_locale": "de"}, "icu_locale of a database .* there is none.*"),
    ],
)
def test_what_is_settled(database: str, unique: str, block: dict[str, Any], message: str) -> None:
    with bench(database) as b, pytest.raises(InvalidBlockError, match=message):
        b.reach(one("database", f"{unique}_db", comment="c", **block))


@pytest.mark.pg(">= 15")
def test_locales(server: Server, database: str, unique: str) -> None:
    """Not every server is built with ICU."""
    icu = {"locale_provider": "icu", "icu_locale": "und", "builtin_locale": ""}
    builtin = {"locale_provider": "builtin", "builtin_locale": "C.UTF-8", "icu_locale": ""}
    common = {"template": "template0", "encoding": "unicode", "lc_collate": "C", "lc_ctype": "C", "owner": "postgres"}
    state = one("database", f"{unique}_l", **common, **(icu if server.version < 17 else builtin))
    with bench(database) as b:
        kind = b.kind(state)
        assert isinstance(kind, MadeApart)
        server.execute(kind.apart(state.spec, state.key).sql, *(each.sql for each in kind.create(state.spec)))
        try:
            b.expect_nothing(state)
        finally:
            server.execute(f"DROP DATABASE {unique}_l")


def test_encodings_are_those_of_the_server(server: Server) -> None:
    known = server.rows("SELECT DISTINCT pg_encoding_to_char(n) FROM generate_series(0, 34) AS n")
    names = [name for (name,) in known if name]
    assert [encoding(name.lower()) for name in names] == names
    for alias in ("iso-8859-1", "ISO 8859-16", "windows1252", "Win866", "koi8", "TCVN5712"):
        (number,), *_ = server.rows(f"SELECT pg_encoding_to_char(pg_char_to_encoding('{alias}'))")
        assert encoding(alias) == number
    with pytest.raises(ValueError, match="no encoding"):
        encoding("GBK")


@pytest.mark.parametrize(
    ("block", "lost"),
    [
        ({}, None),
        ({"connection_limit": 3, "is_template": True, "owner": "deployer"}, None),
        ({"allow_connections": False}, "every connection to its own database"),
        ({"connection_limit": 0}, "every connection to its own database"),
        ({"owner": "other"}, "the ownership of its own database"),
        ({"owner": "other", "connection_limit": 0}, "every connection to its own database and the ownership of its own database"),
    ],
)
def test_lock_out(database: str, unique: str, block: dict[str, Any], lost: str | None) -> None:
    declared = one("database", f"{unique}_db", **block)
    with bench(database) as b:
        found, facts = b.found(declared), b.catalog().facts
        assert found is not None
        kind = b.kind(declared)
        mine = evolve(found, spec=evolve(found.spec, owner="deployer"))
        deployer = evolve(facts, role="deployer", superuser=False)
        assert kind.lock_out(mine, declared.spec, deployer) == lost
        assert kind.lock_out(mine, declared.spec, evolve(deployer, database="elsewhere")) is None
        as_superuser = kind.lock_out(mine, declared.spec, evolve(deployer, superuser=True))
        assert as_superuser == (lost if "allow_connections" in block else None)


def test_rights(database: str, unique: str) -> None:
    """The owner needs CREATEDB to give a database away, and may do the rest without."""
    with bench(database) as b:
        b.run(f"CREATE ROLE {unique}_o; CREATE ROLE {unique}_p; GRANT {unique}_p TO {unique}_o")
        b.run(f"ALTER DATABASE {unique}_db OWNER TO {unique}_o; SET LOCAL ROLE {unique}_o")
        given = one("database", f"{unique}_db", owner=f"{unique}_p")
        kept = one("database", f"{unique}_db", comment="c", connection_limit=7, is_template=True, config={"jit": False})
        rights = b.registry.providers["database"].rights(*[b.catalog("role", "membership")] * 2)
        missing = b.kind(given).missing_rights
        assert missing(b.found(given), given.spec, rights) == [
            "the attribute CREATEDB, which it takes to change a database's owner"
        ]
        assert missing(b.found(kept), kept.spec, rights) == []
        b.reach(kept)
