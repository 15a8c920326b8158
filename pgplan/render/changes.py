"""The lines that say what a change does, without layout or colour: text and Markdown show the same ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, cast

from attrs import frozen

from pgplan.address import role_grantee
from pgplan.images import MARKER, Image
from pgplan.plan.model import Action, Change, Coverage, Options, Plan, Secrecy, Undeclared
from pgplan.render.escape import key, visible
from pgplan.render.values import value

Seen = Action | Literal["revokes"]
"""How people see a change: an update that only takes privileges away is none that adds."""
SYMBOLS: Mapping[Seen, str] = {
    "create": "+",
    "update": "~",
    "replace": "-/+",
    "revokes": "-",
    "delete": "-",
    "adopt": "=",
    "forget": ".",
    "none": ">",
}
_VERBS: Mapping[Seen, str] = {
    "revokes": "privileges will be revoked",
    "replace": "must be replaced",
    "delete": "will be destroyed",
    "adopt": "will be adopted",
    "forget": "will be forgotten",
    "none": "will be managed under this address",
}
_MOVED = {
    "configuration": "the configuration changed",
    "database": "the database changed",
    "both": "configuration and database both changed",
}
_SLOTS = {
    "new": "new secret",
    "changed": "secret changed",
    "same": "secret unchanged",
    "deferred": "secret deferred: it cannot be resolved here, apply needs it",
    "unchecked": "secret not checked",
}
_ABSENT = object()
_CONTEXT = 3
"""Lines around each that changed."""
Secrets = Mapping[str, Secrecy]
"""What becomes of the secrets of one address, by slot."""
_SEVERITY: Mapping[Seen, int] = {"revokes": 1, "replace": 2, "delete": 3}


def seen(change: Change) -> Seen:
    return "revokes" if change.only_revokes else change.action


def destroys(change: Change) -> bool:
    """Whether it takes something away as a whole, so that it is red."""
    return seen(change) in _SEVERITY


@frozen
class Line:
    """One attribute or privilege: its symbol, what it is, and a remark."""

    symbol: str
    text: str
    remark: str = ""
    is_text: bool = False
    """Whether it is a line of a text, which as a whole has the colour of its symbol."""


@frozen
class Counts:
    """The numbers of the lines that end a plan. A replacement counts as one to add and one to destroy, each privilege of each
    grantee on each object as one."""

    add: int
    change: int
    destroy: int
    adopt: int
    forget: int
    move: int = 0
    """Of these, or besides them, how many are managed under another address."""
    granted: int = 0
    revoked: int = 0

    @classmethod
    def of(cls, plan: Plan) -> Counts:
        actions = [change.action for change in plan.changes]
        replaced = actions.count("replace")
        edges = [edge["action"] for change in plan.changes for edge in change.edges]
        return cls(
            add=actions.count("create") + replaced,
            change=actions.count("update"),
            destroy=actions.count("delete") + replaced,
            adopt=sum(change.adopting or change.action == "adopt" for change in plan.changes),
            forget=actions.count("forget"),
            move=sum(change.relocated for change in plan.changes),
            granted=edges.count("grant"),
            revoked=edges.count("revoke"),
        )

    @property
    def planned(self) -> list[str]:
        """The line that Terraform's users look for, and one for privileges if there are any."""
        rest = _listed((self.adopt, "to adopt"), (self.forget, "to forget"), (self.move, "to move"))
        line = f"Plan: {self.add} to add, {self.change} to change, {self.destroy} to destroy.{rest}"
        return [line, *filter(None, [self._privileges])]

    @property
    def _privileges(self) -> str:
        return f"Privileges: {self.granted} granted, {self.revoked} revoked." if self.granted or self.revoked else ""

    @property
    def done(self) -> str:
        """The same once it is done."""
        rest = _listed((self.adopt, "adopted"), (self.forget, "forgotten"), (self.move, "moved"))
        line = f"{self.add} added, {self.change} changed, {self.destroy} destroyed.{rest}"
        return " ".join(filter(None, [line, self._privileges]))


def _listed(*counted: tuple[int, str]) -> str:
    """A second sentence for what Terraform's does not know, if there is any."""
    said = ", ".join(f"{count} {word}" for count, word in counted if count)
    return f" {said}." if said else ""


