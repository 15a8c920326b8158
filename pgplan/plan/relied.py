"""What a plan relies on: every object that it touches or names, as found, and as it must be found afterwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve

from pgplan.address import Identity
from pgplan.images import MARKER, Image, image
from pgplan.kind import EdgeChange
from pgplan.plan.consequences import Decisions, by_object
from pgplan.plan.edges import Privileges
from pgplan.plan.lists import changes_by_object, rows_after
from pgplan.plan.model import Check, ItemCheck, Observed
from pgplan.plan.objects import Decision
from pgplan.plan.observed import found_image, relied_image
from pgplan.plan.outlook import Outlook
from pgplan.registry import is_edge_kind
from pgplan.snapshot import NO_LIST, AccessList, Found, Item, Privilege

Both = tuple[Observed, Check]


def relied_upon(
    decisions: Decisions, privileges: Privileges, outlook: Outlook, recording: frozenset[str]
) -> tuple[tuple[Observed, ...], tuple[Check, ...]]:
    """All relied-upon objects, by identity. `recording`: addresses whose change only touches the state."""
    relied: dict[Identity, Both] = {}
    named: set[Identity] = set()
    for address, decision in decisions.items():
        if decision.makes or decision.drops or decision.action == "adopt" or address in recording:
            relied[decision.found_as] = _touched(decision)
            named.update(need.object for need in decision.needs.after)
    for edge in privileges.decisions.values():
        if edge.acts or edge.action == "adopt":
            named.update(need.object for need in edge.needs)
        named.update(change.object for change in edge.owners)
    named |= outlook.born_by
    lists = changes_by_object(privileges.changes)
    lists |= {one.object: [] for one in decisions.values() if one.action == "replace" and one.object not in lists}
    named.update(lists)
    own = by_object(decisions.values())
    for one in sorted(named - relied.keys()):
        about = own.get(one, ())
        known = next((each for each in about if each.found_as == one), None)
        altered = any(each.action == "update" for each in about) or outlook.is_given_away(one)
        both = _touched(known) if known is not None else _only_named(one, outlook, altered=altered)
        if both is not None:
            relied[one] = both
    for one, changes in lists.items():
        start = outlook.acl(one) if outlook.fate(one) == "kept" else privileges.born.get(one, NO_LIST)
        relied[one] = _with_list(*relied.get(one, _to_come(one)), start, changes, outlook)
    for one in outlook.born_by & relied.keys():
        relied[one] = _whole(*relied[one], outlook)
    _give_away(relied, privileges, own)
    ordered = [relied[one] for one in sorted(relied)]
    return tuple(observed for observed, _ in ordered), tuple(check for _, check in ordered)


def _touched(decision: Decision) -> Both:
    # What the decision knows from the state of hidden attributes is not what the server shows.
    found, one = decision.shown, decision.found_as
    if found is None:
        if decision.after is None:
            return Observed(*one, None), Check(*one, gone=True)
        return Observed(*one, None), Check(*one, new=True, image=_made(decision), untouched=False)
    said = decision.after, decision.entry.spec if decision.entry else None
    observed = Observed(*one, found.oid, relied_image(found, *said))
    match decision.action:
        case "delete":
            return observed, Check(*one, gone=True)
        case "replace":
            return observed, Check(*one, new=True, image=_made(decision), untouched=False)
        case "update":
            after = decision.after or {}
            shown = (name for name in decision.changed if name not in found.hidden)
            rewritten = decision.kind.rewritten
            return observed, Check(*one, image={name: None if name in rewritten else after[name] for name in shown})
        case _:
            return observed, Check(*one)


def _made(decision: Decision) -> Image:
    """Attributes of what is created: as declared, or kept of what it replaces."""
    made = found_image(decision.made_spec, decision.after, image(decision.made_spec))
    uncertain = *decision.kind.creation_only, *decision.kind.rewritten
    return {name: value for name, value in made.items() if value is not None and name not in uncertain}


def _only_named(one: Identity, outlook: Outlook, *, altered: bool) -> Both | None:
    found = outlook.snapshot.get(one)
    if found is None:
        return None
    if outlook.fate(one) in ("gone", "replaced"):
        # Another identity tells of it: what is named goes with it, or is made anew with it.
        return Observed(*one, found.oid), Check(*one, gone=outlook.fate(one) == "gone", new=True, untouched=False)
    # What belongs to an extension changes with it: a wrapper's functions move to another schema, for instance. What another
    # identity alters may change in this one's eyes too, as the owner of a foreign table, which is a table's.
    shown = relied_image(found)
    kind = outlook.registry.kinds.get(found.type)
    if kind is not None and not is_edge_kind(kind):
        shown |= {name: dict(MARKER) for name in outlook.registry.object_kind(kind.name).private if shown.get(name) is not None}
    return Observed(*one, found.oid, shown), Check(*one, untouched=not found.extension and not altered)


def _to_come(one: Identity) -> Both:
    """What this plan makes, or what something that it makes brings: it is not there yet."""
    return Observed(*one, None), Check(*one, new=True, untouched=False)


def _give_away(relied: dict[Identity, Both], privileges: Privileges, own: Mapping[Identity, Sequence[Decision]]) -> None:
    """What is to be found of objects that get another owner, whatever identity tells of them."""
    for change in privileges.owners:
        observed, check = relied.get(change.object, _to_come(change.object))
        relied[change.object] = observed, evolve(check, owner=change.after, untouched=False)
        for other in (each.found_as for each in own.get(change.object, ())):
            if other in relied:
                observed, check = relied[other]
                relied[other] = observed, evolve(check, untouched=False)


def _with_list(observed: Observed, check: Check, start: AccessList, changes: Iterable[EdgeChange], outlook: Outlook) -> Both:
    """Of the list only what the changes are about counts, unless the object loses it: then all that others have on it does."""
    one = observed.identity
    found, fate = outlook.snapshot.get(one), outlook.fate(one)
    after = rows_after(start, changes, outlook.owner(one))
    items = tuple(_checked(item, left) for item, left in sorted(after.items()))
    check = evolve(check, items=items)
    if found is None or fate == "made":
        return observed, check
    whole = fate == "replaced"
    counting = found.acl.privileges if whole else _of_items(found, after)
    return evolve(observed, acl=tuple(image(row) for row in counting), whole=whole), check


def _whole(observed: Observed, check: Check, outlook: Outlook) -> Both:
    """All of a list says what others are born with."""
    found = outlook.snapshot.get(observed.identity)
    rows = found.acl.privileges if found is not None else ()
    return evolve(observed, acl=tuple(image(row) for row in rows), whole=True), check


def _of_items(found: Found, items: Iterable[Item]) -> list[Privilege]:
    return [row for item in sorted(items) for row in found.acl.rows.get(item, ())]


def _checked(item: Item, left: list[Privilege]) -> ItemCheck:
    return ItemCheck(*item, present=bool(left), grantable=any(row.grantable for row in left))
