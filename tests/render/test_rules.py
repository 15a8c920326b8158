"""Rules that hold for every rendered plan."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from pgplan.drift import Drift
from pgplan.images import MARKER, Image
from pgplan.plan.model import Change, Remarks
from pgplan.render.changes import Counts, summary
from pgplan.render.drift import drift_json, drift_text, drifted
from pgplan.render.escape import quoted, visible
from pgplan.render.json import json_text
from pgplan.render.markdown import LIMIT, markdown
from pgplan.render.sql import sql_text
from pgplan.render.state import entry_document, entry_text
from pgplan.render.text import text
from pgplan.state.model import Adopted, Entry, Fold
from tests.render.plans import DIGEST, EVERYTHING, HOSTILE, HOSTILE_REMARKS, NOTED, NOTHING, REMARKS, SURVEYED, edge, plan_of

FOLDS = (Fold((("", "INSERT"), ("", "SELECT")), ("s.a", "s.b")), Fold((("c", "UPDATE"),), ("s.a",)))


@given(st.text())
def test_nothing_invisible_is_shown(name: str) -> None:
    for shown in (visible(name), quoted(name)):
        assert shown.isprintable()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_value_is_toml(value: str) -> None:
    assert tomli.loads(f"x = {quoted(value)}") == {"x": value}


def test_a_name_cannot_write_to_the_terminal() -> None:
    shown = text(HOSTILE, HOSTILE_REMARKS)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert "\x1b" not in json_text(HOSTILE, HOSTILE_REMARKS, DIGEST)
    assert "\x1b" not in markdown(HOSTILE, HOSTILE_REMARKS, DIGEST)


def test_destroys_stand_last_on_a_terminal_and_first_in_a_comment() -> None:
    last = text(EVERYTHING, NOTED)
    assert last.index("+ role.dba") < last.index("- revoke.PUBLIC") < last.index("-/+ server.s2") < last.index("- role.gone")
    first = markdown(EVERYTHING, NOTED, DIGEST)
    order = ("destroy role.gone", "replace after adopting server.s2", "revoke by revoke.PUBLIC", "create role.dba")
    assert sorted(order, key=first.index) == list(order)


def test_what_only_takes_away_is_red_and_no_addition() -> None:
    lines = text(EVERYTHING, NOTED, colour=True).splitlines()
    head = next(n for n, line in enumerate(lines) if "revoke.PUBLIC" in line)
    assert lines[head].startswith("  \x1b[31m-\x1b[0m \x1b[1;31mrevoke.PUBLIC/schema:billing")
    assert "privileges will be revoked: grant.PUBLIC/schema:billing takes precedence" in lines[head]
    assert lines[head + 1] == "      \x1b[31m-\x1b[0m CREATE on schema billing from PUBLIC"
    (change,) = (c for c in json.loads(json_text(EVERYTHING, NOTED, DIGEST))["resource_changes"] if c["type"] == "revoke")
    assert change["change"]["actions"] == ["update"]


def test_json_tells_effects_of_each_change_and_of_all() -> None:
    document = json.loads(json_text(EVERYTHING, NOTED, DIGEST))
    for side, count in (("granted", 5), ("revoked", 3)):
        every = [{"address": c["address"], **one} for c in document["resource_changes"] for one in c["effects"][side]]
        assert every == document["effects"][side]
        assert len(every) == document["summary"][side] == count
    assert document["effects"]["revoked"][0] == {
        "address": "grant.dba/table:billing.t",
        "type": "table",
        "key": 'billing."Weird.Table"',
        "column": "",
        "grantee": "PUBLIC",
        "privilege": "DELETE",
        "grantable": False,
        "grantor": "ann",
    }


def test_the_numbers_at_the_end() -> None:
    assert Counts.of(EVERYTHING) == Counts(add=3, change=5, destroy=2, adopt=2, forget=1, granted=5, revoked=3)
    assert Counts.of(EVERYTHING).done.endswith("2 adopted, 1 forgotten. Privileges: 5 granted, 3 revoked.")
    assert summary(EVERYTHING)[1:] == ["Privileges: 5 granted, 3 revoked."]
    assert summary(plan_of(EVERYTHING.changes[2])) == ["Plan: 1 to add, 0 to change, 0 to destroy."]
    assert text(NOTHING, REMARKS) == "No changes. The database matches the configuration.\n"


def test_nothing_to_do_says_why_in_its_notes() -> None:
    assert text(plan_of(), NOTED) == "Note: 1 secret not checked\n\nNo changes. The database matches the configuration.\n"


@pytest.mark.parametrize("count", [10, 2_000, 20_000])
def test_a_comment_is_never_too_long(count: int) -> None:
    changes = [Change(f"role.r{n}", "role", "", "create", after={"login": True}) for n in range(count)]
    changes.append(Change("role.gone", "role", "", "delete", "no longer declared"))
    remarks = Remarks(tuple(f"note {n}" for n in range(count)))
    comment = markdown(plan_of(*changes, steps=EVERYTHING.steps), remarks, DIGEST)
    assert len(comment) < LIMIT
    assert DIGEST in comment
    assert "destroy role.gone" in comment
    assert ("Shortened" in comment) == (count > 10)
    assert len(re.findall("^`{3,}", comment, re.MULTILINE)) % 2 == 0


def test_json_keeps_what_is_not_managed() -> None:
    """A policy that compares before with after must not see attributes vanish that the plan does not touch."""
    before = {"name": "s", "owner": "alice", "comment": "old", "password": dict(MARKER)}
    after = {"name": "s", "owner": None, "comment": "new", "password": None}
    plan = plan_of(Change("schema.s", "schema", "app", "update", before=before, after=after, changed=("comment",)))
    (change,) = json.loads(json_text(plan, REMARKS, DIGEST))["resource_changes"]
    assert change["change"]["after"] == {"name": "s", "owner": "alice", "comment": "new", "password": None}
    assert change["change"]["after_sensitive"] == {"password": True}


def test_json_says_what_is_sensitive_and_not_its_value() -> None:
    document = json.loads(json_text(EVERYTHING, NOTED, DIGEST))
    by_address: dict[str, Any] = {change["address"]: change for change in document["resource_changes"]}
    mapping = by_address["user_mapping.s1/dba"]
    assert mapping["change"]["after"]["options"] == {"user": "remote", "password": None}
    assert mapping["change"]["after_sensitive"] == {"options": {"password": True}}
    assert mapping["secrets"] == {"options.password": {"status": "changed", "source": "${var.remote_password}"}}
    assert by_address["server.s2"]["change"]["actions"] == ["adopt", "delete", "create"]
    assert by_address["server.same"]["change"]["actions"] == ["no-op"]
    assert by_address["role.gone"]["statements"] == ['DROP ROLE "gone"']


def test_an_adopted_object_shows_what_else_changes() -> None:
    change = Change(
        "role.a", "role", "", "update", after={"login": True}, before={"login": False}, changed=("login",), adopting=True
    )
    shown = text(plan_of(change), REMARKS)
    assert "~ role.a  # will be adopted" in shown
    assert "~ login = false -> true" in shown


def test_two_grants_that_differ_in_grantee_have_a_line_each() -> None:
    change = Change("grant.x", "grant", "app", "create", edges=(edge("grant", "SELECT", "b"), edge("grant", "SELECT", "a")))
    lines = text(plan_of(change), REMARKS).splitlines()
    assert [line.split(" to ")[1] for line in lines if "SELECT" in line] == ["a", "b"]


def test_a_replaced_object_shows_the_privileges_that_are_given_again() -> None:
    shown = text(EVERYTHING, NOTED).splitlines()
    place = shown.index("-/+ server.s2  # must be replaced: fdw differs; the configuration changed")
    assert shown[place + 1 : place + 3] == [
        '      ~ fdw = "file_fdw" -> "postgres_fdw"',
        "      + USAGE on server s2 to ann",
    ]


def test_a_slot_is_replaced_only_where_it_is_one() -> None:
    script = sql_text(EVERYTHING, NOTED, DIGEST)
    assert """FOR ":'options.password'" SERVER""" in script
    assert "OPTIONS (SET password :'user_mapping_s1_dba_options_password')" in script


def test_a_line_break_in_a_name_cannot_leave_its_comment() -> None:
    comments = [line for line in sql_text(HOSTILE, HOSTILE_REMARKS, DIGEST).split("\n") if "role.harmless" in line]
    assert comments
    assert all(line.startswith("-- ") for line in comments)


def test_marker_in_a_list_is_masked() -> None:
    change = Change("x.y", "x", "", "create", after={"list": [MARKER, "a"]})
    assert 'list = [(sensitive), "a"]' in text(plan_of(change), REMARKS)


def test_drift_turns_privileges_round_but_not_those_that_a_replacement_gives_again() -> None:
    grants = Change("grant.x", "grant", "app", "update", edges=(edge("grant", "SELECT"), edge("revoke", "DELETE")))
    replaced, changed = drifted(Drift(plan_of(*EVERYTHING.changes[6:7], grants), NOTED, 2))
    assert (replaced.action, replaced.edges) == ("update", ())
    assert [one["action"] for one in changed.edges] == ["revoke", "grant"]


def test_drift_says_what_differs_from_what_is_recorded() -> None:
    change = Change("role.a", "role", "", "update", after={"login": True}, before={"login": False}, changed=("login",))
    drift = Drift(plan_of(change), NOTED, 2)
    assert "~ login = true -> false" in drift_text(drift)
    assert drift_text(drift).endswith("Note: 1 secret not checked\n\nDrift: 1 changed, 0 disappeared.\n")
    (shown,) = json.loads(drift_json(drift))["resource_drift"]
    assert (shown["change"]["before"], shown["change"]["after"]) == ({"login": True}, {"login": False})
    surveyed = drift_text(Drift(plan_of(change), SURVEYED, 2)).splitlines()
    assert surveyed[-2:] == [
        "Drift: 1 changed, 0 disappeared, 2 undeclared.",
        "214 objects managed, 37 in scope and not managed, 1,902 out of scope.",
    ]
    assert '  ? role.night  # undeclared, in scope by roles = ["*"]' in surveyed


@pytest.mark.parametrize(("compared", "said"), [(1, "1 object is as it was"), (13, "13 objects are as they were")])
def test_no_drift_says_how_much_was_compared(compared: int, said: str) -> None:
    drift = Drift(NOTHING, REMARKS, compared)
    assert drift_text(drift) == f"No drift. {said} last applied.\n"
    assert json.loads(drift_json(drift))["compared"] == compared


@pytest.mark.parametrize(
    ("adopted", "line"),
    [
        (Adopted(), "  origin    created, protected"),
        (Adopted(all=True), "  adopted   all of its privileges, protected"),
        (Adopted(listed=FOLDS), "  adopted   5 of its privileges, protected"),
        (Adopted(all=True, listed=FOLDS), "  adopted   all of its privileges but 5, protected"),
    ],
)
def test_an_entry_says_which_of_its_privileges_were_there_before(adopted: Adopted, line: str) -> None:
    entry = Entry("grant.a/tables_in:s", "app", 0, {}, protected=True, adopted=adopted)
    assert line in entry_text(entry).splitlines()
    assert json.loads(json.dumps(entry_document(entry)))["adopted"]["all"] is adopted.all


def test_a_list_of_named_things_is_told_member_by_member() -> None:
    one: Image = {"name": "id", "type": "integer", "options": {}}
    other: Image = {"name": "note", "type": "text", "options": {"x": "1"}}
    change = Change(
        "foreign_table.s.t",
        "foreign_table",
        "db",
        "update",
        before={"columns": [one, other]},
        after={"columns": [{**one, "type": "bigint"}]},
        changed=("columns",),
    )
    shown = text(plan_of(change), REMARKS)
    assert '~ columns.id.type = "integer" -> "bigint"' in shown
    assert '- columns.note.type = "text"' in shown
    assert "columns = [" not in shown


LONG_BODY = "".join(f"line {n}\n" for n in range(9))
REWRITTEN = plan_of(
    Change(
        "function.s.f()",
        "function",
        "app",
        "update",
        before={"body": LONG_BODY, "comment": MARKER},
        after={"body": LONG_BODY.replace("line 7", "\x1b[31mred"), "comment": "a\nb"},
        changed=("body", "comment"),
    )
)


def test_what_changes_in_a_text_of_several_lines_is_a_diff() -> None:
    lines = text(REWRITTEN, REMARKS).splitlines()
    at = lines.index("      ~ body:")
    assert lines[at + 1].strip() == "@@ -5,6 +5,6 @@"
    assert [line.rstrip() for line in lines[at + 2 : at + 9]] == [
        "          line 4",
        "          line 5",
        "          line 6",
        "      -   line 7",
        "      +   \\u001b[31mred",
        "          line 8",
        "",
    ]
    assert '      ~ comment = (sensitive) -> "a\\nb"' in lines
    painted = text(REWRITTEN, REMARKS, colour=True)
    assert "\x1b[31m-\x1b[0m \x1b[31m  line 7\x1b[0m" in painted
    told = markdown(REWRITTEN, REMARKS, DIGEST).splitlines()
    assert "-       line 7" in told
    assert "+       \\u001b[31mred" in told