def summary(plan: Plan) -> list[str]:
    """The lines that end a plan."""
    asked = plan.decided.options
    if plan.pending_changes:
        lines = Counts.of(plan).planned
    elif asked.destroy:
        lines = ["No changes. No objects need to be destroyed."]
    else:
        lines = [f"No changes. {'What it is about' if asked.partial else 'The database'} matches the configuration."]
    return [*lines, *_partial(asked)]


def _partial(asked: Options) -> Iterator[str]:
    if asked.partial:
        parts = *(f"--target {pattern}" for pattern in asked.target), *(f"--exclude {pattern}" for pattern in asked.exclude)
        yield f"This plan is partial: {visible(' '.join(parts))}. What it leaves out is neither changed nor compared."


def covered(of: Coverage) -> str:
    """How much was looked at, in a line."""
    objects = f"{of.managed:,} object{'' if of.managed == 1 else 's'} managed"
    return f"{objects}, {of.unmanaged:,} in scope and not managed, {of.outside:,} out of scope."


def found(one: Undeclared) -> Iterator[Line]:
    """The privileges of something undeclared, as they are."""
    for line in _edges(one.edges):
        what, _, grantee = line.text.rpartition(" from ")
        yield Line(" ", f"{what} to {grantee}")


def secrets_of(plan: Plan, change: Change) -> Secrets:
    return plan.secrecy.get(change.address, {})


def shown(changes: Iterable[Change], *, destroys_first: bool = False) -> list[Change]:
    """The changes in the order of reading: what takes away stands together, on a terminal last, nearest to the question."""
    sign = -1 if destroys_first else 1
    return sorted(changes, key=lambda change: sign * _SEVERITY.get(seen(change), 0))


def address(change: Change) -> str:
    """With the one that the object has now, where it is renamed, or only managed under another one."""
    return visible(f"{change.previous_address} -> {change.address}" if change.renamed or change.relocated else change.address)


def why(change: Change) -> str:
    """Why the change is made, and which side moved."""
    moved = _MOVED.get(change.moved, "") if change.action in ("update", "replace") else ""
    return "; ".join(part for part in (visible(change.reason), moved) if part)


def remark(change: Change) -> str:
    """What becomes of it, where the symbol alone is easily missed, and why."""
    verb = _VERBS.get(seen(change), "will be adopted" if change.adopting else "")
    return ": ".join(part for part in (verb, why(change)) if part)


def lines(change: Change, secrets: Secrets) -> list[Line]:
    """Attributes, secrets and privileges of a change, one line each."""
    own = [] if (change.edges or change.owners) and not change.along else _own(change, secrets)
    return [*own, *_owners(change.owners), *_edges(change.edges)]


def _own(change: Change, secrets: Secrets) -> list[Line]:
    if change.action in ("update", "replace") or (change.action == "adopt" and change.changed):
        return list(_differences(change, secrets))
    if change.action == "delete":
        return [Line("-", f"{path} = {value(data)}") for path, data in _attributes(change.before)]
    if change.action in ("create", "adopt"):
        symbol = "+" if change.action == "create" else " "
        return [_assignment(symbol, secrets, path, data) for path, data in _attributes(change.after)]
    return []


def _attributes(image: Image | None) -> Iterator[tuple[str, Any]]:
    """What an image says, flat. Nothing, ``false`` and empty values go without saying: they are what omission means."""
    for name in sorted(image or {}):
        for path, data in _flat((name,), (image or {})[name]):
            if data not in (None, "", [], {}) and data is not False:
                yield _dotted(path), data


