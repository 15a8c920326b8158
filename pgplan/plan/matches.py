"""What patterns match, as notes: those that match nothing, and columns that some of the objects lack. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import define

from pgplan.plan.claims import Classes, ObjectClass

SHOWN = 5
"""How many addresses a note names."""


@define
class _Column:
    """What becomes of one column that a pattern's objects are to have."""

    matched: int = 0
    lacking: int = 0


def match_notes(classes: Classes) -> Iterator[str]:
    """A pattern may match nothing yet, and its objects may lack a column: neither is an error, but it may well be a mistake."""
    for type_, addresses in classes.unmatched.items():
        verb = "matches" if len(addresses) == 1 else "match"
        yield f"{_listed(addresses)} {verb} no {_several(type_)} yet"
    alike: dict[str, list[str]] = {}
    for (address, type_, column), one in sorted(_columns(classes.all).items()):
        if one.lacking:
            alike.setdefault(_said(type_, column, one), []).append(address)
    yield from (f"{_listed(addresses)}: {said}" for said, addresses in alike.items())


def _said(type_: str, column: str, one: _Column) -> str:
    if one.lacking == one.matched:
        return f"no matched {type_.replace('_', ' ')} has the column {column}"
    some = f"{one.lacking} of {one.matched} matched {_several(type_)}"
    return f"{some} {'lacks' if one.lacking == 1 else 'lack'} the column {column}, left out there"


def _listed(addresses: Sequence[str]) -> str:
    more = f" and {len(addresses) - SHOWN} more" if len(addresses) > SHOWN else ""
    return ", ".join(addresses[:SHOWN]) + more


def _columns(classes: Iterable[ObjectClass]) -> dict[tuple[str, str, str], _Column]:
    """By address, type and column."""
    found: dict[tuple[str, str, str], _Column] = {}
    for cls in classes:
        if cls.columns is None or cls.fate in ("gone", "missing"):
            continue
        said = {
            (stake.holder.address, cls.type, item.column)
            for stake in cls.declared
            if not (stake.claim.selector.named or stake.holder.left_out)
            for item in stake.claim.items
            if item.column
        }
        for key in said:
            one = found.setdefault(key, _Column())
            one.matched += len(cls.objects)
            one.lacking += len(cls.objects) if key[2] not in cls.columns else 0
    return found


def _several(type_: str) -> str:
    return f"{type_.replace('_', ' ')}s"
