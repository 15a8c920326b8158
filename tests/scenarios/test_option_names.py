"""Whatever a foreign-data wrapper calls its secrets, their values are nowhere: not on the screen, and in no file.

The names are those of real wrappers, all together on one without a validator.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping

import pytest
from psycopg import sql

from tests.project import Project, patched
from tests.servers import Server

pytestmark = [pytest.mark.pg(">= 18"), pytest.mark.usefixtures("cheap_digests")]
MARKER = "found-9317"
OF_MAPPINGS: Mapping[str, str] = {
    "postgres_fdw": "password sslpassword passfile sslkey sslcert scram_client_key oauth_client_secret",
    "oracle_fdw": "password nchar",
    "mysql_fdw": "username password ssl_key ssl_cert",
    "tds_fdw": "username password",
    "mongo_fdw": "username password x509_pem",
    "redis_fdw": "password redis_auth",
    "sqlite_fdw": "pragma_key keyfile",
    "odbc_fdw": "odbc_UID odbc_PWD odbc_pwd ODBC-PWD",
    "jdbc_fdw": "username password jdbc-url",
    "ldap_fdw": "binddn bindpwd bind_pw",
    "snowflake": "private_key private_key_pem private_key_passphrase pat oauth",
    "cassandra": "username password secure_bundle",
    "multicorn": "dsn db_url connection_string connection-string Authorization bearer cookie headers",
    "parquet_s3_fdw": "user password aws_session access_id",
    "clickhouse_fdw": "password jwt certificate",
    "wrappers": "api_key api_key_id sa_key sa_key_id vault_access_key_id aws_secret_access_key conn_string account_key",
    "others": "pin PIN p credentials credentials.json client-secret signature sas hmac seed ROOT_CA x y.z license",
    "spelled": "API-Key apiKey Api_KEY 'API_KEY'".replace("'", ""),
}
OF_SERVERS: Mapping[str, str] = {
    "wrappers": "api_key sa_key aws_secret_access_key vault_secret conn_string access_token jwt_secret clientSecret API-Key",
    "others": "connection_string dsn odbc_PWD bindpwd private_key_pem account_key jwt pin sslpassword Auth-Token bearer_token",
    "azure": "sas_token storage_account_key",
    "spelled": "PASSWORD Pass pwd passwd master-key encryption.key ConnectionString connstr conninfo",
}
IN_CLEAR = "region-eu"
HEAD = """[pgplan]
name = "names"
[connection]
url = "${env.DATABASE_URL}"
[policy]
existing = "adopt"
[variables.secret]
sensitive = true
from = { env = "SECRET" }
"""
# What is recorded of a hundred secrets would take seconds.
PATCH = """\
import hashlib
import os
import pgplan.database.commit as module
scrypt = hashlib.scrypt
hashlib.scrypt = lambda password, **options: scrypt(password, **{**options, "n": 2})
commit = module._commit
def then_without_state(connection):
    answer = commit(connection)
    os.unlink(".pgplan/state.json")
    return answer
