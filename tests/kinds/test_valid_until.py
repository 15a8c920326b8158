"""Every point in time that PostgreSQL can hold is found, declared and sent as the same one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgplan.kind import InvalidBlockError
from pgplan.testing import Bench
from pgplan_postgres import moments
from tests.kinds.bench import bench, one
from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(14, 18)

EDGES = (
    "infinity",
    "-infinity",
    "4714-11-24 00:00:00+00 BC",
    "4713-01-01 00:00:00+00 BC",
    "0401-02-29 12:00:00+00 BC",
    "0044-03-15 00:00:00+00 BC",
    "0005-02-29 00:00:00.5+00 BC",
    "0001-12-31 23:59:59.999999+00 BC",
    "0001-01-01 00:00:00+00",
    "0099-01-01 00:00:00+00",
    "1970-01-01 00:00:00+00",
    "2000-02-29 23:59:59.000001+00",
    "9999-12-31 23:59:59.999999+00",
    "10000-01-01 00:00:00+00",
    "20000-01-01 00:00:00+00",
    "294276-12-31 23:59:59.999999+00",
)
FIRST = -210866803200_000_000
"""Microseconds since 1970 of the first and the last point in time."""
LAST = 9224318015999_999_999


@pytest.fixture(scope="module")
def at(server: Server) -> Iterator[Bench]:
    server.execute("CREATE ROLE at_any_time")
    with bench(server.url()) as made:
        yield made
    server.execute("DROP ROLE at_any_time")


def same(at: Bench, shown: str) -> str:
    """What is found of `shown`, which the server takes; declared, it is that point in time, and sent again, too."""
    at.run(f"ALTER ROLE at_any_time VALID UNTIL '{shown}'")
    before = at.session.execute(b"SELECT rolvaliduntil::text FROM pg_authid WHERE rolname = 'at_any_time'").fetchone()
    found = at.found(one("role", "at_any_time"))
    assert found is not None
    declared = one("role", "at_any_time", valid_until=found.spec.valid_until)
    assert declared.spec.valid_until == found.spec.valid_until
    at.run("ALTER ROLE at_any_time VALID UNTIL '2001-01-01'")
    at.send(declared, at.kind(declared).alter(found, declared.spec, ["valid_until"], []))
    after = at.session.execute(b"SELECT rolvaliduntil::text FROM pg_authid WHERE rolname = 'at_any_time'").fetchone()
    assert before == after
    return str(found.spec.valid_until)


@pytest.mark.parametrize("zone", ["UTC", "America/Caracas"])
def test_the_edges(at: Bench, zone: str) -> None:
    at.run(f"SET LOCAL TimeZone = '{zone}'")
    assert len({same(at, shown) for shown in EDGES}) == len(EDGES)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(FIRST, LAST) | st.integers(-(10**17), 3 * 10**17))
def test_any_time(at: Bench, microseconds: int) -> None:
    days, rest = divmod(microseconds, 86400_000_000)
    moment = f"timestamp '1970-01-01' + {days} * interval '1 day' + {rest} * interval '1 us'"
    row = at.session.execute(f"SELECT ({moment})::text || '+00'".encode()).fetchone()
    assert row is not None
    shown = next(iter(row.values()))
    same(at, shown.replace(" BC+00", "+00 BC"))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
        ("2030-01-01 02:00:00.5+02:00", "2030-01-01T00:00:00.500000Z"),
        ("9999-12-31T23:00:00-02:00", "10000-01-01T01:00:00Z"),
        ("0001-01-01T01:00:00+02:00", "0001-12-31T23:00:00Z BC"),
        ("20000-02-29 00:00:00+00", "20000-02-29T00:00:00Z"),
        ("4714-11-24 00:00:00+00 BC", "4714-11-24T00:00:00Z BC"),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "9999-12-31T23:00:00Z"),
    ],
)
def test_what_may_be_written(value: str | datetime, wanted: str) -> None:
    assert moments.canonical(value) == wanted


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("tomorrow", "is no point in time"),
        ("0000-01-01T00:00:00Z", "is no point in time"),
        ("20001-02-29T00:00:00Z", "is no point in time"),
        ("1000000-01-01T00:00:00Z", "is no point in time"),
        ("2030-01-01T00:00:00Z AD", "is no point in time"),
        ("\u0662030-01-01T00:00:00Z", "is no point in time"),
        ("20000-01-01", "lacks its time"),
        ("20000-01-01T00:00:00", "lacks its time zone"),
        ("294276-12-31T23:59:59-01:00", "is out of PostgreSQL's range"),
        ("4714-11-23T23:59:59Z BC", "is out of PostgreSQL's range"),
        ("999999-01-01T00:00:00Z", "is out of PostgreSQL's range"),
    ],
)
def test_what_is_refused_without_a_server(value: str, why: str) -> None:
    with pytest.raises(InvalidBlockError, match=why):
        one("role", "r", valid_until=value)


def test_what_is_imported_is_no_change(server: Server, database: str, unique: str, tmp_path: Path) -> None:
    project = Project(tmp_path, database)
    roles = [f"{unique}_{number}" for number, _ in enumerate(EDGES)]
    server.execute(*(f"CREATE ROLE {role} VALID UNTIL '{shown}'" for role, shown in zip(roles, EDGES, strict=True)))
    try:
        head = '[pgplan]\nname = "t"\n[connection]\nurl = "${env.DATABASE_URL}"\n'
        project.write(head)
        project.write(head + project.run("import", *(f"role.{role}" for role in roles)).out)
        project.run("validate")
        project.nothing_to_do()
        project.edit('valid_until = "infinity"', 'valid_until = "tomorrow"')
        assert f"role.{roles[0]}: valid_until is no point in time" in project.run("validate", expect=1).err
    finally:
        server.execute(*(f"DROP ROLE {role}" for role in roles))