def _flat(path: tuple[str, ...], data: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    table = _table(data)
    if table is None:
        yield path, data
        return
    for name in sorted(table) if isinstance(data, dict) else table:
        yield from _flat((*path, name), table[name])


def _table(data: Any) -> Mapping[str, Any] | None:
    """What is told member by member: a table, or a list of things that have names of their own, such as columns."""
    if isinstance(data, dict):
        return None if data == MARKER else cast("dict[str, Any]", data)
    items = cast("list[object]", data) if isinstance(data, list) else []
    tables = [cast("Image", item) for item in items if isinstance(item, dict) and "name" in item]
    named = {str(one["name"]): {name: member for name, member in one.items() if name != "name"} for one in tables}
    return named if items and len(named) == len(items) else None


def _dotted(path: Sequence[str]) -> str:
    return ".".join(map(key, path))


def _assignment(symbol: str, secrets: Secrets, path: str, data: Any) -> Line:
    return Line(symbol, f"{path} = {value(data)}", _secret(secrets.get(path)) if data == MARKER else "")


def _secret(secret: Secrecy | None) -> str:
    if secret is None:
        return ""
    source = f", from {visible(secret.source)}" if secret.source else ""
    return f"{_SLOTS[secret.status]}{source}"


def _differences(change: Change, secrets: Secrets) -> Iterator[Line]:
    before, after = change.before or {}, change.after or {}
    told: set[str] = set()
    for name in change.changed:
        old = dict(_flat((name,), before[name])) if name in before else {}
        new = dict(_flat((name,), after[name])) if name in after else {}
        for path in sorted(old.keys() | new.keys()):
            lines = _difference(secrets, _dotted(path), old.get(path, _ABSENT), new.get(path, _ABSENT))
            if lines:
                told.add(_dotted(path))
                yield from lines
    for slot, secret in sorted(secrets.items()):
        if slot not in told and secret.status != "same":
            yield Line(" " if secret.status == "unchecked" else "~", f"{visible(slot)} = {value(MARKER)}", _secret(secret))


def _difference(secrets: Secrets, path: str, old: Any, new: Any) -> list[Line]:
    if old == new:
        return []
    if new is _ABSENT:
        return [Line("-", f"{path} = {value(old)}")]
    if old is _ABSENT:
        return [_assignment("+", secrets, path, new)]
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        return [Line("~", f"{path}:"), *_text_difference(old, new)]
    shown_old = "(hidden)" if old is None else value(old)
    return [Line("~", f"{path} = {shown_old} -> {value(new)}", _secret(secrets.get(path)) if new == MARKER else "")]


def _text_difference(old: str, new: str) -> Iterator[Line]:
    """Text of several lines as a unified diff, without the names of files."""
    _, _, *lines = difflib.unified_diff(old.split("\n"), new.split("\n"), lineterm="", n=_CONTEXT)
    for line in lines:
        # What stands around a line that changed is told apart from it by its symbol, as in a diff.
        symbol, text = (" ", line) if line.startswith("@@") else (line[0], line[1:])
        yield Line(symbol, visible(f"  {text}"), is_text=True)


def _owners(owners: Iterable[Mapping[str, str]]) -> Iterator[Line]:
    for one in owners:
        what = f"owner of {visible(one['type']).replace('_', ' ')} {visible(one['key'])}"
        yield Line("~", f"{what} = {value(one['before'])} -> {value(one['after'])}")


def _edges(edges: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    """Privileges that differ only in privilege and column share a line; revokes stand first, as they run."""

    def group(edge: Mapping[str, Any]) -> tuple[Any, ...]:
        option = bool(edge.get("grantable")), bool(edge.get("only_option"))
        return edge["action"] != "revoke", edge["type"], edge["key"], edge["grantee"], edge.get("grantor", ""), *option

    ordered = sorted(edges, key=lambda edge: (*group(edge), edge["privilege"], edge["column"]))
    for (is_grant, type_, name, grantee, grantor, grantable, only_option), members in groupby(ordered, key=group):
        on = f"on {visible(str(type_)).replace('_', ' ')} {visible(name)}"
        privileges = _privileges(members)
        if is_grant:
            yield Line("+", f"{privileges} {on} to {visible(grantee)}{' with grant option' if grantable else ''}")
        else:
            by = f", granted by {visible(role_grantee(grantor))}" if grantor else ""
            yield Line("-", f"{'grant option for ' if only_option else ''}{privileges} {on} from {visible(grantee)}{by}")


def _privileges(edges: Iterable[Mapping[str, Any]]) -> str:
    words: list[str] = []
    for privilege, members in groupby(edges, key=lambda edge: str(edge["privilege"])):
        columns = [visible(edge["column"]) for edge in members if edge["column"]]
        words.append(f"{privilege} ({', '.join(columns)})" if columns else privilege)
    return ", ".join(words)
