"""From any configuration to any other, and away again: the server is the referee.

``PGPLAN_REFEREE=300`` draws so many pairs instead of a few. A failure names its seed; ``PGPLAN_REFEREE_SEED=…`` draws that pair
alone, and prints what is declared, done by hand, and run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, Self
from urllib.parse import quote

import psycopg
import pytest
from attrs import frozen

import pgplan
from pgplan.address import part
from pgplan.plan import build, checks
from tests.referee import catalogs, meaning, meddling
from tests.referee.configuration import (
    BASE,
    FILES,
    ODD,
    WORDS,
    Block,
    Config,
    Place,
    Renaming,
    as_it_is,
    draw,
    unprotected,
    unrole,
    with_renames,
)
from tests.servers import Server

EXAMPLES = int(os.environ.get("PGPLAN_REFEREE", "1"))
SEED = os.environ.get("PGPLAN_REFEREE_SEED")
ME = 'De"ployer [x]'
REFUSALS = ("42501", "0LP01", "01006", "01007")
"""SQLSTATEs of what a role may not do, or may do only in part."""
LACKING = re.compile("the connected role .* lacks ")
TWO_STEPS = ("would be born with privileges for it", "is protected; ", "which must come before")
"""What is refused although each half of it is possible."""
BYSTANDERS = ("by_x", "by_y", "by_z", "by_w")
SQL_ME = '"' + ME.replace('"', '""') + '"'
SQL_ODD = '"' + ODD.replace('"', '""') + '"'
FIRST = (
    "CREATE FOREIGN DATA WRAPPER w1",
    "CREATE FOREIGN DATA WRAPPER w2",
    "GRANT USAGE ON FOREIGN DATA WRAPPER w1 TO by_x WITH GRANT OPTION",
    "CREATE SERVER kept FOREIGN DATA WRAPPER w1 OPTIONS (host 'h')",
    "CREATE USER MAPPING FOR by_x SERVER kept OPTIONS (\"user\" 'u')",
)
SETUP = (
    "CREATE SCHEMA base",
    f"CREATE SCHEMA {SQL_ODD}",
    'CREATE TABLE base.t (x int, "Y ""y"".y" int)',
    'CREATE VIEW base.v AS SELECT 1 AS x, 2 AS "Y ""y"".y"',
    f'CREATE TABLE {SQL_ODD}."T.t [1]*" (x int, "Y ""y"".y" text) PARTITION BY LIST (x)',
    f'CREATE MATERIALIZED VIEW {SQL_ODD}."p ""a""" AS SELECT 1 AS x, 2 AS "Y ""y"".y"',
    'CREATE TABLE base."I.i ""n""" (x serial, "Y ""y"".y" int)',
    "CREATE SEQUENCE base.q",
    f'CREATE SEQUENCE {SQL_ODD}."Q/q"',
    "CREATE FUNCTION base.f(n int, VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION base.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE AGGREGATE base.a(int) (SFUNC = int4pl, STYPE = int)",
    f"CREATE PROCEDURE {SQL_ODD}.\"P.p\"(text) LANGUAGE sql AS ''",
    "CREATE TYPE base.ty AS (a int)",
    "CREATE DOMAIN base.d AS int",
    f"CREATE TYPE {SQL_ODD}.\"E[]\" AS ENUM ('a')",
    "SELECT lo_create(990001), lo_create(990002)",
    "CREATE TABLE base.kept (x int, y int)",
    "GRANT SELECT ON base.kept TO by_x WITH GRANT OPTION",
    "GRANT SELECT (x), UPDATE (x) ON base.t TO by_y",
    "GRANT USAGE ON SCHEMA base TO by_x, by_y",
)
LAST = ("SET ROLE by_x; GRANT SELECT ON base.kept TO by_y; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO by_y; RESET ROLE",)


@frozen
class World:
    """A database that belongs to the connected role, with objects that nothing declares."""

    server: Server
    place: Place
    directory: Path

    @property
    def url(self) -> str:
        return self.server.url(self.place.database, quote(self.place.me, safe=""))

    @property
    def strong(self) -> str:
        """As a superuser, to look."""
        return self.server.url(self.place.database)

    @property
    def head(self) -> str:
        return f"""[pgplan]
name = "referee"
[connection]
url = {json.dumps(self.url)}
[policy]
existing = "adopt"
plaintext_secrets = "allow"
[policy.database]
removed = "forget"
"""

    def declare(self, config: Config, name: str = "own", head: str = "") -> Path:
        there = self.directory / name
        there.mkdir(exist_ok=True)
        for file, text in FILES.items():
            (there / file).write_text(text)
        (there / "pgplan.toml").write_text(config.text(head or self.head))
        return there

    def drop(self) -> None:
        self.server.execute(f"DROP DATABASE {meddling.quoted(self.place.database)} WITH (FORCE)")

    def things(self) -> dict[catalogs.Key, catalogs.Thing]:
        with psycopg.connect(self.strong) as connection:
            return catalogs.things(connection)

    def rest(self) -> set[str]:
        with psycopg.connect(self.strong) as connection:
            return catalogs.rest(connection)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return list(self.server.rows(query, self.place.database))


