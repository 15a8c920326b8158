"""Blocks that decode but make no sense; none of this needs a server."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from pgplan.kind import InvalidBlockError
from pgplan.secret import Secret
from pgplan.testing import LONG
from tests.kinds.bench import declare, one

TABLE: dict[str, Any] = {"server": "s", "columns": []}
COLUMN = ("columns", 0)
ARGUMENT = ("arguments", 0)
IMPORT: dict[str, Any] = {"server": "s", "remote_schema": "r", "into": "i", "limit_to": ["t"]}
FUNCTION: dict[str, Any] = {"returns": "int", "language": "sql", "body": "SELECT 1"}

IMPORT_OF_NOTHING: dict[str, Any] = {**IMPORT, "limit_to": []}


def _arguments(*arguments: dict[str, object], **more: object) -> dict[str, object]:
    return {"language": "sql", "body": "SELECT 1", "arguments": list(arguments), **more}


def _defaults(type_: str, default: str) -> dict[str, object]:
    return _arguments({"type": type_, "default": default}, returns="int")


def _columns(*columns: dict[str, object]) -> dict[str, object]:
    return {"server": "s", "columns": list(columns)}


@pytest.mark.parametrize(
    ("kind", "name", "block", "path", "message"),
    [
        ("role", LONG + "x", {}, (), "64 bytes long; PostgreSQL keeps 63"),
        ("role", "public", {}, (), "no role is called 'public'"),
        ("role", "PUBLIC", {}, (), "PUBLIC is not a role"),
        ("role", "none", {}, (), "reserves the name"),
        ("role", "pg_monitor", {}, (), "begin with pg_ are reserved"),
        ("role", "r", {"connection_limit": -2}, ("connection_limit",), "a connection limit is"),
        ("role", "r", {"connection_limit": 2**31}, ("connection_limit",), "a connection limit is"),
        ("role", "r", {"password": ""}, ("password",), "a password is empty"),
        ("role", "r", {"valid_until": "tomorrow"}, ("valid_until",), "valid_until is no point in time"),
        ("role", "r", {"valid_until": "2030-01-01"}, ("valid_until",), "valid_until lacks its time zone"),
        ("role", "r", {"valid_until": date(2030, 1, 1)}, ("valid_until",), "valid_until lacks its time"),
        ("role", "r", {"member_of": ["r"]}, ("member_of", 0), "a member of itself"),
        ("role", "r", {"member_of": ["a", "a"]}, ("member_of", 1), "stands there twice"),
        ("role", "r", {"member_of": ["PUBLIC"]}, ("member_of", 0), "PUBLIC is not a role"),
        ("role", "r", {"config": {"jit": "on", "JIT": "off"}}, ("config",), "stands there twice"),
        ("database", "", {}, (), "a name is empty"),
        ("database", "d", {"owner": "PUBLIC"}, ("owner",), "PUBLIC is not a role"),
        ("database", "d", {"template": LONG + "x"}, ("template",), "64 bytes"),
        ("database", "d", {"connection_limit": -2}, ("connection_limit",), "a connection limit is"),
        ("database", "d", {"encoding": "utf9"}, ("encoding",), "'utf9' is no encoding"),
        ("database", "d", {"config": {"jit": "on", "JIT": "off"}}, ("config",), "stands there twice"),
        ("database", "d", {"locale_provider": "glibc"}, ("locale_provider",), "'glibc'"),
        ("schema", "pg_x", {}, (), "begin with pg_ are reserved"),
        ("schema", "", {}, (), "a name is empty"),
        ("schema", "s", {"owner": "public"}, ("owner",), "no role is called 'public'"),
        ("schema", "s", {"owner": "PUBLIC"}, ("owner",), "PUBLIC is not a role"),
        ("extension", "e", {"version": ""}, ("version",), "a version is empty"),
        ("extension", "e", {"schema": LONG + "x"}, ("schema",), "64 bytes"),
        ("server", "s", {"fdw": "w", "options": {"password": "p"}}, ("options", "password"), "every role can read"),
        ("server", "s", {"fdw": "w", "options": {"a=b": "c"}}, ("options", "a=b"), "cannot hold ="),
        ("user_mapping", "", {"server": "s", "user": "u", "options": {"a=b": "c"}}, ("options", "a=b"), "cannot hold ="),
        ("server", "s", {"fdw": "w", "options": {"API-Key": "p"}}, ("options", "API-Key"), "every role can read"),
        ("server", "s", {"fdw": "w", "options": {"x": Secret("p", "${var.p}")}}, ("options", "x"), "sensitive"),
        ("server", "s", {}, (), "'fdw' is missing"),
        ("foreign_data_wrapper", "", {}, (), "a name is empty"),
        ("foreign_data_wrapper", "w", {"options": {"token": "t"}}, ("options", "token"), "every role can read"),
        ("foreign_data_wrapper", "w", {"owner": "PUBLIC"}, ("owner",), "PUBLIC is not a role"),
        ("foreign_data_wrapper", "w", {"handler": "f"}, ("handler",), "write schema.name"),
        ("foreign_data_wrapper", "w", {"validator": "s.f(text[], oid)"}, ("validator",), "without its arguments"),
        ("foreign_table", "t", TABLE, (), "write schema.name"),
        ("foreign_table", "s.t", {"server": "s"}, (), "'columns' is missing"),
        ("foreign_table", "s.t", TABLE | {"server": ""}, ("server",), "a name is empty"),
        ("foreign_table", "s.t", TABLE | {"options": {"passwd": "p"}}, ("options", "passwd"), "every role can read"),
        (
            "foreign_table",
            "s.t",
            _columns({"name": "a", "type": "int", "options": {"pwd": "p"}}),
            (*COLUMN, "options", "pwd"),
            "every",
        ),
        ("foreign_table", "s.t", _columns({"name": LONG + "x", "type": "int"}), (*COLUMN, "name"), "64 bytes"),
        ("foreign_table", "s.t", _columns({"name": "a", "type": "public.g(1)"}), (*COLUMN, "type"), "write public.g"),
        ("foreign_table", "s.t", _columns({"name": "a", "type": "a.b.c"}), (*COLUMN, "type"), "is not a type"),
        ("foreign_table", "s.t", _columns({"name": "a", "type": "bigserial"}), (*COLUMN, "type"), "write integer"),
        ("foreign_table", "s.t", _columns({"name": "a"}), COLUMN, "'type' is missing"),
        (
            "foreign_table",
            "s.t",
            _columns({"name": "a", "type": "int"}, {"name": "a", "type": "int"}),
            ("columns", 1, "name"),
            "two columns 'a'",
        ),
        ("function", "f()", FUNCTION, (), "write schema.name"),
        ("function", "s.f", FUNCTION, (), "lacks the types of its arguments"),
        ("function", "pg_catalog.f()", FUNCTION, (), "is a system schema"),
        ("function", "s.f(varchar(20))", FUNCTION, (), "has no length"),
        ("function", "s.f()", {"language": "sql", "body": ""}, (), "'returns' is missing"),
        ("function", "s.f()", {"returns": "int", "language": "sql"}, (), "'body' is missing"),
        ("function", "s.f()", FUNCTION | {"language": "C"}, ("language",), "comes with an extension"),
        ("function", "s.f()", FUNCTION | {"returns": "table (a int)"}, ("returns",), "stand in arguments"),
        ("function", "s.f()", FUNCTION | {"returns": "numeric(10,2)"}, ("returns",), "has no length"),
        ("function", "s.f()", FUNCTION | {"cost": -1}, ("cost",), "a cost is positive"),
        ("function", "s.f()", FUNCTION | {"rows": 5}, ("rows",), "only of a function that returns SETOF"),
        ("function", "s.f()", FUNCTION | {"volatility": "sometimes"}, ("volatility",), "is not one of"),
        ("function", "s.f()", FUNCTION | {"owner": "PUBLIC"}, ("owner",), "PUBLIC is not a role"),
        ("function", "s.f()", FUNCTION | {"config": {"jit": "on", "JIT": "off"}}, ("config",), "stands there twice"),
        ("function", "s.f(int)", _arguments(returns="int"), ("arguments",), "the arguments are (), and"),
        ("function", "s.f(int)", _arguments({"type": "oid"}, returns="int"), ("arguments",), "are (oid), and"),
        ("function", "s.f(int)", _arguments({"type": "a.b.c"}, returns="int"), ("arguments", 0, "type"), "is not a type"),
        ("function", "s.f()", _arguments({"type": "int", "mode": "table"}), ("arguments", 0, "name"), "a name is empty"),
        (
            "function",
            "s.f()",
            _arguments({"type": "int", "mode": "out"}, returns="oid"),
            ("returns",),
            "by its arguments integer",
        ),
        (
            "function",
            "s.f(int)",
            _arguments({"type": "int", "name": "a", "mode": "table"}, {"type": "int"}),
            ("arguments",),
            "list them last",
        ),
        (
            "function",
            "s.f()",
            _arguments({"type": "int", "mode": "out"}, {"type": "int", "name": "a", "mode": "table"}),
            ("arguments",),
            "do not go with table",
        ),
        ("function", "s.f()", FUNCTION | {"file": "f.sql"}, ("file",), "both given"),
        ("function", "s.f(int)", _defaults("int", "1, 2"), (*ARGUMENT, "default"), "2 expressions"),
        ("function", "s.f(int)", _defaults("int", "f(1"), (*ARGUMENT, "default"), "is not closed"),
        ("function", "s.f(int)", _defaults("int", "1); DROP TABLE x; --"), (*ARGUMENT, "default"), "closes nothing"),
        ("function", "s.f(text)", _defaults("text", "'x"), (*ARGUMENT, "default"), "a quote is not closed"),
        ("function", "s.f(int)", _defaults("int", "1 -- one"), (*ARGUMENT, "default"), "a comment"),
        ("function", "s.f(int)", _defaults("int", "1 /* one"), (*ARGUMENT, "default"), "comments"),
        ("function", "s.f(int)", _defaults("int", "1; 2"), (*ARGUMENT, "default"), "a semicolon"),
        ("function", "s.f(int)", _defaults("int", " "), (*ARGUMENT, "default"), "is empty"),
        (
            "function",
            "s.f()",
            _arguments({"type": "int", "mode": "out", "default": "1"}),
            (*ARGUMENT, "default"),
            "only what a call gives",
        ),
        (
            "function",
            "s.f(int,int)",
            _arguments({"type": "int", "name": "a", "default": "1"}, {"type": "int"}, returns="int"),
            ("arguments", 1),
            "stands after a",
        ),
        ("import_foreign_schema", "", IMPORT_OF_NOTHING, ("limit_to",), "limit_to is empty"),
        ("import_foreign_schema", "", IMPORT | {"limit_to": ["a", ""]}, ("limit_to", 1), "a name is empty"),
        ("import_foreign_schema", "", IMPORT | {"into": "pg_x"}, ("into",), "is a system schema"),
        ("import_foreign_schema", "", IMPORT | {"options": {"password": "p"}}, ("options", "password"), "every role can read"),
        ("user_mapping", "", {"server": "s", "user": "public"}, ("user",), "no role is called 'public'"),
        ("user_mapping", "", {"server": "s", "user": []}, ("user",), "user is empty"),
        ("user_mapping", "", {"server": LONG + "x", "user": "u"}, ("server",), "64 bytes"),
        ("membership", "", {"role": "r", "member": "PUBLIC"}, ("member",), "PUBLIC is not a role"),
        ("membership", "", {"role": ["a", "b"], "member": ["b", "c"]}, ("member",), "a member of itself"),
        ("membership", "", {"role": [], "member": "a"}, ("role",), "role is empty"),
        ("membership", "", {"role": ["r", "pg_database_owner"], "member": "a"}, ("role",), "the database's owner"),
        ("membership", "", {"role": "r", "member": "pg_database_owner"}, ("member",), "a member of nothing"),
        ("role", "r", {"member_of": ["pg_database_owner"]}, ("member_of", 0), "the database's owner"),
    ],
)
def test_refused(kind: str, name: str, block: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    with pytest.raises(InvalidBlockError) as caught:
        declare(kind, name, **block)
    assert [(mistake[0], message in mistake[1]) for mistake in caught.value.mistakes] == [(path, True)]


def test_all_mistakes_at_once() -> None:
    with pytest.raises(InvalidBlockError) as caught:
        declare("role", "pg_r", connection_limit=-9, valid_until="x", member_of=["none"])
    assert len(caught.value.mistakes) == 4


def test_member_of_declares_memberships() -> None:
    addresses = [each.address for each in declare("role", "r", member_of=["a", "b.c", '"PUBLIC"'])]
    assert addresses == ["role.r", "membership.a/r", 'membership."b.c"/r', 'membership."PUBLIC"/r']


@pytest.mark.parametrize(
    ("modes", "said", "returns"),
    [
        (("out",), None, "integer"),
        (("out", "inout"), None, "record"),
        (("out", "out"), "setof record", "SETOF record"),
        (("table",), None, "SETOF integer"),
        (("table", "table"), "SETOF record", "SETOF record"),
        ((), "Setof  int", "SETOF integer"),
        (("in",), "public.t[]", "public.t[]"),
    ],
)
def test_results_follow_from_output_arguments(modes: tuple[str, ...], said: str | None, returns: str) -> None:
    given = ",".join("int" for mode in modes if mode in ("in", "inout"))
    arguments = [{"type": "int", "name": f"a{number}", "mode": mode} for number, mode in enumerate(modes)]
    more = {} if said is None else {"returns": said}
    assert one("function", f"s.f({given})", language="sql", body="", arguments=arguments, **more).spec.returns == returns


def test_memberships_multiply() -> None:
    made = declare("membership", "", role=["a", "b"], member=["c", "d"], granted_by="g")
    assert [each.key for each in made] == ["a/c/g", "a/d/g", "b/c/g", "b/d/g"]


@pytest.mark.parametrize(
    ("option", "secret"),
    [
        *((name, True) for name in ("password", "sslpassword", "Pass", "api_key", "apiKey", "auth-token", "secret", "PASSCODE")),
        *((name, False) for name in ("user", "password_required", "token_url", "api_key_id", "sslkey", "use_scram_passthrough")),
    ],
)
def test_option_names_that_look_secret(option: str, *, secret: bool) -> None:
    declared = one("user_mapping", server="s", user="u", options={option: "v"})
    assert isinstance(declared.spec.options[option], Secret) == secret


@pytest.mark.parametrize(
    ("written", "normalised"),
    [
        ("2030-01-01T01:00:00+01:00", "2030-01-01T00:00:00Z"),
        ("2030-01-01 00:00:00Z", "2030-01-01T00:00:00Z"),
        ("2030-01-01T00:00:00.5Z", "2030-01-01T00:00:00.500000Z"),
        ("infinity", "infinity"),
    ],
)
def test_points_in_time_are_utc(written: str, normalised: str) -> None:
    assert one("role", "r", valid_until=written).spec.valid_until == normalised


def test_a_toml_date_time_is_a_point_in_time() -> None:
    moment = datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert one("role", "r", valid_until=moment).spec.valid_until == "2029-12-31T22:00:00Z"
