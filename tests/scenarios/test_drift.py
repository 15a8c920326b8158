"""What is changed by hand, in every attribute of every kind, is found and repaired."""

from __future__ import annotations

import pytest

from tests.project import Project
from tests.servers import Server

pytestmark = pytest.mark.enough(18)

TOML = """
[pgplan]
name = "t"
[connection]
url = "${env.DATABASE_URL}"
[policy]
plaintext_secrets = "allow"

[role.other]
[role.boss]
[role.app]
superuser = false
createdb = true
createrole = true
login = true
inherit = true
replication = true
bypassrls = true
connection_limit = 5
password = "correct horse"
valid_until = "2030-01-01T00:00:00Z"
config = { search_path = ["a", "b c"], statement_timeout = "30s", "my.setting" = "on" }
database_config = { postgres = { work_mem = "8MB" } }
comment = "the application"
member_of = ["other"]

[policy.database]
existing = "adopt"

[database.shop]
owner = "boss"
connection_limit = 5
allow_connections = true
is_template = false
config = { search_path = ["a", "b c"] }
comment = "wares"

[schema.billing]
owner = "boss"
comment = "money"

[extension.postgres_fdw]
schema = "public"
comment = "reach out"

[server.s1]
fdw = "postgres_fdw"
type = "t1"
version = "v1"
options = { host = "one", dbname = "two" }
owner = "boss"
comment = "the other side"

[foreign_data_wrapper.own]
handler = "public.file_fdw_handler"
validator = "pg_catalog.postgresql_fdw_validator"
owner = "postgres"
comment = "ours"

[foreign_table."billing.remote"]
server = "s1"
columns = [
    { name = "id", type = "bigint", not_null = true, options = { column_name = "no" } },
    { name = "amount", type = "numeric(10,2)" },
]
options = { table_name = "one" }
owner = "boss"
comment = "over there"

[function."billing.due(bigint)"]
arguments = [
    { name = "payment", type = "bigint" },
    { name = "amount", type = "numeric", mode = "table" },
]
language = "sql"
body = "SELECT amount FROM billing.remote WHERE id = payment"
volatility = "stable"
strict = true
parallel = "safe"
security = "definer"
cost = 10
rows = 1
config = { search_path = ["pg_catalog", "pg_temp"] }
owner = "boss"
comment = "what is still to be paid"

[[grant]]
to = "app"
on = { function = "billing.due(bigint)" }
privileges = ["EXECUTE"]

[[membership]]
role = "boss"
member = "app"
admin = true

[[user_mapping]]
server = "s1"
user = "app"
options = { user = "remote", password = "secret one" }

[[user_mapping]]
server = "s1"
user = "PUBLIC"

[[grant]]
to = "app"
on = { database = "postgres" }
privileges = ["CREATE"]

[[grant]]
to = "app"
on = { schema = "billing" }
privileges = ["USAGE"]
grantable = true

[[grant]]
to = "app"
on = { table = ["public.t", "public.v", "public.m", "public.p"] }
privileges = ["SELECT", "INSERT"]

[[grant]]
to = "app"
on = { table = "public.t" }
privileges = ["UPDATE"]
columns = ["a"]

[[grant]]
to = "app"
on = { sequence = "public.q" }
privileges = ["USAGE"]

[[grant]]
to = "app"
on = { function = ["public.f(integer)", "public.f(text)"] }
privileges = ["EXECUTE"]

[[revoke]]
from = "PUBLIC"
on = { functions_in = "public" }
privileges = ["EXECUTE"]

[[grant]]
to = "app"
on = { foreign_data_wrapper = "postgres_fdw" }
privileges = ["USAGE"]

[[grant]]
to = "app"
on = { server = "s1" }
privileges = ["USAGE"]
"""
SETUP = (
    "CREATE DATABASE shop",
    "CREATE EXTENSION file_fdw SCHEMA public",
    "CREATE TABLE public.t (a int, b int)",
    "CREATE VIEW public.v AS SELECT 1 AS x",
    "CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS x",
    "CREATE TABLE public.p (a int) PARTITION BY RANGE (a)",
    "CREATE SEQUENCE public.q",
    "CREATE FUNCTION public.f(n int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION public.f(n text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
)
BY_HAND = {
    "ALTER ROLE app SUPERUSER": "role.app",
    "ALTER ROLE app NOCREATEDB": "role.app",
    "ALTER ROLE app NOCREATEROLE": "role.app",
    "ALTER ROLE app NOLOGIN": "role.app",
    "ALTER ROLE app NOINHERIT": "role.app",
    "ALTER ROLE app NOREPLICATION": "role.app",
    "ALTER ROLE app NOBYPASSRLS": "role.app",
    "ALTER ROLE app CONNECTION LIMIT 6": "role.app",
    "ALTER ROLE app PASSWORD 'by hand'": "role.app",
    "ALTER ROLE app PASSWORD NULL": "role.app",
    "ALTER ROLE app VALID UNTIL 'infinity'": "role.app",
    "ALTER ROLE app SET search_path = a": "role.app",
    "ALTER ROLE app RESET ALL": "role.app",
    "ALTER ROLE app SET statement_timeout = '31s'": "role.app",
    "ALTER ROLE app SET lock_timeout = '1s'": "role.app",
    "ALTER ROLE app IN DATABASE postgres SET work_mem = '9MB'": "role.app",
    "ALTER ROLE app IN DATABASE postgres RESET ALL": "role.app",
    "COMMENT ON ROLE app IS 'x'": "role.app",
    "COMMENT ON ROLE app IS NULL": "role.app",
    "REVOKE other FROM app": "membership.other/app",
    "GRANT other TO app WITH ADMIN OPTION": "membership.other/app",
    "REVOKE ADMIN OPTION FOR boss FROM app": "membership.boss/app",
    "ALTER DATABASE shop OWNER TO other": "database.shop",
    "ALTER DATABASE shop CONNECTION LIMIT 6": "database.shop",
    "ALTER DATABASE shop ALLOW_CONNECTIONS false": "database.shop",
    "ALTER DATABASE shop IS_TEMPLATE true": "database.shop",
    "ALTER DATABASE shop SET search_path = a": "database.shop",
    "ALTER DATABASE shop SET jit = off": "database.shop",
    "COMMENT ON DATABASE shop IS NULL": "database.shop",
    "ALTER SCHEMA billing OWNER TO other": "schema.billing",
    "COMMENT ON SCHEMA billing IS NULL": "schema.billing",
    "ALTER EXTENSION postgres_fdw SET SCHEMA billing": "extension.postgres_fdw",
    "COMMENT ON EXTENSION postgres_fdw IS 'x'": "extension.postgres_fdw",
    "ALTER SERVER s1 VERSION 'v2'": "server.s1",
    "ALTER SERVER s1 OPTIONS (SET host 'x')": "server.s1",
    "ALTER SERVER s1 OPTIONS (DROP host)": "server.s1",
    "ALTER SERVER s1 OPTIONS (ADD port '1')": "server.s1",
    "ALTER SERVER s1 OWNER TO postgres": "server.s1",
    "COMMENT ON SERVER s1 IS 'x'": "server.s1",
    "ALTER FOREIGN DATA WRAPPER own NO HANDLER": "foreign_data_wrapper.own",
    "ALTER FOREIGN DATA WRAPPER own NO VALIDATOR": "foreign_data_wrapper.own",
    "COMMENT ON FOREIGN DATA WRAPPER own IS NULL": "foreign_data_wrapper.own",
    "DROP FOREIGN DATA WRAPPER own": "foreign_data_wrapper.own",
    "ALTER FOREIGN TABLE billing.remote ALTER id TYPE int": "foreign_table.billing.remote",
    "ALTER FOREIGN TABLE billing.remote ALTER id DROP NOT NULL": "foreign_table.billing.remote",
    "ALTER FOREIGN TABLE billing.remote ALTER id OPTIONS (SET column_name 'x')": "foreign_table.billing.remote",
    "ALTER FOREIGN TABLE billing.remote ALTER amount TYPE numeric(10,3)": "foreign_table.billing.remote",
    "ALTER FOREIGN TABLE billing.remote ADD more text": "foreign_table.billing.remote",
    "ALTER FOREIGN TABLE billing.remote DROP amount": "foreign_table.billing.remote",
    "ALTER FOREIGN TABLE billing.remote OPTIONS (DROP table_name)": "foreign_table.billing.remote",
    "ALTER FOREIGN TABLE billing.remote OWNER TO other": "foreign_table.billing.remote",
    "COMMENT ON FOREIGN TABLE billing.remote IS 'x'": "foreign_table.billing.remote",
    "ALTER FUNCTION billing.due(bigint) VOLATILE": "function.billing.due(bigint)",
    "ALTER FUNCTION billing.due(bigint) CALLED ON NULL INPUT": "function.billing.due(bigint)",
    "ALTER FUNCTION billing.due(bigint) PARALLEL UNSAFE": "function.billing.due(bigint)",
    "ALTER FUNCTION billing.due(bigint) LEAKPROOF": "function.billing.due(bigint)",
    "ALTER FUNCTION billing.due(bigint) SECURITY INVOKER COST 11": "function.billing.due(bigint)",
    "ALTER FUNCTION billing.due(bigint) ROWS 2": "function.billing.due(bigint)",
    "ALTER FUNCTION billing.due(bigint) RESET ALL": "function.billing.due(bigint)",
    "ALTER FUNCTION billing.due(bigint) OWNER TO other": "function.billing.due(bigint)",
    "COMMENT ON FUNCTION billing.due(bigint) IS NULL": "function.billing.due(bigint)",
    "CREATE OR REPLACE FUNCTION billing.due(payment bigint) RETURNS TABLE (amount numeric)"
    " LANGUAGE sql AS 'SELECT 1.0'": "function.billing.due(bigint)",
    "DROP FUNCTION billing.due(bigint)": "function.billing.due(bigint)",
    "REVOKE ALL ON FUNCTION billing.due(bigint) FROM app": "grant.app/function:billing.due(bigint)",
    "DROP FOREIGN TABLE billing.remote": "foreign_table.billing.remote",
    "DROP FOREIGN TABLE billing.remote; DROP USER MAPPING FOR app SERVER s1; DROP USER MAPPING FOR PUBLIC SERVER s1;"
    " DROP SERVER s1; CREATE SERVER s1 TYPE 't2' FOREIGN DATA WRAPPER postgres_fdw": "server.s1",
    "ALTER USER MAPPING FOR app SERVER s1 OPTIONS (SET \"user\" 'x')": "user_mapping.s1/app",
    "ALTER USER MAPPING FOR app SERVER s1 OPTIONS (SET password 'x')": "user_mapping.s1/app",
    "ALTER USER MAPPING FOR app SERVER s1 OPTIONS (DROP password)": "user_mapping.s1/app",
    "ALTER USER MAPPING FOR app SERVER s1 OPTIONS (ADD sslpassword 'x')": "user_mapping.s1/app",
    "ALTER USER MAPPING FOR PUBLIC SERVER s1 OPTIONS (ADD \"user\" 'x')": "user_mapping.s1/PUBLIC",
    "DROP USER MAPPING FOR app SERVER s1": "user_mapping.s1/app",
    "REVOKE CREATE ON DATABASE postgres FROM app": "grant.app/database:postgres",
    "REVOKE USAGE ON SCHEMA billing FROM app": "grant.app/schema:billing",
    "REVOKE GRANT OPTION FOR USAGE ON SCHEMA billing FROM app": "grant.app/schema:billing",
    "REVOKE INSERT ON public.t FROM app": "grant.app/table:public.t",
    "REVOKE SELECT ON public.v FROM app": "grant.app/table:public.v",
    "REVOKE SELECT ON public.m FROM app": "grant.app/table:public.m",
    "REVOKE SELECT ON public.p FROM app": "grant.app/table:public.p",
    "GRANT SELECT ON public.t TO app WITH GRANT OPTION": "grant.app/table:public.t",
    "REVOKE UPDATE (a) ON public.t FROM app": "grant.app/table:public.t",
    "REVOKE ALL ON SEQUENCE public.q FROM app": "grant.app/sequence:public.q",
    "REVOKE EXECUTE ON FUNCTION public.f(int) FROM app": "grant.app/function:public.f(integer)",
    "GRANT EXECUTE ON FUNCTION public.f(text) TO PUBLIC": "revoke.PUBLIC/functions_in:public",
    "REVOKE USAGE ON FOREIGN DATA WRAPPER postgres_fdw FROM app": "grant.app/foreign_data_wrapper:postgres_fdw",
    "REVOKE USAGE ON FOREIGN SERVER s1 FROM app": "grant.app/server:s1",
}


def _rounds() -> list[dict[str, str]]:
    """Statements by address, as many rounds as the busiest address has statements. What drops others stands alone."""
    rounds: list[dict[str, str]] = []
    for statement, address in BY_HAND.items():
        fitting = (one for one in rounds if address not in one.values() and not any("; " in other for other in one))
        chosen = None if "; " in statement else next(fitting, None)
        if chosen is None:
            rounds.append({statement: address})
        else:
            chosen[statement] = address
    return rounds


def test_every_drift_is_found_and_repaired(project: Project, cluster: Server) -> None:
    """One server for all of it: each round of changes by hand is repaired before the next."""
    cluster.execute(*SETUP)
    project.write(TOML)
    project.plan_and_apply()
    project.run("drift")
    for statements in _rounds():
        for statement in statements:
            cluster.execute(*statement.split("; "))
        seen = project.run("drift", expect=2).out
        for statement, address in statements.items():
            assert address in seen, f"{statement}:\n{seen}"
        if any("DROP" in statement for statement in statements):
            project.run("state", "rebind", "--yes")  # what was made anew
        project.run("apply", "--yes")
        project.nothing_to_do()