def apply(world: World, config: Config, *, destroy: bool = False, rehearse: bool = False) -> None:
    with pgplan.open(world.declare(config)) as project:
        if SEED:
            print(config.text(""))
        plan = project.plan(destroy=destroy, rehearse=rehearse)
        if SEED:
            print("\n--- is applied by", *(one.sql for step in plan.model.steps for one in step.statements), sep="\n")
        project.apply(plan)
        if not destroy:
            assert project.plan().changes == ()
            assert project.drift().changes == ()


def check_privileges(world: World, model: meaning.Meaning) -> None:
    found, wrong = world.things(), dict[Any, Any]()
    for key in found.keys() | model.things.keys():
        there, told = found.get(key), model.things.get(key)
        if there is None or told is None:
            if key[0] in WORDS:
                told = told or model.empty_list(key)
                there = there or model.empty_list(key)
            else:
                wrong[key] = "is there" if told is None else "is not there"
                continue
        one, other = meaning.same(there.rows, there.owner), meaning.same(told.rows, told.owner)
        if (one, there.owner) != (other, told.owner):
            more, less = sorted(one.items() - other.items()), sorted(other.items() - one.items())
            wrong[key] = f"owner {there.owner}, meant {told.owner}; more: {more}, less: {less}"
    assert not wrong, "\n".join(f"{key}: {one}" for key, one in wrong.items())


def check_rights(world: World, model: meaning.Meaning) -> None:
    inherits = "a.inherit_option" if world.place.version >= 16 else "m.rolinherit"
    members = world.rows(
        "SELECT r.rolname, m.rolname FROM pg_auth_members AS a JOIN pg_roles AS r ON r.oid = a.roleid "
        f"JOIN pg_roles AS m ON m.oid = a.member WHERE {inherits}"
    )
    members += world.rows(
        "SELECT 'pg_database_owner', o.rolname FROM pg_roles AS o JOIN pg_database ON datdba = o.oid "
        "WHERE datname = current_database()"
    )
    roles = dict(world.rows("SELECT rolname, rolsuper FROM pg_roles WHERE rolname !~ '^pg_'"))
    told = model.rights(members, [name for name, strong in roles.items() if strong], roles)
    with psycopg.connect(world.strong) as connection:
        said = catalogs.may(connection)
    wrong = {one: held for one, held in said.items() if one[1] in model.things and told[one] != held}
    assert not wrong, "\n".join(f"{one}: the server says {held}" for one, held in wrong.items())


def check_fresh(world: World, config: Config) -> None:
    """Whoever knows nothing but the configuration finds all of it there."""
    there = world.declare(as_it_is(config, world.place), "fresh", world.head.replace(world.url, world.strong))
    with pgplan.open(there) as project:
        plan = project.plan()
        assert [statement.sql for step in plan.model.steps for statement in step.statements] == []
    shutil.rmtree(there)


def is_held(problem: pgplan.Problem, before: Config) -> bool:
    """Whether it refuses to drop what holds something that `before` gave it and that no block says any more."""
    if "cannot delete it: it has privileges on " in problem.message:
        given = [one.body["to"] for one in before.of("default_privileges") if "to" in one.body]
        return any(problem.address == f"role.{part(unrole(to))}" for to in chain.from_iterable(given) if to != "PUBLIC")
    granted = "cannot delete it: membership " in problem.message and " stands on it" in problem.message
    return granted and any("granted_by" in one.body for one in before.of("membership"))


def settled(world: World, before: Config, config: Config, seed: str) -> Config | None:
    """What is left of it when all is left out that the plan says the connected role may not do. None: not even what goes may go.

    The server is asked whether it is right to say so.
    """
    refused: list[Block] = []
    if SEED:
        print("--- drawn", config.text(""), sep="\n")
    while True:
        with pgplan.open(world.declare(config)) as project:
            try:
                project.plan()
                break
            except pgplan.PgplanError as error:
                if error.exit_code == pgplan.Exit.REFUSED or any(words in str(error) for words in TWO_STEPS):
                    return None
                if all(is_held(problem, before) for problem in error.problems):
                    return None
                if not all(LACKING.search(problem.message) for problem in error.problems):
                    raise
                blocks = [config.at(world.head, one.source.line) if one.source else None for one in error.problems]
                if None in blocks:
                    check_refusal(world, config, str(error))
                    return None
                refused += [block for block in blocks if block is not None]
                config = config.without(block for block in blocks if block is not None)
    if refused:
        block = Random(seed).choice(refused)
        more = Config((*config.blocks, block))
        if len(more.without(()).blocks) == len(more.blocks):
            check_refusal(world, more, "\n".join(block.lines()))
    return config


def nothing(*_: object) -> tuple[()]:
    return ()


