"""Plans made by hand, with one change of every sort."""

from __future__ import annotations

from attrs import evolve

from pgplan.images import MARKER
from pgplan.kind import SecretUse, Statement
from pgplan.plan.model import (
    Change,
    Coverage,
    Decided,
    Observations,
    Options,
    Phase,
    Plan,
    PlanState,
    Remarks,
    Secrecy,
    Step,
    Undeclared,
)

DIGEST = "sha256:" + "ab" * 32
REMARKS = Remarks(timeline=1, server_version=180004, session_role="login")
UNDECLARED = (
    Undeclared(
        "grant.PUBLIC/table:billing.t",
        "grant",
        "app",
        'undeclared, in scope by schemas = ["billing"]',
        edges=(
            {
                "action": "revoke",
                "type": "table",
                "key": "billing.t",
                "column": "a",
                "grantee": "PUBLIC",
                "privilege": "SELECT",
                "grantable": False,
                "only_option": False,
                "grantor": "dba",
            },
        ),
    ),
    Undeclared("role.night", "role", "", 'undeclared, in scope by roles = ["*"]', before={"superuser": True, "password": MARKER}),
)
NOTED = Remarks(("1 secret not checked",), timeline=1, server_version=180004, session_role="login")
SURVEYED = evolve(NOTED, undeclared=UNDECLARED, coverage=Coverage(214, 37, 1902))


def plan_of(
    *changes: Change, steps: tuple[Step, ...] = (), slots: tuple[Secrecy, ...] = (), role: str = "deployer", destroy: bool = False
) -> Plan:
    return Plan(
        Decided(
            name="warehouse",
            options=Options(destroy=destroy),
            state=PlanState("lineage", 3, "0" * 64),
            changes=changes,
            phases=(Phase("app", steps),) if steps else (),
            checks=(),
            slots=slots,
        ),
        Observations("7300000000000000000", 18, role, (("app", 16384),), ()),
    )


def edge(action: str, privilege: str, grantee: str = "dba", **more: object) -> dict[str, object]:
    return {
        "action": action,
        "type": "table",
        "key": 'billing."Weird.Table"',
        "column": "",
        "grantee": grantee,
        "privilege": privilege,
        "grantable": False,
        **more,
    }


ROLE = {"superuser": False, "login": True, "connection_limit": -1, "password": MARKER, "comment": None, "config": {}}
MAPPING = {"server": "s1", "user": "dba", "options": {"user": "remote", "password": MARKER}}

EVERYTHING = plan_of(
    Change("extension.postgres_fdw", "extension", "app", "adopt", "exists already", after={"schema": "public", "version": None}),
    Change(
        "grant.dba/table:billing.t",
        "grant",
        "app",
        "update",
        "privileges differ",
        "database",
        edges=(
            edge("grant", "SELECT", column="a"),
            edge("grant", "SELECT", column="b"),
            edge("grant", "INSERT"),
            edge("grant", "UPDATE", grantable=True),
            edge("revoke", "DELETE", "PUBLIC", grantor="ann"),
            edge("revoke", "TRUNCATE", only_option=True),
        ),
        steps=(4,),
    ),
    Change(
        "role.dba",
        "role",
        "",
        "create",
        after=ROLE,
        steps=(1,),
    ),
    Change("role.gone", "role", "", "delete", "no longer declared", before={"login": True, "comment": "bye"}, steps=(5,)),
    Change(
        "revoke.PUBLIC/schema:billing",
        "revoke",
        "app",
        "update",
        "grant.PUBLIC/schema:billing takes precedence",
        edges=({**edge("revoke", "CREATE", "PUBLIC"), "type": "schema", "key": "billing"},),
    ),
    Change("role.left", "role", "", "forget", "removed from the configuration, and not found", before={"login": True}),
    Change(
        "server.s1",
        "server",
        "app",
        "update",
        "options, owner differ",
        "both",
        before={"options": {"host": "old", "port": "5432"}, "owner": "ann", "comment": None},
        after={"options": {"host": 'new "quoted"', "sslmode": "require"}, "owner": "bob", "comment": "kept"},
        changed=("comment", "options", "owner"),
        steps=(2,),
    ),
    Change(
        "server.s2",
        "server",
        "app",
        "replace",
        "fdw differs",
        "configuration",
        before={"fdw": "file_fdw"},
        after={"fdw": "postgres_fdw"},
        changed=("fdw",),
        adopting=True,
        along=True,
        edges=({**edge("grant", "USAGE", "ann"), "type": "server", "key": "s2"},),
    ),
    Change("server.same", "server", "app", "none", "both sides moved to the same value"),
    Change(
        "user_mapping.s1/dba",
        "user_mapping",
        "app",
        "update",
        "a secret differs",
        "configuration",
        before=MAPPING,
        after=MAPPING,
        steps=(3,),
    ),
    Change(
        "user_mapping.s2/dba",
        "user_mapping",
        "app",
        "create",
        after=MAPPING,
    ),
    Change(
        "user_mapping.s3/dba",
        "user_mapping",
        "app",
        "update",
        before={"options": {"user": "a", "password": MARKER}},
        after={"options": {"user": "b", "password": MARKER}},
        changed=("options",),
    ),
    steps=(
        Step(
            1,
            ("role.dba",),
            (Statement("CREATE ROLE \"dba\" LOGIN PASSWORD :'password'", SecretUse("password", "verifier", "dba")),),
        ),
        Step(2, ("server.s1",), (Statement('ALTER SERVER "s1" OPTIONS (SET host \'new "quoted"\')'),)),
        Step(
            3,
            ("user_mapping.s1/dba",),
            (
                Statement(
                    """ALTER USER MAPPING FOR ":'options.password'" SERVER "s1" OPTIONS (SET password :'options.password')""",
                    SecretUse("options.password", "private", command="ALTER USER MAPPING"),
                ),
            ),
        ),
        Step(
            4,
            ("grant.dba/table:billing.t", "grant.app/table:billing.t"),
            (Statement('REVOKE DELETE ON TABLE "billing"."t" FROM "app"', run_as='a "b'),),
        ),
        Step(5, ("role.gone",), (Statement('DROP ROLE "gone"'),)),
    ),
    slots=(
        Secrecy("role.dba", "password", "new", "${var.dba_password}"),
        Secrecy("user_mapping.s1/dba", "options.password", "changed", "${var.remote_password}"),
        Secrecy("user_mapping.s2/dba", "options.password", "deferred", "${var.later}"),
        Secrecy("user_mapping.s3/dba", "options.password", "unchecked", None),
    ),
)

TRICKY = "role.\x1b[2K\rrole.harmless\u202etxt\u200b\n```\n"
HOSTILE = plan_of(
    Change(
        TRICKY,
        "role",
        "",
        "create",
        reason="not\nthere",
        after={"comment": "\x1b[31m\u2028", "owner": "a\u00a0b", "a\x07b": "x"},
        edges=(),
        steps=(1,),
    ),
    Change(
        "grant.x",
        "grant",
        "app",
        "create",
        edges=({**edge("grant", "USAGE", "\x1b[0m"), "key": "\x9b1m"},),
    ),
    steps=(Step(1, (TRICKY,), (Statement('CREATE ROLE "\x1b[2K"'),)),),
)
HOSTILE_REMARKS = Remarks(("look \x1b[8mhere",), session_role="login")
NOTHING = plan_of(Change("server.same", "server", "app", "none"))