module._commit = then_without_state
"""
MAPPING = "user_mapping.s/postgres"


def names(by_wrapper: Mapping[str, str]) -> list[str]:
    return sorted({name for words in by_wrapper.values() for name in words.split()} - {"user"})


def options(of: Iterable[str], value: str = MARKER) -> str:
    return ", ".join(sql.SQL("{} {}").format(sql.Identifier(one), sql.Literal(f"{value}-{one}")).as_string() for one in of)


def toml(of: Iterable[str], value: str) -> str:
    return ", ".join(f"'{one}' = '{value}'" for one in of)


def nowhere(project: Project) -> None:
    assert MARKER not in project.everything
    for path in (path for path in project.directory.rglob("*") if path.is_file()):
        assert MARKER.encode() not in path.read_bytes(), path
        if path.suffix == ".bin":
            with zipfile.ZipFile(path) as archive:
                assert all(MARKER.encode() not in archive.read(name) for name in archive.namelist())


def everything_shown(project: Project, *, changes: int) -> None:
    """Every way to show what there is and what would be done."""
    for form in ("text", "json", "markdown", "sql"):
        project.run("plan", "--out", project.plan_file, "--format", form)
        project.run("show", project.plan_file, "--format", form)
    for form in ("text", "json"):
        project.run("drift", "--format", form, expect=changes)
        for address in project.run("state", "list").out.split():
            project.run("state", "show", address, "--format", form)
    nowhere(project)


@pytest.fixture
def found(project: Project, cluster: Server) -> Project:
    project.environment["SECRET"] = f"{MARKER}-secret"
    mapped, served = options(names(OF_MAPPINGS)), options(names(OF_SERVERS))
    cluster.execute(
        f"CREATE FOREIGN DATA WRAPPER w OPTIONS (region '{IN_CLEAR}', {served})",
        f"CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (region '{IN_CLEAR}', {served})",
        f"CREATE USER MAPPING FOR postgres SERVER s OPTIONS (user '{IN_CLEAR}', {mapped})",
        f"CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (user '{IN_CLEAR}', {mapped})",
        "CREATE SCHEMA app",
        f"CREATE FOREIGN TABLE app.t (a int OPTIONS (name 'x', {options(['password', 'api_key', 'PWD'])})) SERVER s"
        f" OPTIONS (name 'y', {options(['password', 'api_key', 'Auth-Token', 'PWD'])})",
    )
    return project


def test_what_is_found_and_not_declared(found: Project, cluster: Server) -> None:
    """Imported, planned, compared, dropped: of all that, no value."""
    found.write(HEAD)
    for address in (MAPPING, "user_mapping.s/PUBLIC", "server.s", "foreign_data_wrapper.w", "foreign_table.app.t"):
        shown = found.run("import", address).out
        assert (IN_CLEAR in shown) != (address == "foreign_table.app.t")
        nowhere(found)
    everything_shown(found, changes=0)
    cluster.execute(f"ALTER USER MAPPING FOR postgres SERVER s OPTIONS (SET jwt '{MARKER}-other', ADD more '{MARKER}')")
    cluster.execute(f"ALTER SERVER s OPTIONS (SET dsn '{MARKER}-other', ADD more_token '{MARKER}')")
    everything_shown(found, changes=2)
    found.run("destroy", "--yes", "--include-adopted")
    nowhere(found)


def test_what_is_declared_is_kept_and_the_rest_goes(found: Project, cluster: Server) -> None:
    """Half of the options through a sensitive variable; the other half is found, and to be removed."""
    declared = names(OF_MAPPINGS)[::2]
    served = "region = 'eu'"
    found.write(
        HEAD
        + f"[foreign_data_wrapper.w]\noptions = {{ {served} }}\n[server.s]\nfdw = 'w'\noptions = {{ {served} }}\n"
        + "[[user_mapping]]\nserver = 's'\nuser = ['postgres', 'PUBLIC']\n"
        + f"options = {{ user = '{IN_CLEAR}', {toml(declared, '${var.secret}')} }}\n"
        + "[foreign_table.'app.t']\nserver = 's'\ncolumns = [{ name = 'a', type = 'int' }]\noptions = { name = 'y' }\n"
    )
    for form in ("text", "json", "markdown", "sql"):
        found.run("plan", "--out", found.plan_file, "--format", form)
        found.run("show", found.plan_file, "--format", form)
    nowhere(found)
    # What somebody changes meanwhile is told without its value too.
    cluster.execute(
        f"ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (SET jwt '{MARKER}-2', SET pin '{MARKER}-2')",
        f"ALTER SERVER s OPTIONS (SET dsn '{MARKER}-2', SET jwt_secret '{MARKER}-2')",
    )
    assert "differs" in found.run("apply", found.plan_file, expect=3).err
    found.run("apply", "--yes")
    found.nothing_to_do()
    left = dict(cluster.rows("SELECT o.* FROM pg_user_mapping AS u, pg_options_to_table(u.umoptions) AS o"))
    assert left == {"user": IN_CLEAR, **dict.fromkeys(declared, f"{MARKER}-secret")}
    first = sql.Identifier(declared[0]).as_string()
    cluster.execute(f"ALTER USER MAPPING FOR postgres SERVER s OPTIONS (SET {first} '{MARKER}-3', ADD more '{MARKER}')")
    everything_shown(found, changes=2)


def test_books_that_are_kept_elsewhere_hold_no_value(found: Project) -> None:
    """The emergency file, and an interrupted apply's `pending`."""
    found.write(
        HEAD + f"[[user_mapping]]\nserver = 's'\nuser = 'postgres'\noptions = {{ {toml(names(OF_MAPPINGS), '${var.secret}')} }}\n"
    )
    (found.directory / "sitecustomize.py").write_text(PATCH)
    error = found.apart("apply", "--yes", expect=1, environment=patched(found.directory)).err
    assert "the new state is kept in" in error
    assert list(found.directory.glob("pgplan.emergency.*"))
    nowhere(found)


def test_what_was_hidden_when_it_was_imported_can_be_declared_in_clear(project: Project, cluster: Server) -> None:
    """As it is found, and with another value."""
    cluster.execute(
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (dsn 'warehouse')",
        "CREATE USER MAPPING FOR postgres SERVER s OPTIONS (region 'eu')",
    )
    project.write(HEAD)
    for address in (MAPPING, "server.s"):
        project.run("import", address)
    for dsn in ("warehouse", "other"):
        project.write(
            HEAD + f"[server.s]\nfdw = 'w'\noptions = {{ dsn = '{dsn}' }}\n"
            "[[user_mapping]]\nserver = 's'\nuser = 'postgres'\noptions = { region = 'eu' }\n"
        )
        project.plan_and_apply()
        assert cluster.rows("SELECT srvoptions FROM pg_foreign_server") == [([f"dsn={dsn}"],)]