def check_refusal(world: World, config: Config, why: str, *, destroy: bool = False) -> None:
    """What the plan says cannot be done cannot be done, and the server says so of one of its statements."""
    with pgplan.open(world.declare(config)) as project, pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "lacking", nothing)
        patch.setattr(build, "lost_on_the_way", nothing)
        with pytest.raises(pgplan.PgplanError) as caught:
            project.apply(project.plan(destroy=destroy))
        if caught.value.exit_code == pgplan.Exit.REFUSED:
            return
        if "no right to use PL/pgSQL" in str(caught.value):
            query = f"SELECT has_language_privilege('{world.place.me}', 'plpgsql', 'USAGE')"
            assert world.rows(query) == [(False,)], f"{why}\n{caught.value}"
            return
        states = re.findall(f"SQLSTATE ({'|'.join(REFUSALS)})", str(caught.value))
        assert states, f"{why}\n{caught.value}"
        with pytest.raises(pgplan.PgplanError, match=f"SQLSTATE {states[0]}"):
            project.plan(destroy=destroy, rehearse=True)


def applied(world: World, config: Config, *, destroy: bool = False) -> bool:
    """Whether it could be, after what others have done that the connected role may not undo."""
    try:
        apply(world, config, destroy=destroy)
    except pgplan.PgplanError as error:
        if world.place.superuser or not all(" lacks " in problem.message for problem in error.problems):
            raise
        check_refusal(world, config, str(error), destroy=destroy)
        return False
    return True


def check(world: World, seed: str) -> bool:
    """Whether all of it went away again."""
    random = Random(seed)
    before = world.rest()
    model = meaning.start(world.place, world.things())
    config = Config()
    for drawn in (draw(random, world.place), None):
        wanted = settled(
            world, config, drawn or with_renames(random, config, unprotected(draw(random, world.place, config))), seed
        )
        if wanted is None:
            if not applied(world, unprotected(config)):
                return False
            break
        for block in wanted.blocks:
            if "renamed_from" in block.body:
                model.rename(Renaming(block.kind, block.body["renamed_from"], block.name))
        config = wanted
        apply(world, config, rehearse=random.random() < 0.2)
        model.apply(config)
        assert bystanders(world.rest()) ^ bystanders(before) == set()
        check_privileges(world, model)
        check_rights(world, model)
        check_fresh(world, config)
        if random.random() < 0.5:
            done = meddling.meddle(random, world.place, config, world.things(), world.strong)
            if SEED:
                print("--- by hand", *done, sep="\n")
            model.look(world.things())
    if not applied(world, config, destroy=True):
        return False
    model.apply(Config(), destroy=True)
    check_privileges(world, model)
    assert world.rest() ^ before == set()
    return True


def bystanders(rows: set[str]) -> set[str]:
    return {row for row in rows if any(name in row for name in (*BYSTANDERS, "'kept'", BASE))}


class Clusters:
    """A server with the roles that the worlds need; another one after a failure, which leaves anything behind."""

    def __init__(self, version: int, *, superuser: bool) -> None:
        self.version = version
        self.superuser = superuser
        self.running: Server | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self.running is not None:
            self.running.destroy()
            self.running = None

    @property
    def server(self) -> Server:
        if self.running is None:
            self.running = Server(self.version).create()
            self.running.execute(*(f"CREATE ROLE {name}" for name in BYSTANDERS), "GRANT by_x TO by_y")
            if not self.superuser:
                self.running.execute(f"CREATE ROLE {SQL_ME} LOGIN CREATEROLE", f"GRANT by_z TO {SQL_ME}")
        return self.running

    def world(self, directory: Path, name: str) -> World:
        own = (f"SET ROLE {SQL_ME}", *SETUP, "RESET ROLE", "GRANT USAGE ON FOREIGN DATA WRAPPER w1, w2 TO PUBLIC")
        odd = f'{name} "x".y [z]'
        sql = meddling.quoted(odd)
        self.server.execute(f"CREATE DATABASE {sql} OWNER {'postgres' if self.superuser else SQL_ME}")
        self.server.execute(*FIRST, *(SETUP if self.superuser else own), *LAST, database=odd)
        (directory / name).mkdir()
        place = Place(self.version, odd, "postgres" if self.superuser else ME, self.superuser)
        return World(self.server, place, directory / name)


@pytest.mark.parametrize("superuser", [True, False], ids=["superuser", "createrole"])
def test_from_any_configuration_to_any_other(server: Server, tmp_path: Path, *, superuser: bool) -> None:
    failed: list[str] = []
    seeds = [SEED] if SEED else [f"{server.version}.{number}" for number in range(EXAMPLES)]
    with Clusters(server.version, superuser=superuser) as clusters:
        for number, seed in enumerate(seeds):
            world = clusters.world(tmp_path, f"d{number}")
            try:
                clean = check(world, seed)
            except (AssertionError, pgplan.PgplanError, psycopg.Error) as error:
                failed.append(f"PGPLAN_REFEREE_SEED={seed}: {type(error).__name__}: {error}")
                clusters.close()
            else:
                world.drop() if clean else clusters.close()
    assert not failed, "\n".join(failed)
